// The dtypes of models and those that graphs compute in.
#pragma once
#include "graph/type.h"

namespace nb::read {

/// The dtype that a model's values of `dtype` have inside the graph: float16, bfloat16 and double are
/// computed as f32.
[[nodiscard]] DType computed_dtype(DType dtype);

/// The same elements in another dtype, as C++ converts them (bool: whether not zero).
[[nodiscard]] Tensor converted(const Tensor& tensor, DType to);

}  // namespace nb::read
