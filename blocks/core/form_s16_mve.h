// How the constants of an int16 layer are written for the vector (Helium) kernels. Freestanding, for any
// machine.
#pragma once
#include "nb.h"

namespace nb {

// The form of a layer's rescaling, bits of its parameters' `form`. Without kTwiceS16Mve a sum is multiplied,
// doubled, and its upper word rounded. For each group of channels lie their biases, their multipliers, and
// with kTwiceS16Mve their shifts, positive to the left, 4 bytes each.
constexpr uint8_t kTwiceS16Mve = 1;    ///< then shifted right with another rounding
constexpr uint8_t kTiesS16Mve = 2;     ///< its ties of negative values go away from zero
constexpr uint8_t kInPlaceS16Mve = 8;  ///< taps are read in the input itself, not in copies

}  // namespace nb
