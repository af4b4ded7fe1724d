#include "emit/names.h"

#include "base/text.h"

namespace nb {
namespace {

constexpr std::size_t kLongestName = 40;

/// What the function that runs a model already means by these, or a compiler by its own macros.
constexpr std::string_view kTaken[] = {"arena",    "at",       "int8_t",   "int16_t",  "int32_t", "int64_t",
                                       "uint8_t",  "uint16_t", "uint32_t", "uint64_t", "linux",   "unix",
                                       "intptr_t", "size_t",   "memcpy",   "memset",   "nb"};

/// "a/" if all of the names that are paths start with it, and more than one does.
std::string common_prefix(const Graph& graph) {
  std::string prefix;
  int count = 0;
  for (const Node& node : graph.nodes) {
    const std::size_t slash = node.name.find('/');
    if (slash == std::string::npos) continue;
    const std::string first = node.name.substr(0, slash + 1);
    if (count++ > 0 && first != prefix) return "";
    prefix = first;
  }
  return count > 1 ? prefix : "";
}

}  // namespace

ModelNames::ModelNames(const Graph& graph) : prefix_(common_prefix(graph)) {
  for (const std::string_view name : kTaken) names_.take(std::string(name));
}

std::string_view ModelNames::shortened(std::string_view name) const {
  // A layer fused from several is named by all of them, separated by ';'.
  if (const std::size_t end = name.find(';'); end != std::string_view::npos && end > 0)
    name = name.substr(0, end);
  if (!prefix_.empty() && name.starts_with(prefix_)) name.remove_prefix(prefix_.size());
  while (name.size() > kLongestName) {
    const std::size_t slash = name.find_first_of("/.", 1);
    if (slash == std::string_view::npos || slash + 1 == name.size()) {
      name.remove_prefix(name.size() - kLongestName);
      break;
    }
    name.remove_prefix(slash + 1);
  }
  return name;
}

std::string ModelNames::constant(std::string_view name) {
  return names_.take("k" + camel_identifier(shortened(name)));
}

std::string ModelNames::pointer(std::string_view name) {
  return names_.take(identifier(to_lower(shortened(name))));
}

}  // namespace nb
