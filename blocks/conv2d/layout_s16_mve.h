// What the compiler and conv2d_s16_mve share: parameters, geometry, scratch memory. Freestanding, for any
// machine.
#pragma once
#include "../core/form_s16_mve.h"
#include "layout_mve.h"

namespace nb {

/// A Conv2dS8 of int16 of one group whose numbers are small, and the form of its constants.
struct Conv2dS16Mve {
  Window2dShort window;
  uint16_t in_channels, out_channels;
  int16_t out_min, out_max;
  uint8_t form;  ///< kTwiceS16Mve..., kInPlaceS16Mve
};

/// The image as one of bytes.
constexpr Conv2dS8 conv2d_s16_mve_bytes(Conv2dS8 p) {
  p.in_channels *= 2;
  return p;
}

/// Bytes of scratch of conv2d_s16_mve: the patches of two pixels.
constexpr int32_t conv2d_s16_mve_scratch_bytes(const Conv2dS8& p) {
  return conv2d_s8_mve_scratch_bytes(conv2d_s16_mve_bytes(p));
}

/// Geometries this kernel computes.
constexpr bool conv2d_s16_mve_applies(const Conv2dS8& p) {
  return conv2d_s8_mve_applies(conv2d_s16_mve_bytes(p));
}

}  // namespace nb
