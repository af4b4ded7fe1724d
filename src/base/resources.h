// Files that the binary carries, named by their path in the repository ("blocks/core/nb.h").
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nb {

/// One embedded file. `content` lives as long as the program, and a zero byte follows it.
struct Resource {
  std::string_view path;
  std::string_view content;
};

/// All of them, sorted by path.
[[nodiscard]] std::span<const Resource> resources();

/// Those whose path starts with `prefix`, sorted by path ("src/target/boards/").
[[nodiscard]] std::span<const Resource> resources_under(std::string_view prefix);

/// The content of one; absent if there is none of that path.
[[nodiscard]] std::optional<std::string_view> find_resource(std::string_view path);

/// `text` with each placeholder @NAME@ replaced by its value. Values are not searched again.
[[nodiscard]] std::string fill_template(std::string_view text,
                                        const std::vector<std::pair<std::string, std::string>>& values);

/// A row of the generated table; a row without a path ends it. Only resources.cc reads it.
struct EmbeddedFile {
  const char* path;
  const char* begin;
  const char* end;
};
extern const EmbeddedFile kEmbeddedFiles[];

}  // namespace nb
