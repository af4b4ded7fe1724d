// The invariants of a graph:
//  1. every id is in range; a value is made by its source only, and by one node at most
//  2. nodes stand in execution order: an operand is made before it is used; outputs are made by nodes
//  3. constants carry as many bytes as their type says; names are unique
//  4. each node's operands satisfy its block, and its outputs have the dtypes and shapes that the block
//  infers
//  5. quantization has a meaning (quantization_fault in type.h)
//  6. what a state takes as its next contents has the state's type
//  7. lowered: every node names a kernel of its block; planned: every non-constant value lies in the arena,
//  16-byte aligned
#include <unordered_set>

#include "graph/graph.h"

namespace nb {
namespace {

class Verifier {
 public:
  Verifier(const Graph& graph, Diagnostics& diagnostics) : graph_(graph), diagnostics_(diagnostics) {}

  void run() {
    check_values();
    if (diagnostics_.has_errors()) return;
    std::vector<bool> made(graph_.values.size(), false);
    for (std::size_t i = 0; i < graph_.values.size(); ++i) made[i] = graph_.values[i].source != Source::node;
    for (const Node& node : graph_.nodes) check_node(node, made);
    for (const ValueId id : graph_.outputs)
      if (!in_range(id) || !made[id.index()] || graph_.at(id).source != Source::node)
        fault(nullptr, "a graph output is made by no node");
    check_kept();
  }

 private:
  [[nodiscard]] bool in_range(ValueId id) const {
    return id.is_present() && id.index() < graph_.values.size();
  }

  void fault(const Node* node, const std::string& message, Kind kind = Kind::verify_failed) {
    diagnostics_.add({.kind = kind,
                      .message = message,
                      .layer = node == nullptr ? "" : node->origin + " `" + node->name + "`",
                      .line = node == nullptr ? "" : node_text(graph_, *node)});
  }

  void check_values() {
    std::unordered_set<std::string> names;
    for (const Value& value : graph_.values) {
      if (!names.insert(value.name).second) fault(nullptr, "two values are called `" + value.name + "`");
      if (const std::string why = shape_fault(value.type.shape, value.type.dtype); !why.empty())
        fault(nullptr, "`" + value.name + "`: " + why);
      if (value.source == Source::constant &&
          (!value.data || static_cast<std::int64_t>(value.data->size()) != value.type.size_bytes()))
        fault(nullptr, "constant `" + value.name + "` does not have the bytes of " + type_text(value.type));
      if (const std::string why = quantization_fault(value.type); !why.empty())
        fault(nullptr, "`" + value.name + "` " + why);
      const bool needs_place = graph_.phase == Phase::planned && value.source != Source::constant;
      if (needs_place && (value.arena_offset < 0 || value.arena_offset % 16 != 0 ||
                          value.arena_offset + value.type.size_bytes() > graph_.arena_bytes))
        fault(nullptr, "`" + value.name + "` has no aligned place in the arena");
    }
    for (const ValueId id : graph_.inputs)
      if (!in_range(id) || graph_.at(id).source != Source::input)
        fault(nullptr, "a graph input is not an input value");
  }

  void check_kept() {
    if (graph_.kept.size() > graph_.outputs.size()) return fault(nullptr, "a state is kept without contents");
    for (std::size_t i = 0; i < graph_.kept.size(); ++i) {
      const ValueId id = graph_.kept[i];
      if (!in_range(id) || graph_.at(id).source != Source::state)
        fault(nullptr, "what is kept is not a state");
      else if (graph_.at(id).type != graph_.at(graph_.next_contents()[i]).type)
        fault(nullptr, "state `" + graph_.at(id).name + "` takes contents of another type");
    }
  }

  void check_node(const Node& node, std::vector<bool>& made) {
    for (const ValueId id : node.inputs)
      if (id.is_present() && (!in_range(id) || !made[id.index()]))
        return fault(nullptr, "an operand of `" + node.name + "` is used before it is made");
    for (const ValueId id : node.outputs) {
      if (!in_range(id) || made[id.index()])
        return fault(nullptr, "an output of `" + node.name + "` is made twice");
      made[id.index()] = true;
    }
    const Operation op = graph_.operation(node);
    const auto types = infer_types(op);
    if (!types) return fault(&node, types.fault().message);
    if (types->size() != node.outputs.size())
      return fault(&node, "the block makes " + count_text(types->size(), "output"));
    for (std::size_t i = 0; i < types->size(); ++i)
      if ((*types)[i].dtype != op.out[i]->dtype || (*types)[i].shape != op.out[i]->shape)
        fault(&node, "output " + std::to_string(i) + " should be " + type_text((*types)[i]));
      else if (lacks_scale(op, *op.out[i]))
        fault(&node, "output " + std::to_string(i) + " needs a scale, as its operand has one");
    if (graph_.phase < Phase::lowered) return;
    for (const Kernel& kernel : node.block->kernels)
      if (kernel.name == node.kernel) return;
    fault(&node, "no kernel of " + node.block->name + " is called `" + node.kernel + "`");
  }

  const Graph& graph_;
  Diagnostics& diagnostics_;
};

}  // namespace

bool lacks_scale(const Operation& op, const Type& output) {
  return op.has(0) && op.in[0]->is_quantized() && op.in[0]->dtype == output.dtype && !output.is_quantized();
}

Status verify(const Graph& graph, Diagnostics& diagnostics) {
  const std::size_t before = diagnostics.error_count();
  Verifier(graph, diagnostics).run();
  return diagnostics.error_count() == before ? Status() : Status(kFailed);
}

}  // namespace nb
