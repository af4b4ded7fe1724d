// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <span>
#include <tuple>

#include "graph/attributes.h"

namespace nb {

/// What becomes of the leaves that trees reach (the order is that of tree_ensemble.h and of ONNX).
enum class TreeAggregate : std::uint8_t { average, sum, min, max };
inline std::span<const std::string_view> names_of(TreeAggregate) {
  static constexpr std::array<std::string_view, 4> kNames = {"average", "sum", "min", "max"};
  return kNames;
}

struct TreeEnsembleAttrs {
  std::int64_t targets = 1;
  TreeAggregate aggregate = TreeAggregate::sum;
};
inline constexpr std::tuple kTreeEnsembleFields{
    Field{"targets", &TreeEnsembleAttrs::targets, "outputs of a row"},
    Field{"aggregate", &TreeEnsembleAttrs::aggregate, "what becomes of the leaves that trees reach"}};

}  // namespace nb
