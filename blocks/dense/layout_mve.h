// What the compiler and the dense layers for Helium share: parameters. Freestanding, for any machine.
#pragma once
#include "../core/form_mve.h"
#include "dense_s8.h"

namespace nb {

/// A DenseS8 whose input zero point is folded into the biases, and the form of its constants.
struct DenseS8Mve {
  int32_t rows, in_features, out_features;
  int32_t multiplier;  ///< of all outputs, or 0 where each has its own
  int8_t shift;        ///< likewise, positive to the left
  int8_t out_zero, out_min, out_max;
  uint8_t form;  ///< kTiesMve...
};

/// True where groups of four outputs take less memory than groups of eight, and little more time.
constexpr bool dense_s8_mve_is_narrow(const DenseS8& p) {
  return p.out_features <= 4 || (p.out_features > 8 && p.out_features <= 12 && p.in_features >= 32);
}

}  // namespace nb
