// What the compiler and dense_s8_mve share. Freestanding, for any machine.
#pragma once
#include "dense_s8.h"

namespace nb {

/// Bytes of scratch of dense_s8_mve.
constexpr int32_t dense_s8_mve_scratch_bytes(const DenseS8&) { return 0; }

/// Geometries this kernel computes.
constexpr bool dense_s8_mve_applies(const DenseS8&) { return true; }

}  // namespace nb
