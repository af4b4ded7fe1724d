// Which integers stand for which real numbers: the choice of scales and zero points.
#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "blocks/quantized.h"
#include "graph/type.h"

namespace nb {

/// How users call the numbers of a layer's activations: i8 "int8", i16 "int16", f32 "float32".
[[nodiscard]] std::string_view format_name(DType dtype);
[[nodiscard]] std::optional<DType> find_format(std::string_view name);

/// What calibration saw of one value.
struct Observation {
  float min = 0, max = 0;   ///< of all elements of all samples
  std::vector<float> kept;  ///< a part of them, evenly spread
};

/// How a range was found; `fixed`: the operator's own, whatever was seen.
enum class Observer : std::uint8_t { min_max, percentile, mse, kl, fixed };
[[nodiscard]] std::string_view observer_name(Observer observer);

/// Reals that integers cover; what lies outside saturates.
struct RealRange {
  float min = 0, max = 0;
  Observer observer = Observer::min_max;
};

/// One scale and zero point: i8 is affine over [min, max], widened to hold 0; i16 is symmetric. A range of a
/// single point gets a scale all the same.
[[nodiscard]] Quantization numbers_of(RealRange range, DType dtype);

/// The integer that stands for a real number: to the nearest, ties to even, saturated. The first scale
/// counts.
[[nodiscard]] double integer_of(double real, const Quantization& numbers, DType dtype);

/// The mean squared error that rounding and saturating to these numbers makes on the kept elements.
[[nodiscard]] double rounding_error(const Observation& seen, const Quantization& numbers, DType dtype);

/// The range of one observer. percentile: the middle 99.99 %. kl: the symmetric part of a histogram of 2048
/// bins whose distribution over 128 (i8) levels has the least Kullback-Leibler divergence from the whole (as
/// TensorRT's calibrator, S. Migacz, GTC 2017). mse: the shrunk range with the least rounding error.
[[nodiscard]] RealRange range_by(Observer observer, const Observation& seen, DType dtype);

/// The observer whose numbers make the least rounding error.
[[nodiscard]] RealRange best_range(const Observation& seen, DType dtype);

/// Symmetric int8 numbers of weights with one scale an index of `axis` (-1: one for all), each scale the one
/// of least squared error among shrunk ones.
[[nodiscard]] Quantization weight_numbers(std::span<const float> weights, const Shape& shape, int axis);

}  // namespace nb
