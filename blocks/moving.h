// Lowering to strided copies. For declarations; not for the chip.
#pragma once
#include "blocks/elements.h"

namespace nb {

/// A call of `function` (a copy of core/strided.h under another name) that fills the output in order, reading
/// from element `begin` with these strides, one an output axis.
[[nodiscard]] inline Lowered lower_copy(std::string_view function, const Operation& op, std::int64_t begin,
                                        const Shape& in_strides) {
  const Shape& shape = op.out[0]->shape;
  const auto nest = loop_nest(shape, {in_strides, row_major(shape)});
  Lowered l{.function = std::string(function) + "<" + bytes_literal(op.in[0]->dtype) + ">",
            .params_type = "Copy<" + std::to_string(nest.size()) + ">"};
  l.params = {{"in_begin", std::to_string(begin)}, {"axes", loop_text(nest)}};
  l.arguments = {input_arg(0), output_arg(0)};
  return l;
}

/// The same as a reference.
inline void reference_copy(std::span<const TensorView> in, std::span<const TensorView> out,
                           std::int64_t begin, const Shape& in_strides) {
  const Elements x(in[0]), y(out[0]);
  std::int64_t at = 0;
  each_index(out[0].type->shape, {in_strides}, [&](auto offset) { y.copy(at++, x, begin + offset[0]); });
}

[[nodiscard]] inline bool always(const Operation&, const Core&) { return true; }

/// The type of x with another shape: dtype and numbers stay.
[[nodiscard]] inline Type reshaped(const Type& x, Shape shape) {
  return {x.dtype, std::move(shape), x.quantization};
}

}  // namespace nb
