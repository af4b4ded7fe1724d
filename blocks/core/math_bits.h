// Float math, the ground: bits of a float32, rounding to integers, remainder, square root, and the pieces
// that the fixed-point functions of math_exp.h, math_log.h and math_trig.h are made of.
//
// Contract of all the math headers: no libc, no libm, no double, no errno, no state. A result has the same
// bits on every target, with or without an FPU, when compiled without -ffast-math and with -ffp-contract=off
// (a contracted build keeps the error bounds, not the bits). A float NaN that these functions make or pass on
// is the quiet NaN 0x7fc00000, save for fabs and copysign, which only touch the sign. Denormals are taken and
// given in full. Errors are in ulp: the distance from the exact value over the spacing of floats at the exact
// value, measured over all 2^32 arguments (functions of one argument).
#pragma once
#include "nb.h"

#if defined(__FAST_MATH__)
#error "blocks/core/math*.h rely on IEEE arithmetic: compile without -ffast-math"
#endif

namespace nb {

inline constexpr uint32_t kSignBit = 0x80000000u;
inline constexpr uint32_t kInfinityBits = 0x7f800000u;
inline constexpr uint32_t kNanBits = 0x7fc00000u;

/// The bits of `from` as another type of the same size. Not memcpy where there is a choice: unoptimised code
/// calls it.
template <class To, class From>
NB_INLINE To bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From), "bit_cast keeps the size");
#if defined(__clang__) || __GNUC__ >= 11
  return __builtin_bit_cast(To, from);
#else
  To to;
  __builtin_memcpy(&to, &from, sizeof to);
  return to;
#endif
}

/// The IEEE bits of x.
NB_INLINE uint32_t float_bits(float x) { return bit_cast<uint32_t>(x); }

/// The float with the given IEEE bits.
NB_INLINE float bits_float(uint32_t bits) { return bit_cast<float>(bits); }

/// |x|, exact; a NaN keeps its payload.
NB_INLINE float fabs(float x) { return bits_float(float_bits(x) & ~kSignBit); }
/// The magnitude of x with the sign of `sign`, exact.
NB_INLINE float copysign(float x, float sign) {
  return bits_float((float_bits(x) & ~kSignBit) | (float_bits(sign) & kSignBit));
}
NB_INLINE bool isnan(float x) { return (float_bits(x) & ~kSignBit) > kInfinityBits; }
NB_INLINE bool isinf(float x) { return (float_bits(x) & ~kSignBit) == kInfinityBits; }
NB_INLINE bool isfinite(float x) { return (float_bits(x) & ~kSignBit) < kInfinityBits; }
NB_INLINE bool signbit(float x) { return (float_bits(x) & kSignBit) != 0; }

/// x without its fraction, exact, sign of zero kept.
NB_INLINE float trunc(float x) {
  const uint32_t bits = float_bits(x);
  const uint32_t exponent = (bits >> 23) & 255;
  if (exponent < 127) return bits_float(bits & kSignBit);
  if (exponent >= 150) return isnan(x) ? bits_float(kNanBits) : x;
  return bits_float(bits & ~(0x7fffffu >> (exponent - 127)));
}
/// The largest integer at most x, exact.
NB_INLINE float floor(float x) {
  const float whole = trunc(x);
  return whole > x ? whole - 1.0f : whole;
}
/// The smallest integer at least x, exact; -0 for x in (-1, -0].
NB_INLINE float ceil(float x) {
  const float whole = trunc(x);
  return whole < x ? copysign(whole + 1.0f, x) : whole;
}
/// The integer nearest x, ties to the even one, exact, sign of zero kept.
NB_INLINE float rint(float x) {
  const float magnitude = fabs(x);
  if (!(magnitude < 0x1p23f)) return isnan(x) ? bits_float(kNanBits) : x;
  const float shifted = magnitude + 0x1p23f;  // the addition rounds the fraction away
  return copysign(shifted - 0x1p23f, x);
}
/// The integer nearest x, ties away from zero, exact, sign of zero kept.
NB_INLINE float round(float x) {
  const float whole = trunc(x);
  return fabs(x - whole) >= 0.5f ? whole + copysign(1.0f, x) : whole;
}

/// x - n * y with n = trunc(x / y), exact, sign of x (C's fmod). NaN for y == 0 or an infinite x; x for an
/// infinite y.
inline float fmod(float x, float y) {
  const uint32_t sign = float_bits(x) & kSignBit;
  const uint32_t xb = float_bits(x) & ~kSignBit, yb = float_bits(y) & ~kSignBit;
  if (xb >= kInfinityBits || yb > kInfinityBits || yb == 0) return bits_float(kNanBits);
  if (xb < yb) return x;
  const uint32_t xe = xb >> 23, ye = yb >> 23;
  uint32_t remainder = xe ? (xb & 0x7fffffu) | 0x800000u : xb;
  const uint32_t divisor = ye ? (yb & 0x7fffffu) | 0x800000u : yb;
  remainder %= divisor;
  uint32_t exponent = ye ? ye : 1;
  for (uint32_t left = (xe ? xe : 1) - exponent; left > 0;) {
    const uint32_t step = min<uint32_t>(left, 8);
    remainder = (remainder << step) % divisor;
    left -= step;
  }
  if (remainder == 0) return bits_float(sign);
  while (remainder < 0x800000u && exponent > 1) {
    remainder <<= 1;
    --exponent;
  }
  // A remainder below 2^23 is denormal: its exponent field is 0.
  return bits_float(sign | (remainder < 0x800000u ? remainder : (exponent << 23) + remainder - 0x800000u));
}

/// Pieces of the fixed-point functions. "Qn" means an integer in units of 2^-n.
namespace fixed {

/// m * 2^(e - 31) with the top bit of m set: a value in [2^e, 2^(e + 1)).
struct Scaled {
  uint32_t m;
  int32_t e;
};

/// The high word of a * b.
NB_INLINE uint32_t mul_high(uint32_t a, uint32_t b) {
  return static_cast<uint32_t>((static_cast<uint64_t>(a) * b) >> 32);
}
NB_INLINE int32_t mul_high(int32_t a, int32_t b) {
  return static_cast<int32_t>((static_cast<int64_t>(a) * b) >> 32);
}

/// v >> n, and 0 for n beyond the width; n >= 0.
NB_INLINE uint32_t shift_right(uint32_t v, int32_t n) { return n < 32 ? v >> n : 0; }
NB_INLINE uint64_t shift_right(uint64_t v, int32_t n) { return n < 64 ? v >> n : 0; }

/// v * 2^(e - 63), cut to 32 bits; v != 0.
NB_INLINE Scaled normalize(uint64_t v, int32_t e) {
  const int32_t zeros = __builtin_clzll(v);
  return {static_cast<uint32_t>((v << zeros) >> 32), e - zeros};
}

/// a * b * 2^(e - 63), cut to 32 bits; the product is at least 2^32, and good to a float where it is near
/// 2^63.
NB_INLINE Scaled multiply(uint32_t a, uint32_t b, int32_t e) {
  const uint32_t high = mul_high(a, b);
  const int32_t zeros = __builtin_clz(high);
  return {high << zeros, e - zeros};
}

/// |x|, exact, for a finite x other than 0.
NB_INLINE Scaled unpack(float x) {
  const uint32_t magnitude = float_bits(x) & ~kSignBit;
  if (NB_UNLIKELY(magnitude < 0x800000u)) {
    const int32_t zeros = __builtin_clz(magnitude);
    return {magnitude << zeros, -118 - zeros};
  }
  return {(magnitude << 8) | kSignBit, static_cast<int32_t>(magnitude >> 23) - 127};
}

/// The float nearest v (ties away from zero), with the given sign bit: infinite above the range, denormal
/// below.
inline float pack(uint32_t sign, Scaled v) {
  if (NB_UNLIKELY(v.e > 127)) return bits_float(sign | kInfinityBits);
  uint32_t exponent = static_cast<uint32_t>(v.e + 126) << 23;  // the leading bit of m adds the last 1
  if (NB_UNLIKELY(v.e < -126)) {
    v.m = shift_right(v.m, -126 - v.e);
    exponent = 0;
  }
  return bits_float(sign | (exponent + (((v.m >> 7) + 1) >> 1)));
}

/// c0 + u * (c1 + u * (c2 + ...)) for u in Q32; the result has the format of the coefficients.
NB_INLINE uint32_t horner(uint32_t, uint32_t c0) { return c0; }
template <class... C>
NB_INLINE uint32_t horner(uint32_t u, uint32_t c0, C... rest) {
  return c0 + mul_high(horner(u, rest...), u);
}
NB_INLINE int32_t horner(int32_t, int32_t c0) { return c0; }
template <class... C>
NB_INLINE int32_t horner(int32_t u, int32_t c0, C... rest) {
  return c0 + mul_high(horner(u, rest...), u);
}

/// c0 - u * (c1 - u * (c2 - ...)) for u in Q32; the result has the format of the coefficients.
NB_INLINE uint32_t alternating(uint32_t, uint32_t c0) { return c0; }
template <class... C>
NB_INLINE uint32_t alternating(uint32_t u, uint32_t c0, C... rest) {
  return c0 - mul_high(alternating(u, rest...), u);
}

/// v^2 in Q32 for v < 1; of v == 1, the largest Q32 number.
NB_INLINE uint32_t square(Scaled v) { return v.e >= 0 ? ~0u : shift_right(mul_high(v.m, v.m), -2 * v.e - 2); }

/// One step of Newton's iteration, y * (2 - d * y), towards 1 / d; d in Q32, y in Q31.
NB_INLINE uint32_t reciprocal_step(uint32_t d, uint32_t y) {
  return static_cast<uint32_t>((static_cast<uint64_t>(y) * (0u - mul_high(d, y))) >> 31);
}

/// 1 / d in Q31 for d in [1/2, 1) in Q32, error below 2^-30. The first guess is the line 48/17 - 32/17 d,
/// modulo 2.
NB_INLINE uint32_t reciprocal(uint32_t d) {
  const uint32_t guess = 0x69696969u - mul_high(0xf0f0f0f0u, d);
  return reciprocal_step(d, reciprocal_step(d, reciprocal_step(d, guess)));
}

}  // namespace fixed

namespace fixed {

/// The square root of a finite x > 0, correctly rounded, digit by digit.
inline float square_root(float x) {
  const Scaled v = unpack(x);
  // `left` is (m - root^2) / (4 * half), both scaled; `root` gets one bit below a float's 24.
  uint32_t left = v.m >> (v.e & 1 ? 7 : 8);
  uint32_t root = 0;
  for (uint32_t half = 1u << 23; half > 0; half >>= 1) {
    const uint32_t trial = root + half;
    if (left >= trial) {
      left -= trial;
      root = trial + half;
    }
    left <<= 1;
  }
  const uint32_t rounded = (root >> 1) + (left > root ? 1 : 0);  // no root lies half way between two floats
  return bits_float((static_cast<uint32_t>((v.e >> 1) + 126) << 23) + rounded);
}

}  // namespace fixed

/// The square root, correctly rounded (0.5 ulp); an instruction where the core has one. NaN below 0; sqrt(-0)
/// is -0.
inline float sqrt(float x) {
  const uint32_t bits = float_bits(x);
  if (NB_UNLIKELY(bits - 1 >= kInfinityBits - 1)) {  // zero, negative, infinite or NaN
    return (bits & ~kSignBit) == 0 || bits == kInfinityBits ? x : bits_float(kNanBits);
  }
  // Instructions, not __builtin_sqrtf: unless -fno-math-errno is given, that may call libm's sqrtf.
#if defined(__arm__) && defined(__ARM_FP) && (__ARM_FP & 4)
  float root;
  __asm__("vsqrt.f32 %0, %1" : "=t"(root) : "t"(x));
  return root;
#elif defined(__SSE__)
  float root;
  __asm__("sqrtss %1, %0" : "=x"(root) : "x"(x));
  return root;
#elif defined(__riscv_flen)
  float root;
  __asm__("fsqrt.s %0, %1" : "=f"(root) : "f"(x));
  return root;
#elif defined(__aarch64__)
  float root;
  __asm__("fsqrt %s0, %s1" : "=w"(root) : "w"(x));
  return root;
#else
  return fixed::square_root(x);
#endif
}

namespace fixed {

/// The square root of n * 2^(2 e - 62), relative error below 2^-30; n != 0.
NB_NOINLINE inline Scaled wide_root(uint64_t n, int32_t e) {
  const int32_t zeros = __builtin_clzll(n) & ~1;
  n <<= zeros;
  e -= zeros >> 1;
  // A float root of the high word, s in 24 bits; one step of Newton's iteration on its remainder gives 7
  // more.
  const int32_t s =
      static_cast<int32_t>(nb::sqrt(static_cast<float>(static_cast<uint32_t>(n >> 32))) * 256.0f);
  const int32_t remainder = static_cast<int32_t>(static_cast<int64_t>(n >> 16) - static_cast<int64_t>(s) * s);
  const int64_t root = static_cast<int64_t>(s) * 128 + remainder * 64 / s;
  return normalize(static_cast<uint64_t>(root) << 32, e + 1);
}

}  // namespace fixed

/// 1 / sqrt(x), at most 1.50 ulp. Infinite (with the sign of x) at 0, NaN below.
inline float rsqrt(float x) {
  const float root = sqrt(x);
  return isnan(root) ? root : 1.0f / root;
}

}  // namespace nb
