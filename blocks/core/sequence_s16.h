// What recurrent layers of integers share: the order in which directions, samples and steps are walked, and
// how states and outputs are made of h.
#pragma once
#include "gates_s16.h"
#include "memory.h"
#include "rows_s16.h"
#include "sequence.h"

namespace nb {

/// From the steps of one scale to those of another: round(2^(left - 32) * multiplier * x). Of int16, `left`
/// is at most 16; other x are clamped to +-bound first, so that x * 2^left stays in int32.
struct Steps {
  int32_t bound, left, multiplier;
};
NB_INLINE int32_t in_steps(const Steps& s, int32_t x) {
  return multiply_high_add(clamp(x, -s.bound, s.bound) * (1 << s.left), s.multiplier, 0);
}
NB_INLINE int16_t to_s16(int32_t x) { return static_cast<int16_t>(saturate16(x)); }

/// What recurrent layers of integers need beside their tensors. Within the layer h is int16.
struct SequenceS16 {
  Sequence sequence;
  int32_t x_shift, h_shift;  ///< of sums of products, to the left, before they are multiplied
  Steps first_h, y, last_h;  ///< h from the first states, to y, to the last states
  int32_t y_zero;
};

/// Words of scratch: the pre-activations and `more`, then x and h of a step.
constexpr int32_t sequence_s16_scratch(int32_t inputs, int32_t units, int32_t sums, int32_t more) {
  return sums + more + (padded_s16(inputs) + padded_s16(units)) / 2;
}

/// One sample in one direction, and where its steps lie in scratch.
struct WalkS16 {
  int32_t direction;
  int32_t state;  ///< where its row of a state [D,N,H] begins
  int32_t* z;     ///< pre-activations of a step
  int32_t* more;  ///< what else the layer asked for
  int16_t* h;     ///< padded
};

/// The products of a step of x, which was T; else as Rows::products.
template <class Rows, class T>
NB_INLINE void products_of_x(const int16_t* x, const int8_t* weights, int32_t rows, int32_t n,
                             const int32_t* factors, int32_t shift, const int32_t* base, int32_t* z) {
  if constexpr (sizeof(T) == 1)
    Rows::products_of_bytes(x, weights, rows, n, factors, shift, base, z);
  else
    Rows::products(x, weights, rows, n, factors, shift, base, z);
}

/// A row of y from h.
template <class T>
NB_INLINE void store_h_s16(const SequenceS16& p, const int16_t* h, int32_t units, T* y) {
  // By value: y, of bytes, might be p.
  const int32_t left = p.y.left, multiplier = p.y.multiplier, zero = p.y_zero;
  for (int32_t u = 0; u < units; u += kLanes) {
    const Lanes scaled = high_product(shifted_left(load_lanes(h + u), left), multiplier);
    store_lanes(y + u, saturated<T>(sum(scaled, zero)), lanes_of(units - u));
  }
}

/// Walks each direction and sample: begin(walk) sets h from the first states; then for each step, in its
/// order, `step(walk, x)` makes h of the h before and of x, padded int16, and its row of y is made of h; then
/// end(walk). Rows behind a sample's length are zeros. `lengths` [N] may be null: all have all steps. A step
/// has `sums` pre-activations.
template <class T, class Begin, class Step, class End>
NB_INLINE void each_walk_s16(const SequenceS16& p, const T* x, const int32_t* lengths, T* y, int32_t* scratch,
                             int32_t sums, int32_t more, Begin begin, Step step, End end) {
  const Sequence& s = p.sequence;
  int16_t* const x_t = reinterpret_cast<int16_t*>(scratch + sums + more);
  int16_t* const h = x_t + padded_s16(s.inputs);
  zero_bytes(x_t, static_cast<size_t>(padded_s16(s.inputs) + padded_s16(s.units)) * sizeof(int16_t));
  for (int32_t d = 0; d < s.directions; ++d) {
    const bool is_reverse = d == 1 || s.starts_reverse;
    for (int32_t n = 0; n < s.samples; ++n) {
      const WalkS16 walk{d, (d * s.samples + n) * s.units, scratch, scratch + sums, h};
      const int32_t length = lengths ? clamp(lengths[n], int32_t{0}, s.steps) : s.steps;
      const T* const from = x + n * s.x_sample;
      T* const to = y + n * s.y_sample + d * s.y_direction;
      begin(walk);
      for (int32_t i = 0; i < length; ++i) {
        const int32_t t = is_reverse ? length - 1 - i : i;
        for (int32_t k = 0; k < s.inputs; ++k) x_t[k] = from[t * s.x_step + k];
        step(walk, x_t);
        store_h_s16(p, h, s.units, to + t * s.y_step);
      }
      for (int32_t t = length; t < s.steps; ++t)
        for (int32_t u = 0; u < s.units; ++u) to[t * s.y_step + u] = static_cast<T>(p.y_zero);
      end(walk);
    }
  }
}

/// h before the first step: states in h's steps, or zeros.
NB_INLINE void first_h_s16(const SequenceS16& p, const WalkS16& walk, const int16_t* h_in) {
  for (int32_t u = 0; u < p.sequence.units; ++u)
    walk.h[u] = h_in ? to_s16(in_steps(p.first_h, h_in[walk.state + u])) : int16_t{0};
}
/// h behind the last step, if it is wanted.
NB_INLINE void last_h_s16(const SequenceS16& p, const WalkS16& walk, int16_t* h_out) {
  for (int32_t u = 0; h_out && u < p.sequence.units; ++u)
    h_out[walk.state + u] = to_s16(in_steps(p.last_h, walk.h[u]));
}

}  // namespace nb
