// A model in several number formats: what each costs and what it is worth, layer by layer.
#pragma once
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "quantize/account.h"
#include "report/validation.h"

namespace nb {

/// What a program costs on a board.
struct VariantCost {
  bool fits = true;
  std::int64_t weights_bytes = 0, arena_bytes = 0;     ///< known whether it fits or not
  std::optional<std::int64_t> flash_bytes, ram_bytes;  ///< as linked and measured; absent on the host
  /// Of one sample; absent on the host. Where the program does not fit: of the plain board of its core.
  std::optional<std::int64_t> instructions;
  /// Estimated for the board; absent on the host, where the program does not fit and where nothing is known
  /// of the core's timing; the latter also where the clock is not known.
  std::optional<double> cycles, latency_ms;
  /// By the name of a layer of the model: with what converts its operands.
  struct Layer {
    std::int64_t weights_bytes = 0, instructions = 0;
    double cycles = 0;  ///< 0: not known
  };
  std::map<std::string, Layer> layers;
};

/// How many points a figure lost against the float model's: 100 times an accuracy's difference; of an error
/// its relative growth in tenths of a percent, 5 % being 0.5 points. Negative: it gained.
[[nodiscard]] double drop_points(Metric metric, double float_value, double value);

/// Formats of all layers, measured.
struct FormatChoice {
  std::string name;     ///< "int8", "3 layers int16, 5 layers int8"
  LayerFormats layers;  ///< those that are not int8
  double value = 0;     ///< of the metric
  double drop = 0;      ///< points
  VariantCost cost = {};
  /// No other is better in one of drop, flash, RAM, cycles (instructions where there are none) and no worse
  /// in all. What fits and what does not are compared apart: flash and RAM of the latter are lower bounds.
  bool is_unbeaten = false;
  [[nodiscard]] bool is_on_front() const { return is_unbeaten && cost.fits; }
};

/// What a layer's formats do, one by one.
struct LayerFormatCost {
  std::string name, block;
  DType format = DType::i8;                 ///< chosen
  double int8_error = 0, int16_error = 0;   ///< see LayerError
  VariantCost::Layer int8, int16, float32;  ///< in a model of that format throughout
};

/// The layer's costs in a model of that format throughout.
[[nodiscard]] const VariantCost::Layer& cost_in(const LayerFormatCost& layer, DType format);
/// Whether cycles are known of all layers in all formats, so that these can be compared by them.
[[nodiscard]] bool have_cycles(const std::vector<LayerFormatCost>& layers);

struct FormatFrontier {
  std::string board;
  Metric metric = Metric::automatic;
  double max_drop = 0;
  std::vector<FormatChoice> choices;  ///< float32 first
  std::optional<std::size_t> chosen;  ///< absent: none keeps the drop and fits
  std::size_t best = 0;               ///< the one that is taken: `chosen`, else what fits with the least drop
  std::vector<LayerFormatCost> layers;
};

/// One layer in one format, the others as chosen.
struct LayerAlternative {
  DType format = DType::i8;
  bool is_chosen = false;
  VariantCost cost;
  double output_error = 0;      ///< squared error over square of the model's outputs, summed over outputs
  std::optional<double> value;  ///< of the metric; absent without labelled data
};

/// Why a layer computes as it does, and what else it could do.
struct LayerExplanation {
  std::string board;
  LayerFormatCost layer;
  double all_errors = 0;                 ///< of all layers by themselves, in their formats
  std::string reason;                    ///< of its format
  std::vector<QuantizedValue> values;    ///< that it makes
  std::vector<std::string> stays_float;  ///< why parts of it compute in floats
  Metric metric = Metric::automatic;     ///< `automatic`: no data
  std::vector<LayerAlternative> alternatives;
};

/// `--layers` that gives these formats; empty if there are none.
[[nodiscard]] std::string layers_option(const LayerFormats& layers);

[[nodiscard]] nlohmann::json frontier_json(const FormatFrontier& frontier);
[[nodiscard]] nlohmann::json explanation_json(const LayerExplanation& explanation);
/// Of all layers: formats, errors and costs.
[[nodiscard]] nlohmann::json layer_formats_json(const std::vector<LayerFormatCost>& layers);

}  // namespace nb
