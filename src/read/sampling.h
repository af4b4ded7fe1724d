// Images with channels first that are sampled at places that the model computes.
#pragma once
#include "blocks/grid_sample/attributes.h"
#include "read/translation.h"

namespace nb::read {

/// [N,C,spatial...] as [N,spatial...,C], and back.
[[nodiscard]] ValueId channels_last(Translation& l, ValueId x);
[[nodiscard]] ValueId channels_first(Translation& l, ValueId x);

/// A grid of normalized coordinates (x, y[, z] from -1 to 1) for images of `size` N,C,[D,]H,W, each moved by
/// the affine map theta[n]: [N,[D,]H,W,2 or 3].
[[nodiscard]] ValueId affine_grid(Translation& l, ValueId theta, const Ints& size, bool aligns_corners);

/// x [N,C,spatial...] at the places of grid [N,places...,2 or 3].
[[nodiscard]] ValueId grid_sampled(Translation& l, ValueId x, ValueId grid,
                                   const GridSampleAttrs& attributes);

}  // namespace nb::read
