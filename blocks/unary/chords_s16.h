// A function of int16 elements by straight lines between the values of a table, portable.
#pragma once
#include "../core/simd_dsp.h"

namespace nb {

/// How many elements; values stand for inputs 2^shift apart.
struct ChordTableS16 {
  int32_t count, shift;
};

/// The value at x, rounded to the nearest: `table` begins with the value at -32768, in units of 2^-6.
NB_INLINE int16_t chord_value(ChordTableS16 p, int16_t x, const int32_t* table) {
  const uint32_t place = static_cast<uint32_t>(int32_t{x} + 32768);
  const int32_t* const at = table + (place >> p.shift);
  const auto rest = static_cast<int32_t>(place & ((1u << p.shift) - 1));
  const int32_t y = at[0] + (((at[1] - at[0]) * rest) >> p.shift);
  return static_cast<int16_t>(saturate16((y + 32) >> 6));
}

/// out[i] = f(in[i]); the output may lie exactly on the input.
NB_NOINLINE inline void chords_s16(const ChordTableS16& p, const int16_t* in, const int32_t* table,
                                   int16_t* out) {
  const ChordTableS16 local = p;
  for (int32_t i = 0; i < local.count; ++i) out[i] = chord_value(local, in[i], table);
}

/// A function with a pole or a steep end at real 0: chords become shorter towards it. 2^bits of them reach
/// from each power of two of |x - zero| to the next; below 2^(bits + 1) each element has a value of its own.
struct OctaveTableS16 {
  int32_t count, bits, zero;
  int32_t negative;  ///< where the values of elements below zero begin
};

/// How many values reach from 0 to 2^16.
constexpr int32_t octave_values(int32_t bits) { return ((17 - bits) << bits) + 1; }

NB_INLINE int16_t octave_value(const OctaveTableS16& p, int16_t x, const int32_t* table) {
  const int32_t distance = x - p.zero;
  const auto u = static_cast<uint32_t>(distance < 0 ? -distance : distance);
  const int32_t shift = 31 - __builtin_clz(u | (1u << p.bits)) - p.bits;
  const int32_t* const at = table + (distance < 0 ? p.negative : 0) + (shift << p.bits) + (u >> shift);
  const auto rest = static_cast<int32_t>(u & ((1u << shift) - 1));
  const int32_t y = at[0] + (((at[1] - at[0]) * rest) >> shift);
  return static_cast<int16_t>(saturate16((y + 32) >> 6));
}

/// out[i] = f(in[i]); the output may lie exactly on the input.
NB_NOINLINE inline void octaves_s16(const OctaveTableS16& p, const int16_t* in, const int32_t* table,
                                    int16_t* out) {
  const OctaveTableS16 local = p;
  for (int32_t i = 0; i < local.count; ++i) out[i] = octave_value(local, in[i], table);
}

}  // namespace nb
