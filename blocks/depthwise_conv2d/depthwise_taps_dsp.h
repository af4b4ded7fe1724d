// Depthwise convolution of any window for cores with the DSP extension: one output pixel by four channels at
// a time. Taps are found through a table of byte offsets; where a window leaves the image its table points to
// a vector of zero points instead, so that one inner loop serves every kernel size, stride, dilation and
// border.
#pragma once
#include "../core/simd_dsp.h"
#include "params_s8.h"

namespace nb {

/// What the inner loop reads. Its layout is known to the assembly of the kernels.
struct DepthwiseTapsDsp {
  const uint32_t* stream;  ///< the first group
  const int32_t* table;    ///< byte offsets of the taps from `base`, an odd tap first
  const int8_t* base;      ///< the window's first tap, first channel of the group
  const int32_t* table_end;
  int8_t* out;  ///< as bytes
  int8_t* out_end;
  int32_t odd;          ///< taps % 2
  int32_t first_steps;  ///< steps of two taps in the first, shortened round of the unrolled loop
  int32_t finish;
  void (*slow)(const int32_t*, const int32_t*, int8_t*);
  const int8_t* zeros;  ///< where a tap of offset kPadTapDsp reads (plain form only)
};

constexpr int32_t kPadTapDsp = INT32_MIN;

/// Bytes of scratch, 4-byte aligned: two tables of taps and a pixel of padding.
constexpr int32_t depthwise_taps_dsp_scratch_bytes(const DepthwiseConv2dS8& p, int32_t element_bytes) {
  return 8 * p.window.kernel.h * p.window.kernel.w + (p.in_channels * element_bytes + 3) / 4 * 4;
}

/// Output rows [y_begin, y_end), before the clamp, of elements of T. `groups` does groups of four channels of
/// one pixel, until `out` reaches `out_end`, and gives the stream past them.
template <class T>
NB_NOINLINE void depthwise_taps_dsp_rows(const DepthwiseConv2dS8& p, const T* image, int32_t in_row,
                                         const int8_t* packed, T* to, int32_t y_begin, int32_t y_end,
                                         int8_t* scratch,
                                         void (*slow)(const int32_t*, const int32_t*, int8_t*),
                                         const uint32_t* (*groups)(const DepthwiseTapsDsp*)) {
  constexpr auto kBytes = static_cast<int32_t>(sizeof(T));
  constexpr int32_t kGroup = 4 * kBytes;
  const Window2d& g = p.window;
  const auto* in = reinterpret_cast<const int8_t*>(image);
  auto* out = reinterpret_cast<int8_t*>(to);
  const int32_t channels = kBytes * p.in_channels, multiples = p.depth_multiplier;  // in bytes
  const int32_t taps = g.kernel.h * g.kernel.w;
  int32_t* const inside_table = reinterpret_cast<int32_t*>(scratch);
  int32_t* const border_table = inside_table + taps;
  int8_t* const zeros = reinterpret_cast<int8_t*>(border_table + taps);
  for (int32_t c = 0; c < channels; ++c) zeros[c] = static_cast<int8_t>(p.in_zero);
  const int32_t column_step = g.dilation.w * channels, row_step = g.dilation.h * g.in.w * channels;
  {
    int32_t* at = inside_table;
    for (int32_t i = 0; i < g.kernel.h; ++i)
      for (int32_t j = 0; j < g.kernel.w; ++j) *at++ = i * row_step + j * column_step;
  }
  const int32_t reach_h = g.in.h - (g.kernel.h - 1) * g.dilation.h;
  const int32_t reach_w = g.in.w - (g.kernel.w - 1) * g.dilation.w;
  const int32_t whole = channels & -kGroup;

  DepthwiseTapsDsp d;
  d.odd = taps & 1;
  d.first_steps = (taps >> 1) & 3;
  d.finish = reinterpret_cast<const int32_t*>(packed)[2];
  d.slow = slow;
  d.zeros = zeros;
  for (int32_t y = y_begin; y < y_end; ++y) {
    const int32_t iy = y * g.stride.h - g.pad.h;
    const bool row_inside = iy >= 0 && iy < reach_h;
    for (int32_t x = 0; x < g.out.w; ++x) {
      const int32_t ix = x * g.stride.w - g.pad.w;
      const int8_t* const base = in + ((iy - in_row) * g.in.w + ix) * channels;
      d.table = inside_table;
      if (!row_inside || ix < 0 || ix >= reach_w) {
#if NB_DSP
        const int32_t pad = static_cast<int32_t>(zeros - base);
#else
        const int32_t pad = kPadTapDsp;
#endif
        int32_t* table = border_table;
        for (int32_t i = 0, row = iy, at_row = 0; i < g.kernel.h;
             ++i, row += g.dilation.h, at_row += row_step) {
          const bool row_outside = static_cast<uint32_t>(row) >= static_cast<uint32_t>(g.in.h);
          for (int32_t j = 0, column = ix, at = at_row; j < g.kernel.w;
               ++j, column += g.dilation.w, at += column_step)
            *table++ =
                row_outside || static_cast<uint32_t>(column) >= static_cast<uint32_t>(g.in.w) ? pad : at;
        }
        d.table = border_table;
      }
      d.table_end = d.table + taps;
      d.stream = reinterpret_cast<const uint32_t*>(packed) + 4;
      if (multiples == 1) {
        d.base = base;
        d.out = out;
        d.out_end = out + whole;
        d.stream = groups(&d);
        if (channels != whole) {
          d.base = base + channels - kGroup;
          d.out = out + channels - kGroup;
          d.out_end = out + channels;
          groups(&d);
        }
      } else {
        for (int32_t m = 0; m < multiples; ++m)
          for (int32_t c = 0; c < channels; c += kGroup) {
            const int32_t first = min(c, channels - kGroup);
            T group[4];
            d.base = base + first;
            d.out = reinterpret_cast<int8_t*>(group);
            d.out_end = d.out + kGroup;
            d.stream = groups(&d);
            for (int32_t i = 0; i < 4; ++i)
              reinterpret_cast<T*>(out)[(first / kBytes + i) * multiples + m] = group[i];
          }
      }
      out += channels * multiples;
    }
  }
}

}  // namespace nb
