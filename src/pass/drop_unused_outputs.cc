// drop-unused-outputs: layers do not give the last states and the moments that nothing reads.
//
// Readers ask for them where a model's operator has them, whether or not something reads them.
#include <algorithm>
#include <array>

#include "pass/pass.h"

namespace nb {
namespace {

/// A block whose outputs after the first are there if the attribute is true.
struct OptionalOutputs {
  std::string_view block, attribute;
};
constexpr std::array kRows = {
    OptionalOutputs{"lstm", "final_state"},
    OptionalOutputs{"gru", "final_state"},
    OptionalOutputs{"rnn", "final_state"},
    OptionalOutputs{"layer_norm", "moments"},
};

}  // namespace

Status drop_unused_outputs(Graph& graph, PassContext&) {
  const std::vector<int> uses = graph.use_counts();
  bool has_changed = false;
  for (Node& node : graph.nodes) {
    const auto row = std::ranges::find(kRows, node.block->name, &OptionalOutputs::block);
    if (row == kRows.end() || node.outputs.size() < 2) continue;
    const auto is_used = [&](ValueId id) { return id.is_present() && uses[id.index()] > 0; };
    if (std::any_of(node.outputs.begin() + 1, node.outputs.end(), is_used)) continue;
    (void)node.block->attributes.set(node.attributes, row->attribute, "false");
    node.outputs.resize(1);
    has_changed = true;
  }
  if (has_changed) graph.remove_dead();
  return {};
}

}  // namespace nb
