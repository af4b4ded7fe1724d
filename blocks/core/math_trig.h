// Float math: trigonometric functions and their inverses. Arguments are reduced exactly enough at any size: x
// * 2 / pi is taken modulo 4 from a window of 96 bits of 2 / pi (the method of Payne and Hanek), in integers.
#pragma once
#include "math_bits.h"

namespace nb {
namespace fixed {

/// |x| = quadrant * pi / 2 + (negative ? -r : r), r <= pi / 4, relative error of r below 2^-30; quadrant
/// modulo 4.
struct Angle {
  Scaled r;
  uint32_t quadrant;
  bool negative;
};

/// Reduces a finite x other than 0.
NB_NOINLINE inline Angle reduce(float x) {
  const Scaled v = unpack(x);
  if ((float_bits(x) & ~kSignBit) <= 0x3f490fdau) return {v, 0, false};  // |x| < pi / 4
  // 32 zero bits, then 2 / pi. Bits that only add multiples of 4 to the product are left out above the
  // window.
  static constexpr uint32_t kTwoOverPi[8] = {0,           0xa2f9836eu, 0x4e441529u, 0xfc2757d1u,
                                             0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu};
  const uint32_t position = static_cast<uint32_t>(v.e + 7);
  const uint32_t* word = kTwoOverPi + (position >> 5);
  const uint32_t shift = position & 31;
  uint32_t window[3];
  for (int i = 0; i < 3; ++i) {
    const uint64_t pair = (static_cast<uint64_t>(word[i]) << 32) | word[i + 1];
    window[i] = static_cast<uint32_t>((pair << shift) >> 32);
  }
  const uint32_t m = v.m >> 8;
  const uint64_t turns = (static_cast<uint64_t>(m * window[0]) << 32) + static_cast<uint64_t>(m) * window[1] +
                         mul_high(m, window[2]);  // Q62, modulo 4
  const uint64_t fraction = turns << 2;           // signed Q64: from the nearest multiple of pi / 2
  const bool negative = (fraction >> 63) != 0;
  const Scaled part = normalize(negative ? 0 - fraction : fraction, -1);
  return {multiply(part.m, 0xc90fdaa2u, part.e + 1), static_cast<uint32_t>(turns >> 62) + (negative ? 1 : 0),
          negative};
}

/// sin(r) for r <= pi / 4.
NB_INLINE Scaled sine(Scaled r) {
  const uint32_t ratio =
      alternating(square(r), 0xffffffffu, 0x2aaaaaa9u, 0x0222220fu, 0x000d0077u, 0x00002d97u);
  return multiply(r.m, ratio, r.e);
}

/// cos(r) for r <= pi / 4.
NB_INLINE Scaled cosine(Scaled r) {
  return {alternating(square(r), 0xffffffffu, 0x7fffffefu, 0x0aaaa9d4u, 0x005b01e1u, 0x00019907u), -1};
}

/// a / b.
NB_INLINE Scaled divide(Scaled a, Scaled b) {
  return normalize(static_cast<uint64_t>(a.m) * reciprocal(b.m), a.e - b.e);
}

/// atan(t) for t <= 1.
NB_NOINLINE inline Scaled arctangent(Scaled t) {
  const uint32_t ratio =
      alternating(square(t), 0xffffffffu, 0x555554feu, 0x3333229cu, 0x24910a34u, 0x1c6533e0u, 0x16f95037u,
                  0x12811fdfu, 0x0dd01ae2u, 0x08a8d5c8u, 0x040d5331u, 0x013625e9u, 0x002b79eeu);
  return multiply(t.m, ratio, t.e);
}

/// v in Q62; v < 4.
NB_INLINE uint64_t to_q62(Scaled v) { return shift_right(static_cast<uint64_t>(v.m) << 32, 1 - v.e); }

inline constexpr uint64_t kPiQ62 = 0xc90fdaa22168c235u;

/// An inverse sine or cosine: `sine` tells which.
struct Arc {
  Scaled angle;
  bool sine;
};

/// asin(|x|) when |x| < 1/2, acos(|x|) otherwise; 0 < |x| < 1.
NB_NOINLINE inline Arc arc(float x) {
  const Scaled v = unpack(x);
  const bool small = v.e < -1;
  Scaled root = v;
  uint32_t square_q32 = square(v);
  if (!small) {
    square_q32 = (0u - v.m) >> 1;  // acos(x) = 2 asin(s), s^2 = (1 - x) / 2
    root = wide_root(static_cast<uint64_t>(square_q32) << 32, -1);
    root.e += 1;
  }
  const uint32_t ratio = horner(square_q32, 0x80000000u, 0x15555564u, 0x099994bau, 0x05b774cau, 0x03da6621u,
                                0x0327c26cu, 0x00f28426u, 0x0472a2eau);
  return {multiply(root.m, ratio, root.e + 1), small};
}

}  // namespace fixed

/// sin(x), at most 0.52 ulp for every finite x. NaN at an infinity.
inline float sin(float x) {
  if (!isfinite(x)) return bits_float(kNanBits);
  if (x == 0.0f) return x;
  const fixed::Angle angle = fixed::reduce(x);
  const bool odd = angle.quadrant & 1;
  // Signs: of x, of the half turn, and, where the sine itself is taken, of r.
  const bool negative = signbit(x) != (((angle.quadrant & 2) != 0) != (!odd && angle.negative));
  return fixed::pack(negative ? kSignBit : 0, odd ? fixed::cosine(angle.r) : fixed::sine(angle.r));
}

/// cos(x), at most 0.52 ulp for every finite x. NaN at an infinity.
inline float cos(float x) {
  if (!isfinite(x)) return bits_float(kNanBits);
  if (x == 0.0f) return 1.0f;
  const fixed::Angle angle = fixed::reduce(x);
  const bool odd = angle.quadrant & 1;
  const bool negative = (((angle.quadrant + 1) & 2) != 0) != (odd && angle.negative);
  return fixed::pack(negative ? kSignBit : 0, odd ? fixed::sine(angle.r) : fixed::cosine(angle.r));
}

/// tan(x), at most 0.54 ulp for every finite x. NaN at an infinity.
inline float tan(float x) {
  if (!isfinite(x)) return bits_float(kNanBits);
  if (x == 0.0f) return x;
  const fixed::Angle angle = fixed::reduce(x);
  const bool odd = angle.quadrant & 1;
  const fixed::Scaled s = fixed::sine(angle.r), c = fixed::cosine(angle.r);
  const bool negative = (signbit(x) != angle.negative) != odd;
  return fixed::pack(negative ? kSignBit : 0, odd ? fixed::divide(c, s) : fixed::divide(s, c));
}

/// asin(x), at most 0.53 ulp. NaN for |x| > 1.
inline float asin(float x) {
  const uint32_t sign = float_bits(x) & kSignBit;
  const float magnitude = fabs(x);
  if (!(magnitude < 1.0f)) return bits_float(magnitude == 1.0f ? sign | 0x3fc90fdbu : kNanBits);
  if (x == 0.0f) return x;
  const fixed::Arc arc = fixed::arc(x);
  if (arc.sine) return fixed::pack(sign, arc.angle);
  return fixed::pack(sign, fixed::normalize(fixed::kPiQ62 / 2 - fixed::to_q62(arc.angle), 1));
}

/// acos(x), at most 0.52 ulp. NaN for |x| > 1.
inline float acos(float x) {
  const float magnitude = fabs(x);
  if (!(magnitude < 1.0f)) return bits_float(x == 1.0f ? 0 : x == -1.0f ? 0x40490fdbu : kNanBits);
  if (x == 0.0f) return bits_float(0x3fc90fdbu);
  const fixed::Arc arc = fixed::arc(x);
  if (!arc.sine && !signbit(x)) return fixed::pack(0, arc.angle);
  const uint64_t base = arc.sine ? fixed::kPiQ62 / 2 : fixed::kPiQ62;
  const uint64_t angle = fixed::to_q62(arc.angle);
  return fixed::pack(0, fixed::normalize(arc.sine && signbit(x) ? base + angle : base - angle, 1));
}

/// The angle of the point (x, y) in [-pi, pi], at most 0.53 ulp (over samples), with the special cases of
/// C99: signed zeros choose the side of the cut, two infinities give an odd multiple of pi / 4.
inline float atan2(float y, float x) {
  const uint32_t sign = float_bits(y) & kSignBit;
  const uint32_t xb = float_bits(x) & ~kSignBit, yb = float_bits(y) & ~kSignBit;
  if (xb > kInfinityBits || yb > kInfinityBits) return bits_float(kNanBits);
  if (yb == 0 || (xb == kInfinityBits && yb < kInfinityBits))
    return bits_float(sign | (signbit(x) ? 0x40490fdbu : 0));
  if (xb == 0 || (yb == kInfinityBits && xb < kInfinityBits)) return bits_float(sign | 0x3fc90fdbu);
  if (xb == kInfinityBits) return bits_float(sign | (signbit(x) ? 0x4016cbe4u : 0x3f490fdbu));
  const bool steep = yb > xb;
  const fixed::Scaled a = fixed::unpack(x), b = fixed::unpack(y);
  const fixed::Scaled angle = fixed::arctangent(steep ? fixed::divide(a, b) : fixed::divide(b, a));
  if (!steep && !signbit(x)) return fixed::pack(sign, angle);
  const uint64_t base = steep ? fixed::kPiQ62 / 2 : fixed::kPiQ62;
  const uint64_t part = fixed::to_q62(angle);
  return fixed::pack(sign, fixed::normalize(steep && signbit(x) ? base + part : base - part, 1));
}

/// atan(x), at most 0.52 ulp.
inline float atan(float x) { return atan2(x, 1.0f); }

}  // namespace nb
