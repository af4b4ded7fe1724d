// Sums of products by equations of letters, as numpy's einsum.
#pragma once
#include <string>
#include <vector>

#include "read/translation.h"

namespace nb::read {

/// "ij,jk->ik" of operands of one dtype: diagonals and sums of each, then one matrix product a further one.
/// An ellipsis and an equation without an arrow mean what they do to numpy.
[[nodiscard]] ValueId einsum(Translation& l, const std::string& equation, const std::vector<ValueId>& inputs);

}  // namespace nb::read
