// LSTM layer of int8 or int16 sequences with int16 cell state and int8 weights, portable.
#pragma once
#include "../core/memory.h"
#include "../core/requantize.h"
#include "../core/rows_s8.h"
#include "../unary/functions_s16.h"

namespace nb {

/// What a quantized LSTM needs beside its tensors. Zero points are part of the biases.
struct LstmQuantized {
  int32_t steps, samples;
  int32_t inputs, units;
  int32_t x_step, x_sample, y_step, y_sample;  ///< strides in elements
  int32_t x_multiplier[4], x_shift[4];         ///< of each gate: sums over x to pre-activations in 2^-12
  int32_t h_multiplier[4], h_shift[4];         ///< the same for sums over h
  int32_t in_multiplier, in_shift;             ///< input gate * cell input to the cell's scale
  int32_t tanh_multiplier, tanh_shift;         ///< the cell to the table's units
  int32_t out_multiplier, out_shift;           ///< output gate * tanh of the cell to h
  int32_t h_zero, h_min, h_max;
  int32_t cell_clip;  ///< in the cell's units; 0: none
};

/// A sum of int8 products to a pre-activation; rounds twice.
NB_INLINE int32_t gate_units(int32_t sum, int32_t multiplier, int32_t shift) {
  return saturate16(rescale(sum, multiplier, shift));
}
/// A sum of int16 products; rounds once.
NB_INLINE int32_t gate_units(int64_t sum, int32_t multiplier, int32_t shift) {
  return saturate16(rescale64(sum, multiplier, shift));
}

/// y[t] of every sample. `state_h` [N,H] and `state_c` [N,H] are read first and hold the last values at the
/// end. Gates stand in the order input, output, forget, cell: `weights` has for each unit 4 rows for x and 4
/// for h, `bias` for each unit 4 sums for x and 4 for h. T is int8_t with Sum int32_t, or int16_t with
/// int64_t.
template <class T, class Sum>
NB_NOINLINE inline void lstm_quantized(const LstmQuantized& p, const T* x, const int8_t* weights,
                                       const Sum* bias, const uint16_t* table, T* state_h, int16_t* state_c,
                                       T* y) {
  for (int32_t n = 0; n < p.samples; ++n, state_h += p.units, state_c += p.units) {
    const T* h = state_h;
    for (int32_t t = 0; t < p.steps; ++t) {
      const T* x_t = x + n * p.x_sample + t * p.x_step;
      T* next = y + n * p.y_sample + t * p.y_step;
      const int8_t* row = weights;
      for (int32_t u = 0; u < p.units; ++u) {
        const Sum* first = bias + 8 * u;
        Sum of_x[4] = {first[0], first[1], first[2], first[3]};
        Sum of_h[4] = {first[4], first[5], first[6], first[7]};
        four_rows(x_t, row, p.inputs, of_x);
        row += 4 * p.inputs;
        four_rows(h, row, p.units, of_h);
        row += 4 * p.units;
        int32_t gate[4];
        for (int32_t g = 0; g < 4; ++g) {
          const int32_t z = saturate16(gate_units(of_x[g], p.x_multiplier[g], p.x_shift[g]) +
                                       gate_units(of_h[g], p.h_multiplier[g], p.h_shift[g]));
          gate[g] = g == 3 ? tanh_from_table(3 * z, table) : sigmoid_from_table(3 * z, table);
        }
        // forget * c keeps c's scale: 2^-15, rounded half away from zero.
        const int32_t kept = saturate16(rescale(gate[2] * state_c[u], 1 << 30, -14));
        const int32_t added = saturate16(rescale(gate[0] * gate[3], p.in_multiplier, p.in_shift));
        int32_t cell = saturate16(kept + added);
        if (p.cell_clip > 0) cell = clamp(cell, -p.cell_clip, p.cell_clip);
        state_c[u] = static_cast<int16_t>(cell);
        const int32_t squashed =
            tanh_from_table(to_table_units(cell, p.tanh_multiplier, p.tanh_shift), table);
        next[u] = static_cast<T>(
            clamp(p.h_zero + rescale(squashed * gate[1], p.out_multiplier, p.out_shift), p.h_min, p.h_max));
      }
      h = next;
    }
    if (h != state_h) copy_bytes(state_h, h, static_cast<size_t>(p.units) * sizeof(T));
  }
}

}  // namespace nb
