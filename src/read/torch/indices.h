// Tensors of indices: which elements x[i, :, j] means, and where they lie.
#pragma once
#include "read/torch/layer.h"

namespace nb::torch {

/// Indices as a dtype that the blocks take.
[[nodiscard]] ValueId as_index(Layer& l, ValueId indices);

/// What a list of indices, one an axis or None, means for a tensor x. x with its axes permuted has the axes
/// that are indexed side by side; as one axis of `flat_shape` they are numbered through by `numbers`.
struct Indexed {
  Ints axes;            ///< of x, those that are indexed; empty: none
  Ints perm;            ///< of x's axes
  Shape flat_shape;     ///< of x after it, the indexed axes as one at `before`
  std::int64_t before;  ///< axes before the indexed ones
  ValueId numbers;      ///< i64 or i32, [n]
  Shape index_shape;    ///< what the indices broadcast to, of n elements
  Shape result_shape;   ///< of x[...]
};
/// `indices`: a list of tensors and None. A bool mask stands for the places where it holds and must be a
/// constant.
[[nodiscard]] Indexed indexed(Layer& l, ValueId x, const Item& indices);

/// The places of what is not 0 in a constant: a tensor of indices an axis.
[[nodiscard]] std::vector<ValueId> nonzero_places(Layer& l, ValueId x);

}  // namespace nb::torch
