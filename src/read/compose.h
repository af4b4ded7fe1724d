// Steps that translators share. Each adds at most a few nodes; constants fold at once.
#pragma once
#include "read/translation.h"

namespace nb::read {

// Shapes. Steps that would change nothing give x back.
[[nodiscard]] ValueId reshape(Translation& l, ValueId x, const Shape& shape);
[[nodiscard]] ValueId transpose(Translation& l, ValueId x, const Ints& perm);
[[nodiscard]] ValueId expand(Translation& l, ValueId x, const Shape& shape);
[[nodiscard]] ValueId concat(Translation& l, const std::vector<ValueId>& parts, std::int64_t axis);
/// begin, size and step of one axis, the others whole.
[[nodiscard]] ValueId slice_axis(Translation& l, ValueId x, std::int64_t axis, std::int64_t begin,
                                 std::int64_t size, std::int64_t step = 1);
/// x with an axis read from its end.
[[nodiscard]] ValueId mirrored(Translation& l, ValueId x, std::int64_t axis);
/// Each index of axis 1 of [N,H,T,D] `times` times, one after the other: heads that several queries share.
[[nodiscard]] ValueId repeat_heads(Translation& l, ValueId x, std::int64_t times);
/// x with axes of 1 inserted, named as in the result.
[[nodiscard]] ValueId unsqueeze(Translation& l, ValueId x, Ints axes);
[[nodiscard]] ValueId squeeze(Translation& l, ValueId x, const Ints& axes);
/// x of shape [n] as [1, .., n, .., 1] of `rank` axes with n at `axis`.
[[nodiscard]] ValueId along_axis(Translation& l, ValueId x, std::int64_t axis, std::int64_t rank);
/// The shape that both broadcast to; refuses if there is none.
[[nodiscard]] Shape broadcast_shape(Translation& l, const Shape& a, const Shape& b);
/// pads: before and after each axis, in real units of x.
[[nodiscard]] ValueId pad_constant(Translation& l, ValueId x, const Ints& before, const Ints& after,
                                   float value);

// Numbers.
[[nodiscard]] ValueId cast(Translation& l, ValueId x, DType to);
/// x as a float: integers and bools become f32.
[[nodiscard]] ValueId as_real(Translation& l, ValueId x);
[[nodiscard]] ValueId scalar(Translation& l, double value, DType dtype = DType::f32);
/// The ints 0 .. n-1 along `axis` of a tensor of `rank` axes.
[[nodiscard]] ValueId iota(Translation& l, std::int64_t n, DType dtype, std::int64_t axis = 0,
                           std::int64_t rank = 1);
[[nodiscard]] ValueId floats(Translation& l, const std::vector<float>& values, const Shape& shape);
[[nodiscard]] ValueId ints(Translation& l, const Ints& values, const Shape& shape, DType dtype = DType::i64);
/// Two operands of one dtype, broadcast: "add", "less", ...
[[nodiscard]] ValueId binary(Translation& l, std::string_view block, ValueId a, ValueId b);
/// The same with a number of a's dtype.
[[nodiscard]] ValueId binary(Translation& l, std::string_view block, ValueId a, double b);
[[nodiscard]] ValueId unary(Translation& l, std::string_view block, ValueId x);
/// x to a power that products, roots or a reciprocal are; absent for others.
[[nodiscard]] ValueId power(Translation& l, ValueId x, double exponent);
/// Exact, or by the tanh formula.
[[nodiscard]] ValueId gelu(Translation& l, ValueId x, bool is_approximate);
/// x times a number that is not 1.
[[nodiscard]] ValueId times(Translation& l, ValueId x, double factor);
[[nodiscard]] ValueId where(Translation& l, ValueId condition, ValueId a, ValueId b);
[[nodiscard]] ValueId reduce(Translation& l, std::string_view block, ValueId x, Ints axes, bool keep_dims);
/// 0 where allowed, else -infinity: what is added to scores.
[[nodiscard]] ValueId as_bias(Translation& l, ValueId allowed);
[[nodiscard]] ValueId softmax(Translation& l, ValueId x, std::int64_t axis);
/// numpy's matmul of operands of rank 2 and more.
[[nodiscard]] ValueId matmul(Translation& l, ValueId a, ValueId b, bool transpose_a = false,
                             bool transpose_b = false);
/// Weights that were dequantized from integers: the same constant whose type says so, which lets a later pass
/// have the integers back exactly (integer = w / scale + zero point). Others unchanged.
[[nodiscard]] ValueId weights_on_grid(Translation& l, ValueId w);
[[nodiscard]] ValueId gather(Translation& l, ValueId x, ValueId indices, std::int64_t axis,
                             std::int64_t batch_dims = 0);
/// indices with the negative ones counted from `dim`.
[[nodiscard]] ValueId wrap_indices(Translation& l, ValueId indices, std::int64_t dim);
/// Equal along `axis` to the index: [..., n, ...] bool, where `indices` has size 1 on that axis.
[[nodiscard]] ValueId one_hot_mask(Translation& l, ValueId indices, std::int64_t n, std::int64_t axis);

/// Axes [first, rank).
[[nodiscard]] Ints axes_from(std::int64_t first, std::int64_t rank);
[[nodiscard]] std::int64_t product(const Shape& shape, std::int64_t begin, std::int64_t end);

}  // namespace nb::read
