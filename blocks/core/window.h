// The geometry of a sliding window over a channels-last image, shared by convolutions and pools.
#pragma once
#include "nb.h"

namespace nb {

/// Heights and widths of an image, a kernel, a stride...
struct Size2d {
  int32_t h, w;
};

/// A window over an NHWC image (batch 1). Output pixel (y, x) sees input rows
/// y * stride.h - pad.h + i * dilation.h for i in [0, kernel.h); likewise columns. Positions outside are padding.
struct Window2d {
  Size2d in;        ///< input height and width
  Size2d out;       ///< output height and width
  Size2d kernel;    ///< taps
  Size2d stride;
  Size2d pad;       ///< rows above and columns left of the input
  Size2d dilation;
};

}  // namespace nb
