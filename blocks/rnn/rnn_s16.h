// Simple recurrent layer of int8 or int16 sequences, h being int16, portable.
#pragma once
#include "../core/sequence_s16.h"

namespace nb {

/// What it needs beside its tensors.
struct RnnS16 {
  SequenceS16 common;
  bool is_relu[2];     ///< of each direction; else tanh
  Steps relu_h;        ///< what relu gives, in kGateUnits, to h
  int32_t tanh_shift;  ///< tanh, in 2^-15, to h
};

/// Words of scratch.
constexpr int32_t rnn_s16_scratch(int32_t inputs, int32_t units) {
  return sequence_s16_scratch(inputs, units, units, 0);
}

/// h of all units from their pre-activations.
inline void tanh_units_s16(const int32_t* z, int32_t units, int32_t shift, const int16_t* table, int16_t* h) {
  for (int32_t u = 0; u < units; u += kLanes)
    store_lanes(h + u, shifted_right(gate_tanh(load_lanes(z + u), table), shift), lanes_of(units - u));
}
inline void relu_units_s16(const int32_t* z, int32_t units, Steps to_h, int16_t* h) {
  for (int32_t u = 0; u < units; u += kLanes) {
    const Lanes positive = shifted_left(bounded(load_lanes(z + u), 0, to_h.bound), to_h.left);
    store_lanes(h + u, saturated<int16_t>(high_product(positive, to_h.multiplier)), lanes_of(units - u));
  }
}

/// y[t] of every sample and direction. `h_in` [D,N,H] are the first states (null: zeros), `h_out` the last
/// (null: not wanted; it may be h_in); `lengths` [N] may be null. For each direction `weights` has the rows
/// over x, then over h, as Rows takes them; `rows` the factors of the sums over x, the biases and the factors
/// of the sums over h.
template <class Rows, class T>
NB_NOINLINE inline void rnn_s16(const RnnS16& p, const T* x, const int8_t* weights, const int32_t* rows,
                                const int16_t* table, const int32_t* lengths, const int16_t* h_in,
                                int16_t* h_out, T* y, int32_t* scratch) {
  const Sequence& s = p.common.sequence;
  const int32_t units = s.units;
  const auto begin = [&](const WalkS16& walk) { first_h_s16(p.common, walk, h_in); };
  const auto step = [&](const WalkS16& walk, const int16_t* x_t) {
    const int32_t w_size = Rows::size(units, s.inputs);
    const int8_t* const w = weights + walk.direction * (w_size + Rows::size(units, units));
    const int32_t* const of = rows + walk.direction * 3 * units;
    products_of_x<Rows, T>(x_t, w, units, s.inputs, of, p.common.x_shift, of + units, walk.z);
    Rows::products(walk.h, w + w_size, units, units, of + 2 * units, p.common.h_shift, walk.z, walk.z);
    if (p.is_relu[walk.direction])
      relu_units_s16(walk.z, units, p.relu_h, walk.h);
    else
      tanh_units_s16(walk.z, units, p.tanh_shift, table, walk.h);
  };
  const auto end = [&](const WalkS16& walk) { last_h_s16(p.common, walk, h_out); };
  each_walk_s16(p.common, x, lengths, y, scratch, units, 0, begin, step, end);
}

}  // namespace nb
