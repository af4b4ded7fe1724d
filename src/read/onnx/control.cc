// If, Loop and Scan: the branch that is taken, and bodies written out once a step.
#include "read/onnx/compose.h"
#include "read/onnx/importer.h"
#include "read/onnx/operators.h"

namespace nb::onnx {
namespace {

constexpr std::int64_t kMaxSteps = 4096;

std::string step_label(std::int64_t step) { return "step" + std::to_string(step); }

/// Values of each step side by side along a new axis.
ValueId stacked(Layer& l, const std::vector<ValueId>& steps, std::int64_t axis) {
  if (steps.empty()) l.unsupported("a scan output of no steps");
  std::vector<ValueId> parts;
  for (const ValueId step : steps) parts.push_back(unsqueeze(l, step, {axis}));
  return concat(l, parts, axis);
}

/// A condition known only at run time: both branches are computed, and each output is chosen from the two.
void choose(Layer& l) {
  l.build.remark(Kind::remark, "its condition is known only at run time: both branches are computed");
  const GraphProto then_graph = l.importer().subgraph(l, "then_branch"),
                   else_graph = l.importer().subgraph(l, "else_branch");
  const auto then_values = l.importer().run_subgraph(l, then_graph, {}, "then");
  const auto else_values = l.importer().run_subgraph(l, else_graph, {}, "else");
  const ValueId condition = reshape(l, l.in(0), {});
  for (std::size_t i = 0; i < l.output_count(); ++i) {
    if (i >= then_values.size() || i >= else_values.size())
      l.invalid("its branches have fewer outputs than it has");
    if (l.shape(then_values[i]) != l.shape(else_values[i]))
      l.refuse(Kind::dynamic_shape,
               "its branches give different shapes and its condition is known only at run time",
               "freeze the input that determines the condition with --freeze INPUT=FILE.npy");
    l.output(i, where(l, condition, then_values[i], else_values[i]));
  }
}

}  // namespace

void translate_if(Layer& l) {
  if (!l.is_constant(l.in(0))) return choose(l);
  const bool is_then = l.one_int(l.in(0), "cond") != 0;
  const GraphProto branch = l.importer().subgraph(l, is_then ? "then_branch" : "else_branch");
  const auto outputs = l.importer().run_subgraph(l, branch, {}, is_then ? "then" : "else");
  if (outputs.size() < l.output_count()) l.invalid("its branch has fewer outputs than it has");
  for (std::size_t i = 0; i < l.output_count(); ++i) l.output(i, outputs[i]);
}

void translate_loop(Layer& l) {
  const bool has_count = l.has(0), has_condition = l.has(1);
  const std::int64_t count = has_count ? l.one_int(l.in(0), "trip count") : kMaxSteps;
  if (has_count && count > kMaxSteps)
    l.refuse(Kind::limit_exceeded, "it runs " + std::to_string(count) + " steps");
  bool goes_on = !has_condition || l.one_int(l.in(1), "cond") != 0;
  const GraphProto body = l.importer().subgraph(l, "body");
  const std::size_t carried_count = l.input_count() < 2 ? 0 : l.input_count() - 2;
  if (body.outputs.size() < 1 + carried_count) l.invalid("its body has too few outputs");
  std::vector<ValueId> carried;
  for (std::size_t i = 0; i < carried_count; ++i) carried.push_back(l.in(i + 2));
  std::vector<std::vector<ValueId>> scans(body.outputs.size() - 1 - carried_count);
  for (std::int64_t step = 0; goes_on && step < count; ++step) {
    std::vector<ValueId> arguments = {ints(l, {step}, {}), scalar(l, 1, DType::boolean)};
    arguments.insert(arguments.end(), carried.begin(), carried.end());
    const auto results = l.importer().run_subgraph(l, body, arguments, step_label(step));
    // The condition may be left to the count only where it is known to hold.
    if (!l.is_constant(results[0]))
      l.refuse(Kind::dynamic_shape, "the number of steps is decided at run time");
    goes_on = l.one_int(results[0], "cond") != 0;
    carried.assign(results.begin() + 1, results.begin() + 1 + static_cast<std::ptrdiff_t>(carried_count));
    for (std::size_t i = 0; i < scans.size(); ++i) scans[i].push_back(results[1 + carried_count + i]);
    if (!has_count && step + 1 == kMaxSteps) l.refuse(Kind::limit_exceeded, "it runs more than 4096 steps");
  }
  for (std::size_t i = 0; i < carried.size(); ++i) l.output(i, carried[i]);
  for (std::size_t i = 0; i < scans.size(); ++i)
    if (l.wants(carried.size() + i)) l.output(carried.size() + i, stacked(l, scans[i], 0));
}

void translate_scan(Layer& l) {
  if (l.opset < 9) l.unsupported("Scan before opset 9");
  const GraphProto body = l.importer().subgraph(l, "body");
  const auto scanned = static_cast<std::size_t>(l.integer("num_scan_inputs"));
  if (scanned < 1 || scanned > l.input_count() || body.outputs.size() < l.input_count() - scanned)
    l.invalid("num_scan_inputs does not fit its inputs and its body");
  const std::size_t states = l.input_count() - scanned, outputs = body.outputs.size() - states;
  const Ints in_axes = l.integers("scan_input_axes", Ints(scanned, 0)),
             out_axes = l.integers("scan_output_axes", Ints(outputs, 0));
  const Ints in_back = l.integers("scan_input_directions", Ints(scanned, 0)),
             out_back = l.integers("scan_output_directions", Ints(outputs, 0));
  if (in_axes.size() != scanned || in_back.size() != scanned || out_axes.size() != outputs ||
      out_back.size() != outputs)
    l.invalid("its axes or directions do not fit its inputs and outputs");
  std::vector<ValueId> carried;
  for (std::size_t i = 0; i < states; ++i) carried.push_back(l.in(i));
  const std::int64_t count = l.dim(l.in(states), l.axis(in_axes[0], l.rank(l.in(states))));
  if (count > kMaxSteps) l.refuse(Kind::limit_exceeded, "it runs " + std::to_string(count) + " steps");
  std::vector<std::vector<ValueId>> scans(outputs);
  for (std::int64_t step = 0; step < count; ++step) {
    std::vector<ValueId> arguments = carried;
    for (std::size_t i = 0; i < scanned; ++i) {
      const ValueId x = l.in(states + i);
      const std::int64_t axis = l.axis(in_axes[i], l.rank(x));
      if (l.dim(x, axis) != count) l.refuse(Kind::shape_mismatch, "its scanned inputs differ in length");
      arguments.push_back(
          squeeze(l, slice_axis(l, x, axis, in_back[i] != 0 ? count - 1 - step : step, 1), {axis}));
    }
    const auto results = l.importer().run_subgraph(l, body, arguments, step_label(step));
    carried.assign(results.begin(), results.begin() + static_cast<std::ptrdiff_t>(states));
    for (std::size_t i = 0; i < outputs; ++i)
      scans[i].insert(out_back[i] != 0 ? scans[i].begin() : scans[i].end(), results[states + i]);
  }
  for (std::size_t i = 0; i < states; ++i) l.output(i, carried[i]);
  for (std::size_t i = 0; i < outputs; ++i) {
    if (!l.wants(states + i)) continue;
    const std::int64_t rank = scans[i].empty() ? 1 : l.rank(scans[i][0]) + 1;
    l.output(states + i, stacked(l, scans[i], l.axis(out_axes[i], rank)));
  }
}

}  // namespace nb::onnx
