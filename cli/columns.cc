#include "cli/columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace nb::cli {

void print_columns(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& lines) {
  std::vector<std::size_t> widths;
  for (const Column& column : columns) widths.push_back(column.title.size());
  for (const auto& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  const auto print = [&](const auto& text_of) {
    std::string line;
    for (std::size_t i = 0; i < columns.size(); ++i)
      line += columns[i].is_left ? fmt::format("{:<{}}  ", text_of(i), widths[i])
                                 : fmt::format("{:>{}}  ", text_of(i), widths[i]);
    fmt::print("  {}\n", line.substr(0, line.find_last_not_of(' ') + 1));
  };
  print([&](std::size_t i) { return columns[i].title; });
  for (const auto& line : lines) print([&](std::size_t i) { return line[i]; });
}

std::string short_interval(const Estimate& interval, double factor) {
  const int digits =
      std::max(0, 2 - static_cast<int>(std::floor(std::log10(std::max(1e-9, interval.typical * factor)))));
  const auto text = [&](double value) { return fmt::format("{:.{}f}", value * factor, std::min(digits, 6)); };
  return text(interval.typical) + " (" + text(interval.low) + "-" + text(interval.high) + ")";
}

}  // namespace nb::cli
