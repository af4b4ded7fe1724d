// fold-pads: zeros about the rows and columns of an image become padding of the convolution behind, which
// then needs no larger copy of the image; also where a reshape between them makes the image of a line.
#include <algorithm>

#include "blocks/conv2d/attributes.h"
#include "blocks/depthwise_conv2d/attributes.h"
#include "blocks/pad/attributes.h"
#include "blocks/reshape/attributes.h"
#include "pass/pass.h"

namespace nb {
namespace {

using Ints = std::vector<std::int64_t>;

/// What a convolution's padding is, and how far its window reaches along rows and columns.
struct Window {
  Ints* pad;
  std::array<std::int64_t, 2> reach;
};

template <class A>
Window window_as(const Graph& graph, Node& node) {
  auto& a = node.attributes.as<A>();
  const Shape& w = graph.at(node.inputs[1]).type.shape;
  return {&a.pad, {(w[1] - 1) * a.dilation[0] + 1, (w[2] - 1) * a.dilation[1] + 1}};
}

std::optional<Window> window_of(const Graph& graph, Node& node) {
  if (node.block->name == "conv2d") return window_as<Conv2dAttrs>(graph, node);
  if (node.block->name == "depthwise_conv2d") return window_as<DepthwiseConv2dAttrs>(graph, node);
  return std::nullopt;
}

/// Whether the node puts zeros about x and does nothing else.
bool adds_zeros(const Graph& graph, const Node& node) {
  if (node.block->name != "pad") return false;
  const auto& a = node.attributes.as<PadAttrs>();
  const auto is_negative = [](std::int64_t n) { return n < 0; };
  Type x = graph.at(node.inputs[0]).type;
  const Type& y = graph.at(node.outputs[0]).type;
  x.shape = y.shape;
  return a.mode == PadMode::constant && a.value == 0 && x == y &&
         std::ranges::none_of(a.before, is_negative) && std::ranges::none_of(a.after, is_negative);
}

/// For each axis of `from` the one of `to` that it becomes; -1: an axis of 1. Absent if a reshape does more
/// than add and drop axes of 1.
std::optional<std::vector<int>> same_axes(const Shape& from, const Shape& to) {
  std::vector<int> axes(from.size(), -1);
  std::size_t j = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i] == 1) continue;
    while (j < to.size() && to[j] == 1) ++j;
    if (j == to.size() || to[j] != from[i]) return std::nullopt;
    axes[i] = static_cast<int>(j++);
  }
  return std::all_of(to.begin() + static_cast<std::ptrdiff_t>(j), to.end(), [](auto n) { return n == 1; })
             ? std::optional(std::move(axes))
             : std::nullopt;
}

/// Zeros before and after rows and columns of an image of the padded shape, as a convolution's padding;
/// absent if others are padded, too.
std::optional<Ints> padding(const PadAttrs& a, const Shape& padded, const Shape& image) {
  const auto axes = same_axes(padded, image);
  if (!axes) return std::nullopt;
  Ints pad(4, 0);
  for (std::size_t i = 0; i < padded.size(); ++i) {
    if (a.before[i] == 0 && a.after[i] == 0) continue;
    const int axis = (*axes)[i];
    if (axis != 1 && axis != 2) return std::nullopt;
    pad[static_cast<std::size_t>(axis) - 1] = a.before[i];
    pad[static_cast<std::size_t>(axis) + 1] = a.after[i];
  }
  return pad;
}

/// Whether each place of the padded window still sees the image: kernels are made for that.
bool fits(const Window& window, const Ints& more) {
  for (std::size_t i = 0; i < more.size(); ++i)
    if (more[i] > 0 && (*window.pad)[i] + more[i] >= window.reach[i % 2]) return false;
  return true;
}

/// Whether the core's kernel takes longer at the edges of such an image than a padded copy of it does:
/// integers of one channel are gathered one by one there.
bool is_dear(const Type& image, const Core& core) {
  return !is_float(image.dtype) && image.shape[3] == 1 && core.has_dsp && !core.has_mve;
}

}  // namespace

Status fold_pads(Graph& graph, PassContext& context) {
  if (has_empty_tensor(graph)) return {};
  const std::vector<int> uses = graph.use_counts();
  const std::vector<int> made_by = graph.producers();
  const auto only_maker = [&](ValueId id) {
    const int maker = id.index() < made_by.size() && uses[id.index()] == 1 ? made_by[id.index()] : -1;
    return maker < 0 ? nullptr : &graph.nodes[static_cast<std::size_t>(maker)];
  };
  for (Node& node : graph.nodes) {
    const auto window = window_of(graph, node);
    if (!window) continue;
    Node* const last = only_maker(node.inputs[0]);
    if (last == nullptr) continue;
    Node* const reshape = last->block->name == "reshape" ? last : nullptr;
    Node* const pad = reshape != nullptr ? only_maker(reshape->inputs[0]) : last;
    if (pad == nullptr || !adds_zeros(graph, *pad)) continue;
    const ValueId x = pad->inputs[0];
    Type image = graph.at(node.inputs[0]).type;
    const auto more =
        padding(pad->attributes.as<PadAttrs>(), graph.at(pad->outputs[0]).type.shape, image.shape);
    if (!more || !fits(*window, *more)) continue;
    if (is_dear(image, context.core)) continue;
    for (std::size_t i = 0; i < more->size(); ++i) (*window->pad)[i] += (*more)[i];
    for (const std::size_t i : {0u, 1u}) image.shape[i + 1] -= (*more)[i] + (*more)[i + 2];
    if (reshape == nullptr) {
      node.inputs[0] = x;
      continue;
    }
    reshape->attributes = Attributes(ReshapeAttrs{image.shape});
    reshape->inputs[0] = x;
    graph.at(reshape->outputs[0]).type = image;
  }
  graph.remove_dead();
  return {};
}

}  // namespace nb
