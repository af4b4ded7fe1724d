// Products of matrices in floats and integers.
#pragma once
#include "read/translation.h"

namespace nb::read {

/// numpy's matmul, also of vectors: a constant right matrix, or one that is the same for all samples of a
/// batch, becomes dense's weights.
[[nodiscard]] ValueId numpy_matmul(Translation& l, ValueId a, ValueId b);

/// A factor of `gemm`.
struct Factor {
  ValueId matrix;
  bool is_transposed = false;
};
/// alpha * a b + beta * c of matrices a and b; c broadcasts to the product and may be absent.
[[nodiscard]] ValueId gemm(Translation& l, const Factor& a, const Factor& b, ValueId c, float alpha = 1.0f,
                           float beta = 1.0f);

}  // namespace nb::read
