// fuse-qdq: quantized ONNX models say what they mean in floats: dequantize, a float block, quantize. Such a
// block becomes the integer block of the same name, by what the block itself says (Block::quantized_form,
// inference, kernels); none is named here. Unsigned 8-bit values become signed by moving their zero point.
// docs/decisions/0008-rounding-of-onnx-models.md says how results relate to those of the float blocks.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "blocks/quantize/attributes.h"
#include "blocks/quantized.h"
#include "pass/pass.h"
#include "pass/qdq.h"

namespace nb {
namespace {

class Fusion {
 public:
  Fusion(Graph& graph, PassContext& context)
      : graph_(graph), context_(context), constants_(graph), integer_of_(graph.values.size()) {}

  void run() {
    old_ = std::move(graph_.nodes);
    graph_.nodes.clear();
    find_quantizers();
    for (std::size_t i = 0; i < old_.size(); ++i) {
      if (is_taken_.contains(old_[i].outputs[0])) continue;
      Node& node = old_[i];
      for (ValueId& id : node.inputs)
        if (const auto alias = alias_.find(id); alias != alias_.end()) id = alias->second;
      if (node.block->name == "dequantize")
        dequantize(std::move(node));
      else if (node.block->name == "quantize")
        quantize(std::move(node));
      else if (!convert(node))
        graph_.nodes.push_back(std::move(node));
    }
    graph_.remove_dead();
    for (Value& value : graph_.values)
      if (is_float(value.type.dtype)) value.type.quantization.reset();
    report();
  }

 private:
  struct Less {
    bool operator()(ValueId a, ValueId b) const { return a.index() < b.index(); }
  };

  /// The quantized values made of each float value; whether something else uses it, too.
  struct Wanted {
    std::vector<ValueId> quantized;
    int uses = 0;
  };

  void find_quantizers() {
    for (const Node& node : old_)
      for (const ValueId id : node.inputs) {
        if (!id.is_present()) continue;
        Wanted& wanted = wanted_[id];
        ++wanted.uses;
        if (node.block->name == "quantize" && is_activation(graph_.at(node.outputs[0]).type))
          wanted.quantized.push_back(node.outputs[0]);
      }
    for (const ValueId id : graph_.outputs) ++wanted_[id].uses;
  }

  /// The numbers that all of a float value's quantizers agree on, as signed; absent if they do not.
  [[nodiscard]] std::optional<Type> wanted_type(ValueId id) const {
    if (is_activation(graph_.at(id).type)) return as_signed(graph_.at(id).type);
    const auto found = wanted_.find(id);
    if (found == wanted_.end() || found->second.quantized.empty()) return std::nullopt;
    const Type type = as_signed(graph_.at(found->second.quantized[0]).type);
    for (const ValueId other : found->second.quantized)
      if (as_signed(graph_.at(other).type) != type) return std::nullopt;
    return type;
  }
  [[nodiscard]] bool is_unused(ValueId id) const {
    const auto found = wanted_.find(id);
    return found == wanted_.end() || found->second.uses == 0;
  }
  /// Numbers for an output that nobody reads: they reach as far as those of the first that somebody reads.
  [[nodiscard]] std::optional<Quantization> unused_numbers(const Node& node, DType dtype) const {
    for (const ValueId id : node.outputs)
      if (const auto wanted = wanted_type(id); wanted && !is_unused(id))
        return symmetric_numbers(*wanted, dtype);
    return std::nullopt;
  }
  [[nodiscard]] bool is_only_quantized(ValueId id) const {
    if (is_activation(graph_.at(id).type)) return true;
    const auto found = wanted_.find(id);
    return found != wanted_.end() &&
           static_cast<std::size_t>(found->second.uses) == found->second.quantized.size();
  }

  [[nodiscard]] ValueId integer_of(ValueId id) const {
    return id.is_present() && id.index() < integer_of_.size() ? integer_of_[id.index()] : ValueId();
  }
  void set_integer_of(ValueId id, ValueId integer) {
    if (id.index() >= integer_of_.size()) integer_of_.resize(id.index() + 1);
    integer_of_[id.index()] = integer;
  }

  ValueId add_value(const std::string& name, Type type) {
    return graph_.add_value({name, std::move(type), Source::node});
  }
  void add_node(std::string_view block, Attributes attributes, ValueId from, ValueId to, const Node& layer) {
    graph_.nodes.push_back(
        {context_.blocks.find(block), std::move(attributes), {from}, {to}, layer.name, layer.origin});
  }
  /// x in other numbers of the same shape.
  ValueId requantized(ValueId x, const Type& numbers, const Node& layer) {
    Type type{numbers.dtype, graph_.at(x).type.shape, numbers.quantization};
    if (graph_.at(x).type == type) return x;
    const ValueId y = add_value(graph_.at(x).name + ".requantized", std::move(type));
    add_node("requantize", Attributes(QuantizeAttrs{numbers.dtype}), x, y, layer);
    return y;
  }
  /// The value, float or unsigned, that stands for integers: made of them, if anyone still reads it.
  void make_from_integers(ValueId value, ValueId integer, const Node& layer) {
    set_integer_of(value, integer);
    const DType dtype = graph_.at(value).type.dtype;
    if (is_float(dtype))
      add_node("dequantize", context_.blocks.find("dequantize")->attributes.make(), integer, value, layer);
    else
      add_node("requantize", Attributes(QuantizeAttrs{dtype}), integer, value, layer);
  }

  void dequantize(Node node) {
    const ValueId x = node.inputs[0];
    if (!is_activation(graph_.at(x).type)) return graph_.nodes.push_back(std::move(node));
    has_seen_ = true;
    ValueId integer = integer_of(x);
    if (!integer.is_present()) {
      integer = requantized(x, as_signed(graph_.at(x).type), node);
      if (integer != x) set_integer_of(x, integer);
    }
    set_integer_of(node.outputs[0], integer);
    node.inputs[0] = integer;
    graph_.nodes.push_back(std::move(node));
  }

  void quantize(Node node) {
    const ValueId q = node.outputs[0], from = integer_of(node.inputs[0]);
    const Type type = graph_.at(q).type, wanted = as_signed(type);
    if (!is_activation(type)) return graph_.nodes.push_back(std::move(node));
    has_seen_ = true;
    if (from.is_present() && graph_.at(from).type == wanted) {
      if (type != wanted) return make_from_integers(q, from, node);
      const bool is_output =
          std::find(graph_.outputs.begin(), graph_.outputs.end(), q) != graph_.outputs.end();
      if (!is_output) {
        alias_[q] = from;
        return;
      }
    }
    const ValueId result = type == wanted ? q : add_value(graph_.at(q).name, wanted);
    if (from.is_present()) {
      add_node("requantize", Attributes(QuantizeAttrs{wanted.dtype}), from, result, node);
    } else {
      const bool ties_to_even = node.attributes.as<QuantizeAttrs>().ties_to_even;
      add_node("quantize", Attributes(QuantizeAttrs{wanted.dtype, ties_to_even}), node.inputs[0], result,
               node);
    }
    if (result != q) make_from_integers(q, result, node);
  }

  /// Whether the integer node has outputs and a kernel; its outputs' types with their numbers.
  std::optional<std::vector<Type>> checked(const Node& node, const Node& float_node, QuantizedForm form,
                                           std::string& why_not) {
    Operation op = graph_.operation(node);
    op.out.clear();
    auto types = infer_types(op);
    if (!types) {
      why_not = types.fault().message;
      return std::nullopt;
    }
    for (std::size_t i = 0; i < types->size(); ++i) {
      const ValueId y = float_node.outputs[i];
      Type& type = (*types)[i];
      if (!is_converted(y)) continue;
      if (is_unused(y)) {
        if (!type.quantization) type.quantization = unused_numbers(float_node, type.dtype);
        continue;
      }
      auto wanted = wanted_type(y);
      const auto& declared = node.block->outputs;
      if (wanted && operand_at(declared, i).is_wide && wanted->dtype != type.dtype)
        wanted = Type{type.dtype, type.shape, symmetric_numbers(*wanted, type.dtype)};
      const bool must_end = form < QuantizedForm::moves || !type.quantization;
      if (must_end && (!wanted || wanted->dtype != type.dtype)) {
        why_not = wanted ? "the model wants its result as " + std::string(dtype_name(wanted->dtype))
                         : "the model does not quantize its result";
        return std::nullopt;
      }
      if (must_end && form < QuantizedForm::moves && !is_only_quantized(y)) {
        why_not = "the model uses its result also unquantized";
        return std::nullopt;
      }
      if (form == QuantizedForm::rounds && type.quantization && !covers(type, *wanted)) {
        why_not = "its integers do not reach as far as the model's";
        return std::nullopt;
      }
      if (!type.quantization) type.quantization = wanted->quantization;
      if (form == QuantizedForm::rounds && type.scale() >= kMaxStepRatio * wanted->scale()) {
        why_not = "its integer steps of " + float_text(type.scale()) + " are larger than the model's of " +
                  float_text(wanted->scale());
        return std::nullopt;
      }
    }
    for (const Type& type : *types) op.out.push_back(&type);
    for (const Kernel& kernel : node.block->kernels)
      if (kernel.applies(op, context_.core)) return std::move(*types);
    why_not = "no integer kernel takes it";
    return std::nullopt;
  }

  /// Whether an output stands for real numbers: a float, or an unsigned value with a scale.
  [[nodiscard]] bool is_converted(ValueId y) const {
    const Type& type = graph_.at(y).type;
    return is_float(type.dtype) || is_activation(type);
  }

  /// Whether a kernel in integers packs this operand itself.
  [[nodiscard]] bool stays_real(const Node& node, std::size_t i) const {
    return operand_at(node.block->inputs, i).is_real && graph_.is_constant(node.inputs[i]);
  }
  /// A float state that a layer keeps for itself, as integers; absent, and `why_not`, if it has no numbers.
  ValueId own_state(const Node& node, std::size_t i, std::string& why_not) {
    const ValueId id = node.inputs[i];
    if (is_activation({DType::i16, {}, graph_.at(id).type.quantization}) &&
        !graph_.at(id).type.zero_point() && wanted_.at(id).uses == 1)
      return constants_.wide_state(id);
    why_not =
        "the model does not quantize its state `" + std::string(operand_at(node.block->inputs, i).name) + "`";
    return {};
  }

  /// The integer form of a node, or false.
  bool convert(const Node& node) {
    const bool has_integer = std::any_of(node.inputs.begin(), node.inputs.end(),
                                         [&](ValueId id) { return integer_of(id).is_present(); });
    if (!has_integer) return false;
    const QuantizedForm form = node.block->quantized_form(graph_.operation(node));
    std::string why_not;
    if (node.is_kept_float)
      why_not = kChosen;
    else if (form == QuantizedForm::none)
      why_not = node.block->name + " has no integer form";
    else if (convert_as(node, form, why_not))
      return true;
    why_[graph_.at(node.outputs[0]).name] = why_not;
    return false;
  }

  bool convert_as(const Node& node, QuantizedForm form, std::string& why_not) {
    Node made = node;
    const auto wanted = wanted_type(node.outputs[0]);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId id = node.inputs[i];
      if (!id.is_present()) continue;
      if (const ValueId integer = integer_of(id); integer.is_present()) {
        made.inputs[i] = integer;
        if (const Type& type = graph_.at(integer).type;
            operand_at(node.block->inputs, i).is_wide && is_activation(type) && type.dtype != DType::i16)
          made.inputs[i] = requantized(integer, {DType::i16, {}, symmetric_numbers(type, DType::i16)}, node);
      } else if (operand_at(node.block->inputs, i).is_state && is_float(graph_.at(id).type.dtype)) {
        made.inputs[i] = own_state(node, i, why_not);
        if (!made.inputs[i].is_present()) return false;
      } else if (is_float(graph_.at(id).type.dtype) && !stays_real(node, i)) {
        made.inputs[i] = constants_.integer(graph_.operation(made), i, id,
                                            form >= QuantizedForm::bounds ? wanted : std::nullopt, why_not);
        if (!made.inputs[i].is_present()) return false;
      }
    }
    auto types = checked(made, node, form, why_not);
    if (!types && form >= QuantizedForm::bounds && wanted) {
      // Elements picked from operands of different numbers: these become those of the result first.
      for (std::size_t i = 0; i < made.inputs.size(); ++i)
        if (integer_of(node.inputs[i]).is_present())
          made.inputs[i] = requantized(made.inputs[i], *wanted, node);
      types = checked(made, node, form, why_not);
    }
    if (!types) return false;
    has_seen_ = true;

    std::vector<std::pair<std::size_t, ValueId>> standing;
    for (std::size_t i = 0; i < types->size(); ++i) {
      const ValueId y = node.outputs[i];
      if (!is_converted(y)) continue;
      const auto as_wanted = wanted_type(y);
      ValueId out;
      if (as_wanted && *as_wanted == (*types)[i]) {
        const auto found = wanted_.find(y);
        const ValueId q =
            found == wanted_.end() || found->second.quantized.empty() ? y : found->second.quantized[0];
        if (graph_.at(q).type == *as_wanted) {
          out = q;
          is_taken_[q] = true;
        }
      }
      made.outputs[i] = out.is_present() ? out : add_value(graph_.at(y).name + ".integer", (*types)[i]);
      standing.emplace_back(i, made.outputs[i]);
    }
    graph_.nodes.push_back(std::move(made));
    for (const auto& [i, integer] : standing) make_from_integers(node.outputs[i], integer, node);
    return true;
  }

  static constexpr std::string_view kChosen = "chosen to stay float";

  /// Why a node is float; empty: nothing about itself makes it so.
  [[nodiscard]] std::string own_reason(const Node& node) const {
    if (node.is_kept_float && node.block->quantized_form(graph_.operation(node)) < QuantizedForm::bounds)
      return std::string(kChosen);
    const auto why = why_.find(graph_.at(node.outputs[0]).name);
    return why == why_.end() ? "" : why->second;
  }

  /// By node, of those without a reason of their own: layers that were chosen to stay float and that they are
  /// connected with through others of their kind.
  [[nodiscard]] std::vector<std::vector<std::string>> chosen_neighbours() const {
    const std::vector<Node>& nodes = graph_.nodes;
    const std::vector<int> made_by = graph_.producers();
    std::vector<std::size_t> root(nodes.size());  // of a set of connected nodes: its first one
    std::iota(root.begin(), root.end(), std::size_t{0});
    const auto root_of = [&](std::size_t n) {
      while (root[n] != n) n = root[n] = root[root[n]];
      return n;
    };
    std::vector<std::string> reasons;
    for (const Node& node : nodes) reasons.push_back(own_reason(node));
    const auto is_plain = [&](std::size_t n) {
      return reasons[n].empty() && nodes[n].block->name != "quantize" && nodes[n].block->name != "dequantize";
    };
    std::vector<std::pair<std::size_t, std::string>> met;
    for (std::size_t n = 0; n < nodes.size(); ++n)
      for (const ValueId x : nodes[n].inputs) {
        if (!x.is_present() || made_by[x.index()] < 0) continue;
        const auto maker = static_cast<std::size_t>(made_by[x.index()]);
        if (is_plain(n) && is_plain(maker)) {
          root[std::max(root_of(n), root_of(maker))] = std::min(root_of(n), root_of(maker));
        } else if (is_plain(n) && reasons[maker] == kChosen) {
          met.emplace_back(n, nodes[maker].name);
        } else if (is_plain(maker) && reasons[n] == kChosen) {
          met.emplace_back(maker, nodes[n].name);
        }
      }
    std::vector<std::vector<std::string>> chosen(nodes.size());
    for (const auto& [n, name] : met) {
      std::vector<std::string>& names = chosen[root_of(n)];
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    for (std::size_t n = 0; n < nodes.size(); ++n)
      if (is_plain(n)) chosen[n] = chosen[root_of(n)];
    return chosen;
  }
  [[nodiscard]] static std::string neighbours_reason(const std::vector<std::string>& chosen) {
    if (chosen.empty()) return "it lies between float layers";
    if (chosen.size() == 1) return "it lies beside `" + chosen[0] + "`, which was " + std::string(kChosen);
    return "it lies beside `" + chosen[0] + "` and " + count_text(chosen.size() - 1, "other layer") +
           ", which were " + std::string(kChosen);
  }

  /// Says which layers of a quantized model stay float: a layer once, with the first reason.
  void report() {
    if (!has_seen_) return;
    struct Group {
      std::vector<std::string> layers;
      const Node* first;
    };
    std::map<std::string, Group> groups;
    std::set<std::string> said;
    const std::vector<std::vector<std::string>> chosen = chosen_neighbours();
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      if (node.block->name == "quantize" || node.block->name == "dequantize") continue;
      const auto is_float_value = [&](ValueId id) {
        return id.is_present() && is_float(graph_.at(id).type.dtype);
      };
      bool reads_floats = false;
      for (std::size_t i = 0; i < node.inputs.size(); ++i)
        reads_floats |= is_float_value(node.inputs[i]) && !stays_real(node, i);
      if (!reads_floats && !std::any_of(node.outputs.begin(), node.outputs.end(), is_float_value)) continue;
      if (!said.insert(node.origin + "\n" + node.name).second) continue;
      const std::string own = own_reason(node);
      Group& group = groups[node.origin + ": " + (own.empty() ? neighbours_reason(chosen[n]) : own)];
      if (group.layers.empty()) group.first = &node;
      group.layers.push_back(node.name);
    }
    for (const auto& [what, group] : groups) {
      const std::size_t more = group.layers.size() - 1;
      context_.diagnostics.add({.kind = Kind::stays_float,
                                .message = what,
                                .layer = group.first->origin + " `" + group.layers[0] + "`" +
                                         (more == 0 ? "" : " and " + count_text(more, "other layer")),
                                .line = node_text(graph_, *group.first)});
    }
  }

  Graph& graph_;
  PassContext& context_;
  QuantizedOperands constants_;
  std::vector<Node> old_;
  std::vector<ValueId> integer_of_;         ///< of float and unsigned values
  std::map<ValueId, Wanted, Less> wanted_;  ///< of float values
  std::map<ValueId, ValueId, Less> alias_;  ///< quantized values that equal another
  std::map<ValueId, bool, Less> is_taken_;  ///< quantized values that an integer block makes
  std::map<std::string, std::string> why_;  ///< that a node stays float, by its output
  bool has_seen_ = false;
};

}  // namespace

Status fuse_qdq(Graph& graph, PassContext& context) {
  batch_norms_as_layers(graph, context.blocks);
  own_numbers_of_averages(graph, context.blocks);
  quantize_earlier(graph, context.blocks);
  compare_integers(graph, context.blocks);
  Fusion(graph, context).run();
  return {};
}

}  // namespace nb
