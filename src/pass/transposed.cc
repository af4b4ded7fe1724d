#include "pass/transposed.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "blocks/argmax/attributes.h"
#include "blocks/batch_norm/attributes.h"
#include "blocks/concat/attributes.h"
#include "blocks/cumsum/attributes.h"
#include "blocks/expand/attributes.h"
#include "blocks/gather/attributes.h"
#include "blocks/pad/attributes.h"
#include "blocks/reduce/attributes.h"
#include "blocks/resize/attributes.h"
#include "blocks/slice/attributes.h"
#include "blocks/softmax/attributes.h"
#include "blocks/split/attributes.h"
#include "blocks/topk/attributes.h"

namespace nb {
namespace {

std::size_t at(std::int64_t axis) { return static_cast<std::size_t>(axis); }

/// One number an axis, in the order of x.
template <class T>
std::vector<T> by_axis(const std::vector<T>& values, const Perm& perm) {
  std::vector<T> out(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) out[at(perm[i])] = values[i];
  return out;
}

std::int64_t axis_of(std::int64_t axis, const Perm& perm) {
  return perm[at(axis < 0 ? axis + static_cast<std::int64_t>(perm.size()) : axis)];
}

/// The order of outputs whose axes are those of the operand without `gone` (in the order of y); `inserted`
/// new axes stand in place of the first of these.
Perm remaining(const Perm& perm, const std::vector<std::int64_t>& gone, std::int64_t inserted) {
  const auto is_gone = [&](std::int64_t axis) {
    return std::find(gone.begin(), gone.end(), axis) != gone.end();
  };
  const auto rank = static_cast<std::int64_t>(perm.size());
  const Perm back = inverse_perm(perm);
  // Labels: an axis of x, or rank + k for the k-th new axis.
  std::vector<std::int64_t> before, after;
  const auto list = [&](auto& labels, auto axis_of_x, auto axis_of_y) {
    for (std::int64_t i = 0; i < rank; ++i) {
      if (!is_gone(axis_of_y(i)))
        labels.push_back(axis_of_x(i));
      else if (axis_of_y(i) == gone[0])
        for (std::int64_t k = 0; k < inserted; ++k) labels.push_back(rank + k);
    }
  };
  list(
      after, [&](std::int64_t i) { return perm[at(i)]; }, [](std::int64_t i) { return i; });
  list(
      before, [](std::int64_t i) { return i; }, [&](std::int64_t i) { return back[at(i)]; });
  Perm out;
  for (const std::int64_t label : after)
    out.push_back(std::find(before.begin(), before.end(), label) - before.begin());
  return out;
}

template <class A>
Untransposed with_axis(const Node& node, const Perm& perm) {
  A a = node.attributes.as<A>();
  a.axis = axis_of(a.axis, perm);
  return {Attributes(std::move(a)), std::vector<Perm>(node.outputs.size(), perm)};
}

}  // namespace

Perm identity_perm(std::size_t rank) {
  Perm perm(rank);
  std::iota(perm.begin(), perm.end(), 0);
  return perm;
}

Perm composed_perm(const Perm& first, const Perm& second) {
  Perm out;
  for (const std::int64_t axis : second) out.push_back(first[at(axis)]);
  return out;
}

Shape transposed_shape(const Shape& shape, const Perm& perm) {
  Shape out;
  for (const std::int64_t axis : perm) out.push_back(shape[at(axis)]);
  return out;
}

bool moves_nothing(const Shape& shape, const Perm& perm) {
  std::int64_t last = -1;
  for (const std::int64_t axis : perm) {
    if (shape[at(axis)] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

Tensor transposed(const Tensor& tensor, const Perm& perm) {
  Tensor out{tensor.type, Bytes(tensor.data.size())};
  out.type.shape = transposed_shape(tensor.type.shape, perm);
  if (out.type.quantization && out.type.quantization->is_per_axis())
    out.type.quantization->axis = static_cast<int>(inverse_perm(perm)[at(out.type.quantization->axis)]);
  Shape strides(perm.size(), 1);
  for (std::size_t i = perm.size(); i-- > 1;) strides[i - 1] = strides[i] * tensor.type.shape[i];
  const auto size = static_cast<std::size_t>(dtype_bytes(tensor.type.dtype));
  const std::int64_t count = tensor.type.elements();
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t rest = i, from = 0;
    for (std::size_t k = perm.size(); k-- > 0; rest /= out.type.shape[k])
      from += rest % out.type.shape[k] * strides[at(perm[k])];
    std::memcpy(out.data.data() + at(i) * size, tensor.data.data() + at(from) * size, size);
  }
  return out;
}

bool transposes_all_operands(const Node& node) {
  return node.block->is_elementwise || node.block->name == "concat";
}

std::optional<Untransposed> untransposed(const Graph& graph, const Node& node, const Perm& perm) {
  const std::string& block = node.block->name;
  const auto same = [&](auto attributes) {
    return Untransposed{Attributes(std::move(attributes)), std::vector<Perm>(node.outputs.size(), perm)};
  };
  if (node.block->is_elementwise) return Untransposed{node.attributes, {perm}};
  if (block == "concat") return with_axis<ConcatAttrs>(node, perm);
  if (block == "split") return with_axis<SplitAttrs>(node, perm);
  if (block == "batch_norm") return with_axis<BatchNormAttrs>(node, perm);
  if (block == "softmax" || block == "log_softmax") return with_axis<SoftmaxAttrs>(node, perm);
  if (block == "cumsum") return with_axis<CumsumAttrs>(node, perm);
  if (block == "topk") return with_axis<TopkAttrs>(node, perm);
  if (block == "slice") {
    const auto& a = node.attributes.as<SliceAttrs>();
    return same(SliceAttrs{by_axis(a.begin, perm), by_axis(a.size, perm), by_axis(a.step, perm)});
  }
  if (block == "pad") {
    auto a = node.attributes.as<PadAttrs>();
    a.before = by_axis(a.before, perm);
    a.after = by_axis(a.after, perm);
    return same(std::move(a));
  }
  if (block == "resize") {
    auto a = node.attributes.as<ResizeAttrs>();
    if (!a.roi.empty()) return std::nullopt;
    a.size = by_axis(a.size, perm);
    a.scale = by_axis(a.scale, perm);
    return same(std::move(a));
  }
  if (block == "expand") {
    auto a = node.attributes.as<ExpandAttrs>();
    if (a.shape.size() != perm.size()) return std::nullopt;
    a.shape = by_axis(a.shape, perm);
    return same(std::move(a));
  }
  if (block == "argmax" || block == "argmin") {
    Untransposed moved = with_axis<ArgmaxAttrs>(node, perm);
    const auto& a = node.attributes.as<ArgmaxAttrs>();
    const std::int64_t axis = a.axis < 0 ? a.axis + static_cast<std::int64_t>(perm.size()) : a.axis;
    if (!a.keep_dims) moved.outputs = {remaining(perm, {axis}, 0)};
    return moved;
  }
  if (block.starts_with("reduce_")) {
    auto a = node.attributes.as<ReduceAttrs>();
    const std::vector<std::int64_t> gone = a.axes;
    for (std::int64_t& axis : a.axes) axis = perm[at(axis)];
    std::sort(a.axes.begin(), a.axes.end());
    Untransposed moved = same(a);
    if (!a.keep_dims && !gone.empty()) moved.outputs = {remaining(perm, gone, 0)};
    return moved;
  }
  if (block == "gather") {
    const auto& a = node.attributes.as<GatherAttrs>();
    if (a.batch_dims != 0) return std::nullopt;
    Untransposed moved = with_axis<GatherAttrs>(node, perm);
    const std::int64_t axis = a.axis < 0 ? a.axis + static_cast<std::int64_t>(perm.size()) : a.axis;
    moved.outputs = {remaining(perm, {axis}, graph.at(node.inputs[1]).type.rank())};
    return moved;
  }
  return std::nullopt;
}

std::optional<SwappedReshape> swapped_reshape(const Shape& x, const Perm& perm, const Shape& shape) {
  if (element_count(x) == 0) return std::nullopt;
  // Axes longer than 1 of both sides fall into the shortest groups of equal products.
  struct Group {
    std::vector<std::int64_t> in;  ///< axes of x
    std::vector<std::size_t> out;  ///< axes of the result; those of 1 stand before the next longer one
  };
  std::vector<Group> groups;
  std::vector<std::size_t> ones;
  std::size_t i = 0, j = 0;
  const auto skip = [&] {
    while (i < perm.size() && x[at(perm[i])] == 1) ++i;
    for (; j < shape.size() && shape[j] == 1; ++j) ones.push_back(j);
  };
  for (skip(); i < perm.size() && j < shape.size(); skip()) {
    Group group;
    std::int64_t in = 1, out = 1;
    while (in != out || in == 1) {
      if (in <= out && i < perm.size()) {
        in *= x[at(perm[i])];
        if (x[at(perm[i])] != 1) group.in.push_back(perm[i]);
        ++i;
      } else if (j < shape.size()) {
        group.out.insert(group.out.end(), ones.begin(), ones.end());
        ones.clear();
        out *= shape[j];
        group.out.push_back(j++);
      } else {
        return std::nullopt;
      }
    }
    groups.push_back(std::move(group));
  }
  // Each group must be a run of x.
  std::vector<std::int64_t> longer;
  for (std::size_t axis = 0; axis < x.size(); ++axis)
    if (x[axis] != 1) longer.push_back(static_cast<std::int64_t>(axis));
  for (const Group& group : groups) {
    auto from = std::find(longer.begin(), longer.end(), group.in[0]);
    for (const std::int64_t axis : group.in)
      if (from == longer.end() || *from++ != axis) return std::nullopt;
  }
  std::sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) { return a.in[0] < b.in[0]; });
  SwappedReshape swapped{{}, Perm(shape.size())};
  const auto place = [&](std::size_t axis) {
    swapped.after[axis] = static_cast<std::int64_t>(swapped.before.size());
    swapped.before.push_back(shape[axis]);
  };
  for (const Group& group : groups)
    for (const std::size_t axis : group.out) place(axis);
  for (const std::size_t axis : ones) place(axis);
  return swapped;
}

}  // namespace nb
