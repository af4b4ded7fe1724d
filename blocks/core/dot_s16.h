// Sums of products of int16 activations with int8 weights, and their way to an output.
#pragma once
#include "four_dots.h"
#include "requantize.h"
#include "simd_dsp.h"

namespace nb {

/// A sum times its factor: with a 64-bit bias rounded once, with a 32-bit bias as sums of int8 are, modulo
/// 2^32.
NB_INLINE int32_t rescale_s16(int64_t sum, int64_t bias, int32_t multiplier, int shift) {
  return rescale64(sum + bias, multiplier, shift);
}
NB_INLINE int32_t rescale_s16(uint32_t sum, int32_t bias, int32_t multiplier, int shift) {
  return rescale(static_cast<int32_t>(sum + static_cast<uint32_t>(bias)), multiplier, shift);
}

}  // namespace nb
