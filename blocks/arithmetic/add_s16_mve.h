// int16 addition, four lanes a turn, for the M-profile vector extension (Helium).
#pragma once
#include <arm_mve.h>

#include "add_s16.h"

namespace nb {

/// rescale with a shift to the right. One less in negative lanes sends ties away from zero, see rescale_mve.
NB_INLINE int32x4_t rescale_right_mve(int32x4_t x, int32_t multiplier, int32_t shift) {
  x = vqrdmulhq_n_s32(x, multiplier);
  return vrshlq_n_s32(vaddq_s32(x, vshrq_n_s32(x, 31)), -shift);
}

/// y may lie exactly on a or b.
NB_NOINLINE inline void add_s16_mve(const AddS16& p, const int16_t* a, const int16_t* b, int16_t* y) {
  const int32x4_t low = vdupq_n_s32(p.y_min), high = vdupq_n_s32(p.y_max);
  const int32_t bm = p.b_multiplier, bs = p.b_right_shift, ym = p.y_multiplier, ys = p.y_right_shift;
  for (int32_t left = p.count; left > 0; left -= 4, a += 4, b += 4, y += 4) {
    const mve_pred16_t lanes = vctp32q(static_cast<uint32_t>(left));
    const int32x4_t tb = rescale_right_mve(vshlq_n_s32(vldrhq_z_s32(b, lanes), 15), bm, bs);
    const int32x4_t sum = vaddq_s32(vshlq_n_s32(vldrhq_z_s32(a, lanes), 14), tb);
    vstrhq_p_s32(y, vminq_s32(vmaxq_s32(rescale_right_mve(sum, ym, ys), low), high), lanes);
  }
}

}  // namespace nb
