// Tiles of float matrix products for x86-64 processors with AVX2 and FMA, found out when running. See
// tile_f32.h for what they compute.
#pragma once
#include "tile_runs.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define NB_TILE_X86 1
#else
#define NB_TILE_X86 0
#endif

#if NB_TILE_X86
#define NB_AVX2 __attribute__((target("avx2,fma")))
// sum += a * b for eight floats.
#define NB_FMA8(sum, a, b) __asm__("vfmadd231ps %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b))
// All eight floats are x.
#define NB_SPLAT8(x) \
  Float8 { x, x, x, x, x, x, x, x }

namespace nb {

using Float8 = float __attribute__((vector_size(32)));
using AnyFloat8 = float __attribute__((vector_size(32), aligned(4), may_alias));  ///< in memory

inline bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

/// kPixels pixels by eight channels. Input k is summed in part k % kParts, for enough sums in flight.
template <int kPixels, int kParts>
NB_AVX2 inline void tile_avx2(const RunsF32& runs, const float* weights, const PixelsF32& p) {
  Float8 sums[kParts][kPixels];
#pragma GCC unroll 8
  for (int i = 0; i < kPixels; ++i) {
    sums[0][i] = *reinterpret_cast<const AnyFloat8*>(p.init + i * p.init_step);
#pragma GCC unroll 4
    for (int part = 1; part < kParts; ++part) sums[part][i] = NB_SPLAT8(0.0f);
  }
  const float* in = p.in;
  const ptrdiff_t step = p.in_step;
  for (int32_t left = runs.count; left > 0; --left) {
    int32_t k = 0;
    for (; k + kParts <= runs.length; k += kParts, in += kParts, weights += 8 * kParts) {
#pragma GCC unroll 4
      for (int part = 0; part < kParts; ++part) {
        const Float8 w = *reinterpret_cast<const AnyFloat8*>(weights + 8 * part);
#pragma GCC unroll 8
        for (int i = 0; i < kPixels; ++i) {
          const float x = in[i * step + part];
          NB_FMA8(sums[part][i], NB_SPLAT8(x), w);
        }
      }
    }
    for (; k < runs.length; ++k, ++in, weights += 8) {
      const Float8 w = *reinterpret_cast<const AnyFloat8*>(weights);
#pragma GCC unroll 8
      for (int i = 0; i < kPixels; ++i) {
        const float x = in[i * step];
        NB_FMA8(sums[0][i], NB_SPLAT8(x), w);
      }
    }
    if (left == 1) break;
    in += runs.in_skip;
    weights += 8 * runs.weight_skip;
  }
#pragma GCC unroll 8
  for (int i = 0; i < kPixels; ++i) {
#pragma GCC unroll 4
    for (int part = 1; part < kParts; ++part) sums[0][i] += sums[part][i];
    *reinterpret_cast<AnyFloat8*>(p.out + i * p.out_step) = sums[0][i];
  }
}

NB_AVX2 inline void tiles_avx2(const RunsF32& runs, const float* weights, PixelsF32 p) {
  for (; p.count >= 8; advance_pixels(p, 8)) tile_avx2<8, 1>(runs, weights, p);
  for (; p.count >= 4; advance_pixels(p, 4)) tile_avx2<4, 2>(runs, weights, p);
  for (; p.count >= 2; advance_pixels(p, 2)) tile_avx2<2, 4>(runs, weights, p);
  for (; p.count >= 1; advance_pixels(p, 1)) tile_avx2<1, 4>(runs, weights, p);
}

/// kPixels pixels by kBlocks times eight channels, each channel of its own; runs are rows of taps, `tap_step`
/// floats apart. A block's weights and beginning are `block_step` floats behind those of the block before.
template <int kPixels, int kBlocks>
NB_AVX2 inline void tile_depthwise_avx2(const RunsF32& runs, int32_t tap_step, const float* weights,
                                        int32_t block_step, const PixelsF32& p) {
  Float8 sums[kPixels][kBlocks];
#pragma GCC unroll 8
  for (int i = 0; i < kPixels; ++i)
#pragma GCC unroll 4
    for (int b = 0; b < kBlocks; ++b)
      sums[i][b] = *reinterpret_cast<const AnyFloat8*>(p.init + b * block_step);
  const float* in = p.in;
  const ptrdiff_t step = p.in_step;
  for (int32_t left = runs.count; left > 0; --left) {
    for (int32_t k = 0; k < runs.length; ++k, weights += 8)
#pragma GCC unroll 4
      for (int b = 0; b < kBlocks; ++b) {
        const Float8 w = *reinterpret_cast<const AnyFloat8*>(weights + b * block_step);
#pragma GCC unroll 8
        for (int i = 0; i < kPixels; ++i)
          NB_FMA8(sums[i][b], *reinterpret_cast<const AnyFloat8*>(in + k * tap_step + i * step + 8 * b), w);
      }
    in += runs.length * tap_step + runs.in_skip;
    weights += 8 * runs.weight_skip;
  }
#pragma GCC unroll 8
  for (int i = 0; i < kPixels; ++i)
#pragma GCC unroll 4
    for (int b = 0; b < kBlocks; ++b)
      *reinterpret_cast<AnyFloat8*>(p.out + i * p.out_step + 8 * b) = sums[i][b];
}

/// kBlocks times eight channels of pixels.
template <int kBlocks>
NB_AVX2 inline void tiles_depthwise_avx2(const RunsF32& runs, int32_t tap_step, const float* weights,
                                         int32_t block_step, PixelsF32 p) {
  constexpr int kMost = 8 / kBlocks;
  for (; p.count >= kMost; advance_pixels(p, kMost))
    tile_depthwise_avx2<kMost, kBlocks>(runs, tap_step, weights, block_step, p);
  for (; p.count > 0; advance_pixels(p, 1))
    tile_depthwise_avx2<1, kBlocks>(runs, tap_step, weights, block_step, p);
}

}  // namespace nb
#undef NB_AVX2
#undef NB_FMA8
#undef NB_SPLAT8
#endif
