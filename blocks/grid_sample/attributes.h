// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <span>
#include <tuple>

#include "graph/attributes.h"

namespace nb {

/// How a sample is made from the pixels around it (the order is that of grid_sample.h).
enum class SampleMode : std::uint8_t { nearest, linear, cubic };
inline std::span<const std::string_view> names_of(SampleMode) {
  static constexpr std::array<std::string_view, 3> kNames = {"nearest", "linear", "cubic"};
  return kNames;
}
/// What lies beyond the image (the order is that of grid_sample.h).
enum class SamplePadding : std::uint8_t { zeros, border, reflection };
inline std::span<const std::string_view> names_of(SamplePadding) {
  static constexpr std::array<std::string_view, 3> kNames = {"zeros", "border", "reflection"};
  return kNames;
}

struct GridSampleAttrs {
  SampleMode mode = SampleMode::linear;
  SamplePadding padding = SamplePadding::zeros;
  bool align_corners = false;
};
inline constexpr std::tuple kGridSampleFields{
    Field{"mode", &GridSampleAttrs::mode, "interpolation; nearest takes the even pixel of two"},
    Field{"padding", &GridSampleAttrs::padding, "what lies beyond the image"},
    Field{"align_corners", &GridSampleAttrs::align_corners,
          "-1 and 1 are the centres of the outermost pixels, else their outer edges"}};

}  // namespace nb
