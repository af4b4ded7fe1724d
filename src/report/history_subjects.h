// What the figures of a report are of: programs on boards.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nb {

/// One program on one board, where a report has it.
struct Subject {
  const nlohmann::json* at = nullptr;
  std::string path;  ///< JSON pointer to `at`; empty: the whole report
  bool is_row = false;
  std::string file, model, format, variant, board;
  /// What judges the model, and where its value stands; empty if nothing does.
  std::string metric, metric_path;
  std::string currency, price_path;  ///< of the price, and where it stands; empty if there is none

  /// "kws (int8)".
  [[nodiscard]] std::string program() const;
};

/// All programs of a report: rows of a comparison, ways of an advice, else the one that it is about.
[[nodiscard]] std::vector<Subject> subjects_of(const nlohmann::json& report);

/// Indices into `before` and `after` of the same program on the same board: first by all that names them,
/// then without the file, then without the program if either has one alone that is left, then whatever is
/// left if that is one each. No more than one partner each.
[[nodiscard]] std::vector<std::pair<std::size_t, std::size_t>> matched_subjects(
    const std::vector<Subject>& before, const std::vector<Subject>& after);

}  // namespace nb
