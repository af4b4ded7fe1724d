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

/// y[t] of every sample and direction. `h_in` [D,N,H] are the first states (null: zeros), `h_out` the last
/// (null: not wanted; it may be h_in); `lengths` [N] may be null. Gates stand in the order update, reset,
/// new. For each direction `weights` has their rows over x, then over h; `rows` the factors of the sums over
/// x, the biases, the factors of the sums over h and, if resets_after, the new values' recurrent biases.
template <bool resets_after, class T>
NB_NOINLINE inline void gru_s16(const GruS16& p, const T* x, const int8_t* weights, const int32_t* rows,
                                const uint16_t* table, const int32_t* lengths, const int16_t* h_in,
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
    const int8_t* w = weights + walk.direction * sums * (s.inputs + units);
    const int32_t* of = rows + walk.direction * (3 * sums + (resets_after ? units : 0));
    rows_s16(x_t, w, sums, s.inputs, of, p.common.x_shift, of + sums, z);
    w += sums * s.inputs;
    of += 2 * sums;
    rows_s16(walk.h, w, 2 * units, units, of, p.common.h_shift, z, z);
    w += 2 * units * units;
    of += 2 * units;
    int32_t* const fresh = z + 2 * units;
    if constexpr (resets_after) {
      int32_t* const of_h = walk.more + units;
      rows_s16(walk.h, w, units, units, of, p.common.h_shift, of + units, of_h);
      for (int32_t u = 0; u < units; ++u) {
        const int32_t reset = gate_sigmoid(z[units + u], table);
        fresh[u] += 2 * multiply_high_add(of_h[u], reset * 65536, 0);
      }
    } else {
      int16_t* const seen = reinterpret_cast<int16_t*>(walk.more + units);
      for (int32_t u = 0; u < units; ++u) {
        const int32_t reset = gate_sigmoid(z[units + u], table);
        seen[u] = static_cast<int16_t>((reset * walk.h[u] + (1 << 14)) >> 15);
      }
      rows_s16(seen, w, units, units, of, p.common.h_shift, fresh, fresh);
    }
    for (int32_t u = 0; u < units; ++u) {
      const int32_t update = gate_sigmoid(z[u], table);
      const int32_t value = gate_tanh(fresh[u], table) * (1 << p.value_shift);
      fine[u] = value + 2 * multiply_high_add(fine[u] - value, update * 65536, 0);
      walk.h[u] = static_cast<int16_t>((fine[u] + (1 << (kFineBits - 1))) >> kFineBits);
    }
  };
  const auto end = [&](const WalkS16& walk) { last_h_s16(p.common, walk, h_out); };
  each_walk_s16(p.common, x, lengths, y, scratch, sums,
                units + (resets_after ? units : padded_s16(units) / 2), begin, step, end);
}

}  // namespace nb
