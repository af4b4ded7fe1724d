#include "quantize/numbers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace nb {
namespace {

constexpr float kLeastScale = 1e-20f;

/// The range whose ends are the two quantiles.
RealRange quantiles(const Observation& seen, double tail) {
  if (seen.kept.empty()) return {seen.min, seen.max};
  std::vector<float> sorted = seen.kept;
  std::sort(sorted.begin(), sorted.end());
  const auto at = static_cast<std::size_t>(tail * static_cast<double>(sorted.size() - 1));
  return {sorted[at], sorted[sorted.size() - 1 - at], Observer::percentile};
}

RealRange least_error(const Observation& seen, DType dtype) {
  RealRange best{seen.min, seen.max, Observer::mse};
  double least = rounding_error(seen, numbers_of(best, dtype), dtype);
  // Ends move on their own: activations after a bend have a long tail on one side only.
  for (int round = 0; round < 2; ++round)
    for (const bool moves_max : {true, false}) {
      const RealRange from = best;
      for (int step = 1; step < 24; ++step) {
        RealRange shrunk = from;
        (moves_max ? shrunk.max : shrunk.min) *= 1.0f - 0.03f * static_cast<float>(step);
        const double error = rounding_error(seen, numbers_of(shrunk, dtype), dtype);
        if (!(error < least)) continue;
        least = error;
        best = shrunk;
      }
    }
  return best;
}

/// The divergence of a histogram from its first `bins` squeezed into `levels`, what lies beyond put into the
/// last bin.
double divergence(const std::vector<double>& histogram, std::size_t bins, std::size_t levels) {
  std::vector<double> p(histogram.begin(), histogram.begin() + static_cast<std::ptrdiff_t>(bins)),
      q(bins, 0.0);
  p.back() += std::accumulate(histogram.begin() + static_cast<std::ptrdiff_t>(bins), histogram.end(), 0.0);
  for (std::size_t level = 0; level < levels; ++level) {
    const std::size_t first = level * bins / levels, last = (level + 1) * bins / levels;
    double sum = 0;
    std::size_t filled = 0;
    for (std::size_t i = first; i < last; ++i) {
      sum += histogram[i];
      filled += p[i] > 0;
    }
    for (std::size_t i = first; i < last; ++i)
      if (p[i] > 0) q[i] = sum / static_cast<double>(filled);
  }
  const double all_p = std::accumulate(p.begin(), p.end(), 0.0),
               all_q = std::accumulate(q.begin(), q.end(), 0.0);
  if (!(all_q > 0)) return std::numeric_limits<double>::infinity();
  double sum = 0;
  for (std::size_t i = 0; i < bins; ++i)
    if (p[i] > 0) sum += p[i] / all_p * std::log((p[i] / all_p) / std::max(q[i] / all_q, 1e-12));
  return sum;
}

RealRange least_divergence(const Observation& seen, DType dtype) {
  constexpr std::size_t kBins = 2048;
  const float widest = std::max(std::fabs(seen.min), std::fabs(seen.max));
  const RealRange all{seen.min, seen.max, Observer::kl};
  if (!(widest > 0) || dtype != DType::i8) return all;
  std::vector<double> histogram(kBins, 0.0);
  for (const float x : seen.kept)
    ++histogram[std::min(kBins - 1, static_cast<std::size_t>(std::fabs(x) / widest * kBins))];
  // One-sided values have all 256 levels on their side.
  const std::size_t levels = seen.min < 0 && seen.max > 0 ? 128 : 256;
  double least = std::numeric_limits<double>::infinity();
  std::size_t best = kBins;
  for (std::size_t bins = levels; bins <= kBins; bins += 16) {
    const double value = divergence(histogram, bins, levels);
    if (value < least) {
      least = value;
      best = bins;
    }
  }
  const float limit = widest * static_cast<float>(best) / kBins;
  return {std::max(seen.min, -limit), std::min(seen.max, limit), Observer::kl};
}

}  // namespace

std::string_view format_name(DType dtype) {
  return dtype == DType::i8 ? "int8" : dtype == DType::i16 ? "int16" : "float32";
}

std::optional<DType> find_format(std::string_view name) {
  for (const DType dtype : {DType::i8, DType::i16, DType::f32})
    if (format_name(dtype) == name) return dtype;
  return std::nullopt;
}

std::string_view observer_name(Observer observer) {
  constexpr std::array<std::string_view, 5> kNames = {"min-max", "percentile", "mse", "kl", "fixed"};
  return kNames[static_cast<std::size_t>(observer)];
}

Quantization numbers_of(RealRange range, DType dtype) {
  const auto low = static_cast<double>(std::min(range.min, 0.0f)),
             high = static_cast<double>(std::max(range.max, 0.0f));
  const IntRange limits = dtype_range(dtype);
  if (dtype != DType::i8) {
    const auto scale = static_cast<float>(std::max(-low, high) / limits.max);
    return {{std::max(scale, kLeastScale)}, {0}};
  }
  const auto scale = std::max(static_cast<float>((high - low) / 255), kLeastScale);
  const double zero = std::clamp(std::nearbyint(limits.min - low / static_cast<double>(scale)),
                                 static_cast<double>(limits.min), static_cast<double>(limits.max));
  return {{scale}, {static_cast<std::int32_t>(zero)}};
}

double integer_of(double real, const Quantization& numbers, DType dtype) {
  const IntRange range = dtype_range(dtype);
  return std::clamp(std::nearbyint(real / static_cast<double>(numbers.scales[0])) + numbers.zero_points[0],
                    static_cast<double>(range.min), static_cast<double>(range.max));
}

double rounding_error(const Observation& seen, const Quantization& numbers, DType dtype) {
  double sum = 0;
  for (const float x : seen.kept) {
    const auto real = static_cast<double>(x);
    const double error =
        (integer_of(real, numbers, dtype) - numbers.zero_points[0]) * static_cast<double>(numbers.scales[0]) -
        real;
    sum += error * error;
  }
  return seen.kept.empty() ? 0 : sum / static_cast<double>(seen.kept.size());
}

RealRange range_by(Observer observer, const Observation& seen, DType dtype) {
  switch (observer) {
    case Observer::fixed:  // not found in what was seen
    case Observer::min_max:
      return {seen.min, seen.max, Observer::min_max};
    case Observer::percentile:
      return quantiles(seen, 0.0001 / 2);
    case Observer::mse:
      return least_error(seen, dtype);
    case Observer::kl:
      return least_divergence(seen, dtype);
  }
  __builtin_unreachable();
}

RealRange best_range(const Observation& seen, DType dtype) {
  RealRange best = range_by(Observer::min_max, seen, dtype);
  double least = rounding_error(seen, numbers_of(best, dtype), dtype);
  for (const Observer observer : {Observer::percentile, Observer::mse, Observer::kl}) {
    const RealRange range = range_by(observer, seen, dtype);
    const double error = rounding_error(seen, numbers_of(range, dtype), dtype);
    if (!(error < least)) continue;
    least = error;
    best = range;
  }
  return best;
}

Quantization weight_numbers(std::span<const float> weights, const Shape& shape, int axis) {
  const std::size_t channels = axis < 0 ? 1 : static_cast<std::size_t>(shape[static_cast<std::size_t>(axis)]);
  std::vector<std::vector<float>> of(channels);
  for (std::size_t i = 0; i < weights.size(); ++i) of[index_along(shape, axis, i)].push_back(weights[i]);
  Quantization numbers{{}, std::vector<std::int32_t>(channels, 0), axis};
  for (const std::vector<float>& channel : of) {
    float widest = 0;
    for (const float w : channel) widest = std::max(widest, std::fabs(w));
    float best = std::max(widest / 127, kLeastScale);
    double least = std::numeric_limits<double>::infinity();
    for (int step = 0; step < 16 && widest > 0; ++step) {
      const float scale = std::max(widest / 127 * (1.0f - 0.02f * static_cast<float>(step)), kLeastScale);
      double error = 0;
      for (const float w : channel) {
        const float integer = std::clamp(std::nearbyint(w / scale), -127.0f, 127.0f);
        const auto off = static_cast<double>(integer * scale - w);
        error += off * off;
      }
      if (!(error < least)) continue;
      least = error;
      best = scale;
    }
    numbers.scales.push_back(best);
  }
  return numbers;
}

}  // namespace nb
