// hold-state: an input and an output that is its next value become a state of the model (--state
// INPUT=OUTPUT).
#include <algorithm>

#include "base/text.h"
#include "pass/pass.h"

namespace nb {
namespace {

std::vector<std::string> names_of(const Graph& graph, std::span<const ValueId> ids) {
  std::vector<std::string> names;
  for (const ValueId id : ids) names.push_back(printable(graph.at(id).name, 60));
  return names;
}

/// The index of the value called `name`, or called by its place, "in0"; its size if there is none.
std::size_t find_value(const Graph& graph, std::span<const ValueId> ids, std::string_view name,
                       const std::string& role) {
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (graph.at(ids[i]).name == name) return i;
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (name == role + std::to_string(i)) return i;
  return ids.size();
}

/// Why the two cannot be one state, and what helps; empty if they can.
std::pair<std::string, std::string> mismatch(const Value& input, const Value& output) {
  const Type &in = input.type, &out = output.type;
  if (in == out) return {};
  const std::string both = "input `" + input.name + "` is " + type_text(in) + ", output `" + output.name +
                           "` is " + type_text(out);
  if (in.dtype == out.dtype && in.shape == out.shape)
    return {both + " with another scale", "quantize the model so that both have one scale"};
  if (in.dtype == out.dtype && in.shape.size() == out.shape.size()) {
    std::size_t differing = 0, axis = 0;
    for (std::size_t i = 0; i < in.shape.size(); ++i)
      if (in.shape[i] != out.shape[i]) {
        ++differing;
        axis = i;
      }
    if (differing == 1 && out.shape[axis] > in.shape[axis])
      return {both + ": it grows along axis " + std::to_string(axis),
              "export the model with a static cache, of the size of the longest context, that each step "
              "updates in place"};
  }
  return {both, "a state keeps its dtype and shape"};
}

/// Which half of INPUT=OUTPUT names nothing.
std::string fault_of(const Graph& graph, const std::string& pair) {
  const std::size_t at = pair.find('=');
  if (at == std::string::npos) return "is not INPUT=OUTPUT";
  const std::string left = pair.substr(0, at), right = pair.substr(at + 1);
  const bool has_input = find_value(graph, graph.inputs, left, "in") < graph.inputs.size();
  const bool is_reversed = !has_input && find_value(graph, graph.outputs, left, "out") < graph.outputs.size();
  if (is_reversed) return "begins with an output: the input comes first";
  const std::string& wrong = has_input ? right : left;
  const std::string close = nearest(wrong, names_of(graph, has_input ? graph.outputs : graph.inputs));
  return "names `" + printable(wrong) + "`, which is no " + (has_input ? "output" : "input") +
         (close.empty() ? "" : "; did you mean `" + printable(close) + "`?");
}

}  // namespace

Status hold_state(Graph& graph, PassContext& context) {
  const auto refuse = [&](Kind kind, std::string message, std::string help) -> Status {
    return context.diagnostics.add({.kind = kind, .message = std::move(message), .help = std::move(help)});
  };
  const std::vector<ValueId> inputs = graph.inputs, outputs = graph.outputs;
  for (const std::string& pair : context.state.pairs) {
    // Names may hold the sign themselves: the first split into an input and an output counts.
    std::size_t in = inputs.size(), out = 0;
    for (std::size_t at = pair.find('='); at != std::string::npos; at = pair.find('=', at + 1)) {
      in = find_value(graph, inputs, std::string_view(pair).substr(0, at), "in");
      out = find_value(graph, outputs, std::string_view(pair).substr(at + 1), "out");
      if (in < inputs.size() && out < outputs.size()) break;
    }
    if (in >= inputs.size() || out >= outputs.size())
      return refuse(Kind::usage, "--state `" + printable(pair) + "` " + fault_of(graph, pair),
                    "inputs: " + join(names_of(graph, inputs), ", ") +
                        "; outputs: " + join(names_of(graph, outputs), ", "));
    const ValueId state = inputs[in], next = outputs[out];
    const std::span<const ValueId> kept = graph.next_contents();
    if (graph.at(state).source == Source::state || std::find(kept.begin(), kept.end(), next) != kept.end())
      return refuse(Kind::usage, "--state `" + printable(pair) + "` names a value that is in another pair",
                    "give each input and each output once");
    if (auto [message, help] = mismatch(graph.at(state), graph.at(next)); !message.empty())
      return refuse(Kind::state_mismatch, message, help);
    graph.at(state).source = Source::state;
    for (const auto& [name, tensor] : context.state.first) {
      if (name != graph.at(state).name && name != "in" + std::to_string(in)) continue;
      if (tensor.type.dtype != graph.at(state).type.dtype || tensor.type.shape != graph.at(state).type.shape)
        return refuse(Kind::state_mismatch,
                      "the first contents of `" + graph.at(state).name + "` are " + type_text(tensor.type) +
                          ", the state is " + type_text(graph.at(state).type),
                      "save them with the dtype and shape of the input");
      graph.at(state).data = std::make_shared<const Bytes>(tensor.data);
    }
    std::erase(graph.inputs, state);
    std::erase(graph.outputs, next);
    graph.kept.push_back(state);
    graph.outputs.push_back(next);
  }
  if (graph.public_outputs().empty() && !graph.kept.empty())
    return refuse(Kind::usage, "--state leaves the model without an output", "keep one output");
  return {};
}

}  // namespace nb
