// Attention of integers: what its scales become, and its meaning in plain loops. For declarations; not for
// the chip.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "blocks/attention/attention.h"
#include "blocks/attention/attention_quantized.h"
#include "graph/block.h"

namespace nb {

/// Why these operands have no integer form, where q has `depth` features and there are `keys` keys.
[[nodiscard]] std::optional<Fault> check_attention_integers(const Operation& op, std::int64_t depth,
                                                            std::int64_t keys);

/// What kernel and reference share.
struct AttentionIntegers {
  AttentionQuantized params;
  std::vector<std::uint32_t> table;  ///< of power_of_half
  std::vector<std::int32_t> mask;    ///< a float mask's elements
  bool is_exact = true;              ///< the outputs' steps are neither too small nor too large
};
/// `shape` gives sizes, steps and window.
[[nodiscard]] AttentionIntegers attention_integers(const Operation& op, const Attention& shape);

/// The instance of the kernel; `keeps` a head's keys and values.
[[nodiscard]] std::string attention_function(const Operation& op, bool keeps);
/// The members of AttentionQuantized behind those that Attention has, too.
void add_attention_params(const AttentionIntegers& integers, std::vector<Param>& params);

void attention_reference(const AttentionIntegers& integers, std::span<const TensorView> in,
                         std::span<const TensorView> out);

}  // namespace nb
