// How one operator of a TFLite file becomes nodes: what a translate function sees, and the table of them.
#pragma once
#include <concepts>
#include <initializer_list>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "read/builder.h"
#include "read/tflite/model.h"

namespace nb::tflite {

class Layer;

/// One operator that the reader translates.
struct OperatorRow {
  BuiltinOperator code;
  std::string_view block;  ///< that it becomes, for the most part; the row counts only if the block exists
  int operands;            ///< that may not be left out
  Status (*translate)(Layer&);
  bool is_micro = true;  ///< whether TensorFlow Lite Micro's interpreter has it
};
/// All rows; operators.cc.
[[nodiscard]] std::span<const OperatorRow> operator_rows();
/// What helps where an operator of this type, "FAKE_QUANT" or "custom operator FlexErf", is not translated.
[[nodiscard]] std::string_view obstacle(std::string_view type);

/// Constants that the file stores in fewer bytes than the graph.
struct Expansion {
  std::size_t tensors = 0;
  std::int64_t stored_bytes = 0, float_bytes = 0;
  void count(std::size_t stored, std::size_t expanded) {
    ++tensors;
    stored_bytes += static_cast<std::int64_t>(stored);
    float_bytes += static_cast<std::int64_t>(expanded);
  }
};

/// A model on its way into a graph.
class Translation {
 public:
  Translation(ModelRecord model, FlatFile& file, const BlockSet& blocks, const ReadOptions& options,
              Diagnostics& diagnostics);
  /// The whole of it.
  Result<Graph> run();

  [[nodiscard]] GraphBuilder& builder() { return builder_; }
  [[nodiscard]] FlatFile& file() { return file_; }
  [[nodiscard]] const TensorRecord& tensor(std::int32_t index) const {
    return graph().tensors[static_cast<std::size_t>(index)];
  }
  /// The value of a tensor, constants made on first use. Reports what cannot be.
  Result<ValueId> value_of(std::int32_t index);
  /// The float value of an integer constant: scale * (q - zero point).
  Result<ValueId> expanded_value_of(std::int32_t index);
  /// Says that the tensor is this value from now on; checks the dtype, and the shape as far as the file knows
  /// it.
  Status bind(std::int32_t index, ValueId value);
  /// Writes out a subgraph with these values as its inputs; `label` goes before the names of its layers. The
  /// values of its outputs.
  Result<std::vector<ValueId>> run_subgraph(std::int32_t index, const std::vector<ValueId>& inputs,
                                            const std::string& label);
  /// Shapes in the file may be those of another batch: only inferred ones count.
  [[nodiscard]] bool has_free_shapes() const { return has_free_shapes_; }
  /// Whether TensorFlow Lite Micro's interpreter has all operators of the model.
  [[nodiscard]] bool runs_on_micro() const { return runs_on_micro_; }

 private:
  void check_operators();
  Status check_options();
  void add_inputs();
  Status add_input(std::int32_t index);
  Status check_dims() const;
  Result<Tensor> frozen_input(const TensorRecord& record, const Tensor& given);
  Status translate_operators();
  Status translate_operator(const OperatorRecord& op);
  void add_outputs();
  Result<ValueId> make_value(std::int32_t index);
  Result<ValueId> add_constant(const TensorRecord& record);
  Status count_constants(std::int64_t more_bytes);
  void say_expanded();
  Failed invalid(Kind kind, std::string message, std::string help = {});

  /// The values of a subgraph's tensors; absent until made.
  struct Frame {
    std::vector<ValueId> values;
    std::unordered_map<std::int32_t, ValueId> expanded;
    /// Tensors that a fault keeps from being known: the fault is reported, what reads them says nothing.
    std::unordered_set<std::int32_t> lost;
    bool is_running = false;
  };
  [[nodiscard]] const SubgraphRecord& graph() const { return model_.subgraphs[present_]; }
  [[nodiscard]] Frame& frame() { return frames_[present_]; }

  ModelRecord model_;
  FlatFile& file_;
  const ReadOptions& options_;
  GraphBuilder builder_;
  std::vector<Frame> frames_;  ///< of each subgraph
  std::size_t present_ = 0;    ///< the subgraph that is written out
  std::string label_;          ///< before the names of its layers
  std::size_t operators_written_ = 0;
  std::size_t faults_ = 0;  ///< operators refused so far
  std::unordered_map<std::uint32_t, std::shared_ptr<const Bytes>> buffers_;
  std::map<std::string, Expansion> expansions_;  ///< by stored type
  bool has_free_shapes_ = false, runs_on_micro_ = true;
  std::size_t counted_values_ = 0;
  std::int64_t constant_bytes_ = 0, constant_limit_ = 0;
};

/// A fused activation.
struct Activation {
  float min = -std::numeric_limits<float>::infinity();
  float max = std::numeric_limits<float>::infinity();
  bool is_tanh = false;
  [[nodiscard]] bool is_clamp() const {
    return min > -std::numeric_limits<float>::infinity() || max < std::numeric_limits<float>::infinity();
  }
};

/// The operator being translated.
class Layer {
 public:
  Layer(Translation& translation, const OperatorRecord& record, const OperatorRow& row,
        std::vector<ValueId> inputs)
      : translation_(translation), record_(record), row_(row), inputs_(std::move(inputs)) {}

  [[nodiscard]] GraphBuilder& builder() { return translation_.builder(); }
  [[nodiscard]] Translation& translation() { return translation_; }
  [[nodiscard]] const OperatorRecord& record() const { return record_; }
  [[nodiscard]] std::string_view block() const { return row_.block; }

  [[nodiscard]] std::size_t input_count() const { return inputs_.size(); }
  [[nodiscard]] std::size_t output_count() const { return record_.outputs.size(); }
  /// Operand i; absent if the file leaves it out.
  [[nodiscard]] ValueId in(std::size_t i) const { return i < inputs_.size() ? inputs_[i] : ValueId(); }
  [[nodiscard]] const std::vector<ValueId>& inputs() const { return inputs_; }
  [[nodiscard]] const Type& type(ValueId id) { return builder().type(id); }
  [[nodiscard]] const Type& in_type(std::size_t i) { return builder().type(in(i)); }
  [[nodiscard]] const TensorRecord& in_record(std::size_t i) const {
    return translation_.tensor(record_.inputs[i]);
  }
  [[nodiscard]] const TensorRecord& out_record(std::size_t i = 0) const {
    return translation_.tensor(record_.outputs[i]);
  }
  /// Operand i; if it is an integer constant beside float activations, its float value.
  Result<ValueId> weights(std::size_t i);
  /// The integers of constant operand i.
  Result<std::vector<std::int64_t>> ints(std::size_t i, std::string_view what) {
    return builder().ints(in(i), what);
  }

  /// The operator's options; the schema's defaults where the file has none. A wrong tag is reported and gives
  /// defaults.
  template <class T>
  [[nodiscard]] Table<T> options() {
    using O = schema::Operator;
    constexpr bool kIsFirst = T::kUnion == "BuiltinOptions";
    const auto tag = kIsFirst ? static_cast<std::uint8_t>(record_.options_tag)
                              : static_cast<std::uint8_t>(record_.options2_tag);
    if (tag == 0) return {};
    if (tag != T::kTag) {
      static_cast<void>(
          refuse(Kind::invalid_model, "its options are of another operator, not " + std::string(T::kName)));
      return {};
    }
    return record_.table.template member<T>(kIsFirst ? O::builtin_options : O::builtin_options2);
  }

  /// Name and quantization of output i as the file has them.
  [[nodiscard]] NodeOutput out(std::size_t i = 0) const {
    return {out_record(i).name, out_record(i).quantization};
  }
  /// A node in between; its output has no quantization unless given.
  template <class A>
  Result<ValueId> add(std::string_view block, A attributes, std::vector<ValueId> inputs,
                      std::optional<Quantization> quantization = {}) {
    return builder().add_one(block, Attributes(std::move(attributes)), std::move(inputs),
                             {record_.layer + "." + std::string(block), std::move(quantization)});
  }
  /// A node in between that moves the elements of its first operand.
  template <class A>
  Result<ValueId> move(std::string_view block, A attributes, ValueId input) {
    auto quantization = type(input).quantization;
    return add(block, std::move(attributes), {input}, std::move(quantization));
  }
  /// The node that makes output i.
  template <class A>
  requires(!std::same_as<A, Attributes>) Status
      finish(std::string_view block, A attributes, std::vector<ValueId> inputs, std::size_t i = 0) {
    return give(builder().add_one(block, Attributes(std::move(attributes)), std::move(inputs), out(i)), i);
  }
  Status finish(std::string_view block, std::vector<ValueId> inputs) {
    return give(builder().add_one(block, std::move(inputs), out()));
  }
  Status finish(std::string_view block, Attributes attributes, std::vector<ValueId> inputs) {
    return give(builder().add_one(block, std::move(attributes), std::move(inputs), out()));
  }
  /// The block's attributes with these set, by name and text.
  Result<Attributes> attributes(std::string_view block,
                                std::initializer_list<std::pair<std::string_view, std::string>> set);
  /// The node that makes output 0, with an activation that its block takes as clamp_min and clamp_max.
  template <class A>
  Status finish_activated(std::string_view block, A attributes, std::vector<ValueId> inputs,
                          std::int8_t activation_code) {
    const auto activation = this->activation(activation_code);
    if (!activation) return kFailed;
    attributes.clamp_min = activation->min;
    attributes.clamp_max = activation->max;
    if (!activation->is_tanh) return finish(block, std::move(attributes), std::move(inputs));
    const auto before = add(block, std::move(attributes), std::move(inputs));
    return before ? finish("tanh", {*before}) : Status(kFailed);
  }
  /// `value`, through the activation as a node of its own if there is one, as output 0.
  Status give_activated(Result<ValueId> value, std::int8_t activation_code);
  /// Output i is this value.
  Status give(const Result<ValueId>& value, std::size_t i = 0) {
    return value ? translation_.bind(record_.outputs[i], *value) : Status(kFailed);
  }
  /// What a fused activation stands for.
  Result<Activation> activation(std::int8_t code);

  Failed refuse(Kind kind, std::string message, std::string help = {}) {
    return builder().refuse(kind, std::move(message), std::move(help));
  }
  /// An axis counted from the end if negative, below `rank`.
  Result<std::int64_t> axis(std::int64_t stated, std::int64_t rank);
  /// Refuses unless operand i has this rank.
  Status need_rank(std::size_t i, int rank);

 private:
  Translation& translation_;
  const OperatorRecord& record_;
  const OperatorRow& row_;
  std::vector<ValueId> inputs_;
};

/// Makes space_to_batch, convolution, batch_to_space one convolution with dilation, where nothing else looks
/// on.
void join_dilated_convolutions(SubgraphRecord& model);

}  // namespace nb::tflite
