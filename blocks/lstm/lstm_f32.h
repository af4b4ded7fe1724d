// LSTM layer of float sequences, portable.
#pragma once
#include "../core/sequence_f32.h"
#include "../unary/gate_functions.h"

namespace nb {

/// Functions of one direction: of the gates, of the cell's input, of the cell on its way to h, and the bounds
/// of the cell itself.
template <class Gate, class Cell, class Hidden, class Bound = Unbounded>
struct LstmFunctions {
  Gate gate;
  Cell cell;
  Hidden hidden;
  Bound bound;
};

/// What a float LSTM needs beside its tensors. `Backward` are the second direction's functions; with
/// `peephole` gates see the cell.
template <class Forward, class Backward = Forward, bool peephole = false>
struct LstmF32 {
  static constexpr bool kPeephole = peephole;
  Sequence sequence;
  bool couples;  ///< the forget gate is 1 - input gate
  Forward forward;
  Backward backward;
};

/// Floats of scratch: the cell state, then the gates' sums of some steps.
constexpr int32_t lstm_f32_scratch(int32_t steps, int32_t units) {
  return units + walk_scratch_f32(steps, 4 * units);
}

/// One sample in one direction, c being the cell state throughout. Packed: with peepholes those of input,
/// output and forget gate of each unit; then the tiles of the gates input, output, forget and cell of each
/// unit over the inputs (with biases), and over the units (without).
template <class P, class Functions>
inline const float* lstm_walk_f32(const P& p, const Functions& f, const Walk& walk, const float* packed,
                                  float* c, float* scratch) {
  const Sequence& s = p.sequence;
  const int32_t units = s.units;
  const float* peepholes = packed;
  if constexpr (P::kPeephole) packed += 3 * units;
  const float* recurrent = packed + 4 * units * (1 + s.inputs);
  const auto step = [&](float* z, const float* h, float* next) {
    if (h) vector_f32(h, units, 4 * units, recurrent, z, z);
    const float* peephole = peepholes;
    for (int32_t u = 0; u < units; ++u, z += 4, peephole += 3) {
      float cell = c[u];
      if constexpr (P::kPeephole) {
        z[0] += peephole[0] * cell;
        z[2] += peephole[2] * cell;
      }
      const float in = f.gate(z[0]);
      const float forget = p.couples ? 1.0f - in : f.gate(z[2]);
      cell = f.bound(forget * cell + in * f.cell(z[3]));
      if constexpr (P::kPeephole) z[1] += peephole[1] * cell;
      c[u] = cell;
      next[u] = f.gate(z[1]) * f.hidden(cell);
    }
  };
  return walk_steps_f32(s, walk, 4 * units, packed, scratch, step);
}

/// y[t] of every sample and direction. `h_in` and `c_in` [D,N,H] are the first states (null: zeros), `h_out`
/// and `c_out` the last (null: not wanted; they may be h_in and c_in); `lengths` [N] may be null.
template <class Forward, class Backward, bool peephole>
NB_NOINLINE inline void lstm_f32(const LstmF32<Forward, Backward, peephole>& p, const float* x,
                                 const float* packed, const int32_t* lengths, const float* h_in,
                                 const float* c_in, float* h_out, float* c_out, float* y, float* scratch) {
  const Sequence& s = p.sequence;
  const size_t state_bytes = static_cast<size_t>(s.units) * sizeof(float);
  const int32_t packed_size = s.units * ((peephole ? 3 : 0) + 4 * (1 + s.inputs + s.units));
  float* const c = scratch;
  scratch += s.units;
  each_walk_f32(s, x, packed, packed_size, lengths, h_in, h_out, y, [&](const Walk& walk, const float* of) {
    if (c_in)
      copy_bytes(c, c_in + walk.state, state_bytes);
    else
      zero_bytes(c, state_bytes);
    const float* last = with_functions(p.forward, p.backward, walk.direction, [&](const auto& f) {
      return lstm_walk_f32(p, f, walk, of, c, scratch);
    });
    if (c_out) copy_bytes(c_out + walk.state, c, state_bytes);
    return last;
  });
}

}  // namespace nb
