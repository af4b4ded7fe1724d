// Blocks of two operands element by element with broadcasting, from one row each. For declarations; not for
// the chip.
#pragma once
#include <cstring>

#include "blocks/elements.h"
#include "blocks/quantized.h"

namespace nb {

/// A functor of binary/functions_quantized.h with its numbers filled in.
struct QuantizedFunctor {
  std::string name;  ///< "AddQuantized"
  std::vector<std::int32_t> members;
  std::function<std::int32_t(std::int32_t, std::int32_t)> f;
};
template <class F>
QuantizedFunctor quantized_functor(std::string name, const F& f) {
  QuantizedFunctor q{std::move(name), std::vector<std::int32_t>(sizeof(F) / sizeof(std::int32_t)), f};
  std::memcpy(q.members.data(), &f, sizeof(F));
  return q;
}

struct BinaryRow {
  std::string_view name, doc, functor;
  DTypeSet dtypes;
  double (*real)(double a, double b);
  Wide (*integer)(Wide a, Wide b) = nullptr;
  std::optional<QuantizedFunctor> (*quantized)(const Operation& op) = nullptr;
  bool to_bool = false;
  bool is_float32_only = false;  ///< of floats, the kernel takes float32 alone
  bool same_scales = false;      ///< quantized operands must share the output's numbers; then integers decide
  bool has_clamp = false;        ///< attributes are ArithmeticAttrs
  /// Whether `quantized` has its extremes at those of its operands.
  bool (*is_extreme_at_corners)(const Operation& op) = nullptr;
};

/// The block of a row; the row must outlive it.
[[nodiscard]] Block binary_block(const BinaryRow& row);

}  // namespace nb
