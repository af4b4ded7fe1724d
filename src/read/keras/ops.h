// Operators of keras.ops that Functional models record: ops.cc computes, ops_shape.cc moves elements.
#pragma once
#include "read/keras/layer.h"

namespace nb::keras {

/// The row of "ops.Mean", null if there is none.
[[nodiscard]] const LayerRow* find_operation(std::string_view type);
/// All of them, sorted, as "ops.Mean".
[[nodiscard]] std::vector<std::string> translated_operations();

/// Operand `position`, or of that name: a tensor, or numbers as a constant: floats unless all are integers.
[[nodiscard]] ValueId operand(Layer& l, std::size_t position, const std::string& keyword);
/// The member `axis` as a list of axes of x from the front; all of them if it is None.
[[nodiscard]] Ints operation_axes(Layer& l, ValueId x, std::string_view member);

// ops_shape.cc
void translate_op_reshape(Layer& l);
void translate_op_ravel(Layer& l);
void translate_op_transpose(Layer& l);
void translate_op_swap_axes(Layer& l);
void translate_op_move_axis(Layer& l);
void translate_op_expand_dims(Layer& l);
void translate_op_squeeze(Layer& l);
void translate_op_concatenate(Layer& l);
void translate_op_stack(Layer& l);
void translate_op_unstack(Layer& l);
void translate_op_split(Layer& l);
void translate_op_get_item(Layer& l);
void translate_op_slice(Layer& l);
void translate_op_flip(Layer& l);
void translate_op_roll(Layer& l);
void translate_op_pad(Layer& l);
void translate_op_repeat(Layer& l);
void translate_op_tile(Layer& l);
void translate_op_broadcast_to(Layer& l);
void translate_op_take(Layer& l);

}  // namespace nb::keras
