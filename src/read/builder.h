// What readers build graphs with: adds nodes whose types are inferred and checked at once, and folds what is
// constant, so that a shape computed by the model is a known number by the time that a later operator asks
// for it.
#pragma once
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "graph/graph.h"

namespace nb {

/// The name (may be empty) and quantization (may be absent) of a node's output, as the model gives them.
struct NodeOutput {
  std::string name = {};
  std::optional<Quantization> quantization = {};
};

/// Builds one graph. Every node added belongs to the layer set last. Errors name that layer.
class GraphBuilder {
 public:
  GraphBuilder(const BlockSet& blocks, Diagnostics& diagnostics)
      : blocks_(blocks), diagnostics_(diagnostics) {}

  /// The model's own operator that is being translated: its name (never empty), its type, "Conv" or
  /// "CONV_2D".
  /// `source`: where the model's own code calls it; errors carry it as a note.
  void set_layer(std::string name, std::string origin, std::string source = {});
  [[nodiscard]] const std::string& layer() const { return layer_; }

  ValueId add_input(std::string name, Type type);
  ValueId add_constant(std::string name, Tensor tensor);
  /// A scalar.
  ValueId add_float(std::string name, float value);
  /// A tensor kept between runs, all zero at first unless `first` is given.
  ValueId add_state(std::string name, Type type, std::shared_ptr<const Bytes> first = nullptr);

  /// A node, or the constants that it folds to. Reports what inference refuses.
  Result<std::vector<ValueId>> add(std::string_view block, Attributes attributes, std::vector<ValueId> inputs,
                                   std::vector<NodeOutput> outputs = {});
  /// The same for a block with one output.
  Result<ValueId> add_one(std::string_view block, Attributes attributes, std::vector<ValueId> inputs,
                          NodeOutput output = {});
  /// With default attributes.
  Result<ValueId> add_one(std::string_view block, std::vector<ValueId> inputs, NodeOutput output = {});

  /// Makes `id` the next output of the graph: itself if a node makes it and it is no output yet, else a copy
  /// (an input, a constant, a state or a second output needs memory of its own). The value that became the
  /// output.
  ValueId add_output(std::string name, ValueId id);

  /// Inputs and outputs keep their names, of which none may be there twice; other values of a name that is
  /// taken get a number behind it.
  Status make_names_unique();
  /// The same where the names of inputs and outputs are known to differ, or may be the same.
  void number_inner_names();

  /// Reports a fault at the present layer.
  Failed refuse(Kind kind, std::string message, std::string help = {});
  /// Notes something at the present layer, once per message.
  void remark(Kind kind, std::string message);

  [[nodiscard]] const Type& type(ValueId id) const { return graph_.at(id).type; }
  [[nodiscard]] bool is_constant(ValueId id) const { return graph_.is_constant(id); }
  /// The elements of a constant; refuses with dynamic-shape, naming `what`, if the value is computed at run
  /// time.
  Result<std::vector<std::int64_t>> ints(ValueId id, std::string_view what);
  Result<std::vector<double>> doubles(ValueId id, std::string_view what);
  [[nodiscard]] Tensor constant(ValueId id) const;  ///< of a constant value

  /// Remembers the integers that a float constant stands for; null if none are known.
  void note_grid(ValueId id, Quantization grid) { grids_[id.index()] = std::move(grid); }
  [[nodiscard]] const Quantization* grid(ValueId id) const {
    const auto found = grids_.find(id.index());
    return found == grids_.end() ? nullptr : &found->second;
  }

  [[nodiscard]] Graph& graph() { return graph_; }
  [[nodiscard]] const BlockSet& blocks() const { return blocks_; }
  [[nodiscard]] Diagnostics& diagnostics() { return diagnostics_; }

 private:
  /// The same bytes where an earlier node folded to them: steps that are written out transpose the same
  /// weights again and again.
  [[nodiscard]] std::shared_ptr<const Bytes> shared(Bytes folded);

  const BlockSet& blocks_;
  Diagnostics& diagnostics_;
  Graph graph_;
  std::string layer_, origin_, source_;
  std::unordered_map<std::size_t, Quantization> grids_;
  std::unordered_map<std::string_view, std::shared_ptr<const Bytes>> folded_;  ///< by what they hold
  std::int64_t folded_bytes_ = 0, folded_work_ = 0;                            ///< so far
};

/// How many layers or operators without a translation are named; of the others their number is said.
inline constexpr std::size_t kMaxMissingReported = 200;
/// Reports what no reader translates.
void report_missing(Diagnostics& diagnostics, std::span<const Diagnostic> missing);

/// What a user says about a model beside its file.
struct ReadOptions {
  std::vector<std::pair<std::string, std::int64_t>> dims;  ///< --dim NAME=N
  std::vector<std::pair<std::string, Tensor>> frozen;      ///< --freeze INPUT=FILE
  std::vector<std::pair<std::string, Type>> input_types;   ///< --input-shape INPUT=N,N,...[:DTYPE]
  std::string name;                                        ///< of the model; from the file's stem if empty

  /// What --freeze gives an input; null if it does not.
  [[nodiscard]] const Tensor* find_frozen(std::string_view input) const;
};

}  // namespace nb
