#include "read/torch/item.h"

#include <algorithm>

#include "base/text.h"

namespace nb::torch {

Item::Item(const std::vector<std::int64_t>& values) {
  List items;
  items.reserve(values.size());
  for (const std::int64_t value : values) items.emplace_back(value);
  value_ = std::make_shared<const List>(std::move(items));
}

bool Item::is_unknown() const {
  if (is_list()) return std::ranges::any_of(list(), &Item::is_unknown);
  return std::holds_alternative<Unknown>(value_);
}

std::int64_t Item::integer() const {
  return is_bool() ? static_cast<std::int64_t>(boolean()) : std::get<std::int64_t>(value_);
}

double Item::number() const { return is_float() ? std::get<double>(value_) : static_cast<double>(integer()); }

std::string Item::described() const {
  if (is_none()) return "None";
  if (is_bool()) return boolean() ? "True" : "False";
  if (is_int()) return "the integer " + std::to_string(integer());
  if (is_float()) return "the number " + float_text(static_cast<float>(number()));
  if (is_text()) return "the text `" + printable(text(), 40) + "`";
  if (is_tensor()) return "a tensor";
  if (is_list()) return "a list of " + std::to_string(list().size());
  return "unknown";
}

}  // namespace nb::torch
