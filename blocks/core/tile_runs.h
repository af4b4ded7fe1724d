// What a tile of a float matrix product (tile_f32.h) reads and writes.
#pragma once
#include "nb.h"

namespace nb {

/// Channels of a tile. Packed weights hold, for each input in turn, those of this many adjacent channels.
constexpr int32_t kTileChannels = 8;

/// The inputs of one pixel: `count` runs of `length` floats. The skips are what lies between a run's end and
/// the next one's start, in floats of the input and in inputs of the packed weights. No run: the sums are as
/// begun.
struct RunsF32 {
  int32_t count, length;
  int32_t in_skip, weight_skip;
};

/// Pixels of equal windows at equal distances (in floats). Their sums begin with the floats at `init`, which
/// for a zero step are the bias; with `out` and its step for `init` they are added to `out`.
struct PixelsF32 {
  int32_t count;
  const float* in;
  int32_t in_step;
  const float* init;
  int32_t init_step;
  float* out;
  int32_t out_step;
};

/// Goes past the first pixels.
NB_INLINE void advance_pixels(PixelsF32& p, int32_t count) {
  p.count -= count;
  p.in += count * p.in_step;
  p.init += count * p.init_step;
  p.out += count * p.out_step;
}

}  // namespace nb
