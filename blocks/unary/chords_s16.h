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

}  // namespace nb
