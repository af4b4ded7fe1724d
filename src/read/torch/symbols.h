// Expressions of symbolic sizes, as exported programs spell them.
#pragma once
#include <string>
#include <string_view>

namespace nb::torch {

/// The expression as people write it: `s77` of "Symbol('s77', positive=True, integer=True)", `2*s77` of
/// "Mul(Integer(2), Symbol('s77', ...))". PyTorch from 2.7 on writes the latter forms, which are sympy's;
/// text of another form stays as it is.
[[nodiscard]] std::string plain_expression(std::string_view text);

}  // namespace nb::torch
