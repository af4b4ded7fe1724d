// Products of the rows of two matrices of 16-bit integers that a kernel makes ready in scratch, in the order
// that the core's instructions take: with the DSP extension two rows, or four columns, in turn, a word (two
// elements) of each; else row after row.
#pragma once
#include "simd_dsp.h"

#if defined(__ARM_FEATURE_MVE)
#include "products_mve.h"
#define NB_PAIRED_ROWS 0
#else
#define NB_PAIRED_ROWS NB_DSP
#endif

namespace nb {

/// Rows are padded with zeros to a multiple of this, at most 8.
#if defined(__ARM_FEATURE_MVE)
constexpr int32_t kProductsPad = 8;
#elif NB_PAIRED_ROWS
constexpr int32_t kProductsPad = 4;
#else
constexpr int32_t kProductsPad = 1;
#endif
constexpr int32_t padded_length(int32_t length) {
  return (length + kProductsPad - 1) / kProductsPad * kProductsPad;
}

/// Where row r begins; rows are `step` elements apart, an even number. With the DSP extension r and r ^ 1
/// share 2 * step elements.
template <class S>
NB_INLINE S* products_row(S* matrix, int32_t step, int32_t r) {
#if NB_PAIRED_ROWS
  return matrix + (r >> 1) * 2 * step + (r & 1) * 2;
#else
  return matrix + r * step;
#endif
}
/// Distance of element k from the begin of its row.
NB_INLINE int32_t products_place(int32_t k) {
#if NB_PAIRED_ROWS
  return 2 * k - (k & 1);
#else
  return k;
#endif
}

/// The same of the matrix of columns, whose rows are four in turn with the DSP extension.
template <class S>
NB_INLINE S* products_column(S* matrix, int32_t step, int32_t c) {
#if NB_PAIRED_ROWS
  return matrix + (c >> 2) * 4 * step + (c & 3) * 2;
#else
  return matrix + c * step;
#endif
}
NB_INLINE int32_t column_place(int32_t k) {
#if NB_PAIRED_ROWS
  return 4 * k - 3 * (k & 1);
#else
  return k;
#endif
}

#if NB_PAIRED_ROWS

/// What a tile of two rows by four columns reads and writes. Its layout is known to the assembly below.
struct ProductsTile {
  const int16_t *x, *y;  ///< the rows and the columns
  const int16_t* end;    ///< of the rows
  const int32_t* init;
  int32_t* out;
  int32_t out_bytes;  ///< from one row of outputs to the next
};

// Eight sums, two words of rows, two of columns and two pointers are all registers that there are; no
// compiler finds that allocation beside a frame pointer, hence a naked function. R4-R7: sums of the first
// row. R8-R11: of the second. R0, R1: rows, columns. R2, R3: words of the rows. R12, LR: of the columns.
#define NB_PRODUCTS_STEP                                                                               \
  "ldrd r2, r3, [r0], #8\n\tldrd r12, lr, [r1], #8\n\t"                                                \
  "smlad r4, r2, r12, r4\n\tsmlad r5, r2, lr, r5\n\tsmlad r8, r3, r12, r8\n\tsmlad r9, r3, lr, r9\n\t" \
  "ldrd r12, lr, [r1], #8\n\t"                                                                         \
  "smlad r6, r2, r12, r6\n\tsmlad r7, r2, lr, r7\n\tsmlad r10, r3, r12, r10\n\tsmlad r11, r3, lr, r11\n\t"
#ifdef __clang__
__attribute__((naked, noinline))
#else
__attribute__((naked, noinline, noipa))
#endif
inline void
products_tile(const ProductsTile* /*tile*/) {
  __asm__ volatile(
      "push {r4-r11, lr}\n\tldr r2, [r0, #8]\n\tpush {r0, r2}\n\tldr r3, [r0, #12]\n\tldm r3, {r4-r7}\n\t"
      "mov r8, r4\n\tmov r9, r5\n\tmov r10, r6\n\tmov r11, r7\n\tldrd r0, r1, [r0]\n\t"
      "subs r2, r2, r0\n\tbeq 3f\n\ttst r2, #16\n\tbeq 2f\n\t" NB_PRODUCTS_STEP NB_PRODUCTS_STEP
      "ldr r2, [sp, #4]\n\tcmp r0, r2\n\tbeq 3f\n"
      "2:\t" NB_PRODUCTS_STEP NB_PRODUCTS_STEP NB_PRODUCTS_STEP NB_PRODUCTS_STEP
      "ldr r2, [sp, #4]\n\tcmp r0, r2\n\tbne 2b\n"
      "3:\tpop {r0, r2}\n\tldrd r1, r3, [r0, #16]\n\tstm r1, {r4-r7}\n\tadd r1, r1, r3\n\tstm r1, "
      "{r8-r11}\n\t"
      "pop {r4-r11, pc}");
}
#undef NB_PRODUCTS_STEP

/// What a tile of two rows by two columns in 64 bits reads and writes. Its layout is known to the assembly
/// below.
struct WideTile {
  const int16_t *x, *y;
  const int16_t* end;  ///< of the rows
  int32_t* out;
  int32_t out_bytes;  ///< from one row of outputs to the next
  int32_t right;      ///< sums / 2^right are the outputs; 0..31
  int32_t left;       ///< 32 - right
};

// R4-R11: sums, by row. R0, R1: rows, columns. R2, R3: words of the rows. R12, LR: of the columns.
#define NB_WIDE_STEP                                     \
  "ldrd r2, r3, [r0], #8\n\tldrd r12, lr, [r1], #16\n\t" \
  "smlald r4, r5, r2, r12\n\tsmlald r6, r7, r2, lr\n\tsmlald r8, r9, r3, r12\n\tsmlald r10, r11, r3, lr\n\t"
#define NB_WIDE_SHIFT(low, high) \
  "lsr " low ", " low ", r2\n\tlsl " high ", " high ", r3\n\torr " low ", " high "\n\t"
#ifdef __clang__
__attribute__((naked, noinline))
#else
__attribute__((naked, noinline, noipa))
#endif
inline void
products_wide_tile(const WideTile* /*tile*/) {
  __asm__ volatile(
      "push {r4-r11, lr}\n\tldr r2, [r0, #8]\n\tpush {r0, r2}\n\tldrd r0, r1, [r0]\n\t"
      "movs r4, #0\n\tmovs r5, #0\n\tmovs r6, #0\n\tmovs r7, #0\n\t"
      "mov r8, r4\n\tmov r9, r4\n\tmov r10, r4\n\tmov r11, r4\n\t"
      "subs r2, r2, r0\n\tbeq 3f\n\ttst r2, #16\n\tbeq 2f\n\t" NB_WIDE_STEP NB_WIDE_STEP
      "ldr r2, [sp, #4]\n\tcmp r0, r2\n\tbeq 3f\n"
      "2:\t" NB_WIDE_STEP NB_WIDE_STEP NB_WIDE_STEP NB_WIDE_STEP
      "ldr r2, [sp, #4]\n\tcmp r0, r2\n\tbne 2b\n"
      "3:\tpop {r0, r2}\n\tldrd r2, r3, [r0, #20]\n\tldrd r1, r12, [r0, #12]\n\t" NB_WIDE_SHIFT("r4", "r5")
          NB_WIDE_SHIFT("r6", "r7") NB_WIDE_SHIFT("r8", "r9") NB_WIDE_SHIFT(
              "r10", "r11") "strd r4, r6, [r1]\n\tadd r1, r12\n\tstrd r8, r10, [r1]\n\tpop {r4-r11, pc}");
}
#undef NB_WIDE_STEP
#undef NB_WIDE_SHIFT

/// What sums of a row of int32 times four columns read and write, in 64 bits. Its layout is known to the
/// assembly below.
struct LongTile {
  const int32_t *x, *y;  ///< the row, and four elements of the columns for each of its own
  const int32_t* end;    ///< of the row, a multiple of four elements
  int64_t* sums;         ///< added to
};
// R4-R11: sums. R0, R1: row, columns. R12, R2, R3: elements. LR: end.
#define NB_LONG_STEP                                                                                 \
  "ldr r12, [r0], #4\n\tldrd r2, r3, [r1], #8\n\tsmlal r4, r5, r12, r2\n\tsmlal r6, r7, r12, r3\n\t" \
  "ldrd r2, r3, [r1], #8\n\tsmlal r8, r9, r12, r2\n\tsmlal r10, r11, r12, r3\n\t"
#ifdef __clang__
__attribute__((naked, noinline))
#else
__attribute__((naked, noinline, noipa))
#endif
inline void
products_long_tile(const LongTile* /*tile*/) {
  __asm__ volatile(
      "push {r3-r11, lr}\n\tldrd lr, r3, [r0, #8]\n\tstr r3, [sp]\n\tldm r3, {r4-r11}\n\tldrd r0, r1, [r0]\n"
      "2:\t" NB_LONG_STEP NB_LONG_STEP NB_LONG_STEP NB_LONG_STEP
      "cmp r0, lr\n\tbne 2b\n\tldr r3, [sp]\n\tstm r3, {r4-r11}\n\tpop {r3-r11, pc}");
}
#undef NB_LONG_STEP

/// Two rows by all columns, four at a time; those of init for the next are `init_step` further.
NB_INLINE void products_of_pair(const int16_t* a, const int16_t* b, int32_t b_step, int32_t columns,
                                int32_t length, const int32_t* init, int32_t* out, int32_t out_step,
                                int32_t init_step = 4) {
  ProductsTile tile{a, b, a + 2 * length, init, out, 4 * out_step};
  for (int32_t c = 0; c < columns; c += 4, tile.y += 4 * b_step, tile.init += init_step, tile.out += 4)
    products_tile(&tile);
}
NB_INLINE void products_of_pair(const int16_t* a, const int16_t* b, int32_t b_step, int32_t columns,
                                int32_t length, const int64_t* init, int64_t* out, int32_t out_step) {
  const int16_t* const end = a + 2 * length;
  for (int32_t c = 0; c < columns; c += 2) {
    int64_t s00 = init[c], s01 = init[c + 1], s10 = s00, s11 = s01;
    const int16_t* y = b + (c >> 2) * 4 * b_step + (c & 2) * 2;
    for (const int16_t* x = a; x != end; x += 4, y += 8) {
      const uint32_t x0 = load4(x), x1 = load4(x + 2), y0 = load4(y), y1 = load4(y + 2);
      __asm__("smlald %Q0, %R0, %1, %2" : "+r"(s00) : "r"(x0), "r"(y0));
      __asm__("smlald %Q0, %R0, %1, %2" : "+r"(s01) : "r"(x0), "r"(y1));
      __asm__("smlald %Q0, %R0, %1, %2" : "+r"(s10) : "r"(x1), "r"(y0));
      __asm__("smlald %Q0, %R0, %1, %2" : "+r"(s11) : "r"(x1), "r"(y1));
    }
    out[c] = s00, out[c + 1] = s01;
    out[out_step + c] = s10, out[out_step + c + 1] = s11;
  }
}

#endif

/// out[r][c] = init[c] + sum over k < length of a[r][k] * b[c][k] for `rows` rows of a, which lie as
/// products_row and products_place tell, and `columns` of b, as products_column and column_place; lengths as
/// padded_length gives. Rows are made in pairs and columns by four: where some are absent, something is
/// written there nevertheless, and init is read.
template <class Sum>
NB_NOINLINE void products_s16(const int16_t* a, int32_t a_step, int32_t rows, const int16_t* b,
                              int32_t b_step, int32_t columns, int32_t length, const Sum* init, Sum* out,
                              int32_t out_step) {
#if defined(__ARM_FEATURE_MVE)
  if constexpr (sizeof(Sum) == 4) {
    for (int32_t r = 0; r < rows && length > 0; r += 4, a += 4 * a_step, out += 4 * out_step) {
      const int32_t last = min<int32_t>(rows - r, 4) - 1;
      const int16_t *const a1 = a + min<int32_t>(last, 1) * a_step,
                           *const a2 = a + min<int32_t>(last, 2) * a_step, *const a3 = a + last * a_step;
      const int16_t* column = b;
      for (int32_t c = 0; c < columns; ++c, column += b_step) {
        int32_t s[4] = {init[c], init[c], init[c], init[c]};
        products_four(column, a, a1, a2, a3, length, s);
        int32_t* const to = out + c;
        to[0] = s[0];
        if (last > 0) to[out_step] = s[1];
        if (last > 1) to[2 * out_step] = s[2];
        if (last > 2) to[3 * out_step] = s[3];
      }
    }
  } else {
    for (int32_t r = 0; r < rows; ++r)
      for (int32_t c = 0; c < columns; ++c) {
        int64_t sum = init[c];
        for (int32_t k = 0; k < length; k += 8)
          sum = vmlaldavaq_s16(sum, vldrhq_s16(a + r * a_step + k), vldrhq_s16(b + c * b_step + k));
        out[r * out_step + c] = sum;
      }
  }
#elif NB_PAIRED_ROWS
  for (int32_t r = 0; r < rows; r += 2, out += 2 * out_step)
    products_of_pair(products_row(a, a_step, r), b, b_step, columns, length, init, out, out_step);
#else
  for (int32_t r = 0; r < rows; r += 2)
    for (int32_t c = 0; c < columns; c += 2) {
      Sum s00 = init[c], s01 = init[c + 1], s10 = s00, s11 = s01;
      const int16_t *x0 = a + r * a_step, *x1 = r + 1 < rows ? x0 + a_step : x0;
      const int16_t *y0 = b + c * b_step, *y1 = c + 1 < columns ? y0 + b_step : y0;
      for (int32_t k = 0; k < length; ++k) {
        s00 += x0[k] * y0[k], s01 += x0[k] * y1[k];
        s10 += x1[k] * y0[k], s11 += x1[k] * y1[k];
      }
      Sum* const to = out + r * out_step + c;
      to[0] = s00, to[1] = s01, to[out_step] = s10, to[out_step + 1] = s11;
    }
#endif
}

}  // namespace nb
