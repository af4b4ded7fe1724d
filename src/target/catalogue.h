// A catalogue of TOML files that the program carries.
#pragma once
#include <string_view>
#include <utility>
#include <vector>

#include "base/resources.h"
#include "base/result.h"
#include "diag/diagnostics.h"

namespace nb {

/// Parses all files of the folder, in order of their paths, by `parse(content, path, diagnostics)`, which
/// gives a Result<Item>. Fails after all were read, if one did.
template <class Item, class Parse>
[[nodiscard]] Result<std::vector<Item>> parse_all(std::string_view folder, const Parse& parse,
                                                  Diagnostics& diagnostics) {
  std::vector<Item> items;
  bool is_whole = true;
  for (const Resource& resource : resources_under(folder)) {
    Result<Item> item = parse(resource.content, resource.path, diagnostics);
    is_whole &= item.is_ok();
    if (item) items.push_back(*std::move(item));
  }
  if (!is_whole) return kFailed;
  return items;
}

}  // namespace nb
