// Vector forms of the fixed-point rescaling of requantize.h, for the M-profile vector extension (Helium).
#pragma once
#include <arm_mve.h>

#include "nb.h"

namespace nb {

/// What a rescaling must do beside a high multiply and a rounding shift right.
constexpr int32_t kRescaleTiesMve =
    1;  ///< ties of negative values go away from zero, where the result is visible
constexpr int32_t kRescaleLeftMve = 2;  ///< some channel has a positive shift

/// A result at or below the zero point is clamped to the zero point when the fused activation starts there;
/// the rounding direction of its ties is then invisible, and the rounding shift alone is exact.
NB_INLINE int32_t rescale_steps_mve(int32_t out_min, int32_t out_zero, bool any_left_shift) {
  return (out_min >= out_zero ? 0 : kRescaleTiesMve) | (any_left_shift ? kRescaleLeftMve : 0);
}

/// Four lanes of nb::rescale. `shift` as there: positive to the left. VRSHL rounds ties towards plus
/// infinity; one less in negative lanes that shift turns that into away from zero and moves no other value
/// over a tie.
NB_INLINE int32x4_t rescale_mve(int32x4_t x, int32x4_t multiplier, int32x4_t shift, int32_t steps) {
  if (NB_UNLIKELY(steps & kRescaleLeftMve)) {
    const int32x4_t zero = vdupq_n_s32(0);
    x = vshlq_s32(x, vmaxq_s32(shift, zero));
    shift = vminq_s32(shift, zero);
  }
  x = vqrdmulhq_s32(x, multiplier);
  if (steps & kRescaleTiesMve) x = vaddq_s32(x, vshrq_n_s32(vandq_s32(x, shift), 31));
  return vrshlq_s32(x, shift);
}

/// Reads four int32 of a packed constant stream and steps over them.
NB_INLINE int32x4_t take_s32x4_mve(const int8_t*& stream) {
  const int32x4_t value = vldrwq_s32(reinterpret_cast<const int32_t*>(stream));
  stream += 16;
  return value;
}

}  // namespace nb
