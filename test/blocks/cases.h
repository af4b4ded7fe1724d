// The samples of the blocks as test cases: operands with values, attributes, and what the reference makes of
// them.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace nb::test {

/// One sample of a block with its operands' types; absent optional operands have none.
struct Case {
  const Block* block = nullptr;
  const Sample* sample = nullptr;
  std::string name;  ///< "conv2d 2"
  Attributes attributes;
  std::vector<std::optional<Type>> in;
  std::vector<std::shared_ptr<const Bytes>> constants;  ///< of operands that must be known; else null
  std::vector<Type> out;
  Rounding rounding = Rounding::twice;

  /// Whether it means something else under another rounding.
  [[nodiscard]] bool is_quantized() const;
  /// The use of the block as kernels see it. Points into this case.
  [[nodiscard]] Operation operation() const;
  /// Values for operand i in the given run, the same each time: edges of the dtype among them.
  [[nodiscard]] Bytes values(std::size_t i, int run) const;
  /// What the reference computes from the values of that run.
  [[nodiscard]] std::vector<Tensor> expected(int run) const;
};

/// The block's samples that compute something. What is wrong with a sample (it cannot be read, inference does
/// not refuse what it should, or refuses what it should not) is added to `faults`.
[[nodiscard]] std::vector<Case> cases_of(const Block& block, std::vector<std::string>& faults);

/// Where the outputs differ; empty if they agree: integers equal, floats within 2e-5 of the value or 2e-6 of
/// the largest finite magnitude of the tensor, NaN where NaN is.
[[nodiscard]] std::string difference(const Tensor& expected, const Tensor& actual);

}  // namespace nb::test
