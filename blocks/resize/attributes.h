// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

/// How a resized element is made from its neighbours.
enum class ResizeMode : std::uint8_t { nearest, linear, cubic };
inline std::span<const std::string_view> names_of(ResizeMode) {
  static constexpr std::array<std::string_view, 3> kNames = {"nearest", "linear", "cubic"};
  return kNames;
}
/// Which input coordinate an output index stands for (names as in ONNX Resize).
enum class ResizeCoordinates : std::uint8_t {
  half_pixel,
  pytorch_half_pixel,
  align_corners,
  asymmetric,
  half_pixel_symmetric,
  tf_crop_and_resize
};
inline std::span<const std::string_view> names_of(ResizeCoordinates) {
  static constexpr std::array<std::string_view, 6> kNames = {"half_pixel",           "pytorch_half_pixel",
                                                             "align_corners",        "asymmetric",
                                                             "half_pixel_symmetric", "tf_crop_and_resize"};
  return kNames;
}
/// Which neighbour is nearest.
enum class ResizeRounding : std::uint8_t { round_prefer_floor, round_prefer_ceil, floor, ceil };
inline std::span<const std::string_view> names_of(ResizeRounding) {
  static constexpr std::array<std::string_view, 4> kNames = {"round_prefer_floor", "round_prefer_ceil",
                                                             "floor", "ceil"};
  return kNames;
}

struct ResizeAttrs {
  std::vector<std::int64_t> size = {};
  std::vector<float> scale = {};
  ResizeMode mode = ResizeMode::nearest;
  ResizeCoordinates coordinates = ResizeCoordinates::half_pixel;
  ResizeRounding rounding = ResizeRounding::round_prefer_floor;
  float cubic_a = -0.75f;
  std::vector<float> roi = {};
  bool antialias = false;
  bool exclude_outside = false;
};
inline constexpr std::tuple kResizeFields{
    Field{"size", &ResizeAttrs::size, "output shape, as many axes as x"},
    Field{"scale", &ResizeAttrs::scale,
          "output / input, one an axis, as the model states it; empty: from the sizes"},
    Field{"mode", &ResizeAttrs::mode, "interpolation"},
    Field{"coordinates", &ResizeAttrs::coordinates, "output index to input coordinate"},
    Field{"rounding", &ResizeAttrs::rounding, "of nearest"},
    Field{"cubic_a", &ResizeAttrs::cubic_a, "coefficient of cubic"},
    Field{"roi", &ResizeAttrs::roi,
          "of tf_crop_and_resize: where each axis begins, then where each ends, as parts of its length"},
    Field{"antialias", &ResizeAttrs::antialias, "when shrinking, linear and cubic widen to all they skip"},
    Field{"exclude_outside", &ResizeAttrs::exclude_outside,
          "neighbours outside weigh 0, the others sum to 1"}};

/// The input coordinate that output index `o` of an axis stands for, by ONNX's formulas. `scale` 0:
/// output / input.
[[nodiscard]] double resize_coordinate(ResizeCoordinates mode, std::int64_t o, std::int64_t in,
                                       std::int64_t out, double scale, double roi_begin, double roi_end);

}  // namespace nb
