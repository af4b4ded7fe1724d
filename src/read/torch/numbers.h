// Operators on numbers known when compiling, as exported programs have them on sizes of tensors.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "read/torch/item.h"

namespace nb::torch {

/// The result of an operator such as "_operator.mul", "math.floor", "torch.sym_max" on numbers; absent if it
/// is none of these, an error's text in `fault` if its arguments are not what it takes.
[[nodiscard]] std::optional<Item> evaluated(std::string_view op, std::span<const Item> arguments,
                                            std::string& fault);

}  // namespace nb::torch
