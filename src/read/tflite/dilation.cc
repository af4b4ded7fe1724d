// Converters write a convolution with dilation as space_to_batch, convolution, batch_to_space.
#include "read/tflite/translate.h"

namespace nb::tflite {
namespace {

using Ints = std::vector<std::int64_t>;

class Joiner {
 public:
  explicit Joiner(SubgraphRecord& model)
      : model_(model), users_(model.tensors.size(), -1), use_counts_(model.tensors.size(), 0) {
    for (const std::int32_t output : model.outputs) ++use_counts_[static_cast<std::size_t>(output)];
    for (std::size_t i = 0; i < model.operators.size(); ++i)
      for (const std::int32_t input : model.operators[i].inputs) {
        if (input < 0) continue;
        ++use_counts_[static_cast<std::size_t>(input)];
        users_[static_cast<std::size_t>(input)] = static_cast<std::int64_t>(i);
      }
  }

  void run() {
    std::vector<bool> is_joined(model_.operators.size(), false);
    for (std::size_t i = 0; i < model_.operators.size(); ++i) {
      const OperatorRecord& before = model_.operators[i];
      if (before.code != BuiltinOperator::SPACE_TO_BATCH_ND) continue;
      const std::int64_t product_at = only_user(before),
                         after_at = product_at < 0 ? -1 : only_user(at(product_at));
      if (product_at <= static_cast<std::int64_t>(i) || after_at <= product_at) continue;
      if (!join(before, at(product_at), at(after_at))) continue;
      is_joined[i] = is_joined[static_cast<std::size_t>(after_at)] = true;
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < model_.operators.size(); ++i)
      if (!is_joined[i]) {
        if (kept != i) model_.operators[kept] = std::move(model_.operators[i]);
        ++kept;
      }
    model_.operators.resize(kept);
  }

 private:
  OperatorRecord& at(std::int64_t index) { return model_.operators[static_cast<std::size_t>(index)]; }

  /// The one operator that reads the one output; -1 if there are more or none.
  [[nodiscard]] std::int64_t only_user(const OperatorRecord& op) const {
    if (op.outputs.size() != 1 || use_counts_[static_cast<std::size_t>(op.outputs[0])] != 1) return -1;
    return users_[static_cast<std::size_t>(op.outputs[0])];
  }

  /// The int32 elements of a constant operand; empty if it is not one.
  [[nodiscard]] Ints constant(const OperatorRecord& op, std::size_t operand) const {
    if (operand >= op.inputs.size() || op.inputs[operand] < 0) return {};
    const TensorRecord& tensor = model_.tensors[static_cast<std::size_t>(op.inputs[operand])];
    if (!tensor.has_data || tensor.is_sparse || tensor.type != TensorType::INT32) return {};
    Ints values;
    for (std::size_t i = 0; i + 4 <= tensor.data.size(); i += 4)
      values.push_back(load<std::int32_t>(tensor.data, i));
    return values;
  }

  template <class Options>
  static bool is_plain(const OperatorRecord& op, schema::BuiltinOptions tag) {
    if (op.options_tag != tag) return false;
    const Table<Options> options = op.table.template member<Options>(schema::Operator::builtin_options);
    return static_cast<schema::Padding>(options[Options::padding]) == schema::Padding::VALID &&
           options[Options::stride_h] == 1 && options[Options::stride_w] == 1 &&
           options[Options::dilation_h_factor] == 1 && options[Options::dilation_w_factor] == 1;
  }

  bool join(const OperatorRecord& before, OperatorRecord& product, const OperatorRecord& after) {
    const bool is_conv = product.code == BuiltinOperator::CONV_2D &&
                         is_plain<schema::Conv2DOptions>(product, schema::BuiltinOptions::Conv2DOptions);
    const bool is_depthwise =
        product.code == BuiltinOperator::DEPTHWISE_CONV_2D &&
        is_plain<schema::DepthwiseConv2DOptions>(product, schema::BuiltinOptions::DepthwiseConv2DOptions);
    if ((!is_conv && !is_depthwise) || after.code != BuiltinOperator::BATCH_TO_SPACE_ND ||
        after.outputs.size() != 1 || before.inputs.empty() || before.inputs[0] < 0 ||
        product.inputs.empty() || product.inputs[0] != before.outputs[0] || after.inputs.empty() ||
        after.inputs[0] != product.outputs[0])
      return false;
    const Ints block = constant(before, 1), pads = constant(before, 2), crops = constant(after, 2);
    if (block.size() != 2 || constant(after, 1) != block || pads.size() != 4 || crops.size() != 4)
      return false;
    const auto& numbers = [&](std::int32_t index) -> const std::optional<Quantization>& {
      return model_.tensors[static_cast<std::size_t>(index)].quantization;
    };
    if (numbers(before.inputs[0]) != numbers(before.outputs[0]) ||
        numbers(product.outputs[0]) != numbers(after.outputs[0]))
      return false;
    // What is cropped of the output is what need not be padded of the input.
    const Ints pad = {pads[0] - crops[0], pads[2] - crops[2], pads[1] - crops[1], pads[3] - crops[3]};
    for (const std::int64_t one : pad)
      if (one < 0) return false;
    for (const std::int64_t one : block)
      if (one < 1) return false;
    product.joined_dilation = JoinedDilation{block, pad};
    product.inputs[0] = before.inputs[0];
    product.outputs[0] = after.outputs[0];
    return true;
  }

  SubgraphRecord& model_;
  std::vector<std::int64_t> users_;  ///< the last operator that reads the tensor
  std::vector<std::int64_t> use_counts_;
};

}  // namespace

void join_dilated_convolutions(SubgraphRecord& model) { Joiner(model).run(); }

}  // namespace nb::tflite
