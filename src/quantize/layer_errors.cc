#include "quantize/layer_errors.h"

#include <algorithm>

#include "base/process.h"
#include "quantize/search.h"

namespace nb {

std::vector<LayerName> computing_layers(const Graph& graph) {
  std::vector<LayerName> layers;
  for (const Node& node : graph.nodes) {
    if (!has_integer_form(graph, node) ||
        node.block->quantized_form(graph.operation(node)) >= QuantizedForm::bounds)
      continue;
    const auto is_same = [&](const LayerName& layer) { return layer.first == node.name; };
    if (std::none_of(layers.begin(), layers.end(), is_same)) layers.emplace_back(node.name, node.block->name);
  }
  return layers;
}

std::vector<LayerName> computing_layers(const Calibrated& calibrated) {
  std::vector<LayerName> layers = computing_layers(calibrated.graph());
  std::erase_if(layers, [&](const LayerName& layer) { return !calibrated.has_layer(layer.first); });
  return layers;
}

std::vector<LayerError> layer_errors(const Calibrated& calibrated, const ProgressTeller& progress) {
  constexpr std::size_t kMostSamples = 32;
  const Graph& graph = calibrated.graph();
  std::vector<LayerError> layers;
  for (auto& [name, block] : computing_layers(calibrated))
    layers.push_back({std::move(name), std::move(block)});
  if (graph.outputs.empty() || layers.empty()) return layers;
  const OutputErrors errors(graph, calibrated.blocks(), calibrated.samples(), kMostSamples,
                            static_cast<double>(2 * layers.size()));
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (stop_is_asked()) break;
    progress({"layers by themselves", "layers", i, layers.size()});
    for (const DType format : {DType::i8, DType::i16})
      (format == DType::i8 ? layers[i].int8 : layers[i].int16) =
          errors.of(calibrated.rounded(), calibrated.plan(DType::f32, {{layers[i].name, format}}));
  }
  return layers;
}

}  // namespace nb
