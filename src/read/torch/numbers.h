// Operators on numbers known when compiling, as exported programs have them on sizes of tensors.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "read/torch/item.h"

namespace nb::torch {

/// x / y towards minus infinity, as Python has it; y is not 0, and the result is a 64-bit integer.
[[nodiscard]] std::int64_t floor_divided(std::int64_t x, std::int64_t y);
/// What that leaves, of the sign of y.
[[nodiscard]] std::int64_t floor_remainder(std::int64_t x, std::int64_t y);

/// The result of an operator such as "_operator.mul", "math.floor", "torch.sym_max" on numbers; absent if it
/// is none of these, an error's text in `fault` if its arguments are not what it takes.
[[nodiscard]] std::optional<Item> evaluated(std::string_view op, std::span<const Item> arguments,
                                            std::string& fault);

}  // namespace nb::torch
