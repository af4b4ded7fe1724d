// Passes and the line that they form.
#pragma once
#include <span>
#include <string_view>

#include "graph/graph.h"
#include "quantize/quantize.h"
#include "target/core.h"

namespace nb {

/// What a user asks to be kept from step to step.
struct StateRequest {
  std::vector<std::string> pairs;                     ///< --state INPUT=OUTPUT
  std::vector<std::pair<std::string, Tensor>> first;  ///< first contents of those inputs, by name
  std::vector<std::string> streams;                   ///< --stream INPUT or INPUT:AXIS
  [[nodiscard]] bool is_empty() const { return pairs.empty() && streams.empty(); }
};

/// What kernels are chosen for where several of them compute a layer.
enum class KernelGoal : std::uint8_t {
  time,   ///< the first that applies: the fastest
  ram,    ///< the smallest arena; where that leaves a choice, the fastest
  flash,  ///< the fewest bytes of constants; of equals the fastest
};
[[nodiscard]] std::string_view name_of(KernelGoal goal);
[[nodiscard]] std::optional<KernelGoal> find_goal(std::string_view name);

/// What a pass may look at and say.
struct PassContext {
  const BlockSet& blocks;
  const Core& core;
  Diagnostics& diagnostics;
  StateRequest state = {};
  QuantizeRequest quantize = {};
  KernelGoal goal = KernelGoal::time;
};

/// One rewrite of the whole graph. It reports through the context, and never prints or exits.
struct Pass {
  std::string_view name;  ///< verb-object, "fuse-activations"
  std::string_view doc;   ///< one sentence
  Phase needs, gives;
  Status (*run)(Graph&, PassContext&);
};

// One file a pass.
Status hold_state(Graph& graph, PassContext& context);
Status drop_unused_outputs(Graph& graph, PassContext& context);
Status stream_steps(Graph& graph, PassContext& context);
Status cancel_transposes(Graph& graph, PassContext& context);
Status find_recurrences(Graph& graph, PassContext& context);
Status find_layer_norms(Graph& graph, PassContext& context);
Status find_activations(Graph& graph, PassContext& context);
Status find_attention(Graph& graph, PassContext& context);
Status join_transposes(Graph& graph, PassContext& context);
Status remove_identities(Graph& graph, PassContext& context);
Status fold_batch_norm(Graph& graph, PassContext& context);
Status split_dense(Graph& graph, PassContext& context);
Status quantize(Graph& graph, PassContext& context);
Status fuse_qdq(Graph& graph, PassContext& context);
Status fold_pads(Graph& graph, PassContext& context);
Status fuse_activations(Graph& graph, PassContext& context);
Status drop_constant_channels(Graph& graph, PassContext& context);
Status select_kernels(Graph& graph, PassContext& context);
Status plan_memory(Graph& graph, PassContext& context);

/// The line, top to bottom. A pass out of order does not compile.
inline constexpr std::array kPipeline{
    Pass{"hold-state", "Makes a state of an input and the output that is its next value (--state).",
         Phase::read, Phase::read, hold_state},
    Pass{"drop-unused-outputs", "Drops the last states and moments of layers that nothing reads.",
         Phase::read, Phase::read, drop_unused_outputs},
    Pass{"cancel-transposes",
         "Moves transposes down past elementwise blocks until they meet and become one or none.", Phase::read,
         Phase::read, cancel_transposes},
    Pass{"find-recurrences",
         "Makes one block of the steps of a recurrent layer that are written out one by one.", Phase::read,
         Phase::read, find_recurrences},
    Pass{"find-layer-norms", "Makes layer_norm of normalizations written out in means, squares and roots.",
         Phase::read, Phase::read, find_layer_norms},
    Pass{"find-activations", "Makes gelu and silu of what is written out in erf, tanh or sigmoid.",
         Phase::read, Phase::read, find_activations},
    Pass{"find-attention",
         "Makes attention of products with a softmax between them, and of what moves their operands.",
         Phase::read, Phase::read, find_attention},
    Pass{"join-transposes", "Makes one transpose of several with reshapes between them.", Phase::read,
         Phase::read, join_transposes},
    Pass{"remove-identities",
         "Removes nodes that give back their operand: same shape, same order, same dtype.", Phase::read,
         Phase::read, remove_identities},
    Pass{"stream-steps", "Makes one time step of a model over a whole sequence (--stream).", Phase::read,
         Phase::read, stream_steps},
    Pass{"fold-batch-norm", "Moves a factor and an offset a channel into the weights beside them.",
         Phase::read, Phase::simplified, fold_batch_norm},
    Pass{"split-dense", "Makes a dense layer a part where only parts of a layer are used, each by itself.",
         Phase::simplified, Phase::simplified, split_dense},
    Pass{"quantize", "Gives float values the integers that calibration finds (--quantize).",
         Phase::simplified, Phase::simplified, quantize},
    Pass{"fuse-qdq", "Makes integer blocks of float blocks between dequantize and quantize.",
         Phase::simplified, Phase::quantized, fuse_qdq},
    Pass{"fold-pads", "Makes zeros about an image padding of the convolution behind.", Phase::quantized,
         Phase::quantized, fold_pads},
    Pass{"fuse-activations", "Moves relu and clip into the block before them, as its clamp.",
         Phase::quantized, Phase::quantized, fuse_activations},
    Pass{"drop-constant-channels",
         "Takes channels that are the same for every input out of the layers that make and read them.",
         Phase::quantized, Phase::quantized, drop_constant_channels},
    Pass{"select-kernels", "Gives each node the kernel of its block that serves the goal on the core.",
         Phase::quantized, Phase::lowered, select_kernels},
    Pass{"plan-memory", "Places values, state and scratch in one arena by their lifetimes.", Phase::lowered,
         Phase::planned, plan_memory},
};

consteval bool is_straight_line(std::span<const Pass> passes) {
  Phase phase = Phase::read;
  for (const Pass& pass : passes) {
    if (pass.needs != phase || pass.gives < pass.needs) return false;
    phase = pass.gives;
  }
  return phase == Phase::planned;
}
static_assert(is_straight_line(kPipeline), "a pass is out of order: see Phase in graph.h");

/// Runs the passes from the graph's phase on, verifying after each; stops after `stop_after` unless it is
/// empty. `from` (a pass's name, or empty) is where to begin; empty: the first pass that needs the graph's
/// phase.
Status run_pipeline(Graph& graph, PassContext& context, std::string_view stop_after = {},
                    std::string_view from = {});

/// Whether a tensor of the graph has no elements. Passes that look for patterns leave such graphs as they
/// are.
[[nodiscard]] bool has_empty_tensor(const Graph& graph);

/// The kernel that the node names; null before select-kernels.
[[nodiscard]] const Kernel* kernel_of(const Node& node);

}  // namespace nb
