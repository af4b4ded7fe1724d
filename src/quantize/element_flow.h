// Where elements of values end up: through nodes that only pick elements, and through states.
#pragma once
#include <functional>
#include <utility>
#include <vector>

#include "graph/graph.h"

namespace nb {

/// What stands at each element of the values that are reached.
struct ElementFlow {
  static constexpr std::int32_t kZero = -1;   ///< the constant 0, as padding
  static constexpr std::int32_t kOther = -2;  ///< another constant
  std::vector<std::vector<std::int32_t>>
      of;                        ///< by value, by element: a label, or one of these; empty: not reached
  std::vector<bool> is_through;  ///< by node: it only hands elements on
  [[nodiscard]] bool has(ValueId id) const { return id.is_present() && !of[id.index()].empty(); }
  /// The labels of a value by the index of its last axis, kZero where there is none; empty where an index has
  /// several labels or another constant. `sees_zeros`: some elements, not all of an index, are the constant
  /// 0.
  struct Columns {
    std::vector<std::int32_t> labels;
    bool sees_zeros = false;
  };
  [[nodiscard]] Columns columns(const Graph& graph, ValueId id) const;
};

/// A value and the label of each of its elements, from 0 on and below kMostLabels (kMostChannels).
using Labelled = std::pair<ValueId, std::vector<std::int32_t>>;
inline constexpr std::int64_t kMostLabels = 1 << 23, kMostChannels = 1 << 12;

/// Follows float values through nodes that only move elements (QuantizedForm::moves), whose operands computed
/// at run time are all reached, and through states that hold what they held. What such a node picks by its
/// size is no label.
[[nodiscard]] ElementFlow follow_moves(const Graph& graph, const std::vector<Labelled>& roots);
/// The same also through nodes that give positive multiples of elements for multiples of them, as relu and
/// means do; a result of elements of several labels is none.
[[nodiscard]] ElementFlow follow_multiples(const Graph& graph, const std::vector<Labelled>& roots);

}  // namespace nb
