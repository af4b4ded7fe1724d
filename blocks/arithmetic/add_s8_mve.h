// Quantized int8 addition, four lanes a turn, for the M-profile vector extension (Helium).
#pragma once
#include "../core/requantize_mve.h"
#include "add_s8.h"

namespace nb {

/// y may lie exactly on a or b.
NB_NOINLINE inline void add_s8_mve(const AddS8& p, const int8_t* a, const int8_t* b, int8_t* y) {
  const int32x4_t a_shift = vdupq_n_s32(-p.a_right_shift), b_shift = vdupq_n_s32(-p.b_right_shift),
                  y_shift = vdupq_n_s32(-p.y_right_shift), low = vdupq_n_s32(p.y_min),
                  high = vdupq_n_s32(p.y_max);
  const int32_t last_steps = rescale_steps_mve(p.y_min, p.y_zero, false);
  for (int32_t left = p.count; left > 0; left -= 4, a += 4, b += 4, y += 4) {
    const mve_pred16_t lanes = vctp32q(static_cast<uint32_t>(left));
    const int32x4_t qa = vsubq_n_s32(vldrbq_z_s32(a, lanes), p.a_zero),
                    qb = vsubq_n_s32(vldrbq_z_s32(b, lanes), p.b_zero);
    const int32x4_t ta =
        rescale_mve(vshlq_n_s32(qa, 20), vdupq_n_s32(p.a_multiplier), a_shift, kRescaleTiesMve);
    const int32x4_t tb =
        rescale_mve(vshlq_n_s32(qb, 20), vdupq_n_s32(p.b_multiplier), b_shift, kRescaleTiesMve);
    int32x4_t q = rescale_mve(vaddq_s32(ta, tb), vdupq_n_s32(p.y_multiplier), y_shift, last_steps);
    q = vminq_s32(vmaxq_s32(vaddq_n_s32(q, p.y_zero), low), high);
    vstrbq_p_s32(y, q, lanes);
  }
}

}  // namespace nb
