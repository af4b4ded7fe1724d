// Simple recurrent layer of float sequences, portable.
#pragma once
#include "../core/sequence_f32.h"
#include "../unary/gate_functions.h"

namespace nb {

/// What a float simple recurrent layer needs beside its tensors: the functions of both directions.
template <class Forward, class Backward = Forward>
struct RnnF32 {
  Sequence sequence;
  Forward forward;
  Backward backward;
};

/// One sample in one direction. The products of all inputs are made where y will lie. Packed: the tiles of
/// the units over the inputs (with biases), and over the units (without).
template <class P, class Function>
inline const float* rnn_walk_f32(const P& p, const Function& f, const Walk& walk, const float* packed) {
  const Sequence& s = p.sequence;
  const float* recurrent = packed + s.units * (1 + s.inputs);
  matrix_rows_f32(walk.x, s.x_step, walk.length, s.inputs, s.units, packed, walk.y, s.y_step);
  const float* h = walk.first;
  for (int32_t i = 0; i < walk.length; ++i) {
    float* next = walk.y + walk.time(i) * s.y_step;
    if (h) vector_f32(h, s.units, s.units, recurrent, next, next);
    for (int32_t u = 0; u < s.units; ++u) next[u] = f(next[u]);
    h = next;
  }
  return h;
}

/// y[t] of every sample and direction. `h_in` [D,N,H] are the first states (null: zeros), `h_out` the last
/// (null: not wanted; it may be h_in); `lengths` [N] may be null.
template <class Forward, class Backward>
NB_NOINLINE inline void rnn_f32(const RnnF32<Forward, Backward>& p, const float* x, const float* packed,
                                const int32_t* lengths, const float* h_in, float* h_out, float* y) {
  const Sequence& s = p.sequence;
  const int32_t packed_size = s.units * (1 + s.inputs + s.units);
  each_walk_f32(s, x, packed, packed_size, lengths, h_in, h_out, y, [&](const Walk& walk, const float* of) {
    return with_functions(p.forward, p.backward, walk.direction,
                          [&](const auto& f) { return rnn_walk_f32(p, f, walk, of); });
  });
}

}  // namespace nb
