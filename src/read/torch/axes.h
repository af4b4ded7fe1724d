// Axes and ranges as PyTorch's operators name them.
#pragma once
#include <algorithm>
#include <utility>

#include "read/torch/layer.h"

namespace nb::torch {

/// The axis that `parameter` names in x; scalars have axis 0, too.
inline std::int64_t axis_of(Layer& l, ValueId x, std::string_view parameter, std::int64_t fallback = 0) {
  return l.axis(l.integer(parameter, fallback), std::max<std::int64_t>(l.rank(x), 1));
}

/// x of rank 0 as one of rank 1.
inline ValueId with_axis(Layer& l, ValueId x) { return l.rank(x) == 0 ? reshape(l, x, {1}) : x; }

/// [begin, end) of an axis of `size`, negative ones counted from the end, clamped as Python's slices are.
inline std::pair<std::int64_t, std::int64_t> clamped_range(std::int64_t begin, std::int64_t end,
                                                           std::int64_t size) {
  const auto at = [&](std::int64_t i) { return std::clamp<std::int64_t>(i < 0 ? i + size : i, 0, size); };
  begin = at(begin);
  return {begin, std::max(at(end), begin)};
}

}  // namespace nb::torch
