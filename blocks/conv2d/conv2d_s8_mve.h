// Convolution of int8 images for Armv8.1-M with the vector extension (Helium). One group, any window.
// Two pixels by four output channels at a time: eight accumulators in general registers, 16 products an
// instruction.
#pragma once
#include "../core/copy_mve.h"
#include "../core/requantize_mve.h"
#include "layout_mve.h"

namespace nb {

/// All output channels of two pixels (of one, given twice). The code below knows the offsets of the fields.
struct Conv2dPairMve {
  int32_t low[4];         ///< 0: out_min in all lanes
  int32_t high[4];        ///< 16: out_max
  const int8_t* taps[2];  ///< 32: the contiguous inputs of each pixel
  int32_t steps;          ///< 40: whole 32 inputs
  int32_t rest;           ///< 44: inputs after these, 0..31
  int32_t rescale_steps;  ///< 48
  int32_t out_zero;       ///< 52
  int8_t* out[2];         ///< 56: advanced
  int32_t out_channels;   ///< 64
};
static_assert(offsetof(Conv2dPairMve, out_channels) == 64, "the assembly below knows the offsets");

// A naked function whose parameters are used in registers must not be cloned or analysed.
#ifdef __clang__
#define NB_NOIPA
#else
#define NB_NOIPA , noipa
#endif
// Sixteen inputs: Q0, Q1 of the pixels, times the weights of four channels.
#define NB_LOAD "  vldrb.8 q0, [r1], #16\n  vldrb.8 q1, [r5], #16\n"
#define NB_LOAD_REST "  vctp.8 r7\n  vpstt\n  vldrbt.8 q0, [r1], #16\n  vldrbt.8 q1, [r5], #16\n"
#define NB_PRODUCTS            \
  "  vldrw.32 q2, [r3], #16\n" \
  "  vmlava.s8 r0, q0, q2\n"   \
  "  vldrw.32 q3, [r3], #16\n" \
  "  vmlava.s8 r8, q1, q2\n"   \
  "  vmlava.s8 r2, q0, q3\n"   \
  "  vldrw.32 q2, [r3], #16\n" \
  "  vmlava.s8 r10, q1, q3\n"  \
  "  vmlava.s8 r4, q0, q2\n"   \
  "  vldrw.32 q3, [r3], #16\n" \
  "  vmlava.s8 r12, q1, q2\n"  \
  "  vmlava.s8 r6, q0, q3\n"   \
  "  vmlava.s8 lr, q1, q3\n"

/// `stream`: for each four channels the biases twice, the weights (four channels of 16 for each 16 inputs),
/// the multipliers, the shifts.
__attribute__((naked, noinline NB_NOIPA)) inline void conv2d_s8_mve_pair(Conv2dPairMve& /*job*/,
                                                                         const int8_t* /*stream*/) {
  // The accumulators of VMLAVA are even registers: all eight of them, LR included. That leaves the odd ones,
  // all six: no compiler finds an allocation with a frame pointer, hence a naked function. R1, R5: inputs of
  // the pixels. R3: constants. R7: count of inputs. R9: channels to do. R11: the job.
  __asm__ volatile(
      "  push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n"
      "  vpush {d8, d9, d10, d11, d12, d13, d14, d15}\n"
      "  mov r11, r0\n"
      "  mov r3, r1\n"
      "  ldr r9, [r0, #64]\n"
      "  vldrw.32 q6, [r11]\n"
      "  vldrw.32 q7, [r11, #16]\n"
      "1:\n"
      "  ldmia r3!, {r0, r2, r4, r6, r8, r10, r12, lr}\n"
      "  ldrd r1, r5, [r11, #32]\n"
      "  ldr r7, [r11, #40]\n"
      "  cbz r7, 3f\n"
      "2:\n" NB_LOAD NB_PRODUCTS NB_LOAD NB_PRODUCTS
      "  subs r7, #1\n"
      "  bne 2b\n"
      "3:\n"
      "  ldr r7, [r11, #44]\n"
      "  cbz r7, 5f\n"
      "4:\n" NB_LOAD_REST NB_PRODUCTS
      "  subs r7, #16\n"
      "  bgt 4b\n"
      "5:\n"
      "  vmov d0, r0, r2\n"
      "  vmov d1, r4, r6\n"
      "  vmov d2, r8, r10\n"
      "  vmov d3, r12, lr\n"
      "  ldrd r0, r2, [r11, #48]\n"
      "  vldrw.32 q2, [r3], #16\n"
      "  vldrw.32 q3, [r3], #16\n"
      "  cmp r0, #0\n"
      "  bne 7f\n"
      "  vqrdmulh.s32 q0, q0, q2\n"
      "  vqrdmulh.s32 q1, q1, q2\n"
      "6:\n"
      "  vrshl.s32 q0, q0, q3\n"
      "  vrshl.s32 q1, q1, q3\n"
      "  ldrd r4, r6, [r11, #56]\n"
      "  vadd.i32 q0, q0, r2\n"
      "  vadd.i32 q1, q1, r2\n"
      "  vmax.s32 q0, q0, q6\n"
      "  vmax.s32 q1, q1, q6\n"
      "  vmin.s32 q0, q0, q7\n"
      "  vmin.s32 q1, q1, q7\n"
      "  subs r9, #4\n"
      "  blt 9f\n"
      "  vstrb.32 q0, [r4], #4\n"
      "  vstrb.32 q1, [r6], #4\n"
      "  strd r4, r6, [r11, #56]\n"
      "  bne 1b\n"
      "  b 10f\n"
      // Any rescaling: to the left before, and ties of negative values away from zero (see rescale_mve).
      "7:\n"
      "  lsrs r0, #2\n"
      "  bcc 8f\n"
      "  vmov.i32 q4, #0\n"
      "  vmax.s32 q5, q3, q4\n"
      "  vshl.s32 q0, q0, q5\n"
      "  vshl.s32 q1, q1, q5\n"
      "  vmin.s32 q3, q3, q4\n"
      "8:\n"
      "  vqrdmulh.s32 q0, q0, q2\n"
      "  vqrdmulh.s32 q1, q1, q2\n"
      "  vand q4, q0, q3\n"
      "  vand q5, q1, q3\n"
      "  vshr.s32 q4, q4, #31\n"
      "  vshr.s32 q5, q5, #31\n"
      "  vadd.i32 q0, q0, q4\n"
      "  vadd.i32 q1, q1, q5\n"
      "  b 6b\n"
      "9:\n"
      "  adds r9, #4\n"
      "  vctp.32 r9\n"
      "  vpstt\n"
      "  vstrbt.32 q0, [r4]\n"
      "  vstrbt.32 q1, [r6]\n"
      "  add r4, r9\n"
      "  add r6, r9\n"
      "  strd r4, r6, [r11, #56]\n"
      "10:\n"
      "  vpop {d8, d9, d10, d11, d12, d13, d14, d15}\n"
      "  pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}\n");
}
#undef NB_NOIPA
#undef NB_LOAD
#undef NB_LOAD_REST
#undef NB_PRODUCTS

/// Which kernel rows of an output row see the image: `above` do not, `seen` do, `below` do not.
struct KernelRowsMve {
  int32_t above, seen, below;
  const int8_t* first;  ///< column 0 of the image row of the first seen one
};

/// Of output row y. `in` points at input row `in_row`.
NB_INLINE KernelRowsMve kernel_rows_mve(const Conv2dS8& p, const int8_t* in, int32_t in_row, int32_t y) {
  const Window2d& g = p.window;
  int32_t iy = y * g.stride.h - g.pad.h, i = 0;
  KernelRowsMve rows;
  for (; i < g.kernel.h && iy < 0; ++i) iy += g.dilation.h;
  rows.above = i;
  rows.first = in + (iy - in_row) * g.in.w * p.in_channels;
  for (; i < g.kernel.h && iy < g.in.h; ++i) iy += g.dilation.h;
  rows.seen = i - rows.above;
  rows.below = g.kernel.h - i;
  return rows;
}

/// Copies `count` (not 0) runs of `run_bytes` (0..16) from rows `stride_bytes` apart. Each is preceded by
/// `before` and followed by `after` bytes of padding of the value of all lanes of `fill` (together up to 16).
/// Writes up to 16 past.
NB_INLINE int8_t* copy_runs_mve(int8_t* to, const int8_t* from, int32_t count, int32_t stride_bytes,
                                int32_t run_bytes, int32_t before, int32_t after, int8x16_t fill) {
  const int32_t whole = before + run_bytes + after;
  if (whole == run_bytes) {
    __asm__ volatile(
        "  vctp.8 %[run]\n"
        "1:\n"
        "  vpst\n"
        "  vldrbt.8 q0, [%[from]]\n"
        "  add %[from], %[stride]\n"
        "  vstrb.8 q0, [%[to]]\n"
        "  add %[to], %[run]\n"
        "  subs %[count], #1\n"
        "  bne 1b\n"
        : [to] "+r"(to), [from] "+r"(from), [count] "+r"(count)
        : [run] "r"(run_bytes), [stride] "r"(stride_bytes)
        : "q0", "cc", "memory");
  } else {
    int8_t* at;
    __asm__ volatile(
        "  vctp.8 %[run]\n"
        "1:\n"
        "  vstrb.8 %q[fill], [%[to]]\n"
        "  add %[at], %[to], %[before]\n"
        "  vpst\n"
        "  vldrbt.8 q0, [%[from]]\n"
        "  vstrb.8 q0, [%[at]]\n"
        "  add %[at], %[run]\n"
        "  vstrb.8 %q[fill], [%[at]]\n"
        "  add %[from], %[stride]\n"
        "  add %[to], %[whole]\n"
        "  subs %[count], #1\n"
        "  bne 1b\n"
        : [to] "+r"(to), [from] "+r"(from), [count] "+r"(count), [at] "=&r"(at)
        : [run] "r"(run_bytes), [stride] "r"(stride_bytes), [before] "r"(before), [whole] "r"(whole),
          [fill] "w"(fill)
        : "q0", "cc", "memory");
  }
  return to;
}

/// Copies `count` (not 0) runs of `run_bytes` (at least 16) from rows `stride_bytes` apart. Writes up to 15
/// past.
NB_INLINE int8_t* copy_long_runs_mve(int8_t* to, const int8_t* from, int32_t count, int32_t stride_bytes,
                                     int32_t run_bytes) {
  int8_t* at;
  const int8_t* source;
  int32_t left;
  __asm__ volatile(
      "1:\n"
      "  mov %[source], %[from]\n"
      "  mov %[at], %[to]\n"
      "  subs %[left], %[run], #16\n"
      "2:\n"
      "  vldrb.8 q0, [%[source]], #16\n"
      "  subs %[left], #16\n"
      "  vstrb.8 q0, [%[at]], #16\n"
      "  bge 2b\n"
      "  adds %[left], #16\n"
      "  beq 3f\n"
      "  vctp.8 %[left]\n"
      "  vpst\n"
      "  vldrbt.8 q0, [%[source]]\n"
      "  vstrb.8 q0, [%[at]]\n"
      "3:\n"
      "  add %[from], %[stride]\n"
      "  add %[to], %[run]\n"
      "  subs %[count], #1\n"
      "  bne 1b\n"
      : [to] "+r"(to), [from] "+r"(from), [count] "+r"(count), [at] "=&r"(at), [source] "=&r"(source),
        [left] "=&r"(left)
      : [run] "r"(run_bytes), [stride] "r"(stride_bytes)
      : "q0", "cc", "memory");
  return to;
}

/// Copies the taps of output column x to `patch`, padding included. May write up to 16 bytes past the patch.
NB_INLINE void conv2d_s8_mve_patch(const Conv2dS8& p, const KernelRowsMve& rows, int32_t x, int8_t* patch) {
  const Window2d& g = p.window;
  const int32_t channels = p.in_channels, tap_row = g.kernel.w * channels;
  const int32_t stride_bytes = g.dilation.h * g.in.w * channels;
  const int32_t x0 = x * g.stride.w - g.pad.w;
  fill_mve(patch, p.in_zero, rows.above * tap_row);
  patch += rows.above * tap_row;
  if (g.dilation.w == 1) {
    const int32_t left = clamp<int32_t>(-x0, 0, g.kernel.w);
    const int32_t right = clamp<int32_t>(x0 + g.kernel.w - g.in.w, 0, g.kernel.w - left);
    const int32_t before = left * channels, after = right * channels, run_bytes = tap_row - before - after;
    const int8_t* from = rows.first + (x0 + left) * channels;
    if (rows.seen == 0) {
      // Padding only.
    } else if (tap_row > 16 && run_bytes == tap_row) {
      patch = copy_long_runs_mve(patch, from, rows.seen, stride_bytes, run_bytes);
    } else if (tap_row <= 16) {
      patch = copy_runs_mve(patch, from, rows.seen, stride_bytes, run_bytes, before, after,
                            vdupq_n_s8(static_cast<int8_t>(p.in_zero)));
    } else {
      for (int32_t i = rows.seen; i > 0; --i, from += stride_bytes, patch += tap_row) {
        // In this order: each step may write past its end.
        fill_mve(patch, p.in_zero, before);
        copy_mve(patch + before, from, run_bytes);
        fill_mve(patch + before + run_bytes, p.in_zero, after);
      }
    }
  } else {
    const int8_t* row = rows.first + x0 * channels;
    for (int32_t i = rows.seen; i > 0; --i, row += stride_bytes) {
      const int8_t* from = row;
      for (int32_t j = 0, ix = x0; j < g.kernel.w; ++j, ix += g.dilation.w, patch += channels) {
        if (ix >= 0 && ix < g.in.w) {
          copy_mve(patch, from, channels);
        } else {
          fill_mve(patch, p.in_zero, channels);
        }
        from += g.dilation.w * channels;
      }
    }
  }
  fill_mve(patch, p.in_zero, rows.below * tap_row);
}

/// Output rows [y_begin, y_end). `in` points at input row `in_row`, `out` at output row `y_begin`. `packed`
/// comes from pack_conv2d_s8_mve; `scratch` has conv2d_s8_mve_scratch_bytes(p). Equals conv2d_s8_rows bit for
/// bit.
NB_NOINLINE inline void conv2d_s8_mve_rows(const Conv2dS8& p, const int8_t* in, int32_t in_row,
                                           const int8_t* packed, int8_t* out, int32_t y_begin, int32_t y_end,
                                           int8_t* scratch) {
  const Window2d& g = p.window;
  const bool in_place = conv2d_s8_mve_in_place(p);
  const int32_t patch_bytes = conv2d_s8_mve_patch_bytes(p);
  const int32_t taps = in_place ? g.kernel.h * g.kernel.w * p.in_channels : patch_bytes;
  Conv2dPairMve job;
  for (int32_t lane = 0; lane < 4; ++lane) {
    job.low[lane] = p.out_min;
    job.high[lane] = p.out_max;
  }
  job.steps = taps >> 5;
  job.rest = taps & 31;
  job.rescale_steps = rescale_steps_mve(p.out_min, p.out_zero, packed[0] != 0);
  job.out_zero = p.out_zero;
  job.out_channels = p.out_channels;
  packed += 16;
  job.out[0] = out;
  int32_t filled = 0;  // pixels waiting for the next one
  if (in_place) {
    const int32_t step_x = g.stride.w * p.in_channels;
    for (int32_t y = y_begin; y < y_end; ++y) {
      const int8_t* from = in + (y * g.stride.h - in_row) * g.in.w * p.in_channels;
      for (int32_t x = g.out.w; x > 0; --x, from += step_x) {
        job.taps[filled] = from;
        if (filled ^= 1) continue;
        job.out[1] = job.out[0] + p.out_channels;
        conv2d_s8_mve_pair(job, packed);
        job.out[0] = job.out[1];
      }
    }
  } else {
    for (int32_t y = y_begin; y < y_end; ++y) {
      const KernelRowsMve rows = kernel_rows_mve(p, in, in_row, y);
      for (int32_t x = 0; x < g.out.w; ++x) {
        int8_t* patch = filled ? scratch + patch_bytes : scratch;
        conv2d_s8_mve_patch(p, rows, x, patch);
        job.taps[filled] = patch;
        if (filled ^= 1) continue;
        job.out[1] = job.out[0] + p.out_channels;
        conv2d_s8_mve_pair(job, packed);
        job.out[0] = job.out[1];
      }
    }
  }
  if (filled) {
    job.taps[1] = job.taps[0];
    job.out[1] = job.out[0];
    conv2d_s8_mve_pair(job, packed);
  }
}

/// The whole image.
NB_INLINE void conv2d_s8_mve(const Conv2dS8& p, const int8_t* in, const int8_t* packed, int8_t* out,
                             int8_t* scratch) {
  conv2d_s8_mve_rows(p, in, 0, packed, out, 0, p.window.out.h, scratch);
}

}  // namespace nb
