#include "quantize/refine.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/process.h"
#include "blocks/conv2d/attributes.h"
#include "blocks/depthwise_conv2d/attributes.h"
#include "blocks/windowed.h"

namespace nb {
namespace {

constexpr std::int64_t kMostTaps = 1536;          // of one output: moments are a matrix of taps x taps
constexpr std::int64_t kMostWork = 500'000'000;   // of a layer: outputs * taps^2
constexpr std::size_t kMostElements = 2'000'000;  // of the inputs kept of a layer
constexpr int kSweeps = 4, kScales = 8;

/// A layer whose outputs are sums over taps: output channel o is of group o / outputs_per_group, and reads
/// that group's taps.
struct SumLayer {
  std::size_t node;
  std::int64_t outputs, taps, groups;
  bool has_taps_first;                   ///< weights are [taps, outputs], not [outputs, taps]
  std::vector<std::vector<float>> rows;  ///< by group: inputs of single outputs, [n, taps]
  [[nodiscard]] std::size_t weight(std::int64_t output, std::int64_t tap) const {
    return static_cast<std::size_t>(has_taps_first ? tap * outputs + output : output * taps + tap);
  }
};

std::optional<SumLayer> sum_layer(const Graph& graph, std::size_t index) {
  const Node& node = graph.nodes[index];
  if (node.inputs.size() < 2 || !graph.is_constant(node.inputs[1]) || graph.is_constant(node.inputs[0]))
    return std::nullopt;
  const Type &x = graph.at(node.inputs[0]).type, &w = graph.at(node.inputs[1]).type;
  if (x.dtype != DType::f32 || w.dtype != DType::f32) return std::nullopt;
  SumLayer layer{index, 0, 0, 1, false, {}};
  if (node.block->name == "dense") {
    layer.outputs = w.shape[0];
    layer.taps = w.shape[1];
  } else if (node.block->name == "conv2d") {
    layer.outputs = w.shape[0];
    layer.taps = w.shape[1] * w.shape[2] * w.shape[3];
    layer.groups = node.attributes.as<Conv2dAttrs>().groups;
  } else if (node.block->name == "depthwise_conv2d") {
    layer.outputs = w.shape[3];
    layer.taps = w.shape[1] * w.shape[2];
    layer.groups = x.shape[3];
    layer.has_taps_first = true;
  } else {
    return std::nullopt;
  }
  if (layer.taps < 1 || layer.taps > kMostTaps || layer.outputs * layer.taps * layer.taps > kMostWork)
    return std::nullopt;
  layer.rows.resize(static_cast<std::size_t>(layer.groups));
  return layer;
}

Window2d window_of(const Graph& graph, const Node& node) {
  const Type &x = graph.at(node.inputs[0]).type, &w = graph.at(node.inputs[1]).type;
  const auto window = [&](const auto& a) {
    return *make_window(x, w.shape[1], w.shape[2], a.stride, a.pad, a.dilation);
  };
  return node.block->name == "conv2d" ? window(node.attributes.as<Conv2dAttrs>())
                                      : window(node.attributes.as<DepthwiseConv2dAttrs>());
}

/// Appends inputs of at most `count` outputs of one sample, spread over the image.
void keep_rows(const Graph& graph, SumLayer& layer, std::span<const float> x, std::size_t count,
               std::size_t sample) {
  const Node& node = graph.nodes[layer.node];
  if (node.block->name == "dense") {
    const std::size_t taps = static_cast<std::size_t>(layer.taps), all = x.size() / taps;
    const std::size_t step = std::max<std::size_t>(all / std::max<std::size_t>(count, 1), 1);
    for (std::size_t row = sample % step; row < all; row += step)
      layer.rows[0].insert(layer.rows[0].end(), x.begin() + static_cast<std::ptrdiff_t>(row * taps),
                           x.begin() + static_cast<std::ptrdiff_t>((row + 1) * taps));
    return;
  }
  const Window2d g = window_of(graph, node);
  const Shape& shape = graph.at(node.inputs[0]).type.shape;
  const std::int64_t channels = shape[3], depth = channels / layer.groups;
  const auto all = static_cast<std::size_t>(shape[0] * g.out.h * g.out.w);
  const std::size_t step = std::max<std::size_t>(all / std::max<std::size_t>(count, 1), 1) | 1;
  for (std::size_t at = sample % step; at < all; at += step) {
    const auto place = static_cast<std::int64_t>(at);
    const std::int64_t n = place / (g.out.h * g.out.w), row = place / g.out.w % g.out.h,
                       column = place % g.out.w;
    for (std::int64_t i = 0; i < g.kernel.h; ++i)
      for (std::int64_t j = 0; j < g.kernel.w; ++j) {
        const std::int64_t r = row * g.stride.h - g.pad.h + i * g.dilation.h,
                           c = column * g.stride.w - g.pad.w + j * g.dilation.w;
        const bool is_inside = r >= 0 && r < g.in.h && c >= 0 && c < g.in.w;
        const float* from = x.data() + ((n * g.in.h + r) * g.in.w + c) * channels;
        for (std::int64_t group = 0; group < layer.groups; ++group)
          for (std::int64_t k = 0; k < depth; ++k)
            layer.rows[static_cast<std::size_t>(group)].push_back(is_inside ? from[group * depth + k] : 0.0f);
      }
  }
}

/// The inputs' second moments, [taps, taps].
std::vector<float> moments_of(const std::vector<float>& rows, std::size_t taps, double noise) {
  std::vector<double> sums(taps * taps, 0.0);
  for (std::size_t first = 0; first + taps <= rows.size(); first += taps) {
    const float* x = rows.data() + first;
    for (std::size_t i = 0; i < taps; ++i) {
      if (x[i] == 0.0f) continue;
      double* to = sums.data() + i * taps;
      for (std::size_t j = 0; j <= i; ++j) to[j] += static_cast<double>(x[i] * x[j]);
    }
  }
  const double count = std::max(1.0, static_cast<double>(rows.size() / taps));
  double mean_square = 0;
  for (std::size_t i = 0; i < taps; ++i)
    mean_square += sums[i * taps + i] / count / static_cast<double>(taps);
  std::vector<float> moments(taps * taps);
  for (std::size_t i = 0; i < taps; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      // A little of the mean on the diagonal keeps taps that were never seen near their nearest integers.
      const double value = sums[i * taps + j] / count + (i == j ? noise + 0.01 * mean_square + 1e-12 : 0);
      moments[i * taps + j] = moments[j * taps + i] = static_cast<float>(value);
    }
  return moments;
}

/// One output's weights on the grid of `scale`: e^T H e, e their error, falls with every step. What is left
/// of it.
double descend(std::span<float> w, float scale, const std::vector<float>& moments) {
  const std::size_t taps = w.size();
  std::vector<float> integers(taps), errors(taps), slope(taps, 0.0f);
  const std::vector<float> reals(w.begin(), w.end());
  for (std::size_t i = 0; i < taps; ++i) {
    integers[i] = std::clamp(std::nearbyint(reals[i] / scale), -127.0f, 127.0f);
    errors[i] = integers[i] * scale - reals[i];
  }
  for (std::size_t i = 0; i < taps; ++i)
    for (std::size_t j = 0; j < taps; ++j) slope[i] += moments[i * taps + j] * errors[j];
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    bool has_moved = false;
    for (std::size_t i = 0; i < taps; ++i) {
      const float step = slope[i] > 0 ? -scale : scale, to = integers[i] + (slope[i] > 0 ? -1.0f : 1.0f);
      // Up or down: never farther from the weight than the next integer.
      if (std::fabs(to) > 127 || std::fabs(errors[i] + step) >= scale) continue;
      if (!(2 * step * slope[i] + step * step * moments[i * taps + i] < 0)) continue;
      integers[i] = to;
      errors[i] += step;
      for (std::size_t j = 0; j < taps; ++j) slope[j] += step * moments[i * taps + j];
      has_moved = true;
    }
    if (!has_moved) break;
  }
  double left = 0;
  for (std::size_t i = 0; i < taps; ++i) {
    w[i] = integers[i] * scale;
    left += static_cast<double>(errors[i] * slope[i]);
  }
  return left;
}

/// The same with the scale that leaves least, among that of the largest weight and smaller ones.
float best_descent(std::vector<float>& w, const std::vector<float>& moments) {
  float widest = 0;
  for (const float weight : w) widest = std::max(widest, std::fabs(weight));
  const std::vector<float> reals = w;
  float best = std::max(widest / 127, 1e-20f);
  double least = std::numeric_limits<double>::infinity();
  for (int step = 0; step < kScales; ++step) {
    const float scale = std::max(widest / 127 * (1.0f - 0.04f * static_cast<float>(step)), 1e-20f);
    std::vector<float> one = reals;
    const double left = descend(one, scale, moments);
    if (!(left < least)) continue;
    least = left;
    best = scale;
    w = std::move(one);
  }
  return best;
}

/// Adds shift(o) to the bias of each output channel.
template <class F>
void add_to_bias(Graph& graph, Node& node, const SumLayer& layer, F shift) {
  std::vector<float> bias(static_cast<std::size_t>(layer.outputs), 0.0f);
  if (node.inputs.size() > 2 && node.inputs[2].is_present()) {
    if (!graph.is_constant(node.inputs[2])) return;
    const auto* old = reinterpret_cast<const float*>(graph.at(node.inputs[2]).data->data());
    bias.assign(old, old + bias.size());
  }
  for (std::int64_t o = 0; o < layer.outputs; ++o)
    bias[static_cast<std::size_t>(o)] += static_cast<float>(shift(o));
  if (node.inputs.size() < 3) node.inputs.resize(3);
  node.inputs[2] =
      graph.add_constant(node.name + "/bias", make_tensor<float>(DType::f32, {layer.outputs}, bias));
}

void round_layer(Graph& graph, const SumLayer& layer, int axis, double noise) {
  Node& node = graph.nodes[layer.node];
  const Value value = graph.at(node.inputs[1]);
  Tensor rounded{value.type, *value.data};
  const auto w = rounded.as<float>();
  rounded.type.quantization = weight_numbers(w, value.type.shape, axis);
  const std::int64_t per_group = layer.outputs / layer.groups;
  for (std::int64_t group = 0; group < layer.groups; ++group) {
    const std::vector<float> moments =
        moments_of(layer.rows[static_cast<std::size_t>(group)], static_cast<std::size_t>(layer.taps), noise);
    for (std::int64_t o = group * per_group; o < (group + 1) * per_group; ++o) {
      std::vector<float> one(static_cast<std::size_t>(layer.taps));
      for (std::int64_t k = 0; k < layer.taps; ++k) one[static_cast<std::size_t>(k)] = w[layer.weight(o, k)];
      auto& scales = rounded.type.quantization->scales;
      if (axis < 0)
        descend(one, scales[0], moments);
      else
        scales[index_along(value.type.shape, axis, layer.weight(o, 0))] = best_descent(one, moments);
      for (std::int64_t k = 0; k < layer.taps; ++k) w[layer.weight(o, k)] = one[static_cast<std::size_t>(k)];
    }
  }
  const auto old = reinterpret_cast<const float*>(value.data->data());
  add_to_bias(graph, node, layer, [&](std::int64_t o) {
    const std::vector<float>& rows = layer.rows[static_cast<std::size_t>(o / per_group)];
    double shift = 0;
    const auto taps = static_cast<std::size_t>(layer.taps);
    for (std::size_t k = 0; k < taps; ++k) {
      double sum = 0;
      for (std::size_t i = k; i < rows.size(); i += taps) sum += static_cast<double>(rows[i]);
      const std::size_t at = layer.weight(o, static_cast<std::int64_t>(k));
      shift += sum * static_cast<double>(old[at] - w[at]);
    }
    return rows.empty() ? 0.0 : shift / static_cast<double>(rows.size() / taps);
  });
  node.inputs[1] = graph.add_constant(value.name, std::move(rounded));
}

}  // namespace

void round_weights(Graph& graph, const Samples& set, const NumberPlan& plan, const ProgressTeller& progress) {
  std::vector<SumLayer> layers;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    if (auto layer = sum_layer(graph, i); layer && has_integer_form(graph, graph.nodes[i]))
      layers.push_back(std::move(*layer));
  if (layers.empty()) return;
  const bool is_whole = run_samples(graph, set, [&](std::size_t sample, const Interpreter& at) {
    progress({.step = "collecting layers' inputs", .done = sample, .total = set.count});
    for (SumLayer& layer : layers) {
      const auto elements = static_cast<std::size_t>(layer.taps * layer.groups);
      const std::size_t rows = std::max<std::size_t>(kMostElements / elements / set.count, 1);
      if (layer.rows[0].size() * static_cast<std::size_t>(layer.groups) > 2 * kMostElements) continue;
      keep_rows(graph, layer, at.view(graph.nodes[layer.node].inputs[0]).as<float>(), rows, sample);
    }
  });
  if (!is_whole) return;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (stop_is_asked()) return;
    progress({"rounding weights", "layers", i, layers.size()});
    SumLayer& layer = layers[i];
    const Node& node = graph.nodes[layer.node];
    // Layers that stay float have their own weights, whatever is rounded here; another plan may need them.
    const DType dtype = plan.formats[layer.node] == DType::i16 ? DType::i16 : DType::i8;
    const auto weights = weight_operands(graph, node, dtype);
    const auto& x = plan.ranges.of[node.inputs[0].index()];
    if (weights.empty() || !x) continue;
    const auto scale = static_cast<double>(numbers_of(x->of(dtype), dtype).scales[0]);
    round_layer(graph, layer, weights[0].axis, scale * scale / 12);
    layer.rows.clear();
  }
}

}  // namespace nb
