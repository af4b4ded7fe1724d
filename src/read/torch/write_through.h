// Writing to a view: the whole that it was taken of, with the view's elements replaced.
#pragma once
#include <functional>

#include "read/builder.h"
#include "read/torch/translator.h"

namespace nb::torch {

/// `base` with what `view` takes of it replaced by `value`. `view` is asked with a constant [base's shape] of
/// the elements' numbers, and gives the numbers that the view shows. Reports what cannot be done.
[[nodiscard]] Result<ValueId> written_through(GraphBuilder& builder, const Call& call, ValueId base,
                                              ValueId value, const std::function<ValueId(ValueId)>& view);

}  // namespace nb::torch
