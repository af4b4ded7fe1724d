// PyTorch's storages: tensors are views of them, by sizes, strides and an offset.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "graph/type.h"

namespace nb::torch {

/// A tensor within the bytes of a storage. Sizes, strides and the offset count elements, and come from the
/// file as they are.
struct StridedView {
  DType dtype = DType::f32;
  Shape sizes;
  std::vector<std::int64_t> strides;  ///< as many as sizes
  std::int64_t offset = 0;
};

/// What the tensors of one file may take in memory, all together: several may view one storage, and a stride
/// of 0 makes a tensor larger than its storage.
[[nodiscard]] constexpr std::int64_t tensor_budget(std::size_t file_bytes) {
  return (std::int64_t{256} << 20) + 4 * static_cast<std::int64_t>(file_bytes);
}

/// The view's elements in row-major order (bool as 0 or 1). Each index is checked before it is used;
/// `budget_bytes` is what may still be taken, and less by the tensor's size afterwards. On failure `why_not`
/// says what was observed, as the rest of a sentence about the tensor ("has ...").
[[nodiscard]] std::optional<Tensor> contiguous(ByteSpan storage, const StridedView& view,
                                               std::int64_t& budget_bytes, std::string& why_not);

/// PyTorch's number of a dtype (c10::ScalarType) as a dtype; absent for complex, quantized and 8-bit float
/// ones.
[[nodiscard]] std::optional<DType> dtype_of_scalar_type(std::int64_t number);
/// The number of a dtype.
[[nodiscard]] std::int64_t scalar_type_of(DType dtype);

}  // namespace nb::torch
