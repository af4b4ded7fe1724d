// What declarations of elementwise and moving blocks share: access to elements without a template per dtype,
// broadcasting, and loop nests over strided tensors. For declarations; not for the chip.
#pragma once
#include <initializer_list>

#include "graph/block.h"

namespace nb {

/// Holds every integer of every dtype.
using Wide = __int128;

/// Reads and writes element i of a buffer of one dtype. Writing a double rounds to the nearest of a float
/// dtype, truncates and saturates into an integer one (NaN: 0), is `!= 0` for bool. Writing a Wide into an
/// integer keeps the low bits.
struct ElementAccess {
  double (*get)(const std::byte* data, std::int64_t i);
  void (*put)(std::byte* data, std::int64_t i, double value);
  Wide (*get_int)(const std::byte* data, std::int64_t i);
  void (*put_int)(std::byte* data, std::int64_t i, Wide value);
};
[[nodiscard]] const ElementAccess& element_access(DType dtype);

/// A view with its access: what reference loops read and write.
struct Elements {
  explicit Elements(const TensorView& view)
      : data(view.data), dtype(view.type->dtype), access(&element_access(dtype)) {}
  [[nodiscard]] double get(std::int64_t i) const { return access->get(data, i); }
  [[nodiscard]] Wide get_int(std::int64_t i) const { return access->get_int(data, i); }
  void put(std::int64_t i, double value) const { access->put(data, i, value); }
  void put_int(std::int64_t i, Wide value) const { access->put_int(data, i, value); }
  /// Copies element j of `from`, of the same dtype.
  void copy(std::int64_t i, const Elements& from, std::int64_t j) const;
  std::byte* data;
  DType dtype;
  const ElementAccess* access;
};

/// The shape that numpy's broadcasting gives, or shape-mismatch.
[[nodiscard]] Checked<Shape> broadcast(std::initializer_list<const Type*> types);
/// Row-major strides in elements.
[[nodiscard]] Shape row_major(std::span<const std::int64_t> shape);
/// Strides that walk `shape` broadcast to `to`: 0 along repeated axes. As many as `to` has axes.
[[nodiscard]] Shape broadcast_strides(std::span<const std::int64_t> shape, std::span<const std::int64_t> to);

/// One loop: how often, and how far each tensor steps, in elements.
struct LoopAxis {
  std::int64_t size;
  std::vector<std::int64_t> step;
};
/// The shortest loop nest over `shape` (outermost first) in which tensor t steps by strides[t][axis]: axes of
/// size 1 vanish, axes that all tensors walk as one become one. Never empty; no elements: one axis of size 0.
[[nodiscard]] std::vector<LoopAxis> loop_nest(std::span<const std::int64_t> shape,
                                              std::initializer_list<Shape> strides);
/// "{{size, step, step}, ...}", the initialiser of an array of axes.
[[nodiscard]] std::string loop_text(const std::vector<LoopAxis>& nest);
/// "{1, 2, 3}".
[[nodiscard]] std::string list_text(std::span<const std::int64_t> values);

/// Calls f(offsets) for each index of `shape` in row-major order; offsets[t] is the position in tensor t.
void each_index(std::span<const std::int64_t> shape, std::initializer_list<Shape> strides,
                const std::function<void(std::span<const std::int64_t>)>& f);

/// The same quantization, or none on both.
[[nodiscard]] bool same_numbers(const Type& a, const Type& b);
/// One scale for the whole tensor of at most 16 bits.
[[nodiscard]] bool is_quantized_int(const Type& type);

/// A count as a fault-free axis: -1 counts from the end. attribute-out-of-range if it lies outside.
[[nodiscard]] Checked<std::int64_t> checked_axis(std::int64_t axis, int rank);
/// Elements before, along and after an axis.
struct AxisSplit {
  std::int64_t outer, size, inner;
};
[[nodiscard]] AxisSplit split_at(std::span<const std::int64_t> shape, std::int64_t axis);

/// "1", "2", "4" or "8": the size of an element.
[[nodiscard]] std::string bytes_literal(DType dtype);

}  // namespace nb
