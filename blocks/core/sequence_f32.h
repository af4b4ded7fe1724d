// What float recurrent layers share: the order in which directions, samples and steps are walked, and the
// products of the inputs, which wait for no state and are made for several steps at once.
#pragma once
#include "memory.h"
#include "sequence.h"
#include "tile_f32.h"

namespace nb {

/// One sample in one direction.
struct Walk {
  int32_t direction;
  int32_t state;       ///< where its row of a state [D,N,H] begins
  int32_t length;      ///< its steps
  bool is_reverse;     ///< the last of them first
  const float* x;      ///< of its step 0
  float* y;            ///< the same
  const float* first;  ///< h before the first step; null: zeros
  [[nodiscard]] int32_t time(int32_t i) const { return is_reverse ? length - 1 - i : i; }
};

/// Steps whose input products are made together: a tile of two loads each weight once for both. Four take
/// 0.9 % fewer instructions on Cortex-M4F and 1.2 % on M55 (bidirectional LSTM of 16 units and LSTM of 32),
/// for two more rows of scratch.
constexpr int32_t kStepsTogether = 2;

/// Calls step(z, h, next) for each step of a walk in its order: z is bias + x w of its time (`outputs`
/// floats, `packed` by pack_tiles_f32), h the state before (null: zeros), next its row of y. `scratch` holds
/// kStepsTogether rows of z, or as many as there are steps. Returns where the last h lies: a row of y, or
/// `walk.first`.
template <class Step>
NB_INLINE const float* walk_steps_f32(const Sequence& s, const Walk& walk, int32_t outputs,
                                      const float* packed, float* scratch, Step step) {
  const float* h = walk.first;
  for (int32_t i = 0; i < walk.length;) {
    const int32_t count = walk.length - i < kStepsTogether ? walk.length - i : kStepsTogether;
    matrix_rows_f32(walk.x + walk.time(i) * s.x_step, walk.is_reverse ? -s.x_step : s.x_step, count, s.inputs,
                    outputs, packed, scratch, outputs);
    float* z = scratch;
    for (const int32_t end = i + count; i < end; ++i, z += outputs) {
      float* next = walk.y + walk.time(i) * s.y_step;
      step(z, h, next);
      h = next;
    }
  }
  return h;
}

/// Calls `run(walk, packed)` for each direction and sample; it makes the walk's rows of y and returns where
/// the last h lies. Rows behind a walk's length become 0. Each direction has `packed_size` floats of
/// constants. `lengths` [N] may be null: all have all steps. `h_in` [D,N,H] are the first states (null:
/// zeros), `h_out` the last (null: not wanted; it may be h_in).
template <class Run>
NB_INLINE void each_walk_f32(const Sequence& s, const float* x, const float* packed, int32_t packed_size,
                             const int32_t* lengths, const float* h_in, float* h_out, float* y, Run run) {
  const size_t state_bytes = static_cast<size_t>(s.units) * sizeof(float);
  for (int32_t d = 0; d < s.directions; ++d, packed += packed_size) {
    for (int32_t n = 0; n < s.samples; ++n) {
      const int32_t at = (d * s.samples + n) * s.units;
      const Walk walk{d,
                      at,
                      lengths ? clamp(lengths[n], int32_t{0}, s.steps) : s.steps,
                      d == 1 || s.starts_reverse,
                      x + n * s.x_sample,
                      y + n * s.y_sample + d * s.y_direction,
                      h_in ? h_in + at : nullptr};
      const float* last = run(walk, packed);
      for (int32_t t = walk.length; t < s.steps; ++t) zero_bytes(walk.y + t * s.y_step, state_bytes);
      if (!h_out || last == h_out + at) continue;
      if (last)
        copy_bytes(h_out + at, last, state_bytes);
      else
        zero_bytes(h_out + at, state_bytes);
    }
  }
}

/// run(f), f being the functions of a direction; one instance where both are of one type.
template <class Functions, class Run>
NB_INLINE auto with_functions(const Functions& forward, const Functions& backward, int32_t direction,
                              Run run) {
  return run(direction == 0 ? forward : backward);
}
template <class Forward, class Backward, class Run>
NB_INLINE auto with_functions(const Forward& forward, const Backward& backward, int32_t direction, Run run) {
  return direction == 0 ? run(forward) : run(backward);
}

/// Floats of scratch of walk_steps_f32.
constexpr int32_t walk_scratch_f32(int32_t steps, int32_t outputs) {
  return (steps < kStepsTogether ? steps : kStepsTogether) * outputs;
}

}  // namespace nb
