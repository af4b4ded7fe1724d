// Every kind of diagnostic has its page, and every page its kind.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "base/resources.h"
#include "diag/diagnostics.h"

namespace nb {
namespace {

constexpr std::string_view kFolder = "docs/explain/";

TEST_CASE("every kind of diagnostic has a page") {
  for (const KindRow& row : diagnostic_kinds()) {
    const std::string name(row.name);
    CAPTURE(name);
    const auto page = find_resource(std::string(kFolder) + name + ".md");
    REQUIRE(page.has_value());
    CHECK(page->ends_with("\n"));
    CHECK((row.severity != Severity::error || row.exit_code > 0));
    CHECK((row.severity == Severity::error || row.exit_code == 0));
  }
}

TEST_CASE("every page belongs to a kind") {
  const auto& kinds = diagnostic_kinds();
  for (const Resource& page : resources_under(kFolder)) {
    const std::string name(page.path.substr(kFolder.size(), page.path.size() - kFolder.size() - 3));
    CAPTURE(name);
    CHECK(std::ranges::find(kinds, name, &KindRow::name) != kinds.end());
  }
}

}  // namespace
}  // namespace nb
