// LSTM layer of int8 or int16 sequences whose gates, cell and h are integers of their own scales, portable.
#pragma once
#include "../core/sequence_s16.h"

namespace nb {

/// What it needs beside its tensors.
struct LstmS16 {
  SequenceS16 common;
  Steps first_c, last_c;
  int32_t h_shift;               ///< output gate * tanh of the cell, in 2^-30, to h
  int32_t gate_clip, cell_clip;  ///< bounds of pre-activations and of the cell, where the kernel clips
};

/// Words of scratch.
constexpr int32_t lstm_s16_scratch(int32_t inputs, int32_t units) {
  return sequence_s16_scratch(inputs, units, 4 * units, units);
}

/// c and h of all units from their pre-activations, in the order of the gates.
template <bool clips>
inline void lstm_units_s16(const LstmS16& p, const int32_t* z, int32_t units, const int16_t* table,
                           int32_t* c, int16_t* h) {
  const int32_t h_shift = p.h_shift;
  const auto gate = [&](int32_t g) {
    const Lanes sums = load_lanes(z + g * units);
    return clips ? bounded(sums, -p.gate_clip, p.gate_clip) : sums;
  };
  for (int32_t u = 0; u < units; u += kLanes, z += kLanes) {
    const LanesMask mask = lanes_of(units - u);
    const Lanes in = gate_sigmoid(gate(0), table);
    const Lanes forget = gate_sigmoid(gate(2), table);
    const Lanes added = gate_tanh(gate(3), table);
    Lanes cell = next_cell(load_lanes(c + u), forget, in, added);
    if (clips) cell = bounded(cell, -p.cell_clip, p.cell_clip);
    store_lanes(c + u, cell, mask);
    const Lanes out = gate_sigmoid(gate(1), table);
    store_lanes(h + u, shifted_right(product(out, cell_tanh(cell, table)), h_shift), mask);
  }
}

/// y[t] of every sample and direction. `h_in` and `c_in` [D,N,H] are the first states (null: zeros), `h_out`
/// and `c_out` the last (null: not wanted; they may be h_in and c_in); `lengths` [N] may be null. Gates stand
/// in the order input, output, forget, cell. For each direction `weights` has their rows over x, then over h,
/// as Rows takes them; `rows` the factors of the sums over x, the biases and the factors of the sums over h.
template <class Rows, bool clips, class T>
NB_NOINLINE inline void lstm_s16(const LstmS16& p, const T* x, const int8_t* weights, const int32_t* rows,
                                 const int16_t* table, const int32_t* lengths, const int16_t* h_in,
                                 const int16_t* c_in, int16_t* h_out, int16_t* c_out, T* y,
                                 int32_t* scratch) {
  const Sequence& s = p.common.sequence;
  const int32_t units = s.units, sums = 4 * units;
  const auto begin = [&](const WalkS16& walk) {
    first_h_s16(p.common, walk, h_in);
    for (int32_t u = 0; u < units; ++u) walk.more[u] = c_in ? in_steps(p.first_c, c_in[walk.state + u]) : 0;
  };
  const auto step = [&](const WalkS16& walk, const int16_t* x_t) {
    int32_t *const z = walk.z, *const c = walk.more;
    const int32_t w_size = Rows::size(sums, s.inputs);
    const int8_t* const w = weights + walk.direction * (w_size + Rows::size(sums, units));
    const int32_t* const of = rows + walk.direction * 3 * sums;
    products_of_x<Rows, T>(x_t, w, sums, s.inputs, of, p.common.x_shift, of + sums, z);
    Rows::products(walk.h, w + w_size, sums, units, of + 2 * sums, p.common.h_shift, z, z);
    lstm_units_s16<clips>(p, z, units, table, c, walk.h);
  };
  const auto end = [&](const WalkS16& walk) {
    last_h_s16(p.common, walk, h_out);
    for (int32_t u = 0; c_out && u < units; ++u)
      c_out[walk.state + u] = to_s16(in_steps(p.last_c, walk.more[u]));
  };
  each_walk_s16(p.common, x, lengths, y, scratch, sums, units, begin, step, end);
}

}  // namespace nb
