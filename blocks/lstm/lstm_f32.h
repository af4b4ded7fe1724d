// LSTM layer of float sequences, portable.
#pragma once
#include "../core/memory.h"
#include "../core/tile_f32.h"
#include "recurrent_functions.h"

namespace nb {

/// Functions of one direction: of the gates, of the cell's input, of the cell on its way to h.
template <class Gate, class Cell, class Hidden>
struct LstmFunctions {
  Gate gate;
  Cell cell;
  Hidden hidden;
};

/// Sizes and strides (in elements) of a recurrent layer's tensors.
struct Sequence {
  int32_t steps, samples;
  int32_t inputs, units;
  int32_t x_step, x_sample;               ///< from one step or sample of x to the next
  int32_t y_step, y_sample, y_direction;  ///< the same for y
};

/// What a float LSTM needs beside its tensors. `Backward` are the second direction's functions.
template <class Forward, class Backward = Forward>
struct LstmF32 {
  Sequence sequence;
  int32_t directions;
  bool starts_reverse;         ///< the first direction walks from the last step to the first
  bool couples, has_peephole;  ///< the forget gate is 1 - input gate; packed rows have peepholes
  float gate_clip, cell_clip;  ///< infinite where there is none
  Forward forward;
  Backward backward;
};

/// Floats of scratch: the cell state, x and h of a step side by side, the gates' sums.
constexpr int32_t lstm_f32_scratch(int32_t inputs, int32_t units) {
  return units + inputs + units + 4 * units;
}

/// One step of one sample: h from x, the h before (null: zeros) and c, which is replaced. Packed: with
/// peepholes those of input, output and forget gate of each unit; then the tiles (pack_tiles_f32) of the
/// gates input, output, forget and cell of each unit over the inputs and the units. `scratch` is the one of
/// lstm_f32 without c.
template <class P, class Functions>
NB_NOINLINE inline void lstm_step_f32(const P& p, const Functions& f, const float* NB_RESTRICT x,
                                      const float* NB_RESTRICT packed, const float* before,
                                      float* NB_RESTRICT c, float* h, float* NB_RESTRICT scratch) {
  const int32_t inputs = p.sequence.inputs, units = p.sequence.units;
  const auto clip = [&](float z) { return clamp(z, -p.gate_clip, p.gate_clip); };
  const float* peephole = packed;
  if (p.has_peephole) packed += 3 * units;
  float* z = scratch + inputs + units;
  copy_bytes(scratch, x, static_cast<size_t>(inputs) * sizeof(float));
  if (before)
    copy_bytes(scratch + inputs, before, static_cast<size_t>(units) * sizeof(float));
  else
    zero_bytes(scratch + inputs, static_cast<size_t>(units) * sizeof(float));
  matrix_f32(scratch, 1, inputs + units, 4 * units, packed, z);
  for (int32_t u = 0; u < units; ++u, z += 4, peephole += 3) {
    float cell = c[u];
    if (p.has_peephole) {
      z[0] += peephole[0] * cell;
      z[2] += peephole[2] * cell;
    }
    const float in = f.gate(clip(z[0]));
    const float forget = p.couples ? 1.0f - in : f.gate(clip(z[2]));
    cell = clamp(forget * cell + in * f.cell(clip(z[3])), -p.cell_clip, p.cell_clip);
    if (p.has_peephole) z[1] += peephole[1] * cell;
    c[u] = cell;
    h[u] = f.gate(clip(z[1])) * f.hidden(cell);
  }
}

/// All steps of one sample in one direction. c is the cell state throughout. Returns where the last h lies: a
/// row of y, or `first`.
template <class P, class Functions>
inline const float* lstm_walk_f32(const P& p, const Functions& f, bool is_reverse, int32_t length,
                                  const float* x, const float* packed, const float* first, float* c, float* y,
                                  float* scratch) {
  const Sequence& s = p.sequence;
  const float* h = first;
  for (int32_t i = 0; i < length; ++i) {
    const int32_t t = is_reverse ? length - 1 - i : i;
    float* next = y + t * s.y_step;
    lstm_step_f32(p, f, x + t * s.x_step, packed, h, c, next, scratch);
    h = next;
  }
  for (int32_t t = length; t < s.steps; ++t) zero_bytes(y + t * s.y_step, s.units * sizeof(float));
  return h;
}

/// y[t] of every sample and direction. `h_in` and `c_in` [D,N,H] are the first states (null: zeros), `h_out`
/// and `c_out` the last (null: not wanted; they may be h_in and c_in); `lengths` [N] may be null.
template <class Forward, class Backward>
NB_NOINLINE inline void lstm_f32(const LstmF32<Forward, Backward>& p, const float* x, const float* packed,
                                 const int32_t* lengths, const float* h_in, const float* c_in, float* h_out,
                                 float* c_out, float* y, float* scratch) {
  const Sequence& s = p.sequence;
  const size_t state_bytes = static_cast<size_t>(s.units) * sizeof(float);
  const int32_t packed_size = s.units * ((p.has_peephole ? 3 : 0) + 4 * (1 + s.inputs + s.units));
  float* const c = scratch;
  scratch += s.units;
  for (int32_t d = 0; d < p.directions; ++d, packed += packed_size) {
    const bool is_reverse = d == 1 || p.starts_reverse;
    for (int32_t n = 0; n < s.samples; ++n) {
      const int32_t at = (d * s.samples + n) * s.units;
      const int32_t length = lengths ? clamp(lengths[n], int32_t{0}, s.steps) : s.steps;
      const float* x_n = x + n * s.x_sample;
      float* y_n = y + n * s.y_sample + d * s.y_direction;
      const float* first = h_in ? h_in + at : nullptr;
      if (c_in)
        copy_bytes(c, c_in + at, state_bytes);
      else
        zero_bytes(c, state_bytes);
      const float* last =
          d == 0 ? lstm_walk_f32(p, p.forward, is_reverse, length, x_n, packed, first, c, y_n, scratch)
                 : lstm_walk_f32(p, p.backward, is_reverse, length, x_n, packed, first, c, y_n, scratch);
      if (c_out) copy_bytes(c_out + at, c, state_bytes);
      if (!h_out || last == h_out + at) continue;
      if (last)
        copy_bytes(h_out + at, last, state_bytes);
      else
        zero_bytes(h_out + at, state_bytes);
    }
  }
}

}  // namespace nb
