// One ONNX node under translation: its operands, attributes and outputs, and the blocks it becomes.
#pragma once
#include "read/compose.h"
#include "read/onnx/proto.h"
#include "read/translation.h"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nb::onnx {

using namespace read;

class Importer;
class Layer;
struct Frame;

/// One row a supported operator.
struct OperatorRow {
  std::string_view type;  ///< "Conv"; operators of other domains as "ai.onnx.ml.Binarizer"
  void (*translate)(Layer&);
  std::string_view block = {};  ///< the block it becomes, if the translator serves many
};
/// The row of an operator, null if there is none.
[[nodiscard]] const OperatorRow* find_operator(std::string_view domain, std::string_view type);

/// The names of all of them.
[[nodiscard]] std::vector<std::string> translated_operators();

/// Why an operator cannot be translated (or not with every operand), and what stands for it; empty if nothing
/// is known.
[[nodiscard]] std::string_view obstacle(std::string_view type);

class Layer : public Translation {
 public:
  Layer(Importer& importer, Frame& frame, const NodeProto& node, const OperatorRow& row, std::int64_t opset,
        std::string name);

  const std::int64_t opset;  ///< version of the operator's domain

  using Translation::type;
  [[nodiscard]] std::string_view type() const { return node_.type; }
  [[nodiscard]] std::string_view block() const { return row_.block; }
  [[nodiscard]] const NodeProto& node() const { return node_; }
  [[nodiscard]] Importer& importer() { return importer_; }
  [[nodiscard]] Frame& frame() { return frame_; }

  // Operands. in(i) refuses an absent one; optional(i) gives an absent id.
  [[nodiscard]] std::size_t input_count() const { return inputs_.size(); }
  [[nodiscard]] bool has(std::size_t i) const { return i < inputs_.size() && inputs_[i].is_present(); }
  [[nodiscard]] ValueId in(std::size_t i);
  [[nodiscard]] ValueId optional(std::size_t i) const { return has(i) ? inputs_[i] : ValueId(); }
  [[nodiscard]] std::vector<ValueId> all_inputs();  ///< none may be absent, at least one
  /// The ints of attribute `name`, or of constant operand i, whichever the opset has; absent if neither.
  [[nodiscard]] std::optional<Ints> ints_of(std::string_view name, std::size_t i);

  // Attributes; one of another type than asked for is an invalid model.
  [[nodiscard]] bool has_attribute(std::string_view name) const { return find(name) != nullptr; }
  [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t fallback);
  [[nodiscard]] std::int64_t integer(std::string_view name);      ///< must be there
  [[nodiscard]] bool flag(std::string_view name, bool fallback);  ///< 0 or 1
  [[nodiscard]] float real(std::string_view name, float fallback);
  [[nodiscard]] std::string text(std::string_view name, std::string_view fallback);
  [[nodiscard]] Ints integers(std::string_view name, const Ints& fallback = {});
  [[nodiscard]] std::vector<float> reals(std::string_view name, const std::vector<float>& fallback = {});
  [[nodiscard]] std::vector<std::string> texts(std::string_view name);
  [[nodiscard]] Tensor tensor(std::string_view name);
  [[nodiscard]] ByteSpan graph(std::string_view name);
  /// The element type in attribute `name`, as computed inside the graph.
  [[nodiscard]] DType element_type(std::string_view name);
  [[nodiscard]] DType element_type(std::string_view name, DType fallback) {
    return has_attribute(name) ? element_type(name) : fallback;
  }

  // Outputs.
  [[nodiscard]] std::size_t output_count() const { return node_.outputs.size(); }
  /// Whether something uses output i.
  [[nodiscard]] bool wants(std::size_t i) const;
  void refuse_output(std::size_t i, std::string_view what);  ///< if it is wanted
  /// Binds output i; a value that this layer made takes its name.
  void output(std::size_t i, ValueId id);

 private:
  [[nodiscard]] const AttributeProto* find(std::string_view name) const;
  const AttributeProto* find(std::string_view name, std::int64_t type);

  Importer& importer_;
  Frame& frame_;
  const NodeProto& node_;
  const OperatorRow& row_;
  std::vector<ValueId> inputs_;
  std::size_t first_value_;  ///< values from here on are this layer's
};

}  // namespace nb::onnx
