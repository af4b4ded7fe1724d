// The 3x3 stride-1 depthwise convolution of int8 or int16 images with int8 weights for cores with the DSP
// extension: two output rows at a time. For four channels, the four input rows of a column become two words a
// channel, rows (0, 1) and rows (2, 3) as pairs of int16; these columns serve each channel's two output rows.
// Weights pair likewise, (w0, w1) and (w1, w2) of each kernel column, so that a column costs two dual and two
// single multiply-adds for six products.
//
// The stream, after the head: for each four channels (the last four end with the last channel), for each
// channel six words of weights, column by column, then {multiplier, offset, shift, bias}. Weights and bias
// are doubled. int16 that rounds once has no offset and no shift.
#pragma once
#include "../core/matmul_s16_dsp.h"
#include "../core/matmul_s8_dsp.h"
#include "params_s8.h"

namespace nb {

/// True where the kernel below computes `p`, given a fast finish, and rows are long enough for it to be the
/// faster way.
constexpr bool depthwise_3x3_dsp_applies(const DepthwiseConv2dS8& p) {
  const Window2d& g = p.window;
  return g.kernel.h == 3 && g.kernel.w == 3 && g.stride.h == 1 && g.stride.w == 1 && g.dilation.h == 1 &&
         g.dilation.w == 1 && g.out.w >= 5 && p.depth_multiplier == 1 && p.in_channels >= 4;
}

/// Bytes of scratch, 4-byte aligned: the columns of four channels.
constexpr int32_t depthwise_3x3_dsp_scratch_bytes(const DepthwiseConv2dS8& p) {
  return 32 * (p.window.out.w + 2);
}

/// What the inner loop reads. Its layout is known to the assembly below.
struct Depthwise3x3Dsp {
  const uint32_t* stream;
  const uint32_t* columns;  ///< eight words each: rows (0, 1), rows (2, 3) of each channel
  int8_t* out;              ///< the first channel of the upper row, as bytes
  int32_t row_bytes;        ///< from the upper output row to the lower; 0 drops the lower
  int32_t channels;         ///< bytes from one output pixel to the next
  int32_t width_bytes;      ///< 32 bytes an output pixel of a row
  int32_t finish;
};

#if NB_DSP

// Two pixels, one above the other. r0 columns, r1 out, r2 row_bytes, r6-r11 weights.
#define NB_TWO_PIXELS         \
  "ldrd r4, r5, [sp, #12]\n"  \
  "ldrd r3, r12, [r0], #32\n" \
  "smlad r4, r3, r6, r4\n"    \
  "smlatb r5, r3, r6, r5\n"   \
  "smlabt r4, r12, r7, r4\n"  \
  "smlad r5, r12, r7, r5\n"   \
  "ldrd r3, r12, [r0]\n"      \
  "smlad r4, r3, r8, r4\n"    \
  "smlatb r5, r3, r8, r5\n"   \
  "smlabt r4, r12, r9, r4\n"  \
  "smlad r5, r12, r9, r5\n"   \
  "ldrd r3, r12, [r0, #32]\n" \
  "smlad r4, r3, r10, r4\n"   \
  "smlatb r5, r3, r10, r5\n"  \
  "smlabt r4, r12, r11, r4\n" \
  "smlad r5, r12, r11, r5\n"  \
  "ldm sp, {r3, r12, lr}\n"

// The finishes of int8 and of int16: from sums in r4, r5, the multiplier in r3, offset and shift in r12, lr.
#define NB_FLOOR             \
  "smmlar r4, r4, r3, r12\n" \
  "smmlar r5, r5, r3, r12\n" \
  "asr r4, r4, lr\n"         \
  "asr r5, r5, lr\n"
#define NB_SIGNED               \
  "add r12, r12, r4, asr #31\n" \
  "smmlar r4, r4, r3, r12\n"    \
  "ldr r12, [sp, #4]\n"         \
  "add r12, r12, r5, asr #31\n" \
  "smmlar r5, r5, r3, r12\n"    \
  "asr r4, r4, lr\n"            \
  "asr r5, r5, lr\n"
#define NB_ONCE         \
  "smmulr r4, r4, r3\n" \
  "smmulr r5, r5, r3\n"
#define NB_SATURATED(how, bits) how " r5, #" bits ", r5\n" how " r4, #" bits ", r4\n"
#define NB_PUT(store)                                      \
  "ldrd r3, lr, [sp, #20]\n" store " r5, [r1, r2]\n" store \
  " r4, [r1]\n"                                            \
  "add r1, r1, r3\n"                                       \
  "cmp r0, lr\n"

// Four channels of two output rows. Returns the stream past them.
// The frame: sp+0 multiplier, +4 offset, +8 shift, +12 and +16 bias, +20 channels, +24 end of the columns,
// +28 stream, +32 out, +36 the channel's columns, +40 channels left, +44 width_bytes, +48 loop. `first` and
// `second` are what is done for finish 0 and 1.
#define NB_DEPTHWISE_3X3(first, second, store, element_bytes) \
  ".syntax unified\n" \
      "push {r4-r11, lr}\n" \
      "sub sp, sp, #52\n" \
      "ldm r0, {r3-r9}\n" \
      "str r3, [sp, #28]\n" \
      "str r5, [sp, #32]\n" \
      "str r4, [sp, #36]\n" \
      "mov r2, r6\n" \
      "str r7, [sp, #20]\n" \
      "str r8, [sp, #44]\n" \
      "movs r3, #4\n" \
      "str r3, [sp, #40]\n" \
      "adr r3, 1f\n" \
      "adr r4, 2f\n" \
      "cmp r9, #0\n" \
      "it ne\n" \
      "movne r3, r4\n" \
      "orr r3, r3, #1\n" \
      "str r3, [sp, #48]\n" \
      "5:\n" \
      "ldr lr, [sp, #28]\n" \
      "ldm lr!, {r6-r11}\n" \
      "ldm lr!, {r3, r4, r5, r12}\n" \
      "str lr, [sp, #28]\n" \
      "stm sp, {r3, r4, r5, r12}\n" \
      "str r12, [sp, #16]\n" \
      "ldrd r1, r0, [sp, #32]\n" \
      "ldr r3, [sp, #44]\n" \
      "add r3, r3, r0\n" \
      "str r3, [sp, #24]\n" \
      "ldr pc, [sp, #48]\n" \
      ".balign 4\n" \
      "1:\n" NB_TWO_PIXELS first NB_PUT(store) \
      "bne 1b\n" \
      "b 3f\n" \
      ".balign 4\n" \
      "2:\n" NB_TWO_PIXELS second NB_PUT(store) \
      "bne 2b\n" \
      "3:\n" \
      "ldrd r1, r0, [sp, #32]\n" \
      "adds r1, r1, #" element_bytes "\n" \
      "adds r0, r0, #8\n" \
      "strd r1, r0, [sp, #32]\n" \
      "ldr r3, [sp, #40]\n" \
      "subs r3, r3, #1\n" \
      "str r3, [sp, #40]\n" \
      "bne 5b\n" \
      "ldr r0, [sp, #28]\n" \
      "add sp, sp, #52\n" \
      "pop {r4-r11, pc}\n"

NB_NOINLINE __attribute__((naked)) inline const uint32_t* depthwise_3x3_rows_s8(const Depthwise3x3Dsp*) {
  __asm__ volatile(
      NB_DEPTHWISE_3X3(NB_FLOOR NB_SATURATED("ssat", "8"), NB_SIGNED NB_SATURATED("ssat", "8"), "strb", "1"));
}
NB_NOINLINE __attribute__((naked)) inline const uint32_t* depthwise_3x3_rows_s16_twice(
    const Depthwise3x3Dsp*) {
  __asm__ volatile(NB_DEPTHWISE_3X3(NB_FLOOR NB_SATURATED("usat", "15"), NB_SIGNED NB_SATURATED("ssat", "16"),
                                    "strh", "2"));
}
NB_NOINLINE __attribute__((naked)) inline const uint32_t* depthwise_3x3_rows_s16_once(
    const Depthwise3x3Dsp*) {
  __asm__ volatile(
      NB_DEPTHWISE_3X3(NB_ONCE NB_SATURATED("usat", "15"), NB_ONCE NB_SATURATED("ssat", "16"), "strh", "2"));
}

#undef NB_TWO_PIXELS
#undef NB_FLOOR
#undef NB_SIGNED
#undef NB_ONCE
#undef NB_SATURATED
#undef NB_PUT
#undef NB_DEPTHWISE_3X3

#else

/// The functions above, in plain C++.
template <class T, bool kOnce>
inline const uint32_t* depthwise_3x3_plain(const Depthwise3x3Dsp* d) {
  constexpr bool kIsWide = sizeof(T) == 2;
  const int32_t low = !kIsWide ? -128 : d->finish == 0 ? 0 : -32768, high = kIsWide ? 32767 : 127;
  const uint32_t* stream = d->stream;
  for (int channel = 0; channel < 4; ++channel, stream += 10) {
    const uint32_t* column = d->columns + 2 * channel;
    const int32_t* constants = reinterpret_cast<const int32_t*>(stream + 6);
    T* out = reinterpret_cast<T*>(d->out) + channel;
    for (int32_t x = 0; x < d->width_bytes;
         x += 32, column += 8, out += d->channels / static_cast<int32_t>(sizeof(T))) {
      int32_t upper = constants[3], lower = constants[3];
      for (int j = 0; j < 6; j += 2) {
        const uint32_t rows01 = column[4 * j], rows23 = column[4 * j + 1];
        upper = multiply_add_halves(rows01, stream[j], upper) + low_half(rows23) * high_half(stream[j + 1]);
        lower = multiply_add_halves(rows23, stream[j + 1], lower) + high_half(rows01) * low_half(stream[j]);
      }
      for (int row = 1; row >= 0; --row) {
        const int32_t sum = row ? lower : upper;
        const int32_t offset = constants[1] - (!kOnce && d->finish != 0 && sum < 0 ? 1 : 0);
        const int32_t scaled = multiply_high_add(sum, constants[0], offset) >> constants[2];
        out[row * d->row_bytes / static_cast<int32_t>(sizeof(T))] = static_cast<T>(clamp(scaled, low, high));
      }
    }
  }
  return stream;
}
inline const uint32_t* depthwise_3x3_rows_s8(const Depthwise3x3Dsp* d) {
  return depthwise_3x3_plain<int8_t, false>(d);
}
inline const uint32_t* depthwise_3x3_rows_s16_twice(const Depthwise3x3Dsp* d) {
  return depthwise_3x3_plain<int16_t, false>(d);
}
inline const uint32_t* depthwise_3x3_rows_s16_once(const Depthwise3x3Dsp* d) {
  return depthwise_3x3_plain<int16_t, true>(d);
}

#endif

/// The low halves of a and b, and their high halves, as pairs.
NB_INLINE uint32_t low_halves(uint32_t a, uint32_t b) {
#if NB_DSP
  uint32_t r;
  __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(r) : "r"(a), "r"(b));
  return r;
#else
  return (a & 0xffffu) | (b << 16);
#endif
}
NB_INLINE uint32_t high_halves(uint32_t a, uint32_t b) {
#if NB_DSP
  uint32_t r;
  __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(r) : "r"(b), "r"(a));
  return r;
#else
  return (a >> 16) | (b & 0xffff0000u);
#endif
}

/// Two rows of `count` columns of four channels as pairs: one word a channel, every second word, of each
/// column. Steps are in bytes.
NB_INLINE void depthwise_3x3_pairs(const int8_t* row0, int32_t step0, const int8_t* row1, int32_t step1,
                                   int32_t count, uint32_t* columns, int8_t /*element*/) {
  for (; count > 0; --count, columns += 8) {
    const uint32_t a = load4(row0), b = load4(row1);
    row0 += step0;
    row1 += step1;
    const uint32_t even_a = even_bytes(a), even_b = even_bytes(b), odd_a = odd_bytes(a), odd_b = odd_bytes(b);
    columns[0] = low_halves(even_a, even_b);
    columns[2] = low_halves(odd_a, odd_b);
    columns[4] = high_halves(even_a, even_b);
    columns[6] = high_halves(odd_a, odd_b);
  }
}
NB_INLINE void depthwise_3x3_pairs(const int8_t* row0, int32_t step0, const int8_t* row1, int32_t step1,
                                   int32_t count, uint32_t* columns, int16_t /*element*/) {
  for (; count > 0; --count, columns += 8) {
    const uint32_t a01 = load4(row0), a23 = load4(row0 + 4), b01 = load4(row1), b23 = load4(row1 + 4);
    row0 += step0;
    row1 += step1;
    columns[0] = low_halves(a01, b01);
    columns[2] = high_halves(a01, b01);
    columns[4] = low_halves(a23, b23);
    columns[6] = high_halves(a23, b23);
  }
}

/// Output rows [y_begin, y_end), before the clamp. `rows_of_four` is the function for elements of T.
template <class T>
NB_NOINLINE void depthwise_3x3_dsp_rows(const DepthwiseConv2dS8& p, const T* image, int32_t in_row,
                                        const int8_t* packed, T* to, int32_t y_begin, int32_t y_end,
                                        int8_t* scratch,
                                        const uint32_t* (*rows_of_four)(const Depthwise3x3Dsp*)) {
  constexpr auto kBytes = static_cast<int32_t>(sizeof(T));
  const Window2d& g = p.window;
  const auto* in = reinterpret_cast<const int8_t*>(image);
  auto* out = reinterpret_cast<int8_t*>(to);
  const int32_t channels = kBytes * p.in_channels, count = g.out.w + 2;  // in bytes
  const uint32_t zeros[2] = {(p.in_zero & 0xff) * 0x01010101u, 0}, zero_pair = even_bytes(zeros[0]);
  uint32_t* const columns = reinterpret_cast<uint32_t*>(scratch);
  // Columns [live_begin, live_end) are columns of the input, the others padding.
  const int32_t live_begin = min(g.pad.w, count), live_end = clamp(g.in.w + g.pad.w, live_begin, count);
  for (int32_t i = 0; i < 8 * count; ++i) columns[i] = zero_pair;
  Depthwise3x3Dsp d;
  d.columns = columns;
  d.channels = channels;
  d.width_bytes = 32 * g.out.w;
  d.finish = reinterpret_cast<const int32_t*>(packed)[2];
  for (int32_t y = y_begin; y < y_end; y += 2) {
    d.stream = reinterpret_cast<const uint32_t*>(packed) + 4;
    d.row_bytes = y + 1 < y_end ? g.out.w * channels : 0;
    const int8_t* rows[4];
    int32_t steps[4];
    for (int i = 0; i < 4; ++i) {
      const int32_t iy = y - g.pad.h + i;
      const bool live = iy >= 0 && iy < g.in.h && (i < 3 || d.row_bytes != 0);
      rows[i] = live ? in + (iy - in_row) * g.in.w * channels : reinterpret_cast<const int8_t*>(zeros);
      steps[i] = live ? channels : 0;
    }
    for (int32_t c = 0; c < channels; c += 4 * kBytes) {
      const int32_t first = min(c, channels - 4 * kBytes);
      for (int i = 0; i < 4; i += 2)
        depthwise_3x3_pairs(rows[i] + (steps[i] ? first : 0), steps[i],
                            rows[i + 1] + (steps[i + 1] ? first : 0), steps[i + 1], live_end - live_begin,
                            columns + 8 * live_begin + i / 2, T{});
      d.out = out + first;
      d.stream = rows_of_four(&d);
    }
    out += 2 * g.out.w * channels;
  }
}

}  // namespace nb
