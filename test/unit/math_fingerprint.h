// One number for the bits that the float math gives over a spread of arguments: equal on every target.
// Freestanding, so that a virtual board can compute it too.
#pragma once
#include "../../blocks/core/math.h"

namespace nb_test {

/// FNV-1a over the result bits of every function at `count` arguments spread over all float bit patterns, and
/// over
/// [-16, 16) where most functions do their work.
inline uint32_t math_fingerprint(uint32_t count) {
  using Function = float (*)(float);
  static constexpr Function kFunctions[] = {
      [](float x) { return nb::exp(x); },         [](float x) { return nb::expm1(x); },
      [](float x) { return nb::log(x); },         [](float x) { return nb::log1p(x); },
      [](float x) { return nb::log2(x); },        [](float x) { return nb::sqrt(x); },
      [](float x) { return nb::rsqrt(x); },       [](float x) { return nb::tanh(x); },
      [](float x) { return nb::sigmoid(x); },     [](float x) { return nb::erf(x); },
      [](float x) { return nb::sin(x); },         [](float x) { return nb::cos(x); },
      [](float x) { return nb::tan(x); },         [](float x) { return nb::asin(x); },
      [](float x) { return nb::acos(x); },        [](float x) { return nb::atan(x); },
      [](float x) { return nb::sinh(x); },        [](float x) { return nb::cosh(x); },
      [](float x) { return nb::asinh(x); },       [](float x) { return nb::acosh(x); },
      [](float x) { return nb::atanh(x); },       [](float x) { return nb::floor(x); },
      [](float x) { return nb::ceil(x); },        [](float x) { return nb::trunc(x); },
      [](float x) { return nb::rint(x); },        [](float x) { return nb::round(x); },
      [](float x) { return nb::softplus(x); },    [](float x) { return nb::fabs(x); },
      [](float x) { return nb::log_sigmoid(x); },
  };
  uint32_t hash = 2166136261u;
  const auto add = [&hash](float result) { hash = (hash ^ nb::float_bits(result)) * 16777619u; };
  uint32_t bits = 0;
  for (uint32_t i = 0; i < count; ++i) {
    bits += 2654435769u;  // 2^32 / golden ratio
    const float wide = nb::bits_float(bits);
    const float narrow = static_cast<float>(static_cast<int32_t>(bits) >> 4) * 0x1p-23f;
    for (const Function function : kFunctions) {
      if (!nb::isnan(wide)) add(function(wide));
      add(function(narrow));
    }
    add(nb::pow(nb::fabs(narrow), wide));
    add(nb::pow(wide, narrow));
    add(nb::atan2(wide, narrow));
    add(nb::atan2(narrow, 1.5f));
    add(nb::fmod(wide, narrow));
    add(nb::copysign(narrow, wide));
  }
  return hash;
}

}  // namespace nb_test
