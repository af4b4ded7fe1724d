// Discrete Fourier transform of float lines by factors of their length (Stockham's order, so nothing is
// permuted).
#pragma once
#include "../core/nb.h"

namespace nb {

inline constexpr int32_t kMaxDftFactors = 24;

/// in [outer, in_size, inner, in_parts], out [outer, out_size, inner, out_parts]; parts: 2 complex, 1 real.
struct Dft {
  int32_t outer, inner;
  int32_t in_size, in_parts, out_size, out_parts;
  int32_t length;
  bool inverse;
  bool mirrors;                     ///< the input is the lower half of the frequencies of a real signal
  int32_t factors[kMaxDftFactors];  ///< 4, 2 or odd primes, of the length; 0 after the last
};

struct Complex {
  float re, im;
};
NB_INLINE Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
NB_INLINE Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
NB_INLINE Complex operator*(Complex a, Complex b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

/// The transform of x[0..radix) in place. roots[k * step] are the radix-th roots of one; `sums` holds radix
/// values.
inline void dft_butterfly(Complex* x, int32_t radix, const Complex* roots, int32_t step, Complex* sums) {
  if (radix == 2) {
    const Complex a = x[0];
    x[0] = a + x[1];
    x[1] = a - x[1];
    return;
  }
  if (radix == 4) {
    const Complex a = x[0] + x[2], b = x[0] - x[2], c = x[1] + x[3], d = x[1] - x[3];
    // A quarter turn: exactly i or -i.
    const Complex turned = roots[step].im < 0.0f ? Complex{d.im, -d.re} : Complex{-d.im, d.re};
    x[0] = a + c;
    x[2] = a - c;
    x[1] = b + turned;
    x[3] = b - turned;
    return;
  }
  // Odd: inputs j and radix - j meet roots that are conjugate.
  const int32_t half = radix / 2;
  Complex total = x[0];
  for (int32_t j = 1; j <= half; ++j) {
    sums[j] = x[j] + x[radix - j];
    sums[radix - j] = x[j] - x[radix - j];
    total = total + sums[j];
  }
  const Complex first = x[0];
  x[0] = total;
  for (int32_t m = 1; m <= half; ++m) {
    Complex even = first, odd = {0.0f, 0.0f};
    int32_t at = 0;
    for (int32_t j = 1; j <= half; ++j) {
      at += m;
      if (at >= radix) at -= radix;
      const Complex root = roots[at * step], difference = sums[radix - j];
      even.re += root.re * sums[j].re;
      even.im += root.re * sums[j].im;
      odd.re -= root.im * difference.im;
      odd.im += root.im * difference.re;
    }
    x[m] = even + odd;
    x[radix - m] = even - odd;
  }
}

/// Transforms `x`, using `y`, both of n values; gives whichever holds the result. `turns`: e^(-2 pi i k / n),
/// of an inverse e^(+...), for k < n; `work`: twice the largest factor.
inline Complex* dft_line(Complex* x, Complex* y, const Complex* turns, int32_t n, const int32_t* factors,
                         Complex* work) {
  for (int32_t done = 1; done < n; done *= *factors++) {
    const int32_t radix = *factors, inner = n / (done * radix);
    for (int32_t k = 0; k < done; ++k)
      for (int32_t i = 0; i < inner; ++i) {
        for (int32_t j = 0; j < radix; ++j) work[j] = x[i + inner * (j + radix * k)];
        dft_butterfly(work, radix, turns, n / radix, work + radix);
        y[i + inner * k] = work[0];
        for (int32_t m = 1; m < radix; ++m)
          y[i + inner * (k + done * m)] = i == 0 ? work[m] : work[m] * turns[m * done * i];
      }
    Complex* const swap = x;
    x = y;
    y = swap;
  }
  return x;
}

/// `turns` are pairs of floats as dft_line wants them; `scratch`: 2 * length + 2 * largest factor such pairs.
NB_NOINLINE inline void dft(const Dft& p, const float* in, const float* turns, float* out, float* scratch) {
  Complex* const line = reinterpret_cast<Complex*>(scratch);
  const int32_t n = p.length, taken = min(p.in_size, p.mirrors ? n / 2 + 1 : n);
  const float factor = p.inverse ? 1.0f / static_cast<float>(n) : 1.0f;
  for (int32_t o = 0; o < p.outer; ++o)
    for (int32_t j = 0; j < p.inner; ++j) {
      for (int32_t i = 0; i < n; ++i) line[i] = {0.0f, 0.0f};
      for (int32_t i = 0; i < taken; ++i) {
        const float* from = in + ((o * p.in_size + i) * p.inner + j) * p.in_parts;
        line[i] = {from[0], p.in_parts == 2 ? from[1] : 0.0f};
      }
      if (p.mirrors) {
        line[0].im = 0.0f;
        if (n % 2 == 0) line[n / 2].im = 0.0f;
        for (int32_t i = 1; i < n - i; ++i) line[n - i] = {line[i].re, -line[i].im};
      }
      const Complex* y =
          dft_line(line, line + n, reinterpret_cast<const Complex*>(turns), n, p.factors, line + 2 * n);
      for (int32_t i = 0; i < p.out_size; ++i) {
        float* to = out + ((o * p.out_size + i) * p.inner + j) * p.out_parts;
        to[0] = y[i].re * factor;
        if (p.out_parts == 2) to[1] = y[i].im * factor;
      }
    }
}

}  // namespace nb
