// Functions of int16 quantized elements; those that TensorFlow Lite Micro has round as its reference kernels.
#pragma once
#include "../core/requantize.h"

namespace nb {

/// out_zero + rescale(x - in_zero) with one factor above zero and one below, clamped: relu, leaky_relu and
/// the like. `sign_below` is -1 for a negative slope, whose factor is then that of its magnitude.
struct TwoSlopes {
  int32_t in_zero, out_zero;
  int32_t multiplier_above, shift_above;
  int32_t multiplier_below, shift_below, sign_below;
  int32_t out_min, out_max;
  __attribute__((always_inline)) int32_t operator()(int32_t q) const {
    const int32_t x = q - in_zero;
    const int32_t y = x >= 0 ? rescale(x, multiplier_above, shift_above)
                             : sign_below * rescale(x, multiplier_below, shift_below);
    return clamp(y + out_zero, out_min, out_max);
  }
};

/// |x| in the output's scale.
struct AbsQuantized {
  int32_t in_zero, out_zero;
  int32_t multiplier, shift;
  int32_t out_min, out_max;
  __attribute__((always_inline)) int32_t operator()(int32_t q) const {
    const int32_t x = q - in_zero;
    return clamp(rescale(x < 0 ? -x : x, multiplier, shift) + out_zero, out_min, out_max);
  }
};

/// A straight line between bounds, rounded once: (x * multiplier + offset) * 2^-shift.
struct BoundedLineS16 {
  int64_t offset;  ///< zero points, and half a step
  int32_t multiplier, shift, sign;
  int32_t out_min, out_max;
  __attribute__((always_inline)) int32_t operator()(int32_t q) const {
    const int64_t y = (static_cast<int64_t>(q) * sign * multiplier + offset) >> shift;
    return static_cast<int32_t>(clamp<int64_t>(y, out_min, out_max));
  }
};

/// x * min(max(x + 3, 0), 6) / 6, rounded once behind the product with the gate, which has units of 2^-30.
struct HardSwishS16 {
  int32_t in_zero, out_zero;
  int32_t gate_multiplier, gate_shift;  ///< a sixth of x's steps in 2^-30: multiplier * 2^-shift
  int32_t multiplier, shift;            ///< x's steps in 2^-14 to y's
  __attribute__((always_inline)) int32_t operator()(int32_t q) const {
    const int32_t x = q - in_zero;
    const int64_t sixth = (static_cast<int64_t>(x) * gate_multiplier) >> gate_shift;
    const auto gate = static_cast<int32_t>(clamp<int64_t>(sixth + (1 << 29), 0, 1 << 30));
    const auto fine = static_cast<int32_t>((static_cast<int64_t>(x) * gate + (1 << 15)) >> 16);
    const int64_t y = (static_cast<int64_t>(fine) * multiplier + (int64_t{1} << (shift - 1))) >> shift;
    return static_cast<int32_t>(clamp<int64_t>(y + out_zero, -32768, 32767));
  }
};

/// x * multiplier * 2^-shift, ties towards plus infinity: an input of the table below.
NB_INLINE int32_t to_table_units(int32_t x, int32_t multiplier, int32_t shift) {
  const int32_t half = shift > 0 ? 1 << (shift - 1) : 0;
  return static_cast<int32_t>(static_cast<uint32_t>(x) * static_cast<uint32_t>(multiplier) +
                              static_cast<uint32_t>(half)) >>
         shift;
}

struct TableS16 {
  int32_t count;
  int32_t multiplier, shift;
};

/// Sigmoid in 2^-15 of x in 1/12288, linear between the 256 values of `table`, sigmoid(i / 24) in 2^-16.
NB_INLINE int16_t sigmoid_from_table(int32_t x, const uint16_t* table) {
  const uint32_t magnitude = static_cast<uint32_t>(x < 0 ? -x : x);
  const uint32_t index = magnitude >> 9;
  uint32_t y = 0x7FFFu << 10;
  if (index < 255)
    y = (static_cast<uint32_t>(table[index]) << 9) +
        (magnitude & 0x1FFu) * static_cast<uint32_t>(table[index + 1] - table[index]);
  y = x >= 0 ? y + (1u << 9) : (1u << 25) - y + (1u << 9) - 1;
  return static_cast<int16_t>(y >> 10);
}

/// Tanh in 2^-15 of x in 1/12288, as 2 sigmoid(2 x) - 1 from the same table.
NB_INLINE int16_t tanh_from_table(int32_t x, const uint16_t* table) {
  const uint32_t magnitude = static_cast<uint32_t>(x < 0 ? -x : x);
  const uint32_t index = magnitude >> 8;
  int32_t y = 0xFFFF << 8;
  if (index < 255)
    y = (table[index] << 8) + static_cast<int32_t>(magnitude & 0xFFu) * (table[index + 1] - table[index]);
  y = x >= 0 ? y - (1 << 23) + (1 << 7) : -y + (1 << 23) + (1 << 7) - 1;
  return static_cast<int16_t>(y >> 8);
}

/// Sigmoid of int16 (output scale 2^-15).
NB_NOINLINE inline void sigmoid_s16(const TableS16& p, const int16_t* in, const uint16_t* table,
                                    int16_t* out) {
  for (int32_t i = 0; i < p.count; ++i)
    out[i] = sigmoid_from_table(to_table_units(in[i], p.multiplier, p.shift), table);
}

/// Tanh of int16 (output scale 2^-15).
NB_NOINLINE inline void tanh_s16(const TableS16& p, const int16_t* in, const uint16_t* table, int16_t* out) {
  for (int32_t i = 0; i < p.count; ++i)
    out[i] = tanh_from_table(to_table_units(in[i], p.multiplier, p.shift), table);
}

}  // namespace nb
