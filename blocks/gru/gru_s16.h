// GRU layer of int8 or int16 sequences whose gates and h are integers of their own scales, portable.
#pragma once
#include "../core/sequence_s16.h"

namespace nb {

/// What it needs beside its tensors. h has 14 more bits than its int16 (in `fine`): where an update gate is
/// nearly 1, a step changes it by less than int16 can hold.
struct GruS16 {
  SequenceS16 common;
  int32_t value_shift;  ///< new values, in 2^-15, to fine steps of h
};
constexpr int32_t kFineBits = 14;

/// Words of scratch.
template <bool resets_after>
constexpr int32_t gru_s16_scratch(int32_t inputs, int32_t units) {
  return sequence_s16_scratch(inputs, units, 3 * units,
                              units + (resets_after ? units : padded_s16(units) / 2));
}

/// reset gate * h, the gate from its pre-activations.
inline void reset_units_s16(const int32_t* z, int32_t units, const int16_t* h, const int16_t* table,
                            int16_t* seen) {
  for (int32_t u = 0; u < units; u += kLanes) {
    const Lanes reset = gate_sigmoid(load_lanes(z + u), table);
    store_lanes(seen + u, shifted_right(product(reset, load_lanes(h + u)), 15), lanes_of(units - u));
  }
}

/// h of all units from their pre-activations, in the order of the gates; with resets_after those of the new
/// values get `of_h` times the reset gate.
template <bool resets_after>
inline void gru_units_s16(const int32_t* z, int32_t units, const int32_t* of_h, int32_t value_shift,
                          const int16_t* table, int32_t* fine, int16_t* h) {
  for (int32_t u = 0; u < units; u += kLanes, z += kLanes) {
    const LanesMask mask = lanes_of(units - u);
    Lanes fresh = load_lanes(z + 2 * units);
    if constexpr (resets_after) {
      const Lanes reset = shifted_left(gate_sigmoid(load_lanes(z + units), table), 16);
      fresh = sum(fresh, shifted_left(high_product(load_lanes(of_h + u), reset), 1));
    }
    const Lanes value = shifted_left(gate_tanh(fresh, table), value_shift);
    const Lanes update = shifted_left(gate_sigmoid(load_lanes(z), table), 16);
    const Lanes kept = high_product(difference(load_lanes(fine + u), value), update);
    const Lanes next = sum(value, shifted_left(kept, 1));
    store_lanes(fine + u, next, mask);
    store_lanes(h + u, shifted_right(next, kFineBits), mask);
  }
}

/// y[t] of every sample and direction. `h_in` [D,N,H] are the first states (null: zeros), `h_out` the last
/// (null: not wanted; it may be h_in); `lengths` [N] may be null. Gates stand in the order update, reset,
/// new. For each direction `weights` has their rows over x, then over h; `rows` the factors of the sums over
/// x, the biases, the factors of the sums over h and, if resets_after, the new values' recurrent biases.
template <class Rows, bool resets_after, class T>
NB_NOINLINE inline void gru_s16(const GruS16& p, const T* x, const int8_t* weights, const int32_t* rows,
                                const int16_t* table, const int32_t* lengths, const int16_t* h_in,
                                int16_t* h_out, T* y, int32_t* scratch) {
  const Sequence& s = p.common.sequence;
  const int32_t units = s.units, sums = 3 * units;
  const auto begin = [&](const WalkS16& walk) {
    first_h_s16(p.common, walk, h_in);
    for (int32_t u = 0; u < units; ++u) walk.more[u] = walk.h[u] * (1 << kFineBits);
    if constexpr (!resets_after)
      zero_bytes(walk.more + units, static_cast<size_t>(padded_s16(units)) * sizeof(int16_t));
  };
  const auto step = [&](const WalkS16& walk, const int16_t* x_t) {
    int32_t *const z = walk.z, *const fine = walk.more;
    const int32_t w_size = Rows::size(sums, s.inputs), gates_size = Rows::size(2 * units, units);
    const int8_t* const w = weights + walk.direction * (w_size + gates_size + Rows::size(units, units));
    const int8_t *const of_gates = w + w_size, *const of_fresh = of_gates + gates_size;
    const int32_t* const of = rows + walk.direction * (3 * sums + (resets_after ? units : 0));
    const int32_t *const gates = of + 2 * sums, *const news = gates + 2 * units;
    products_of_x<Rows, T>(x_t, w, sums, s.inputs, of, p.common.x_shift, of + sums, z);
    Rows::products(walk.h, of_gates, 2 * units, units, gates, p.common.h_shift, z, z);
    int32_t *const fresh = z + 2 * units, *const of_h = fine + units;
    int16_t* const seen = reinterpret_cast<int16_t*>(of_h);
    if constexpr (resets_after) {
      Rows::products(walk.h, of_fresh, units, units, news, p.common.h_shift, news + units, of_h);
    } else {
      reset_units_s16(z + units, units, walk.h, table, seen);
      Rows::products(seen, of_fresh, units, units, news, p.common.h_shift, fresh, fresh);
    }
    gru_units_s16<resets_after>(z, units, of_h, p.value_shift, table, fine, walk.h);
  };
  const auto end = [&](const WalkS16& walk) { last_h_s16(p.common, walk, h_out); };
  each_walk_s16(p.common, x, lengths, y, scratch, sums,
                units + (resets_after ? units : padded_s16(units) / 2), begin, step, end);
}

}  // namespace nb
