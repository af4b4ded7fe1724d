// Tables of several columns, as wide as what is in them.
#pragma once
#include <string>
#include <vector>

#include "timing/energy.h"

namespace nb::cli {

struct Column {
  std::string title;
  bool is_left = false;
};

void print_columns(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& lines);

/// "59.4 (50.1-70.2)"; all by `factor`.
[[nodiscard]] std::string short_interval(const Estimate& interval, double factor = 1);

}  // namespace nb::cli
