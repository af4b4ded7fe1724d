// What find-attention knows of masks.
#pragma once
#include "blocks/attention/attributes.h"
#include "pass/pattern.h"

namespace nb {

/// A score that low, or one that has been moved so far down, counts as none: its power of e is 0 beside any
/// score that stays.
inline constexpr double kHidden = -1e4;
/// Scores that something so low is added to become one number.
inline constexpr double kDrowned = -1e8;

/// What is done to scores [..., queries, keys].
struct ScoreMask {
  ValueId value;  ///< f32: added; bool: where it is `hides`, the score becomes `fill`
  bool hides = false;
  double fill = 0;
  Shape scores = {};       ///< the shape of the scores there
  bool is_turned = false;  ///< they are [..., keys, queries]
};

/// For each query the keys that a mask lets it see, if that is all that a constant mask does, and all batches
/// and heads are alike: sets left, right and offset of the attributes, which had no such bounds. False if the
/// mask does more, or bounds are there.
[[nodiscard]] bool becomes_window(const Graph& graph, const ScoreMask& mask, AttentionAttrs& attributes);

/// The masks that hide together what this one hides: an addend chosen by a condition is that condition, and
/// one that asks for two things, or adds two, is two. It alone if it is not made of others.
[[nodiscard]] std::vector<ScoreMask> parts_of(const Pattern& pattern, const ScoreMask& mask);

}  // namespace nb
