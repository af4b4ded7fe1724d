// Measures of outputs against what they should be, under the names of ST's and MLPerf Tiny's reports.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace nb {

/// Values against expected ones; e is found - expected, over all values. Absent where a divisor is zero.
struct Errors {
  double max_abs = 0;         ///< max |e|
  double rmse = 0;            ///< root of the mean of e^2
  double mae = 0;             ///< mean |e|
  double mean = 0, std = 0;   ///< of e; std divides by the number of values
  std::optional<double> l2r;  ///< |e| / |expected|, Euclidean norms
  std::optional<double> nse;  ///< 1 - sum e^2 / sum (expected - its mean)^2: Nash-Sutcliffe efficiency
  std::optional<double> cos;  ///< cosine of the angle between both
};
/// Both of one size, not empty.
[[nodiscard]] Errors errors_of(std::span<const double> found, std::span<const double> expected);

/// Beyond that many classes no confusion matrix is kept.
inline constexpr std::int64_t kMaxConfusionClasses = 1024;

/// Decisions against labels.
struct ClassCounts {
  std::int64_t classes = 0;
  std::vector<std::int64_t> labelled, right;  ///< by class: how often it is the label, and decided then
  std::vector<std::int64_t> confusion;        ///< [label][decision]; empty beyond kMaxConfusionClasses
  [[nodiscard]] double accuracy() const;
  /// The mean of the shares that are right of each class that is a label.
  [[nodiscard]] double balanced_accuracy() const;
};
/// Both of one size, not empty, values from 0 to classes - 1.
[[nodiscard]] ClassCounts count_classes(std::span<const std::int64_t> labels,
                                        std::span<const std::int64_t> decided, std::int64_t classes);

/// The area under the receiver operating characteristic: the share of pairs of a positive and a negative in
/// which the positive has the larger score, ties counted half. Absent if all are of one kind or a score is no
/// number.
[[nodiscard]] std::optional<double> area_under_roc(std::span<const double> scores,
                                                   const std::vector<bool>& is_positive);

}  // namespace nb
