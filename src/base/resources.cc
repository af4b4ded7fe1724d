#include "base/resources.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace nb {

std::span<const Resource> resources() {
  static const std::vector<Resource> kResources = [] {
    std::vector<Resource> all;
    for (const EmbeddedFile* row = kEmbeddedFiles; row->path != nullptr; ++row)
      all.push_back({row->path, {row->begin, static_cast<std::size_t>(row->end - row->begin)}});
    return all;
  }();
  return kResources;
}

std::span<const Resource> resources_under(std::string_view prefix) {
  const std::span<const Resource> all = resources();
  const auto begin = std::ranges::lower_bound(all, prefix, {}, &Resource::path);
  const auto end = std::find_if_not(
      begin, all.end(), [&](const Resource& resource) { return resource.path.starts_with(prefix); });
  return {begin, end};
}

std::optional<std::string_view> find_resource(std::string_view path) {
  const std::span<const Resource> all = resources();
  const auto at = std::ranges::lower_bound(all, path, {}, &Resource::path);
  if (at == all.end() || at->path != path) return std::nullopt;
  return at->content;
}

std::string fill_template(std::string_view text,
                          const std::vector<std::pair<std::string, std::string>>& values) {
  std::string out;
  while (!text.empty()) {
    bool is_placeholder = false;
    for (const auto& [name, value] : values) {
      const std::string mark = "@" + name + "@";
      if (!text.starts_with(mark)) continue;
      out += value;
      text.remove_prefix(mark.size());
      is_placeholder = true;
      break;
    }
    if (is_placeholder) continue;
    out += text[0];
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace nb
