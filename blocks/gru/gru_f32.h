// GRU layer of float sequences, portable.
#pragma once
#include "../core/sequence_f32.h"
#include "../unary/gate_functions.h"

namespace nb {

/// Functions of one direction: of the gates, of the new value.
template <class Gate, class Fresh>
struct GruFunctions {
  Gate gate;
  Fresh fresh;
};

/// What a float GRU needs beside its tensors. The reset gate scales r h + its bias if `resets_after`, else h;
/// `Backward` are the second direction's functions.
template <bool resets_after, class Forward, class Backward = Forward>
struct GruF32 {
  static constexpr bool kResetsAfter = resets_after;
  Sequence sequence;
  Forward forward;
  Backward backward;
};

/// Floats of scratch: h as the new value sees it, then the sums of some steps.
constexpr int32_t gru_f32_scratch(int32_t steps, int32_t units) {
  return units + walk_scratch_f32(steps, 3 * units);
}

/// One sample in one direction. Packed: the tiles of the gates update and reset of each unit, then of the new
/// values, over the inputs (with biases); those of the gates over the units (without); if resets_after the
/// new values' recurrent biases; their tiles over the units (without).
template <class P, class Functions>
inline const float* gru_walk_f32(const P& p, const Functions& f, const Walk& walk, const float* packed,
                                 float* of_h, float* scratch) {
  const Sequence& s = p.sequence;
  const int32_t units = s.units;
  const float* gate_weights = packed + 3 * units * (1 + s.inputs);
  const float* fresh_bias = gate_weights + 2 * units * units;
  const float* fresh_weights = fresh_bias + (P::kResetsAfter ? units : 0);
  const auto step = [&](float* z, const float* h, float* next) {
    float* fresh = z + 2 * units;
    if (h) vector_f32(h, units, 2 * units, gate_weights, z, z);
    if constexpr (P::kResetsAfter) {
      const float* sums = fresh_bias;
      if (h) {
        vector_f32(h, units, units, fresh_weights, fresh_bias, of_h);
        sums = of_h;
      }
      for (int32_t u = 0; u < units; ++u, z += 2) {
        const float update = f.gate(z[0]);
        const float value = f.fresh(fresh[u] + f.gate(z[1]) * sums[u]);
        next[u] = value + update * ((h ? h[u] : 0.0f) - value);
      }
    } else {
      for (int32_t i = 0; i < 2 * units; ++i) z[i] = f.gate(z[i]);
      if (h) {
        for (int32_t u = 0; u < units; ++u) of_h[u] = z[2 * u + 1] * h[u];
        vector_f32(of_h, units, units, fresh_weights, fresh, fresh);
      }
      for (int32_t u = 0; u < units; ++u) {
        const float value = f.fresh(fresh[u]);
        next[u] = value + z[2 * u] * ((h ? h[u] : 0.0f) - value);
      }
    }
  };
  return walk_steps_f32(s, walk, 3 * units, packed, scratch, step);
}

/// y[t] of every sample and direction. `h_in` [D,N,H] are the first states (null: zeros), `h_out` the last
/// (null: not wanted; it may be h_in); `lengths` [N] may be null.
template <bool resets_after, class Forward, class Backward>
NB_NOINLINE inline void gru_f32(const GruF32<resets_after, Forward, Backward>& p, const float* x,
                                const float* packed, const int32_t* lengths, const float* h_in, float* h_out,
                                float* y, float* scratch) {
  const Sequence& s = p.sequence;
  const int32_t packed_size = s.units * (3 * (1 + s.inputs + s.units) + (resets_after ? 1 : 0));
  float* const of_h = scratch;
  scratch += s.units;
  each_walk_f32(s, x, packed, packed_size, lengths, h_in, h_out, y, [&](const Walk& walk, const float* of) {
    return with_functions(p.forward, p.backward, walk.direction,
                          [&](const auto& f) { return gru_walk_f32(p, f, walk, of, of_h, scratch); });
  });
}

}  // namespace nb
