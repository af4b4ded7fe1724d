#!/usr/bin/env python3
"""Fits the fixed-point polynomials and tables of blocks/core/math_*.h and prints them. Needs mpmath.

Each row is a near-minimax (Chebyshev) fit: its name, the largest error before rounding the coefficients as a
power of two, then the coefficients, constant term first, as the headers hold them.
"""
from mpmath import mp, mpf, atan, asin, chebyfit, cos, erf, erfc, floor, log, nint, pi, polyval, sin, sqrt

mp.dps = 50
LN2 = log(2)


def at_zero(function, value):
    """`function`, with its limit at 0 given: quotients such as sin(x) / x."""
    return lambda u: value if abs(u) < mpf(10) ** -30 else function(u)


def fit(name, function, low, high, degree, q, scale=1, alternating=False, down=False):
    """Coefficient j of the polynomial in u is printed as c_j * scale^j * 2^q; `alternating` drops the signs."""
    coefficients, error = chebyfit(function, [mpf(low), mpf(high)], degree + 1, error=True)
    rounded = []
    for j, c in enumerate(reversed(coefficients)):
        value = c * mpf(scale) ** j * mpf(2) ** q * ((-1) ** j if alternating else 1)
        value = int(floor(value) if down else nint(value))
        rounded.append(min(value, 2**32 - 1))
    print(f"{name}: error 2^{float(mp.log(error, 2)):.1f}")
    print("  " + ", ".join(f"{c}" if min(rounded) < 0 else f"0x{c:08x}" for c in rounded))


fit("(2^f - 1) / f, Q32", at_zero(lambda f: (mpf(2) ** f - 1) / f, LN2), 0, 1, 6, 32, down=True)
fit("(log2(1 + r) / r - 1/ln2) / 8r in s = 8r, Q33",
    at_zero(lambda r: (log(1 + r) / LN2 / r - 1 / LN2) / r / 8, -1 / LN2 / 16), -1 / mpf(32), 1 / mpf(16), 5, 33,
    scale=1 / mpf(8))
half = LN2 / 2 * (1 + mpf(10) ** -4)
print("(e^r - 1 - r) / r^2, float:", [f"{float(c):.8g}" for c in reversed(chebyfit(
    at_zero(lambda r: (mp.expm1(r) - r) / r**2, mpf(1) / 2), [-half, half], 5))])
quarter = (pi / 4) ** 2
fit("sin(x) / x in x^2, Q32", at_zero(lambda u: sin(sqrt(u)) / sqrt(u), mpf(1)), 0, quarter, 4, 32, alternating=True)
fit("cos(x) in x^2, Q32", lambda u: cos(sqrt(u)), 0, quarter, 4, 32, alternating=True)
fit("atan(x) / x in x^2, Q32", at_zero(lambda u: atan(sqrt(u)) / sqrt(u), mpf(1)), 0, 1, 11, 32, alternating=True)
fit("asin(x) / x in x^2, Q31", at_zero(lambda u: asin(sqrt(u)) / sqrt(u), mpf(1)), 0, 0.25, 7, 31)
fit("erf(x) / x in x^2, Q31", at_zero(lambda u: erf(sqrt(u)) / sqrt(u), 2 / sqrt(pi)), 0, 1, 8, 31, alternating=True)
fit("-log2(erfc(x)) in (x - 2.5) / 4, Q25", lambda v: -log(erfc(v + mpf(2.5))) / LN2, -1.5, 1.5, 8, 25, scale=4)

# The logarithm's intervals of m in [1, 2): a factor in 1/256 that brings m near 1 and minus its log2, Q54.
factors = [256] + [int(nint(256 / (1 + (i + mpf(1) / 2) / 16))) for i in range(1, 15)] + [128]
print("factors:", ", ".join(str(f) for f in factors))
print("-log2(factor / 256), Q54:", ", ".join(f"0x{int(nint(log(mpf(256) / f) / LN2 * 2**54)):x}" for f in factors))
print("r range:", float(min((1 + mpf(i) / 16) * f / 256 - 1 for i, f in enumerate(factors))),
      float(max((1 + mpf(i + 1) / 16) * f / 256 - 1 for i, f in enumerate(factors))))
for name, value, q in (("log2(e), Q31", 1 / LN2, 31), ("log2(e) - 1, Q32", 1 / LN2 - 1, 32), ("1/ln2, Q62", 1 / LN2, 62),
                       ("ln2, Q32", LN2, 32),
                       ("pi/2, Q31", pi / 2, 31), ("pi, Q62", pi, 62)):
    print(f"{name}: 0x{int(nint(value * mpf(2) ** q)):x}")
mp.dps = 120
bits = int(floor(2 / pi * mpf(2) ** 224))
print("2/pi, words:", ", ".join(f"0x{(bits >> (192 - 32 * i)) & 0xffffffff:08x}" for i in range(7)))
