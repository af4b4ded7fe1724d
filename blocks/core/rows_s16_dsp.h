// Products of int16 vectors with rows of int8 weights by the packed 16-bit instructions of the DSP extension.
#pragma once
#include "rows_s16.h"

namespace nb {

/// The sums of four rows: those of rows 0 and 2, and those of the words of rows 0 and 1, and of 2 and 3.
struct PairedSums {
  int32_t a0, a1;
  int64_t both0, both1;
};

#if NB_DSP && defined(__OPTIMIZE__)  // all registers are taken: too many for code that is not optimized
#define NB_PAIRED_ASM 1
// The products of four rows with four elements.
#define NB_PAIRED_FOUR                      \
  "ldrd %[v0], %[v1], [%[x]], #8\n\t"       \
  "ldrd %[w0], %[w1], [%[w]], #8\n\t"       \
  "smlald %Q[b0], %R[b0], %[v0], %[w0]\n\t" \
  "sxtb16 %[w0], %[w0]\n\t"                 \
  "smlald %Q[b1], %R[b1], %[v0], %[w1]\n\t" \
  "sxtb16 %[w1], %[w1]\n\t"                 \
  "smlad %[a0], %[v0], %[w0], %[a0]\n\t"    \
  "smlad %[a1], %[v0], %[w1], %[a1]\n\t"    \
  "ldrd %[w0], %[w1], [%[w]], #8\n\t"       \
  "smlald %Q[b0], %R[b0], %[v1], %[w0]\n\t" \
  "sxtb16 %[w0], %[w0]\n\t"                 \
  "smlald %Q[b1], %R[b1], %[v1], %[w1]\n\t" \
  "sxtb16 %[w1], %[w1]\n\t"                 \
  "smlad %[a0], %[v1], %[w0], %[a0]\n\t"    \
  "smlad %[a1], %[v1], %[w1], %[a1]\n\t"
#else
#define NB_PAIRED_ASM 0
#endif

/// Adds the products of four rows and of `size` elements, a multiple of 4 and not 0; moves `weights` on.
NB_INLINE void add_paired(const int16_t* x, const int8_t*& weights, int32_t size, PairedSums& sums) {
#if NB_PAIRED_ASM
  uint32_t v0, v1, w0, w1;
  if (size == 4) {
    __asm__(NB_PAIRED_FOUR
            : [x] "+r"(x), [w] "+r"(weights), [a0] "+r"(sums.a0), [a1] "+r"(sums.a1), [b0] "+r"(sums.both0),
              [b1] "+r"(sums.both1), [v0] "=&r"(v0), [v1] "=&r"(v1), [w0] "=&r"(w0), [w1] "=&r"(w1)
            :
            : "memory");
    return;
  }
  // Eight elements a turn; where there are four more, the first turn begins in its middle.
  __asm__(
      "sub %[v0], %[end], %[x]\n\t"
      "tst %[v0], #8\n\t"
      "bne 2f\n\t"
      "1:\n\t" NB_PAIRED_FOUR "2:\n\t" NB_PAIRED_FOUR
      "cmp %[x], %[end]\n\t"
      "bne 1b"
      : [x] "+r"(x), [w] "+r"(weights), [a0] "+r"(sums.a0), [a1] "+r"(sums.a1), [b0] "+r"(sums.both0),
        [b1] "+r"(sums.both1), [v0] "=&r"(v0), [v1] "=&r"(v1), [w0] "=&r"(w0), [w1] "=&r"(w1)
      : [end] "r"(x + size)
      : "cc", "memory");
#else
  for (const int16_t* const end = x + size; x < end; x += 2, weights += 8) {
    const uint32_t values = load4(x), w0 = load4(weights), w1 = load4(weights + 4);
    sums.a0 = multiply_add_halves(values, even_bytes(w0), sums.a0);
    sums.both0 = multiply_add_halves64(values, w0, sums.both0);
    sums.a1 = multiply_add_halves(values, even_bytes(w1), sums.a1);
    sums.both1 = multiply_add_halves64(values, w1, sums.both1);
  }
#endif
}

/// z[i] = base[i] + round(2^(shift - 32) * factors[i] * sums[i]) for two rows; moves the pointers on.
NB_INLINE void put_two(int32_t sum0, int32_t sum1, const int32_t*& factors, int32_t shift,
                       const int32_t*& base, int32_t*& z) {
#if NB_DSP
  int32_t f0, f1, b0, b1;
  __asm__(
      "ldrd %[f0], %[f1], [%[f]], #8\n\t"
      "ldrd %[b0], %[b1], [%[b]], #8\n\t"
      "lsl %[s0], %[s0], %[shift]\n\t"
      "lsl %[s1], %[s1], %[shift]\n\t"
      "smmlar %[b0], %[s0], %[f0], %[b0]\n\t"
      "smmlar %[b1], %[s1], %[f1], %[b1]\n\t"
      "strd %[b0], %[b1], [%[z]], #8"
      : [f] "+r"(factors), [b] "+r"(base), [z] "+r"(z), [s0] "+r"(sum0), [s1] "+r"(sum1), [f0] "=&r"(f0),
        [f1] "=&r"(f1), [b0] "=&r"(b0), [b1] "=&r"(b1)
      : [shift] "r"(shift)
      : "memory");
#else
  z[0] = multiply_high_add(sum0 * (1 << shift), factors[0], base[0]);
  z[1] = multiply_high_add(sum1 * (1 << shift), factors[1], base[1]);
  factors += 2;
  base += 2;
  z += 2;
#endif
}

/// Rows lie in pairs (pair_rows in blocks/recurrent_integers.cc): a word holds two rows' weights of two
/// elements. Of rows a and b its halves are 256 b + a with b and a signed, so that one widening gives a's
/// products, and b's are what is left of the products of the word itself. Four rows are taken at once, with
/// two words an element pair. Rows are a multiple of 4 elements and 4 rows, with zeros.
struct PairedRowsS16 {
  static constexpr int32_t size(int32_t rows, int32_t n) { return ((rows + 3) & ~3) * ((n + 3) & ~3); }

  /// As RowsS16.
  NB_NOINLINE static void products(const int16_t* NB_RESTRICT in, const int8_t* weights, int32_t rows,
                                   int32_t n, const int32_t* factors, int32_t shift, const int32_t* base,
                                   int32_t* z) {
    const int32_t size = (n + 3) & ~3;
    const auto second = [](int64_t both, int32_t first) { return static_cast<int32_t>((both - first) >> 8); };
    const auto put = [&](int32_t i, int32_t sum) {
      z[i] = multiply_high_add(sum * (1 << shift), factors[i], base[i]);
    };
    const int32_t* const last = factors + (rows & ~3);
    while (factors != last) {
      PairedSums sums{0, 0, 0, 0};
      add_paired(in, weights, size, sums);
      put_two(sums.a0, second(sums.both0, sums.a0), factors, shift, base, z);
      put_two(sums.a1, second(sums.both1, sums.a1), factors, shift, base, z);
    }
    const int32_t rest = rows & 3;
    if (rest == 0) return;
    PairedSums sums{0, 0, 0, 0};
    add_paired(in, weights, size, sums);
    put(0, sums.a0);
    if (rest > 1) put(1, second(sums.both0, sums.a0));
    if (rest > 2) put(2, sums.a1);
  }

  /// The same of a vector whose elements are int8.
  static void products_of_bytes(const int16_t* in, const int8_t* weights, int32_t rows, int32_t n,
                                const int32_t* factors, int32_t shift, const int32_t* base, int32_t* z) {
    if (n <= 4)
      products_of_few_bytes(in, weights, rows, factors, shift, base, z);
    else
      products(in, weights, rows, n, factors, shift, base, z);
  }

 private:
  /// Of at most 4: they stay in registers, and sums of words in 32 bits.
  NB_NOINLINE static void products_of_few_bytes(const int16_t* in, const int8_t* weights, int32_t rows,
                                                const int32_t* factors, int32_t shift, const int32_t* base,
                                                int32_t* z) {
    const uint32_t v0 = load4(in), v1 = load4(in + 2);
    // The sums of the rows of a pair, whose words lie 8 bytes apart.
    int32_t sum0 = 0, sum1 = 0;
    const auto add = [&](const int8_t* pair) {
      const uint32_t w0 = load4(pair), w1 = load4(pair + 8);
      const int32_t both = multiply_add_halves(v1, w1, multiply_add_halves(v0, w0, 0));
      sum0 = multiply_add_halves(v1, even_bytes(w1), multiply_add_halves(v0, even_bytes(w0), 0));
      sum1 = (both - sum0) >> 8;
    };
    for (const int8_t* const end = weights + (rows & ~3) * 4; weights != end; weights += 16) {
      add(weights);
      put_two(sum0, sum1, factors, shift, base, z);
      add(weights + 4);
      put_two(sum0, sum1, factors, shift, base, z);
    }
    const int32_t rest = rows & 3;
    if (rest == 0) return;
    add(weights);
    const auto put = [&](int32_t i, int32_t sum) {
      z[i] = multiply_high_add(sum * (1 << shift), factors[i], base[i]);
    };
    put(0, sum0);
    if (rest > 1) put(1, sum1);
    if (rest < 3) return;
    add(weights + 4);
    put(2, sum0);
  }
};

}  // namespace nb
