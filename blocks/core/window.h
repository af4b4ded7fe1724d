// The geometry of a sliding window over a channels-last image, shared by convolutions and pools.
#pragma once
#include "nb.h"

namespace nb {

/// Heights and widths of an image, a kernel, a stride...
struct Size2d {
  int32_t h, w;
};

/// A window over an NHWC image (batch 1). Output pixel (y, x) sees input rows
/// y * stride.h - pad.h + i * dilation.h for i in [0, kernel.h); likewise columns. Positions outside are
/// padding.
struct Window2d {
  Size2d in;      ///< input height and width
  Size2d out;     ///< output height and width
  Size2d kernel;  ///< taps
  Size2d stride;
  Size2d pad;  ///< rows above and columns left of the input
  Size2d dilation;
};

/// A Window2d in 20 bytes of flash; the members have the same names, so that code takes either.
struct Window2dShort {
  struct {
    uint16_t h, w;
  } in, out, kernel;
  struct {
    uint8_t h, w;
  } stride;
  struct {
    int16_t h, w;
  } pad;
  struct {
    uint8_t h, w;
  } dilation;
};

constexpr bool fits_window_short(const Window2d& g) {
  const int32_t longest = max(max(max(g.in.h, g.in.w), max(g.out.h, g.out.w)), max(g.kernel.h, g.kernel.w));
  const int32_t farthest = max(max(g.stride.h, g.stride.w), max(g.dilation.h, g.dilation.w));
  return longest <= 65535 && farthest <= 255 && min(g.pad.h, g.pad.w) >= -32768 &&
         max(g.pad.h, g.pad.w) <= 32767;
}

/// Of a window that fits.
constexpr Window2dShort window_short(const Window2d& g) {
  const auto u16 = [](int32_t value) { return static_cast<uint16_t>(value); };
  const auto i16 = [](int32_t value) { return static_cast<int16_t>(value); };
  const auto u8 = [](int32_t value) { return static_cast<uint8_t>(value); };
  return {{u16(g.in.h), u16(g.in.w)},         {u16(g.out.h), u16(g.out.w)},
          {u16(g.kernel.h), u16(g.kernel.w)}, {u8(g.stride.h), u8(g.stride.w)},
          {i16(g.pad.h), i16(g.pad.w)},       {u8(g.dilation.h), u8(g.dilation.w)}};
}

}  // namespace nb
