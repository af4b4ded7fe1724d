// Quantize and dequantize steps with known scales, as models that compute in real numbers between them have.
#pragma once
#include "read/translation.h"

namespace nb::read {

/// Real numbers of the integers x. Constants become floats at once, whose grid the builder remembers; a value
/// of the run becomes a block dequantize, which a later pass fuses, or arithmetic where its type says
/// otherwise.
[[nodiscard]] ValueId dequantized(Translation& l, ValueId x, const Quantization& q);
/// x rounded (half to even) to integers of `to`.
[[nodiscard]] ValueId quantized(Translation& l, ValueId x, const Quantization& q, DType to);

}  // namespace nb::read
