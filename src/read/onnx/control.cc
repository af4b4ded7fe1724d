// If, Loop and Scan: the branch that is taken, and bodies written out once a step.
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

/// A scan's body and how its operands move past it.
struct ScanPlan {
  GraphProto body;
  std::size_t states = 0;               ///< carried values; the other operands are scanned
  Ints in_axes, out_axes;               ///< one a scanned operand, one a stacked output
  std::vector<bool> in_back, out_back;  ///< walked from the end
};

/// Runs the body once a slice of the scanned operands; the states, then the stacked outputs.
std::vector<ValueId> scan(Layer& l, const ScanPlan& plan, const std::vector<ValueId>& operands,
                          const std::string& label) {
  const std::size_t scanned = plan.in_axes.size(), outputs = plan.out_axes.size();
  std::vector<ValueId> carried(operands.begin(), operands.begin() + static_cast<std::ptrdiff_t>(plan.states));
  const ValueId first = operands[plan.states];
  const std::int64_t count = l.dim(first, l.axis(plan.in_axes[0], l.rank(first)));
  if (count > kMaxSteps) l.refuse(Kind::limit_exceeded, "it runs " + std::to_string(count) + " steps");
  std::vector<std::vector<ValueId>> scans(outputs);
  for (std::int64_t step = 0; step < count; ++step) {
    std::vector<ValueId> arguments = carried;
    for (std::size_t i = 0; i < scanned; ++i) {
      const ValueId x = operands[plan.states + i];
      const std::int64_t axis = l.axis(plan.in_axes[i], l.rank(x));
      if (l.dim(x, axis) != count) l.refuse(Kind::shape_mismatch, "its scanned inputs differ in length");
      const std::int64_t at = plan.in_back[i] ? count - 1 - step : step;
      arguments.push_back(squeeze(l, slice_axis(l, x, axis, at, 1), {axis}));
    }
    const auto results = l.importer().run_subgraph(l, plan.body, arguments, label + step_label(step));
    carried.assign(results.begin(), results.begin() + static_cast<std::ptrdiff_t>(plan.states));
    for (std::size_t i = 0; i < outputs; ++i)
      scans[i].insert(plan.out_back[i] ? scans[i].begin() : scans[i].end(), results[plan.states + i]);
  }
  for (std::size_t i = 0; i < outputs; ++i) {
    if (!l.wants(plan.states + i)) {
      carried.emplace_back();
      continue;
    }
    const std::int64_t rank = scans[i].empty() ? 1 : l.rank(scans[i][0]) + 1;
    carried.push_back(stacked(l, scans[i], l.axis(plan.out_axes[i], rank)));
  }
  return carried;
}

std::vector<bool> directions(Layer& l, std::string_view attribute, std::size_t count) {
  const Ints values = l.integers(attribute, Ints(count, 0));
  std::vector<bool> back;
  for (const std::int64_t value : values) back.push_back(value != 0);
  return back;
}

/// Scan-8: each element of a batch is scanned by itself along its first axis.
void scan_batch(Layer& l, const ScanPlan& plan) {
  if (l.has(0)) l.unsupported("Scan-8 with sequence lengths");
  std::vector<std::vector<ValueId>> results(l.output_count());
  const std::int64_t batch = l.dim(l.in(1), 0);
  if (batch > kMaxSteps) l.refuse(Kind::limit_exceeded, "its batch is " + std::to_string(batch));
  for (std::int64_t n = 0; n < batch; ++n) {
    std::vector<ValueId> operands;
    for (std::size_t i = 1; i < l.input_count(); ++i)
      operands.push_back(squeeze(l, slice_axis(l, l.in(i), 0, n, 1), {0}));
    const auto outputs = scan(l, plan, operands, "batch" + std::to_string(n) + "/");
    for (std::size_t i = 0; i < results.size() && i < outputs.size(); ++i) results[i].push_back(outputs[i]);
  }
  for (std::size_t i = 0; i < results.size(); ++i)
    if (l.wants(i)) l.output(i, stacked(l, results[i], 0));
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
  ScanPlan plan{.body = l.importer().subgraph(l, "body")};
  const bool is_batched = l.opset < 9;  // operand 0 is then the sequence lengths
  const std::size_t operands = l.input_count() - (is_batched && l.input_count() > 0 ? 1 : 0);
  const auto scanned = static_cast<std::size_t>(l.integer("num_scan_inputs"));
  if (scanned < 1 || scanned > operands || plan.body.outputs.size() < operands - scanned)
    l.invalid("num_scan_inputs does not fit its inputs and its body");
  plan.states = operands - scanned;
  const std::size_t outputs = plan.body.outputs.size() - plan.states;
  plan.in_axes = is_batched ? Ints(scanned, 0) : l.integers("scan_input_axes", Ints(scanned, 0));
  plan.out_axes = is_batched ? Ints(outputs, 0) : l.integers("scan_output_axes", Ints(outputs, 0));
  plan.in_back = directions(l, is_batched ? "directions" : "scan_input_directions", scanned);
  plan.out_back = is_batched ? std::vector<bool>(outputs) : directions(l, "scan_output_directions", outputs);
  if (plan.in_axes.size() != scanned || plan.in_back.size() != scanned || plan.out_axes.size() != outputs ||
      plan.out_back.size() != outputs)
    l.invalid("its axes or directions do not fit its inputs and outputs");
  if (is_batched) return scan_batch(l, plan);
  const auto results = scan(l, plan, l.all_inputs(), "");
  for (std::size_t i = 0; i < results.size(); ++i)
    if (results[i].is_present()) l.output(i, results[i]);
}

}  // namespace nb::onnx
