// What each layer's integers do to the model's outputs, the layer taken by itself.
#pragma once
#include <string>
#include <vector>

#include "quantize/quantize.h"

namespace nb {

/// Squared error over square of the model's outputs, summed over outputs, if this layer alone computes in
/// integers.
struct LayerError {
  std::string name, block;
  double int8 = 0, int16 = 0;
};

/// A layer's name and block.
using LayerName = std::pair<std::string, std::string>;
/// Layers that compute: with an integer form, not only moving or bounding elements. In their order; nodes of
/// one name are one layer.
[[nodiscard]] std::vector<LayerName> computing_layers(const Graph& graph);
/// Those of the model: what quantizing puts in between (input_scales.h) is none.
[[nodiscard]] std::vector<LayerName> computing_layers(const Calibrated& calibrated);

/// Those of the layers that compute. On at most 32 of the calibration samples, fewer of large models.
[[nodiscard]] std::vector<LayerError> layer_errors(const Calibrated& calibrated,
                                                   const ProgressTeller& progress);

}  // namespace nb
