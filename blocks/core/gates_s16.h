// Sigmoid and tanh of recurrent layers of integers. A pre-activation has kGateUnits steps a whole, what
// leaves a function 2^15. Both are linear between the 256 values of one table, sigmoid(i / 24) in 2^-16, and
// err by at most 1.5 (sigmoid: 1) steps of 2^-15.
#pragma once
#include "simd_dsp.h"

namespace nb {

/// Steps of a pre-activation's whole: 4096 between two values of the table.
constexpr int32_t kGateUnits = 98304;

/// sigmoid(x / kGateUnits) in 2^-15, within 1..32767.
NB_INLINE int32_t gate_sigmoid(int32_t x, const uint16_t* table) {
  const uint32_t magnitude = min<uint32_t>(static_cast<uint32_t>(x < 0 ? -x : x), (255u << 12) - 1);
  const uint32_t i = magnitude >> 12;
  const uint32_t y =
      (static_cast<uint32_t>(table[i]) << 12) +
      (magnitude & 0xfffu) * (static_cast<uint32_t>(table[i + 1]) - static_cast<uint32_t>(table[i]));
  const auto rounded = static_cast<int32_t>((y + (1u << 12)) >> 13);
  return x < 0 ? 32768 - rounded : rounded;
}

/// tanh(magnitude / kGateUnits) in 2^-15, as 2 sigmoid(2 x) - 1 from the same table; within 0..32767.
NB_INLINE int32_t gate_tanh_of_magnitude(uint32_t magnitude, const uint16_t* table) {
  magnitude = min<uint32_t>(magnitude, (255u << 11) - 1);
  const uint32_t i = magnitude >> 11;
  const uint32_t y =
      (static_cast<uint32_t>(table[i]) << 11) +
      (magnitude & 0x7ffu) * (static_cast<uint32_t>(table[i + 1]) - static_cast<uint32_t>(table[i]));
  return static_cast<int32_t>(y - (1u << 26) + (1u << 10)) >> 11;
}

/// tanh(x / kGateUnits) in 2^-15, within -32767..32767.
NB_INLINE int32_t gate_tanh(int32_t x, const uint16_t* table) {
  const int32_t y = gate_tanh_of_magnitude(static_cast<uint32_t>(x < 0 ? -x : x), table);
  return x < 0 ? -y : y;
}

/// Cell states have 2^16 steps a whole. A forget gate is at most 1 - 2^-15 and what is added below 1, so that
/// a cell stays below 2^15, its int32 below 2^31, however long the sequence is.
NB_INLINE int32_t next_cell(int32_t cell, int32_t forget, int32_t in, int32_t added) {
  return 2 * multiply_high_add(cell, forget * 65536, 0) + ((in * added + (1 << 13)) >> 14);
}

/// tanh of a cell, in 2^-15.
NB_INLINE int32_t cell_tanh(int32_t cell, const uint16_t* table) {
  const uint32_t magnitude = cell < 0 ? 0u - static_cast<uint32_t>(cell) : static_cast<uint32_t>(cell);
  const int32_t y = gate_tanh_of_magnitude(magnitude + (magnitude >> 1), table);
  return cell < 0 ? -y : y;
}

}  // namespace nb
