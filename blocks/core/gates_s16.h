// Sigmoid and tanh of recurrent layers of integers. A pre-activation has kGateUnits steps a whole, what
// leaves a function 2^15. Both are linear between the 257 values of one table, sigmoid(i / 24) - 1/2 in
// 2^-16, which lie halves of the sag of a chord too high: they err by at most 0.9 (sigmoid) and 1.2 steps of
// 2^-15.
#pragma once
#include "simd_dsp.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#endif

namespace nb {

/// Steps of a pre-activation's whole: 4096 between two values of the table.
constexpr int32_t kGateUnits = 98304;

/// x within 0 .. 2^bits - 1.
template <int bits>
NB_INLINE uint32_t saturate_unsigned(int32_t x) {
#if NB_DSP
  uint32_t r;
  __asm__("usat %0, %2, %1" : "=r"(r) : "r"(x), "i"(bits));
  return r;
#else
  return static_cast<uint32_t>(clamp<int32_t>(x, 0, (1 << bits) - 1));
#endif
}

/// The table at magnitude * 2^-bits, times 2^bits, plus half a step less one of what `shift` leaves; shifted.
template <int bits, int shift>
NB_INLINE int32_t from_gate_table(int32_t magnitude, const int16_t* table) {
  const uint32_t at = saturate_unsigned<bits + 8>(magnitude), part = at & ((1u << bits) - 1);
  const uint32_t weights = ((1u << bits) - part) | (part << 16);
  return multiply_add_halves(load4(table + (at >> bits)), weights, (1 << (shift - 1)) - 1) >> shift;
}

/// sigmoid(x / kGateUnits) in 2^-15, within 1..32767.
NB_INLINE int32_t gate_sigmoid(int32_t x, const int16_t* table) {
  const int32_t sign = x >> 31, half = from_gate_table<12, 13>((x ^ sign) - sign, table);
  return 16384 + ((half ^ sign) - sign);
}

/// tanh(x / kGateUnits) in 2^-15, within -32767..32767: 2 sigmoid(2 x) - 1.
NB_INLINE int32_t gate_tanh(int32_t x, const int16_t* table) {
  const int32_t sign = x >> 31, y = from_gate_table<11, 11>((x ^ sign) - sign, table);
  return (y ^ sign) - sign;
}

/// Cell states have 2^16 steps a whole. A forget gate is at most 1 - 2^-15 and what is added below 1, so that
/// a cell stays below 2^15, its int32 below 2^31, however long the sequence is.
NB_INLINE int32_t next_cell(int32_t cell, int32_t forget, int32_t in, int32_t added) {
  return 2 * multiply_high_add(cell, forget * 65536, 0) + ((in * added + (1 << 13)) >> 14);
}

/// tanh of a cell, in 2^-15.
NB_INLINE int32_t cell_tanh(int32_t cell, const int16_t* table) {
  const int32_t sign = cell >> 31;
  const auto magnitude = static_cast<int32_t>(saturate_unsigned<19>((cell ^ sign) - sign));
  const int32_t y = from_gate_table<11, 11>(magnitude + (magnitude >> 1), table);
  return (y ^ sign) - sign;
}

#if defined(__ARM_FEATURE_MVE)
/// Four of these at once.
template <int bits, int shift>
NB_INLINE int32x4_t from_gate_table(int32x4_t magnitude, const int16_t* table) {
  const int32x4_t at = vminq_s32(magnitude, vdupq_n_s32((1 << (bits + 8)) - 1));
  const uint32x4_t i = vreinterpretq_u32_s32(vshrq_n_s32(at, bits));
  const int32x4_t part = vandq_s32(at, vdupq_n_s32((1 << bits) - 1));
  const int32x4_t low = vldrhq_gather_shifted_offset_s32(table, i);
  const int32x4_t step = vsubq_s32(vldrhq_gather_shifted_offset_s32(table + 1, i), low);
  const int32x4_t y = vaddq_s32(vshlq_n_s32(low, bits), vmulq_s32(step, part));
  return vshrq_n_s32(vaddq_n_s32(y, (1 << (shift - 1)) - 1), shift);
}
NB_INLINE int32x4_t with_sign(int32x4_t y, int32x4_t sign) { return vsubq_s32(veorq_s32(y, sign), sign); }
NB_INLINE int32x4_t gate_sigmoid(int32x4_t x, const int16_t* table) {
  return vaddq_n_s32(with_sign(from_gate_table<12, 13>(vqabsq_s32(x), table), vshrq_n_s32(x, 31)), 16384);
}
NB_INLINE int32x4_t gate_tanh(int32x4_t x, const int16_t* table) {
  return with_sign(from_gate_table<11, 11>(vqabsq_s32(x), table), vshrq_n_s32(x, 31));
}
NB_INLINE int32x4_t next_cell(int32x4_t cell, int32x4_t forget, int32x4_t in, int32x4_t added) {
  const int32x4_t kept = vshlq_n_s32(vrmulhq_s32(cell, vshlq_n_s32(forget, 16)), 1);
  return vaddq_s32(kept, vrshrq_n_s32(vmulq_s32(in, added), 14));
}
NB_INLINE int32x4_t cell_tanh(int32x4_t cell, const int16_t* table) {
  const int32x4_t magnitude = vminq_s32(vqabsq_s32(cell), vdupq_n_s32((1 << 19) - 1));
  const int32x4_t y = from_gate_table<11, 11>(vaddq_s32(magnitude, vshrq_n_s32(magnitude, 1)), table);
  return with_sign(y, vshrq_n_s32(cell, 31));
}
#endif

/// Numbers that are taken at once, as one Lanes: four with Helium. Loads read whole Lanes, stores write what
/// the mask of those that are left takes.
#if defined(__ARM_FEATURE_MVE)
using Lanes = int32x4_t;
using LanesMask = mve_pred16_t;
constexpr int32_t kLanes = 4;
NB_INLINE LanesMask lanes_of(int32_t left) { return vctp32q(static_cast<uint32_t>(left)); }
NB_INLINE Lanes load_lanes(const int32_t* from) { return vldrwq_s32(from); }
NB_INLINE Lanes load_lanes(const int16_t* from) { return vldrhq_s32(from); }
NB_INLINE void store_lanes(int32_t* to, Lanes x, LanesMask mask) { vstrwq_p_s32(to, x, mask); }
NB_INLINE void store_lanes(int16_t* to, Lanes x, LanesMask mask) { vstrhq_p_s32(to, x, mask); }
NB_INLINE void store_lanes(int8_t* to, Lanes x, LanesMask mask) { vstrbq_p_s32(to, x, mask); }
NB_INLINE Lanes sum(Lanes a, Lanes b) { return vaddq_s32(a, b); }
NB_INLINE Lanes sum(Lanes a, int32_t b) { return vaddq_n_s32(a, b); }
NB_INLINE Lanes difference(Lanes a, Lanes b) { return vsubq_s32(a, b); }
NB_INLINE Lanes product(Lanes a, Lanes b) { return vmulq_s32(a, b); }
NB_INLINE Lanes shifted_left(Lanes x, int32_t by) { return vshlq_r_s32(x, by); }
/// round(x / 2^by), ties towards plus infinity.
NB_INLINE Lanes shifted_right(Lanes x, int32_t by) { return vrshlq_n_s32(x, -by); }
/// round(a * b / 2^32), ties towards plus infinity.
NB_INLINE Lanes high_product(Lanes a, Lanes b) { return vrmulhq_s32(a, b); }
NB_INLINE Lanes high_product(Lanes a, int32_t b) { return vrmulhq_s32(a, vdupq_n_s32(b)); }
NB_INLINE Lanes bounded(Lanes x, int32_t low, int32_t high) {
  return vminq_s32(vmaxq_s32(x, vdupq_n_s32(low)), vdupq_n_s32(high));
}
#else
using Lanes = int32_t;
using LanesMask = bool;
constexpr int32_t kLanes = 1;
NB_INLINE LanesMask lanes_of(int32_t) { return true; }
template <class T>
NB_INLINE Lanes load_lanes(const T* from) {
  return *from;
}
template <class T>
NB_INLINE void store_lanes(T* to, Lanes x, LanesMask) {
  *to = static_cast<T>(x);
}
NB_INLINE Lanes sum(Lanes a, Lanes b) { return a + b; }
NB_INLINE Lanes difference(Lanes a, Lanes b) { return a - b; }
NB_INLINE Lanes product(Lanes a, Lanes b) { return a * b; }
NB_INLINE Lanes shifted_left(Lanes x, int32_t by) { return x * (1 << by); }
NB_INLINE Lanes shifted_right(Lanes x, int32_t by) { return (x + ((1 << by) >> 1)) >> by; }
NB_INLINE Lanes high_product(Lanes a, Lanes b) { return multiply_high_add(a, b, 0); }
NB_INLINE Lanes bounded(Lanes x, int32_t low, int32_t high) { return clamp(x, low, high); }
#endif
/// Lanes within the range of T.
template <class T>
NB_INLINE Lanes saturated(Lanes x) {
#if NB_DSP && !defined(__ARM_FEATURE_MVE)
  __asm__("ssat %0, %1, %0" : "+r"(x) : "i"(8 * sizeof(T)));
  return x;
#else
  return bounded(x, -(1 << (8 * sizeof(T) - 1)), (1 << (8 * sizeof(T) - 1)) - 1);
#endif
}

}  // namespace nb
