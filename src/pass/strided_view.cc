#include "pass/strided_view.h"

#include <algorithm>

#include "blocks/transpose/attributes.h"
#include "quantize/channel_line.h"

namespace nb {
Strides joined(const Strides& strides) {
  Strides out;
  for (const Stride& stride : strides) {
    if (stride.size == 1) continue;
    if (!out.empty() && out.back().step == stride.step * stride.size)
      out.back() = {out.back().size * stride.size, stride.step};
    else
      out.push_back(stride);
  }
  return out;
}

Strides joined(std::span<const Strides> axes) {
  Strides all;
  for (const Strides& axis : axes) all.insert(all.end(), axis.begin(), axis.end());
  return joined(all);
}

std::optional<std::vector<Strides>> cut(std::span<const Strides> axes, const Shape& sizes) {
  Strides left = joined(axes);
  std::reverse(left.begin(), left.end());  // outermost last
  std::vector<Strides> out;
  for (const std::int64_t size : sizes) {
    Strides axis;
    for (std::int64_t missing = size; missing > 1;) {
      if (left.empty()) return std::nullopt;
      Stride& next = left.back();
      if (missing % next.size == 0) {
        axis.push_back(next);
        missing /= next.size;
        left.pop_back();
      } else if (next.size % missing == 0) {
        next.size /= missing;
        axis.push_back({missing, next.step * next.size});
        missing = 1;
      } else {
        return std::nullopt;
      }
    }
    out.push_back(std::move(axis));
  }
  return left.empty() ? std::optional(std::move(out)) : std::nullopt;
}

StridedView own_view(const Graph& graph, ValueId id) {
  StridedView view{id, 1, {}};
  const Shape& shape = graph.at(id).type.shape;
  std::int64_t step = graph.at(id).type.elements();
  for (const std::int64_t size : shape) {
    step /= std::max<std::int64_t>(size, 1);
    view.axes.push_back(joined(Strides{{size, step}}));
  }
  return view;
}

std::optional<StridedView> view_through(const Graph& graph, const Node& node, StridedView operand) {
  const std::string& block = node.block->name;
  const Shape& y = graph.at(node.outputs[0]).type.shape;
  if (element_count(y) == 0) return std::nullopt;
  if (block == "identity") return operand;
  if (block == "transpose") {
    std::vector<Strides> turned;
    for (const std::int64_t axis : node.attributes.as<TransposeAttrs>().perm)
      turned.push_back(operand.axes[static_cast<std::size_t>(axis)]);
    operand.axes = std::move(turned);
    return operand;
  }
  if (block == "reshape") {
    auto axes = cut(operand.axes, y);
    if (!axes) return std::nullopt;
    operand.axes = *std::move(axes);
    return operand;
  }
  if (block == "expand") {
    const Shape& x = graph.at(node.inputs[0]).type.shape;
    operand.axes.insert(operand.axes.begin(), y.size() - x.size(), Strides());
    for (std::size_t i = 0; i < y.size(); ++i) {
      const std::int64_t from = i + x.size() < y.size() ? 1 : x[i + x.size() - y.size()];
      if (from != y[i]) operand.axes[i] = {{y[i], 0}};
    }
    return operand;
  }
  return std::nullopt;
}

StridedView farthest_view(const Pattern& pattern, ValueId id) {
  const Graph& graph = pattern.graph();
  std::vector<std::pair<const Node*, double>> chain;  // from the value upwards
  ValueId root = id;
  while (chain.size() < 32) {
    const Node* node = pattern.maker(root);
    if (node == nullptr) break;
    const std::string& block = node->block->name;
    double factor = 1;
    ValueId from = node->inputs[0];
    if ((block == "mul" || block == "div") && !is_bounded(*node)) {
      const auto parts = pattern.with_number(*node);
      if (!parts || (block == "div" && parts->first != node->inputs[0]) ||
          pattern.type(parts->first) != pattern.type(root))
        break;
      from = parts->first;
      factor = block == "mul" ? parts->second : 1 / parts->second;
    } else if (block != "transpose" && block != "reshape" && block != "expand" && block != "identity") {
      break;
    }
    chain.emplace_back(node, factor);
    root = from;
  }
  StridedView view = own_view(graph, root);
  for (auto step = chain.rbegin(); step != chain.rend(); ++step) {
    const Node& node = *step->first;
    if (node.block->name == "mul" || node.block->name == "div") {
      view.factor *= step->second;
      continue;
    }
    auto next = view_through(graph, node, std::move(view));
    view = next ? *std::move(next) : own_view(graph, node.outputs[0]);
  }
  return view;
}

std::optional<CommonStrides> common_strides(std::vector<Strides> lists) {
  for (Strides& list : lists) list = joined(list);
  CommonStrides out;
  const auto is_empty = [](const Strides& list) { return list.empty(); };
  while (!std::all_of(lists.begin(), lists.end(), is_empty)) {
    if (std::any_of(lists.begin(), lists.end(), is_empty)) return std::nullopt;
    std::int64_t size = lists[0].back().size;
    for (const Strides& list : lists) size = std::min(size, list.back().size);
    std::vector<std::int64_t> steps;
    for (Strides& list : lists) {
      Stride& inner = list.back();
      if (inner.size % size != 0) return std::nullopt;
      steps.push_back(inner.step);
      inner = {inner.size / size, inner.step * size};
      if (inner.size == 1) list.pop_back();
    }
    // With the sizes found before as one if all lists step so.
    bool is_joined = !out.sizes.empty();
    for (std::size_t i = 0; is_joined && i < steps.size(); ++i)
      is_joined = steps[i] == out.steps.front()[i] * out.sizes.front();
    if (is_joined) {
      out.sizes.front() *= size;
      continue;
    }
    out.sizes.insert(out.sizes.begin(), size);
    out.steps.insert(out.steps.begin(), std::move(steps));
  }
  return out;
}

}  // namespace nb
