// Walks a model's graphs: names to values, subgraphs, functions.
#pragma once
#include "read/onnx/layer.h"
#include "read/onnx/tensor.h"

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace nb::onnx {

/// The names visible in one graph or one call of a function.
struct Frame {
  const Frame* outer = nullptr;  ///< of a subgraph, whose nodes see the names around it
  int depth = 0;                 ///< of subgraphs and calls around this one
  std::string prefix;            ///< put before the names of layers and values
  const std::vector<OperatorSet>* opsets = nullptr;
  /// Of a function: the call's attributes, by the function's names for them.
  const std::map<std::string_view, const AttributeProto*>* bindings = nullptr;
  std::unordered_map<std::string_view, ValueId> values = {};
  std::unordered_map<std::string_view, const TensorProto*> initializers = {};
  std::unordered_set<std::string_view> used = {};  ///< names that some node or output reads
  /// Names of values that a fault keeps from being known: the fault is reported, what reads them says
  /// nothing.
  std::unordered_set<std::string_view> unknown = {};
};

class Importer {
 public:
  /// `max_constant_bytes` bounds what constant folding may keep.
  Importer(GraphBuilder& builder, const ModelProto& model, ExternalFiles& files,
           std::uint64_t max_constant_bytes)
      : build_(builder), model_(model), files_(files), max_constant_bytes_(max_constant_bytes) {}

  /// Reports all operators without a translation, also in subgraphs and functions.
  void check_operators(const GraphProto& graph);
  /// Translates a graph's nodes. A layer that is refused leaves its outputs unknown, and the others are
  /// looked at. Throws Refusal where nothing can go on.
  void run(const GraphProto& graph, Frame& frame);
  /// Translates a subgraph of `layer` with its inputs bound to `arguments`; its outputs. Throws Refusal.
  std::vector<ValueId> run_subgraph(Layer& layer, const GraphProto& graph, std::span<const ValueId> arguments,
                                    const std::string& label);
  /// Parses a subgraph of `layer`.
  GraphProto subgraph(Layer& layer, std::string_view attribute);
  /// The value of a name seen from a frame; absent if there is none.
  ValueId find(Frame& frame, std::string_view name);

  /// Whether a fault keeps the value from being known.
  [[nodiscard]] static bool is_unknown(const Frame& frame, std::string_view name);
  /// Whether the name is an optional input that a function's call leaves out.
  [[nodiscard]] bool is_left_out(const Frame& frame, std::string_view name) const;

  [[nodiscard]] GraphBuilder& build() { return build_; }
  [[nodiscard]] ExternalFiles& files() { return files_; }
  [[noreturn]] void fail(Kind kind, const std::string& message, const std::string& layer = {},
                         const std::string& help = {});

 private:
  using Names = std::vector<std::string_view>;

  void check_nodes(std::span<const NodeProto> nodes, int depth);
  void run_nodes(std::span<const NodeProto> nodes, Frame& frame, std::span<const std::string_view> outputs);
  void run_node(const NodeProto& node, const Names& reads, Frame& frame);
  [[nodiscard]] std::vector<std::size_t> order(std::span<const NodeProto> nodes, const Frame& frame,
                                               const std::vector<Names>& reads);
  void collect_reads(const NodeProto& node, Names& names, int depth);
  void translate(const NodeProto& node, Frame& frame);
  void call(const NodeProto& node, const FunctionProto& function, Frame& frame, const std::string& name);
  [[nodiscard]] const FunctionProto* find_function(const NodeProto& node) const;
  [[nodiscard]] std::int64_t opset_of(const Frame& frame, std::string_view domain) const;
  void count_constants();

  GraphBuilder& build_;
  const ModelProto& model_;
  ExternalFiles& files_;
  std::uint64_t max_constant_bytes_;
  std::uint64_t constant_bytes_ = 0;
  std::size_t counted_values_ = 0;
  std::size_t translated_nodes_ = 0;
  std::vector<Diagnostic> missing_;
  std::size_t faults_ = 0;  ///< layers refused so far
  std::set<const FunctionProto*> checked_functions_;
};

/// The layer's name for messages: the node's own, or that of its first output.
[[nodiscard]] std::string layer_name(const NodeProto& node);

}  // namespace nb::onnx
