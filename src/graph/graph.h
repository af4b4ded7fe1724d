// The one graph type, from a reader's output to the emitter's input.
#pragma once
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/id.h"
#include "graph/block.h"
#include "graph/type.h"

namespace nb {

struct Node;
struct Value;
using NodeId = Id<Node>;
using ValueId = Id<Value>;

/// Stations of the line; each has its own rules in verify.cc.
enum class Phase : std::uint8_t { read, simplified, quantized, lowered, planned };
[[nodiscard]] std::string_view phase_name(Phase phase);
[[nodiscard]] std::optional<Phase> find_phase(std::string_view name);

/// Where a value comes from.
enum class Source : std::uint8_t { node, input, constant, state };

struct Value {
  std::string name;  ///< from the model; unique in the graph, never empty
  Type type;
  Source source = Source::node;
  std::shared_ptr<const Bytes> data = {};  ///< of a constant, or a state's first contents
  std::int64_t arena_offset = -1;          ///< bytes; planned graphs only, -1 for constants
};

struct Node {
  const Block* block = nullptr;
  Attributes attributes;
  std::vector<ValueId> inputs;  ///< absent ids for optional operands left out
  std::vector<ValueId> outputs;
  std::string name;         ///< the layer's name in the model
  std::string origin;       ///< the operator's name in the model's own format, "CONV_2D"
  std::string kernel = {};  ///< lowered graphs: its name
  std::int64_t scratch_bytes = 0, scratch_offset = -1;
  bool is_kept_float = false;  ///< computes in floats by choice, also between integers
};

/// Nodes stand in execution order. Copyable; constants are shared.
struct Graph {
  std::string name;
  Phase phase = Phase::read;
  std::string board;  ///< of lowered graphs
  Rounding rounding = Rounding::twice;
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<ValueId> inputs, outputs;
  /// States that a step gives their next contents: the last of `outputs` are those, in this order, and are
  /// outputs within the compiler only.
  std::vector<ValueId> kept;
  std::int64_t arena_bytes = 0;  ///< planned graphs
  std::int64_t state_bytes = 0;  ///< planned graphs: at the start of the arena
  /// Multiply-accumulates of the model as it was read, with those that passes found needless; 0: not known.
  std::int64_t model_macs = 0;

  [[nodiscard]] Value& at(ValueId id) { return values[id.index()]; }
  [[nodiscard]] const Value& at(ValueId id) const { return values[id.index()]; }
  /// Adds a value; its name is made unique.
  ValueId add_value(Value value);
  ValueId add_constant(std::string wanted, Tensor tensor);
  /// What a caller sees.
  [[nodiscard]] std::span<const ValueId> public_outputs() const {
    return std::span(outputs).first(outputs.size() - kept.size());
  }
  /// The next contents of `kept`, one for one.
  [[nodiscard]] std::span<const ValueId> next_contents() const {
    return std::span(outputs).last(kept.size());
  }
  [[nodiscard]] bool is_constant(ValueId id) const {
    return id.is_present() && at(id).source == Source::constant;
  }
  /// The node as blocks see it.
  [[nodiscard]] Operation operation(const Node& node) const;
  /// Uses of `from`, also as a graph output, become uses of `to`.
  void replace_uses(ValueId from, ValueId to);
  /// For each value: how many node operands and graph outputs use it.
  [[nodiscard]] std::vector<int> use_counts() const;
  /// For each value: the index of the node that makes it, or -1.
  [[nodiscard]] std::vector<int> producers() const;
  /// Removes nodes whose outputs nobody uses (nodes that write a state stay), then values nobody names.
  /// Values end in the order of graph text.
  void remove_dead();
  /// All values: constants and state, inputs, then what nodes make, as graph text lists them.
  [[nodiscard]] std::vector<ValueId> text_order() const;
  [[nodiscard]] std::int64_t weights_bytes() const;  ///< constants as the graph stores them, equal ones once
  [[nodiscard]] std::int64_t macs() const;           ///< multiply-accumulates of all nodes
  [[nodiscard]] std::int64_t parameters() const;     ///< elements of constants, equal ones once

 private:
  [[nodiscard]] std::string unique_name(std::string wanted) const;
  mutable std::unordered_map<std::string, int>
      names_;  ///< every value's name, and the last number put behind it
};

/// Runs one node's reference on constants. All inputs must be constant.
[[nodiscard]] std::vector<Tensor> evaluate(const Operation& op, std::span<const TensorView> inputs);

/// What graph text refers to beside it: constants one after the other, 16-byte aligned.
struct GraphText {
  std::string text;
  Bytes constants;
};
/// The graph as text; `constants_file` is the name that the text gives to the binary beside it.
[[nodiscard]] GraphText print_graph(const Graph& graph, std::string_view constants_file);
/// One node's line, as in the text.
[[nodiscard]] std::string node_text(const Graph& graph, const Node& node);
/// Text back to a graph. Reports graph-syntax at `file`:line:column, with what was expected there.
[[nodiscard]] Result<Graph> parse_graph(std::string_view text, ByteSpan constants, const BlockSet& blocks,
                                        Diagnostics& diagnostics, const std::string& file = {});
/// The file name that the text's `constants` line gives; empty if there is none.
[[nodiscard]] std::string constants_file_of(std::string_view text);
/// "i8[1,4] q(0.5,3)" to a type; a leading "const " is the caller's.
[[nodiscard]] std::optional<Type> parse_type(std::string_view text);

/// Reports every broken invariant (listed in verify.cc).
[[nodiscard]] Status verify(const Graph& graph, Diagnostics& diagnostics);
/// Whether `output` should have a scale and has none: it has the dtype of a quantized first operand.
[[nodiscard]] bool lacks_scale(const Operation& op, const Type& output);

}  // namespace nb
