// Translates the calls of a PyTorch program, whatever file they come from, to blocks: one call at a time.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "read/builder.h"
#include "read/torch/item.h"

namespace nb::torch {

struct OperatorRow;
struct Schema;

/// One call of an operator.
struct Call {
  std::string op;             ///< "aten.conv2d", "quantized_decomposed.quantize_per_tensor", "_operator.mul"
  std::string overload = {};  ///< "Tensor", "default"; empty: the one that fits the arguments
  std::vector<Item> positional = {};
  std::vector<std::pair<std::string, Item>> named = {};
  std::string layer = {};   ///< its name in the model: the module's path, or that of its output
  std::string source = {};  ///< where the model's Python calls it, "model.py:12 in forward"; may be empty
};

class Translator {
 public:
  explicit Translator(GraphBuilder& builder) : build_(builder) {}

  /// What the call returns, as many values as its operator does. A fault is reported and leaves them unknown;
  /// so do unknown arguments, without a word.
  std::vector<Item> call(const Call& call);

  /// The value that stands for a tensor now: operators that write into their operand (`add_`, `copy_`) give
  /// it, and every view of the same memory, a new one. Outputs and states are read through this.
  ValueId current(ValueId id);

  /// Whether a fault was reported by any call.
  [[nodiscard]] bool has_failed() const { return faults_ > 0; }
  /// Whether so many faults were reported that reading should end.
  [[nodiscard]] bool is_hopeless() const { return is_stopped_ || faults_ > kMaxFaults; }

  [[nodiscard]] GraphBuilder& build() { return build_; }

 private:
  static constexpr std::size_t kMaxFaults = 100;

  /// How a value was taken out of another one that it shares memory with.
  struct View {
    ValueId base;
    Call call;           ///< whose first argument is the base
    std::size_t result;  ///< which of its results, those of lists counted one by one
    std::unordered_map<std::size_t, ValueId> taken = {};  ///< the same view of the base's later values
  };

  std::vector<Item> apply(const Call& call, const OperatorRow& row, const Schema& schema,
                          std::vector<Item> arguments);
  void assign(const Call& call, ValueId target, ValueId value);
  Item refreshed(const Item& item);
  Item separated(const Item& item, std::size_t first_value);

  GraphBuilder& build_;
  std::size_t faults_ = 0;
  bool is_stopped_ = false;
  std::unordered_map<std::size_t, View> views_;        ///< by the view's value
  std::unordered_map<std::size_t, ValueId> replaced_;  ///< what was written over a value that is no view
};

/// Reports an operator that no row translates, with the nearest rewrite if one is known.
void report_missing(GraphBuilder& builder, const Call& call);
/// What an operator does with the memory of its first argument.
enum class Effect : std::uint8_t { none, views, writes };
[[nodiscard]] Effect effect_of(std::string_view op);
/// Whether a row and a schema translate it: readers look at all calls before they translate the first.
[[nodiscard]] bool is_translated(std::string_view op);

}  // namespace nb::torch
