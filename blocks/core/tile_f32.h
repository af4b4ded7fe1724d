// Products of float matrices by tiles whose sums stay in registers: a few pixels (rows of the left matrix) by
// eight channels (columns of the right one), or by one channel where fewer than eight remain. What a tile
// reads of the input may be broken into runs of adjacent floats, so that a convolution's window is read where
// it lies in the image.
#pragma once
#include "tile_arm.h"
#include "tile_x86.h"

namespace nb {

/// The tile of `kPixels` pixels by `kChannels` channels. A core that fuses multiplication and addition does
/// so; sums differ by rounding only.
template <int kPixels, int kChannels>
NB_INLINE void tile_f32(const RunsF32& runs, const float* weights, const PixelsF32& p) {
  float sums[kPixels][kChannels];
#pragma GCC unroll 4
  for (int i = 0; i < kPixels; ++i)
#pragma GCC unroll 8
    for (int c = 0; c < kChannels; ++c) sums[i][c] = p.init[i * p.init_step + c];
  const float* in = p.in;
  for (int32_t left = runs.count; left > 0; --left) {
    for (int32_t k = 0; k < runs.length; ++k, ++in, weights += kChannels)
#pragma GCC unroll 4
      for (int i = 0; i < kPixels; ++i)
#pragma GCC unroll 8
        for (int c = 0; c < kChannels; ++c) sums[i][c] += in[i * p.in_step] * weights[c];
    if (left == 1) break;
    in += runs.in_skip;
    weights += runs.weight_skip * kChannels;
  }
#pragma GCC unroll 4
  for (int i = 0; i < kPixels; ++i)
#pragma GCC unroll 8
    for (int c = 0; c < kChannels; ++c) p.out[i * p.out_step + c] = sums[i][c];
}

/// out[i,c] = init[i,c] + sum over k of in[i,k] * weights[k,c] for `p.count` pixels and kTileChannels
/// channels.
NB_NOINLINE inline void tiles_f32(const RunsF32& runs, const float* weights, PixelsF32 p) {
#if NB_TILE_ARM
  for (; p.count >= 2; advance_pixels(p, 2)) tile_2x8_arm(runs, weights, p);
  if (p.count > 0) tile_1x8_arm(runs, weights, p);
#else
#if NB_TILE_X86
  if (has_avx2()) return tiles_avx2(runs, weights, p);
#endif
  for (; p.count >= 4; advance_pixels(p, 4)) tile_f32<4, kTileChannels>(runs, weights, p);
  for (; p.count > 0; advance_pixels(p, 1)) tile_f32<1, kTileChannels>(runs, weights, p);
#endif
}

/// The same for one channel, the weights being [k].
NB_NOINLINE inline void dots_f32(const RunsF32& runs, const float* weights, PixelsF32 p) {
  for (; p.count > 0; advance_pixels(p, 1)) {
#if NB_TILE_ARM
    tile_1x1_arm(runs, weights, p);
#else
    tile_f32<1, 1>(runs, weights, p);
#endif
  }
}

/// out[r,o] = bias[o] + sum over k of in[r,k] * w[o,k]; `packed` is what pack_tiles_f32 makes of bias and
/// weights. Rows of the matrices lie at any distance, also backwards.
NB_INLINE void matrix_rows_f32(const float* in, int32_t in_step, int32_t rows, int32_t inputs,
                               int32_t outputs, const float* packed, float* out, int32_t out_step) {
  const RunsF32 runs{1, inputs, 0, 0};
  PixelsF32 pixels{rows, in, in_step, packed, 0, out, out_step};
  int32_t left = outputs;
  for (; left >= kTileChannels; left -= kTileChannels) {
    tiles_f32(runs, pixels.init + kTileChannels, pixels);
    pixels.init += (inputs + 1) * kTileChannels;
    pixels.out += kTileChannels;
  }
  for (; left > 0; --left) {
    dots_f32(runs, pixels.init + 1, pixels);
    pixels.init += inputs + 1;
    ++pixels.out;
  }
}

/// The same for matrices without gaps.
NB_INLINE void matrix_f32(const float* in, int32_t rows, int32_t inputs, int32_t outputs, const float* packed,
                          float* out) {
  matrix_rows_f32(in, inputs, rows, inputs, outputs, packed, out, outputs);
}

/// out[o] = init[o] + sum over k of in[k] * w[o,k]; `weights` is what pack_weight_tiles_f32
/// makes. `out` may be `init`.
NB_NOINLINE inline void vector_f32(const float* in, int32_t inputs, int32_t outputs, const float* weights,
                                   const float* init, float* out) {
  const RunsF32 runs{1, inputs, 0, 0};
  PixelsF32 pixels{1, in, 0, init, 0, out, 0};
  int32_t left = outputs;
  for (; left >= kTileChannels; left -= kTileChannels) {
#if NB_TILE_ARM
    tile_1x8_arm(runs, weights, pixels);
#else
    tiles_f32(runs, weights, pixels);
#endif
    weights += inputs * kTileChannels;
    pixels.init += kTileChannels;
    pixels.out += kTileChannels;
  }
  for (; left > 0; --left) {
    dots_f32(runs, weights, pixels);
    weights += inputs;
    ++pixels.init;
    ++pixels.out;
  }
}

/// Clamps `count` floats in place. A NaN stays one or becomes a bound.
NB_NOINLINE inline void clamp_f32(float* x, int32_t count, float low, float high) {
#if NB_TILE_ARM && NB_TILE_MVE
  clamp_arm(x, count, low, high);
#else
#if NB_TILE_ARM
  if (low == 0 && high >= 0) {
    const int32_t done = clamp_fours_arm(x, count, high);
    x += done;
    count -= done;
  }
#endif
  for (; count >= 8; count -= 8, x += 8)
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      const float y = low > x[i] ? low : x[i];
      x[i] = high < y ? high : y;
    }
  for (; count > 0; --count, ++x) *x = clamp(*x, low, high);
#endif
}

/// Whether clamping to these bounds changes a float.
constexpr bool clamps_f32(float low, float high) {
  return low > -__builtin_huge_valf() || high < __builtin_huge_valf();
}

}  // namespace nb
