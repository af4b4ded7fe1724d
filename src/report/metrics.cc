#include "report/metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nb {

Errors errors_of(std::span<const double> found, std::span<const double> expected) {
  const auto n = static_cast<double>(found.size());
  double sum = 0, absolute = 0, square = 0, found_square = 0, expected_square = 0, product = 0,
         expected_sum = 0;
  Errors errors;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double e = found[i] - expected[i];
    sum += e;
    absolute += std::abs(e);
    square += e * e;
    found_square += found[i] * found[i];
    expected_square += expected[i] * expected[i];
    expected_sum += expected[i];
    product += found[i] * expected[i];
    // What is no number stays none, as in the sums.
    errors.max_abs = std::isnan(e) ? e : std::max(errors.max_abs, std::abs(e));
  }
  errors.rmse = std::sqrt(square / n);
  errors.mae = absolute / n;
  errors.mean = sum / n;
  const double expected_mean = expected_sum / n;
  double spread = 0, deviation = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double e = found[i] - expected[i] - errors.mean, y = expected[i] - expected_mean;
    deviation += e * e;
    spread += y * y;
  }
  errors.std = std::sqrt(deviation / n);
  if (expected_square != 0) errors.l2r = std::sqrt(square) / std::sqrt(expected_square);
  if (spread != 0) errors.nse = 1 - square / spread;
  if (square == 0 && expected_square != 0)
    errors.cos = 1;
  else if (found_square != 0 && expected_square != 0)
    errors.cos = product / (std::sqrt(found_square) * std::sqrt(expected_square));
  return errors;
}

double ClassCounts::accuracy() const {
  return static_cast<double>(std::reduce(right.begin(), right.end())) /
         static_cast<double>(std::reduce(labelled.begin(), labelled.end()));
}

double ClassCounts::balanced_accuracy() const {
  double sum = 0;
  int present = 0;
  for (std::size_t i = 0; i < labelled.size(); ++i) {
    if (labelled[i] == 0) continue;
    sum += static_cast<double>(right[i]) / static_cast<double>(labelled[i]);
    ++present;
  }
  return sum / present;
}

ClassCounts count_classes(std::span<const std::int64_t> labels, std::span<const std::int64_t> decided,
                          std::int64_t classes) {
  const auto size = static_cast<std::size_t>(classes);
  ClassCounts counts{classes, std::vector<std::int64_t>(size), std::vector<std::int64_t>(size), {}};
  if (classes <= kMaxConfusionClasses) counts.confusion.resize(size * size);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto label = static_cast<std::size_t>(labels[i]), decision = static_cast<std::size_t>(decided[i]);
    ++counts.labelled[label];
    if (label == decision) ++counts.right[label];
    if (!counts.confusion.empty()) ++counts.confusion[label * size + decision];
  }
  return counts;
}

std::optional<double> area_under_roc(std::span<const double> scores, const std::vector<bool>& is_positive) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (const double score : scores)
    if (std::isnan(score)) return std::nullopt;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  double rank_sum = 0, positives = 0;
  for (std::size_t first = 0; first < order.size();) {
    std::size_t end = first;
    while (end < order.size() && scores[order[end]] == scores[order[first]]) ++end;
    // Ranks from 1; equal scores share the mean of theirs.
    const double rank = static_cast<double>(first + 1 + end) / 2;
    for (; first < end; ++first)
      if (is_positive[order[first]]) {
        rank_sum += rank;
        positives += 1;
      }
  }
  const double negatives = static_cast<double>(scores.size()) - positives;
  if (positives == 0 || negatives == 0) return std::nullopt;
  return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives);
}

}  // namespace nb
