// How the constants of an int8 layer are written for the vector (Helium) kernels. Freestanding, for any
// machine.
#pragma once
#include "nb.h"

namespace nb {

// The form of a layer's rescaling, bits of its parameters' `form`. With none of them a channel's sum is
// multiplied and shifted right with rounding, and nothing else shows.
constexpr uint8_t kTiesMve = 1;     ///< ties of negative values go away from zero; all shifts go right
constexpr uint8_t kGeneralMve = 2;  ///< any shifts, ties of negative values go away from zero
constexpr uint8_t kWideMve = 4;     ///< some bias has more than 24 bits; together with kGeneralMve
// Bits that a layer's geometry and weights set there.
constexpr uint8_t kInPlaceMve = 8;   ///< taps are read in the input itself, not in copies
constexpr uint8_t kFoldsMve = 16;    ///< 16 lanes hold several neighbouring pixels of a few channels
constexpr uint8_t kGathersMve = 32;  ///< inputs are gathered by lane

/// Bytes of a channel beside its weights. Lanes go by four: a vector of words, of which the low byte is the
/// shift (positive to the left) and the upper three are the bias with the input's zero point folded in; a
/// vector of multipliers. In the wide form what a bias has beyond its 24 bits follows, after all lanes of the
/// group.
constexpr int32_t scale_bytes_mve(int32_t form) { return form & kWideMve ? 12 : 8; }

}  // namespace nb
