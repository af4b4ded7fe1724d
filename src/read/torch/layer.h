// One call of a PyTorch operator under translation: its arguments by the names of its schema, and its
// results.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "read/compose.h"
#include "read/torch/item.h"
#include "read/torch/schema.h"
#include "read/torch/storage.h"
#include "read/torch/translator.h"
#include "read/translation.h"

namespace nb::torch {
using namespace read;

class Layer;

/// What an operator's results have to do with the memory of its first argument.
enum class Memory : std::uint8_t {
  fresh,  ///< nothing, unless they are the argument itself
  own,    ///< never any: a copy, also where the argument's value is the result
  view,   ///< they share it: writing to them writes to it
};

/// One row an operator, for all of its overloads, its `_copy`, in-place and out variants.
struct OperatorRow {
  std::string_view op;  ///< "aten.conv2d"
  void (*translate)(Layer&);
  std::string_view block = {};  ///< the block it becomes, if the translator serves many
  Memory memory = Memory::fresh;
};
/// The row of an operator, null if there is none.
[[nodiscard]] const OperatorRow* find_operator(std::string_view op);
/// The names of all of them, for the documentation.
[[nodiscard]] std::vector<std::string> translated_operators();

class Layer : public Translation {
 public:
  Layer(GraphBuilder& builder, const Call& call, const OperatorRow& row, const Schema& schema,
        std::vector<Item> arguments);

  [[nodiscard]] std::string_view op() const { return row_.op; }
  [[nodiscard]] std::string_view overload() const { return schema_.overload; }
  [[nodiscard]] std::string_view block() const { return row_.block; }

  /// Whether the schema has a parameter of this name (schemas differ between overloads).
  [[nodiscard]] bool takes(std::string_view parameter) const;
  /// Whether the argument is there and not None.
  [[nodiscard]] bool has(std::string_view parameter) const;
  /// The argument as it is, None if the schema has no such parameter.
  [[nodiscard]] const Item& item(std::string_view parameter) const;

  // Arguments of a kind; another one is an invalid model. Those with a fallback take it where the argument is
  // None or the schema has none of the name.
  [[nodiscard]] ValueId tensor(std::string_view parameter);           ///< a number becomes a constant
  [[nodiscard]] ValueId optional_tensor(std::string_view parameter);  ///< absent if None
  [[nodiscard]] std::vector<ValueId> tensors(std::string_view parameter);
  [[nodiscard]] std::int64_t integer(std::string_view parameter);
  [[nodiscard]] std::int64_t integer(std::string_view parameter, std::int64_t fallback);
  [[nodiscard]] bool flag(std::string_view parameter, bool fallback = false);
  [[nodiscard]] double real(std::string_view parameter);
  [[nodiscard]] double real(std::string_view parameter, double fallback);
  [[nodiscard]] std::string text(std::string_view parameter, std::string_view fallback = {});
  [[nodiscard]] Ints integers(std::string_view parameter);
  [[nodiscard]] Ints integers(std::string_view parameter, const Ints& fallback);
  /// A dtype inside the graph; f16, bf16 and f64 are computed as f32.
  [[nodiscard]] std::optional<DType> element_type(std::string_view parameter);
  using Translation::ints;

  // Results, in order. `result` may be called once a result.
  void result(ValueId id) { results_.emplace_back(id); }
  void result(Item item) { results_.push_back(std::move(item)); }
  [[nodiscard]] std::vector<Item> take_results() { return std::move(results_); }

 private:
  const OperatorRow& row_;
  const Schema& schema_;
  std::vector<Item> arguments_;
  std::vector<Item> results_;
};

/// PyTorch's type promotion of two operands, of which numbers and tensors without axes weigh less. Both cast
/// to what they are computed in.
struct Promoted {
  ValueId a, b;
};
[[nodiscard]] Promoted promoted(Layer& l, std::string_view a, std::string_view b);

}  // namespace nb::torch
