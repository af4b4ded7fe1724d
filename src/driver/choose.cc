#include "driver/choose.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/process.h"
#include "base/text.h"
#include "quantize/layer_errors.h"
#include "quantize/search.h"

namespace nb {
namespace {

constexpr std::size_t kErrorSamples = 32;
/// A layer begins in floats only where that saves this part of its instructions, since values are converted.
constexpr double kLeastSaving = 0.2;
constexpr std::array kFormats = {DType::i8, DType::i16, DType::f32};

double error_of(const LayerFormatCost& layer, DType format) {
  return format == DType::i8 ? layer.int8_error : format == DType::i16 ? layer.int16_error : 0.0;
}

/// Gives the layers their costs in a model of one format throughout.
void take_costs(const VariantCost& cost, DType format, std::vector<LayerFormatCost>& layers) {
  for (LayerFormatCost& layer : layers)
    if (const auto found = cost.layers.find(layer.name); found != cost.layers.end())
      (format == DType::i8 ? layer.int8 : format == DType::i16 ? layer.int16 : layer.float32) = found->second;
}

/// Cycles, if all are to be compared by them; else instructions, or bytes where there are none.
double price_of(const LayerFormatCost& layer, DType format, bool by_cycles) {
  const VariantCost::Layer& cost = cost_in(layer, format);
  if (by_cycles) return cost.cycles;
  return static_cast<double>(cost.instructions > 0 ? cost.instructions : cost.weights_bytes);
}

/// Gives the layers the formats that a plan has for their nodes.
void take_formats(const Graph& graph, const NumberPlan& plan, std::vector<LayerFormatCost>& layers) {
  for (LayerFormatCost& layer : layers)
    for (std::size_t n = 0; n < graph.nodes.size(); ++n)
      if (graph.nodes[n].name == layer.name && graph.nodes[n].block->name == layer.block)
        layer.format = plan.formats[n];
}

std::vector<LayerFormatCost> with_errors(const Variants& variants, const NumberPlan& plan,
                                         const ProgressTeller& progress) {
  std::vector<LayerFormatCost> layers;
  for (LayerError& error : layer_errors(variants.calibrated(), progress)) {
    LayerFormatCost layer{.name = std::move(error.name), .block = std::move(error.block)};
    layer.int8_error = error.int8;
    layer.int16_error = error.int16;
    layers.push_back(std::move(layer));
  }
  take_formats(variants.calibrated().graph(), plan, layers);
  return layers;
}

/// What a choice costs in one number, the first that is known: cycles, if all are to be compared by them;
/// instructions, flash, weights.
double price_of(const FormatChoice& choice, bool by_cycles) {
  const VariantCost& cost = choice.cost;
  if (by_cycles) return *cost.cycles;
  return static_cast<double>(cost.instructions  ? *cost.instructions
                             : cost.flash_bytes ? *cost.flash_bytes
                                                : cost.weights_bytes);
}

/// The cheapest of these choices by number, at least one: by cycles (instructions, flash, weights), and of
/// those that are all but as cheap, by memory.
std::size_t cheapest_of(const std::vector<FormatChoice>& choices, const std::vector<std::size_t>& numbers) {
  constexpr double kSame = 0.02;
  const bool by_cycles = std::all_of(numbers.begin(), numbers.end(),
                                     [&](std::size_t i) { return choices[i].cost.cycles.has_value(); });
  const auto price = [&](std::size_t i) { return price_of(choices[i], by_cycles); };
  const auto bytes = [&](std::size_t i) {
    const VariantCost& cost = choices[i].cost;
    return cost.flash_bytes.value_or(cost.weights_bytes) + cost.ram_bytes.value_or(cost.arena_bytes);
  };
  double least = price(numbers[0]);
  for (const std::size_t i : numbers) least = std::min(least, price(i));
  std::optional<std::size_t> best;
  for (const std::size_t i : numbers) {
    if (price(i) > least / (1 - kSame)) continue;
    if (!best || std::pair(bytes(i), price(i)) < std::pair(bytes(*best), price(*best))) best = i;
  }
  return *best;
}

/// Formats of the layers by index.
using Picked = std::vector<DType>;

class Search {
 public:
  Search(const Variants& variants, const Judge& judge, double max_drop, const ProgressTeller& progress,
         Diagnostics& diagnostics)
      : variants_(variants), judge_(judge), progress_(progress), diagnostics_(diagnostics) {
    found_.board = variants.board().name;
    found_.max_drop = max_drop;
  }

  Result<FormatFrontier> run() && {
    const auto metric = variants_.metric_of(judge_, diagnostics_);
    if (!metric) return kFailed;
    found_.metric = *metric;
    found_.layers = with_errors(variants_, variants_.plan({}), progress_);
    std::erase_if(found_.layers, [&](const LayerFormatCost& layer) {
      return named_format(variants_.fixed(), layer.name).has_value();
    });
    if (stop_is_asked())
      return diagnostics_.add({.kind = Kind::interrupted, .message = "stopped while comparing layers"});
    const std::size_t count = found_.layers.size();
    for (const DType format : {DType::f32, DType::i8, DType::i16}) {
      const FormatChoice* uniform = measure(Picked(count, format));
      if (uniform == nullptr) return kFailed;
      take_costs(uniform->cost, format, found_.layers);
    }
    by_cycles_ = have_cycles(found_.layers);
    if (!walk()) return kFailed;
    mark_front();
    choose();
    return std::move(found_);
  }

 private:
  [[nodiscard]] LayerFormats formats_of(const Picked& picked) const {
    LayerFormats layers;
    const bool is_uniform =
        std::all_of(picked.begin(), picked.end(), [&](DType d) { return d == picked[0]; });
    if (is_uniform && !picked.empty() && picked[0] != DType::i8) return {{"*", picked[0]}};
    for (std::size_t i = 0; i < picked.size(); ++i)
      if (picked[i] != DType::i8) layers.emplace_back(found_.layers[i].name, picked[i]);
    return layers;
  }

  [[nodiscard]] static std::string name_of(const Picked& picked) {
    std::string text;
    for (const DType format : kFormats) {
      const auto count = std::count(picked.begin(), picked.end(), format);
      if (count == 0) continue;
      const auto all = static_cast<std::ptrdiff_t>(picked.size());
      text += (text.empty() ? "" : ", ") +
              (count == all ? "" : count_text(static_cast<std::size_t>(count), "layer") + " ") +
              std::string(format_name(format));
    }
    return text;
  }

  /// Accuracy and cost of these formats, measured once.
  const FormatChoice* measure(const Picked& picked) {
    for (std::size_t i = 0; i < measured_.size(); ++i)
      if (measured_[i] == picked) return &found_.choices[i];
    const LayerFormats layers = formats_of(picked);
    FormatChoice choice{.name = name_of(picked), .layers = variants_.with_fixed(layers)};
    const NumberPlan plan = variants_.plan(layers);
    const auto value = variants_.worth(plan, judge_, choice.name, diagnostics_);
    if (!value) return nullptr;
    auto cost = variants_.cost(plan, choice.name, diagnostics_);
    if (!cost) return nullptr;
    choice.value = *value;
    choice.cost = std::move(*cost);
    found_.choices.push_back(std::move(choice));
    measured_.push_back(picked);
    FormatChoice& made = found_.choices.back();
    made.drop = drop_points(found_.metric, found_.choices[0].value, made.value);
    return &made;
  }

  [[nodiscard]] double layer_price(const LayerFormatCost& layer, DType format) const {
    return price_of(layer, format, by_cycles_);
  }

  [[nodiscard]] bool keeps(const FormatChoice& choice) const { return choice.drop <= found_.max_drop + 1e-9; }

  /// The layers' formats one step more precise each time: the one first whose error falls most for what that
  /// costs.
  [[nodiscard]] std::vector<Picked> path_from(Picked picked) const {
    std::vector<Picked> path = {picked};
    for (;;) {
      double most = 0;
      std::size_t which = 0;
      DType to = DType::f32;
      for (std::size_t i = 0; i < picked.size(); ++i)
        for (const DType format : kFormats) {
          const LayerFormatCost& layer = found_.layers[i];
          const double gain = error_of(layer, picked[i]) - error_of(layer, format);
          const double price = std::max(layer_price(layer, format) - layer_price(layer, picked[i]), 1.0);
          if (!(gain / price > most)) continue;
          most = gain / price;
          which = i;
          to = format;
        }
      if (most == 0) return path;
      picked[which] = to;
      path.push_back(picked);
    }
  }

  /// Measures along the path, by bisection, up to the first choice that keeps the drop.
  Status walk() {
    Picked start(found_.layers.size(), DType::i8);
    for (std::size_t i = 0; i < start.size(); ++i)
      if (layer_price(found_.layers[i], DType::f32) <
          (1 - kLeastSaving) * layer_price(found_.layers[i], DType::i8))
        start[i] = DType::f32;
    const auto cheapest = measure(start);
    if (cheapest == nullptr) return kFailed;
    // Conversions may cost more than the layers save.
    const FormatChoice& narrow = found_.choices[1];
    const bool by_cycles = cheapest->cost.cycles && narrow.cost.cycles;
    if (price_of(*cheapest, by_cycles) >= price_of(narrow, by_cycles)) start.assign(start.size(), DType::i8);
    const std::vector<Picked> path = path_from(start);
    const auto first = measure(path[0]);
    if (first == nullptr) return kFailed;
    if (keeps(*first)) return look_beyond(path);
    std::size_t low = 1, high = path.size() - 1;  // path[high] has no error left
    if (low > high) return {};
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      const auto choice = measure(path[middle]);
      if (choice == nullptr) return kFailed;
      if (keeps(*choice))
        high = middle;  // what comes before is smaller, too
      else
        low = middle + 1;
    }
    return measure(path[high]) == nullptr ? Status(kFailed) : Status();
  }

  /// What more accuracy would cost, where the cheapest is good enough: the front needs other points.
  Status look_beyond(const std::vector<Picked>& path) {
    for (const std::size_t step : {std::size_t{1}, path.size() / 4})
      if (step < path.size() && measure(path[step]) == nullptr) return kFailed;
    return {};
  }

  void mark_front() {
    const auto figures = [](const FormatChoice& choice) {
      const VariantCost& cost = choice.cost;
      return std::array{choice.drop, static_cast<double>(cost.flash_bytes.value_or(cost.weights_bytes)),
                        static_cast<double>(cost.ram_bytes.value_or(cost.arena_bytes)),
                        cost.cycles.value_or(static_cast<double>(cost.instructions.value_or(0)))};
    };
    for (FormatChoice& one : found_.choices)
      one.is_unbeaten =
          std::none_of(found_.choices.begin(), found_.choices.end(), [&](const FormatChoice& other) {
            if (other.cost.fits != one.cost.fits) return false;
            const auto a = figures(other), b = figures(one);
            bool is_better = false;
            for (std::size_t i = 0; i < a.size(); ++i) {
              if (a[i] > b[i]) return false;
              is_better |= a[i] < b[i];
            }
            return is_better;
          });
  }

  void choose() {
    std::optional<std::size_t> fallback;
    std::vector<std::size_t> good;
    const auto is_nearer = [&](std::size_t a, std::size_t b) {
      const FormatChoice &one = found_.choices[a], &other = found_.choices[b];
      return one.cost.fits != other.cost.fits ? one.cost.fits : one.drop < other.drop;
    };
    for (std::size_t i = 0; i < found_.choices.size(); ++i) {
      const FormatChoice& choice = found_.choices[i];
      if (!fallback || is_nearer(i, *fallback)) fallback = i;
      if (keeps(choice) && choice.cost.fits) good.push_back(i);
    }
    if (!good.empty()) found_.chosen = cheapest_of(found_.choices, good);
    found_.best = found_.chosen.value_or(*fallback);
    const NumberPlan plan = variants_.plan(formats_of(measured_[found_.best]));
    take_formats(variants_.calibrated().graph(), plan, found_.layers);
    if (found_.chosen) return;
    const FormatChoice& best = found_.choices[found_.best];
    diagnostics_.add(
        {.kind = best.cost.fits ? Kind::gate_failed : Kind::does_not_fit,
         .message = best.cost.fits ? "no formats that fit lose at most " +
                                         float_text(static_cast<float>(found_.max_drop)) +
                                         " points: the best, " + best.name + ", loses " +
                                         float_text(static_cast<float>(std::round(best.drop * 100) / 100))
                                   : "no formats of the model fit the board " + variants_.board().name,
         .help = best.cost.fits
                     ? "a larger part, a larger --max-drop, more calibration data, or a model trained "
                       "for fewer bits"
                     : "`nblocks boards` lists larger ones"});
  }

  const Variants& variants_;
  const Judge& judge_;
  const ProgressTeller& progress_;
  Diagnostics& diagnostics_;
  FormatFrontier found_;
  std::vector<Picked> measured_;
  bool by_cycles_ = false;  ///< layers are compared by cycles: they are known of all formats throughout
};

}  // namespace

Result<FormatFrontier> choose_formats(const Variants& variants, const Judge& judge, double max_drop,
                                      const ProgressTeller& progress, Diagnostics& diagnostics) {
  return Search(variants, judge, max_drop, progress, diagnostics).run();
}

Result<std::vector<LayerFormatCost>> layer_formats(const Variants& variants, const ProgressTeller& progress,
                                                   Diagnostics& diagnostics) {
  std::vector<LayerFormatCost> layers = with_errors(variants, variants.plan({}), progress);
  if (stop_is_asked())
    return diagnostics.add({.kind = Kind::interrupted, .message = "stopped while comparing layers"});
  for (const DType format : kFormats) {
    // Of one format throughout: what --layers say of single layers does not count here.
    const NumberPlan plan = variants.calibrated().plan(variants.base(), {{"*", format}});
    const auto cost = variants.cost(plan, std::string(format_name(format)), diagnostics);
    if (!cost) return kFailed;
    take_costs(*cost, format, layers);
  }
  return layers;
}

Result<LayerExplanation> explain_layer(const Variants& variants, const std::string& layer, const Judge* judge,
                                       const ProgressTeller& progress, Diagnostics& diagnostics) {
  const NumberPlan plan = variants.plan({});
  const auto all = layer_formats(variants, progress, diagnostics);
  if (!all) return kFailed;
  const auto found =
      std::find_if(all->begin(), all->end(), [&](const LayerFormatCost& one) { return one.name == layer; });
  if (found == all->end())
    return diagnostics.add(
        {.kind = Kind::internal, .message = "layer `" + layer + "` is not among the layers"});
  LayerExplanation explained{.board = variants.board().name, .layer = *found};
  for (const LayerFormatCost& one : *all) explained.all_errors += error_of(one, one.format);
  explained.reason = named_format(variants.fixed(), layer) ? "as asked for" : "as all layers";
  for (QuantizedValue& value : variants.calibrated().account(plan))
    if (value.layer == layer) explained.values.push_back(std::move(value));
  if (judge != nullptr) {
    const auto metric = variants.metric_of(*judge, diagnostics);
    if (!metric) return kFailed;
    explained.metric = *metric;
  }
  const OutputErrors errors(variants.calibrated().graph(), variants.calibrated().blocks(),
                            variants.calibrated().samples(), kErrorSamples, kFormats.size());
  for (const DType format : kFormats) {
    LayerFormats other = variants.fixed();
    other.emplace_back(layer, format);
    const NumberPlan changed = variants.calibrated().plan(variants.base(), other);
    const std::string what = layer + " in " + std::string(format_name(format));
    LayerAlternative alternative{.format = format, .is_chosen = format == found->format, .cost = {}};
    auto cost = variants.cost(changed, what, diagnostics);
    if (!cost) return kFailed;
    alternative.cost = std::move(*cost);
    alternative.output_error = errors.of(variants.calibrated().rounded(), changed);
    if (judge != nullptr) {
      const auto value = variants.worth(changed, *judge, what, diagnostics);
      if (!value) return kFailed;
      alternative.value = *value;
    }
    explained.alternatives.push_back(std::move(alternative));
  }
  Diagnostics said;
  if (!variants.compiled(plan, variants.board(), diagnostics, &said)) return kFailed;
  for (const Diagnostic& note : said.all())
    if (note.kind == Kind::stays_float && note.layer.find("`" + layer + "`") != std::string::npos)
      explained.stays_float.push_back(note.message);
  return explained;
}

}  // namespace nb
