// stream-steps: of a model over a whole sequence, the part that computes one time step (--stream INPUT:AXIS).
//
// The time axis is followed from the inputs through every layer and becomes 1 long. Recurrent layers get
// states; a layer that takes the last step alone gets every step, so that after the last step the output is
// that of the whole model. What looks at other steps is refused.
#include <algorithm>
#include <charconv>

#include "pass/pass.h"
#include "pass/time_axis.h"

namespace nb {
namespace {

class Streamer {
 public:
  Streamer(Graph& graph, PassContext& context)
      : graph_(graph),
        context_(context),
        times_(graph.values.size()),
        rates_(graph.values.size()),
        uses_(graph.use_counts()) {}

  Status run() {
    for (const std::string& text : context_.state.streams)
      if (!start(text)) return kFailed;
    std::vector<Node> old = std::move(graph_.nodes);
    graph_.nodes.clear();
    for (Node& node : old)
      if (!walk(std::move(node))) return kFailed;
    const bool is_used = std::any_of(graph_.outputs.begin(), graph_.outputs.end(),
                                     [&](ValueId id) { return times_[id.index()].is_timed(); });
    if (!is_used)
      return context_.diagnostics.add({.kind = Kind::usage,
                                       .message = "no output depends on what --stream names",
                                       .help = "stream the input that carries the sequence"});
    if (!check_outputs()) return kFailed;
    graph_.remove_dead();
    return remove_identities(graph_, context_);
  }

 private:
  Failed usage(std::string message, std::string help) {
    return context_.diagnostics.add(
        {.kind = Kind::usage, .message = std::move(message), .help = std::move(help)});
  }

  /// Marks the input that `text` names.
  Status start(const std::string& text) {
    std::string name = text;
    int axis = -1;
    ValueId id = find_input(name);
    const std::size_t colon = text.rfind(':');
    if (!id.is_present() && colon != std::string::npos) {
      const char* end = text.data() + text.size();
      name = text.substr(0, colon);
      if (std::from_chars(text.data() + colon + 1, end, axis).ptr == end && colon + 1 < text.size())
        id = find_input(name);
    }
    if (!id.is_present()) {
      std::vector<std::string> names;
      for (const ValueId input : graph_.inputs) names.push_back(printable(graph_.at(input).name, 60));
      return usage("--stream `" + printable(text) + "` names no input", "inputs: " + join(names, ", "));
    }
    Type& type = graph_.at(id).type;
    if (axis < 0) axis = type.rank() > 1 ? 1 : 0;
    if (axis >= type.rank())
      return usage("input `" + name + "` is " + type_text(type) + " and has no axis " + std::to_string(axis),
                   "give the axis of time from 0 to " + std::to_string(type.rank() - 1));
    std::int64_t& dim = type.shape[static_cast<std::size_t>(axis)];
    if (steps_ != 0 && dim != steps_)
      return usage(
          "the streamed inputs have " + std::to_string(steps_) + " and " + std::to_string(dim) + " steps",
          "give each with its axis of time, --stream INPUT:AXIS");
    steps_ = dim;
    dim = 1;
    times_[id.index()] = Time::along(axis);
    rates_[id.index()].steps = steps_;
    return {};
  }

  /// All outputs belong to the same steps; says which, if not to all.
  Status check_outputs() {
    std::optional<Rate> of_all;
    for (const ValueId id : graph_.public_outputs()) {
      if (!times_[id.index()].is_timed()) continue;
      const Rate& rate = rates_[id.index()];
      if (rate.padded > 0)
        return context_.diagnostics.add({.kind = Kind::not_streamable,
                                         .message = "output `" + graph_.at(id).name + "` begins with padding",
                                         .help = "pad within the model only, before a convolution"});
      if (of_all && (of_all->every != rate.every || of_all->first != rate.first))
        return context_.diagnostics.add(
            {.kind = Kind::not_streamable,
             .message = "output `" + graph_.at(id).name + "` has other time steps than the outputs before it",
             .help = "leave out the same steps everywhere, or none"});
      of_all = rate;
    }
    if (of_all && of_all->every > 1)
      context_.diagnostics.add({.kind = Kind::remark,
                                .message = "the model leaves out time steps: call it with steps " +
                                           std::to_string(of_all->first) + ", " +
                                           std::to_string(of_all->first + of_all->every) + ", " +
                                           std::to_string(of_all->first + 2 * of_all->every) + ", ... only"});
    return {};
  }

  ValueId find_input(const std::string& name) {
    for (std::size_t i = 0; i < graph_.inputs.size(); ++i)
      if (graph_.at(graph_.inputs[i]).name == name || name == "in" + std::to_string(i))
        return graph_.inputs[i];
    return {};
  }

  Status refuse(const Node& node, std::string why, std::string help) {
    return context_.diagnostics.add({.kind = Kind::not_streamable,
                                     .message = std::move(why),
                                     .layer = node.origin + " `" + node.name + "`",
                                     .help = std::move(help)});
  }

  Status walk(Node node) {
    const std::vector<ValueId> outputs = node.outputs;
    TimedLayer layer{graph_, node, {}, {}, context_.blocks, uses_};
    for (const ValueId id : node.inputs)
      layer.times.push_back(id.is_present() && id.index() < times_.size() ? times_[id.index()] : Time{});
    const bool is_along =
        std::any_of(layer.times.begin(), layer.times.end(), [](const Time& time) { return time.is_along(); });
    const bool is_last =
        std::any_of(layer.times.begin(), layer.times.end(), [](const Time& time) { return time.is_last(); });
    if (is_along && is_last)
      return refuse(node, "it joins the last step with all steps", "feed it what each step has");
    Time out = is_last ? Time::last() : Time{};
    for (std::size_t i = 0; i < layer.times.size() && !is_along; ++i)
      if (layer.times[i].is_last()) layer.rate = rates_[node.inputs[i].index()];
    if (is_along) {
      bool is_first = true;
      for (std::size_t i = 0; i < layer.times.size(); ++i) {
        if (!layer.times[i].is_along()) continue;
        const Rate& rate = rates_[node.inputs[i].index()];
        if (!is_first && !(rate == layer.rate))
          return refuse(node, "it joins values of different time steps",
                        "leave out the same steps everywhere, or none");
        const bool remembers = layer.rate.remembers || rate.remembers;
        layer.rate = rate;
        layer.rate.remembers = remembers;
        is_first = false;
      }
      Checked<Time> followed = follow_time(layer);
      if (!followed) return refuse(node, followed.fault().message, followed.fault().help);
      out = *followed;
    }
    for (Node& more : layer.before) {
      graph_.nodes.push_back(std::move(more));
      if (!infer(graph_.nodes.back())) return kFailed;
    }
    graph_.nodes.push_back(std::move(node));
    if (is_along && !infer(graph_.nodes.back())) return kFailed;
    for (Node& more : layer.after) {
      graph_.nodes.push_back(std::move(more));
      if (!infer(graph_.nodes.back())) return kFailed;
    }
    times_.resize(graph_.values.size());
    rates_.resize(graph_.values.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      times_[outputs[i].index()] = i > 0 && layer.later_outputs_are_last ? Time::last() : out;
      rates_[outputs[i].index()] = layer.rate;
    }
    return {};
  }

  /// Gives the node's outputs the shapes that its operands now ask for.
  Status infer(Node& node) {
    Operation op = graph_.operation(node);
    op.out.clear();
    const auto types = infer_types(op);
    if (!types) return refuse(node, "of one step " + types.fault().message, types.fault().help);
    for (std::size_t i = 0; i < node.outputs.size(); ++i)
      graph_.at(node.outputs[i]).type.shape = (*types)[i].shape;
    return {};
  }

  Graph& graph_;
  PassContext& context_;
  std::vector<Time> times_;  ///< of each value
  std::vector<Rate> rates_;  ///< likewise
  std::vector<int> uses_;
  std::int64_t steps_ = 0;
};

}  // namespace

Status stream_steps(Graph& graph, PassContext& context) {
  if (context.state.streams.empty()) return {};
  return Streamer(graph, context).run();
}

}  // namespace nb
