// Products of int16 vectors with rows of int8 weights, as recurrent layers of integers take them, the rows
// lying one after the other: portable, and with Helium.
#pragma once
#include "simd_dsp.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#endif

namespace nb {

/// Elements that a vector of n int16 has in memory: those behind the last are zeros.
constexpr int32_t padded_s16(int32_t n) { return (n + 7) & ~7; }

#if defined(__ARM_FEATURE_MVE)
/// Sums of four rows of n elements over a vector of more than 4, which is `count` times 8 with its zeros.
NB_INLINE int32x4_t sums_of_rows(const int16_t* in, const int8_t* weights, int32_t n, int32_t count) {
#ifdef __OPTIMIZE__
  const int8_t *w1, *w2;
  int32_t s0, s1, s2, s3;
  // In C++ the compiler moves sums and pointers about in the loop. So many registers are free only in code
  // that is optimized.
  __asm__(
      "adds %[w1], %[w0], %[w3]\n\t"
      "mov %[s0], #0\n\t"
      "adds %[w2], %[w1], %[w3]\n\t"
      "mov %[s1], #0\n\t"
      "adds %[w3], %[w2], %[w3]\n\t"
      "mov %[s2], #0\n\t"
      "mov %[s3], #0\n\t"
      "dls lr, %[count]\n\t"
      "1:\n\t"
      "vldrh.u16 q0, [%[x]], #16\n\t"
      "vldrb.s16 q1, [%[w0]], #8\n\t"
      "vmladava.s16 %[s0], q0, q1\n\t"
      "vldrb.s16 q2, [%[w1]], #8\n\t"
      "vmladava.s16 %[s1], q0, q2\n\t"
      "vldrb.s16 q3, [%[w2]], #8\n\t"
      "vmladava.s16 %[s2], q0, q3\n\t"
      "vldrb.s16 q1, [%[w3]], #8\n\t"
      "vmladava.s16 %[s3], q0, q1\n\t"
      "le lr, 1b"
      : [x] "+r"(in), [w0] "+l"(weights), [w1] "=&l"(w1), [w2] "=&l"(w2), [w3] "+l"(n), [s0] "=&Te"(s0),
        [s1] "=&Te"(s1), [s2] "=&Te"(s2), [s3] "=&Te"(s3)
      : [count] "r"(count)
      : "q0", "q1", "q2", "q3", "lr", "cc", "memory");
#else
  const int8_t *w1 = weights + n, *w2 = w1 + n, *w3 = w2 + n;
  int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  for (int32_t k = 0; k < 8 * count; k += 8) {
    const int16x8_t x = vldrhq_s16(in + k);
    s0 = vmladavaq_s16(s0, x, vldrbq_s16(weights + k));
    s1 = vmladavaq_s16(s1, x, vldrbq_s16(w1 + k));
    s2 = vmladavaq_s16(s2, x, vldrbq_s16(w2 + k));
    s3 = vmladavaq_s16(s3, x, vldrbq_s16(w3 + k));
  }
#endif
  int32x4_t sums = vdupq_n_s32(s0);
  sums = vsetq_lane_s32(s1, sums, 1);
  sums = vsetq_lane_s32(s2, sums, 2);
  return vsetq_lane_s32(s3, sums, 3);
}
#endif

/// Behind all weights lie 8 bytes more.
struct RowsS16 {
  /// Bytes of weights.
  static constexpr int32_t size(int32_t rows, int32_t n) { return rows * n; }

  /// z[row] = base[row] + round(2^(shift - 32) * factors[row] * sum over k < n of in[k] * weights[row * n +
  /// k]). No sum times 2^shift leaves int32. z may be base. `in` is padded.
  NB_NOINLINE static void products(const int16_t* NB_RESTRICT in, const int8_t* NB_RESTRICT weights,
                                   int32_t rows, int32_t n, const int32_t* NB_RESTRICT factors, int32_t shift,
                                   const int32_t* base, int32_t* z) {
    int32_t left = rows;
#if defined(__ARM_FEATURE_MVE)
    const auto put = [&](int32x4_t sums) {
      const int32x4_t high = vrmulhq_s32(vshlq_r_s32(sums, shift), vldrwq_s32(factors));
      vstrwq_s32(z, vaddq_s32(vldrwq_s32(base), high));
      weights += 4 * n;
      factors += 4;
      base += 4;
      z += 4;
    };
    if (n <= 4) {
      const int32_t x0 = in[0], x1 = in[1], x2 = in[2], x3 = in[3];
      const uint32x4_t first = vmulq_n_u32(vidupq_n_u32(0, 1), static_cast<uint32_t>(n));
      const uint32x4_t second = vaddq_n_u32(first, 1), third = vaddq_n_u32(first, 2),
                       fourth = vaddq_n_u32(first, 3);
      for (; left >= 4; left -= 4) {
        int32x4_t sums = vmulq_n_s32(vldrbq_gather_offset_s32(weights, first), x0);
        sums = vmlaq_n_s32(sums, vldrbq_gather_offset_s32(weights, second), x1);
        sums = vmlaq_n_s32(sums, vldrbq_gather_offset_s32(weights, third), x2);
        put(vmlaq_n_s32(sums, vldrbq_gather_offset_s32(weights, fourth), x3));
      }
    } else {
      const int32_t count = padded_s16(n) >> 3;
      for (; left >= 4; left -= 4) put(sums_of_rows(in, weights, n, count));
    }
#else
    for (; left >= 4; left -= 4) {
      const int8_t *w1 = weights + n, *w2 = w1 + n, *w3 = w2 + n;
      int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#if defined(__thumb__) && !defined(__thumb2__)  // has registers for one element at once
      for (int32_t k = 0; k < n; ++k) {
        const int32_t v = in[k];
        s0 += v * weights[k];
        s1 += v * w1[k];
        s2 += v * w2[k];
        s3 += v * w3[k];
      }
#else
      for (int32_t k = 0; k < n; k += 2) {  // behind an odd row the vector is 0
        const int32_t v0 = in[k], v1 = in[k + 1];
        s0 += v0 * weights[k];
        s0 += v1 * weights[k + 1];
        s1 += v0 * w1[k];
        s1 += v1 * w1[k + 1];
        s2 += v0 * w2[k];
        s2 += v1 * w2[k + 1];
        s3 += v0 * w3[k];
        s3 += v1 * w3[k + 1];
      }
#endif
      z[0] = multiply_high_add(s0 * (1 << shift), factors[0], base[0]);
      z[1] = multiply_high_add(s1 * (1 << shift), factors[1], base[1]);
      z[2] = multiply_high_add(s2 * (1 << shift), factors[2], base[2]);
      z[3] = multiply_high_add(s3 * (1 << shift), factors[3], base[3]);
      weights = w3 + n;
      factors += 4;
      base += 4;
      z += 4;
    }
#endif
    for (; left > 0; --left, weights += n) {
      int32_t sum = 0;
      for (int32_t k = 0; k < n; ++k) sum += in[k] * weights[k];
      *z++ = multiply_high_add(sum * (1 << shift), *factors++, *base++);
    }
  }

  /// The same of a vector whose elements are int8.
  static void products_of_bytes(const int16_t* in, const int8_t* weights, int32_t rows, int32_t n,
                                const int32_t* factors, int32_t shift, const int32_t* base, int32_t* z) {
    products(in, weights, rows, n, factors, shift, base, z);
  }
};

}  // namespace nb
