// Decision trees over rows of features.
#pragma once
#include "../core/nb.h"

namespace nb {

/// in [rows, features], out [rows, targets].
struct TreeEnsemble {
  int32_t rows, features, targets, trees;
  int32_t aggregate;  ///< as TreeAggregate of the block
};
enum : int32_t { kTreeAverage, kTreeSum, kTreeMin, kTreeMax };

/// A node is six numbers: the feature; how it is compared (and 8 if a NaN goes on as true); where to go on if
/// true and if false (a node, or ~leaf); and the range of `members` that comparison kTreeMember looks into.
enum : int32_t {
  kTreeLessEqual,
  kTreeLess,
  kTreeGreaterEqual,
  kTreeGreater,
  kTreeEqual,
  kTreeNotEqual,
  kTreeMember
};

inline bool tree_goes_true(float x, int32_t comparison, float split, const float* members, int32_t count) {
  if (x != x) return (comparison & 8) != 0 || comparison == kTreeNotEqual;
  switch (comparison & 7) {
    case kTreeLessEqual:
      return x <= split;
    case kTreeLess:
      return x < split;
    case kTreeGreaterEqual:
      return x >= split;
    case kTreeGreater:
      return x > split;
    case kTreeEqual:
      return x == split;
    case kTreeNotEqual:
      return x != split;
    default:
      for (int32_t i = 0; i < count; ++i)
        if (members[i] == x) return true;
      return false;
  }
}

NB_NOINLINE inline void tree_ensemble(const TreeEnsemble& p, const float* in, const int32_t* nodes,
                                      const float* splits, const int32_t* roots, const int32_t* leaf_targets,
                                      const float* leaf_weights, const float* members, float* out) {
  constexpr float kLargest = 3.40282347e38f;
  const float first = p.aggregate == kTreeMin ? kLargest : p.aggregate == kTreeMax ? -kLargest : 0.0f;
  for (int32_t row = 0; row < p.rows; ++row, in += p.features, out += p.targets) {
    for (int32_t i = 0; i < p.targets; ++i) out[i] = first;
    for (int32_t tree = 0; tree < p.trees; ++tree) {
      int32_t at = roots[tree];
      while (at >= 0) {
        const int32_t* node = nodes + at * 6;
        at = tree_goes_true(in[node[0]], node[1], splits[at], members + node[4], node[5] - node[4]) ? node[2]
                                                                                                    : node[3];
      }
      float& to = out[leaf_targets[~at]];
      const float weight = leaf_weights[~at];
      if (p.aggregate == kTreeMin)
        to = min(to, weight);
      else if (p.aggregate == kTreeMax)
        to = max(to, weight);
      else
        to += p.aggregate == kTreeAverage ? weight / static_cast<float>(p.trees) : weight;
    }
  }
}

}  // namespace nb
