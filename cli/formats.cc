#include "cli/formats.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <numeric>

#include "cli/progress.h"
#include "cli/tables.h"
#include "quantize/quantize.h"

namespace nb::cli {
namespace {

std::string count_or_dash(const std::optional<std::int64_t>& count) { return count ? grouped(*count) : "-"; }

/// "0.9861", "1.23e-05".
std::string value_text(double value) { return fmt::format("{:.4g}", value); }

/// Of an error: how far its power lies below that of the outputs.
std::string noise_text(double error) {
  return error > 0 ? fmt::format("{:.1f}", -10 * std::log10(error)) : "exact";
}

/// Of a program that does not fit its weights, or its arena, are known: it needs more.
std::string bytes_of(const std::optional<std::int64_t>& linked, std::int64_t least, bool fits) {
  return linked ? grouped(*linked) : (fits ? "" : ">") + grouped(least);
}
std::string flash_text(const VariantCost& cost) {
  return bytes_of(cost.flash_bytes, cost.weights_bytes, cost.fits);
}
std::string ram_text(const VariantCost& cost) {
  return bytes_of(cost.ram_bytes, cost.arena_bytes, cost.fits);
}

/// Of a table's column of time: milliseconds, cycles where the clock is not known, none on the host.
std::string time_title(const std::vector<const VariantCost*>& costs) {
  const auto has = [&](auto member) {
    return std::any_of(costs.begin(), costs.end(), [&](const VariantCost* one) { return one->*member; });
  };
  return has(&VariantCost::latency_ms) ? "ms" : has(&VariantCost::cycles) ? "cycles" : "";
}
/// What stands below that title, two blanks before it.
std::string time_text(const VariantCost& cost, const std::string& title) {
  if (title.empty()) return "";
  if (!cost.cycles) return fmt::format("  {:>10}", "-");
  return title == "ms" ? fmt::format("  {:>10.4g}", *cost.latency_ms)
                       : fmt::format("  {:>10}", grouped(std::llround(*cost.cycles)));
}

/// Why layers of the choice that is taken are not like the others.
void print_reasons(const FormatFrontier& frontier) {
  const LayerFormats& layers = frontier.choices[frontier.best].layers;
  if (layers.empty() || layers[0].first == "*") {
    const FormatChoice& best = frontier.choices[frontier.best];
    fmt::print("  {} throughout {}\n", best.name,
               frontier.chosen  ? "is the cheapest of those that lose no more"
               : best.cost.fits ? "loses least of those that fit"
                                : "loses least");
    return;
  }
  const bool by_cycles = have_cycles(frontier.layers);
  double all = 0;
  for (const LayerFormatCost& layer : frontier.layers) all += layer.int8_error;
  for (const LayerFormatCost& layer : frontier.layers) {
    if (layer.format == DType::i8) continue;
    const auto price = [&](DType format) {
      const VariantCost::Layer& cost = cost_in(layer, format);
      return by_cycles ? std::llround(cost.cycles) : static_cast<long long>(cost.instructions);
    };
    const long long own = price(layer.format);
    fmt::print("  {} in {}: int8 of it makes {} of the outputs' error", printable(layer.name),
               format_name(layer.format), share_text(all > 0 ? layer.int8_error / all : 0));
    if (own > 0)
      fmt::print(" and takes {} {}, {} {}", grouped(price(DType::i8)), by_cycles ? "cycles" : "instructions",
                 format_name(layer.format), grouped(own));
    fmt::print("\n");
  }
}

/// Quotes what a shell would take apart.
std::string shell_word(const std::string& text) {
  return text.find_first_of(" *?'\"$[]()&|;<>") == std::string::npos ? text : command_text({text});
}

}  // namespace

Result<Metric> metric_as_asked(const Options& options, Diagnostics& diagnostics) {
  if (const auto metric = find_metric(options.metric)) return *metric;
  const std::string near = nearest(options.metric, metric_names());
  return diagnostics.add(
      {.kind = Kind::usage,
       .message = "--metric `" + printable(options.metric) + "` is no metric",
       .help = near.empty() ? "metrics: " + join(metric_names(), ", ") : "did you mean `" + near + "`?"});
}

Result<Judge> judge_as_asked(const Options& options, const CompileOptions& compile,
                             Diagnostics& diagnostics) {
  const auto metric = metric_as_asked(options, diagnostics);
  if (!metric) return kFailed;
  CompileOptions as_floats = compile;
  as_floats.quantize = {};
  Diagnostics said;
  const auto compiled = compile_for_board(options.model, as_floats, "host", said);
  if (!compiled) {
    for (const Diagnostic& one : said.all()) diagnostics.add(one);
    return kFailed;
  }
  const std::string& file = options.data.empty() ? options.calibration : options.data;
  auto set = read_labelled(file, options.labels, compiled->graph, compile.pixels, diagnostics);
  if (!set) return kFailed;
  Judge judge{std::move(*set), file, *metric};
  if (!metric_of(compiled->graph, judge, diagnostics)) return kFailed;
  return judge;
}

Result<std::optional<FormatFrontier>> choose_as_asked(const Options& options,
                                                      const std::string& standard_board,
                                                      CompileOptions& compile, Diagnostics& diagnostics) {
  if (options.quantize != "auto") return std::optional<FormatFrontier>();
  constexpr double kHalfAPoint = 0.5;
  const double max_drop = options.max_drop.value_or(kHalfAPoint);
  if (!std::isfinite(max_drop))
    return diagnostics.add({.kind = Kind::usage, .message = "--max-drop is a number of points"});
  const auto conditions = parse_conditions(options.what_if, diagnostics);
  if (!conditions) return kFailed;
  const auto judge = judge_as_asked(options, compile, diagnostics);
  if (!judge) return kFailed;
  std::optional<FormatFrontier> found;
  {
    ProgressLine line(options);
    const ProgressTeller tell = [&](const Progress& progress) { line.show(progress); };
    compile.quantize.progress = tell;
    const std::string board = options.board.empty() ? standard_board : options.board;
    auto variants = Variants::of(options.model, compile, board, diagnostics);
    if (!variants) return kFailed;
    variants->suppose(*conditions);
    auto frontier = choose_formats(*variants, *judge, max_drop, tell, diagnostics);
    compile.quantize.progress = no_progress;
    if (!frontier) return kFailed;
    compile.quantize.calibrated = variants->shared_calibrated();
    found = std::move(*frontier);
  }
  if (!options.is_json) print_frontier(*found, options);
  if (!found->chosen) return kFailed;
  compile.quantize.layers = found->choices[*found->chosen].layers;
  return found;
}

void print_frontier(const FormatFrontier& frontier, const Options& options) {
  const FormatChoice& best = frontier.choices[frontier.best];
  std::size_t width = 7;
  for (const FormatChoice& choice : frontier.choices) width = std::max(width, choice.name.size());
  const bool is_linked = best.cost.flash_bytes.has_value();
  const auto metric_width = std::max<std::size_t>(8, name_of(frontier.metric).size());
  std::vector<const VariantCost*> costs;
  for (const FormatChoice& choice : frontier.choices) costs.push_back(&choice.cost);
  const std::string time = time_title(costs);
  fmt::print("formats on {}, at most {:g} points lost\n\n", frontier.board, frontier.max_drop);
  fmt::print("    {:<{}}  {:>{}}  {:>7}  {:>11}  {:>11}  {:>13}{}\n", "formats", width,
             name_of(frontier.metric), metric_width, "drop", is_linked ? "flash" : "weights",
             is_linked ? "ram" : "arena", "instructions", time.empty() ? "" : fmt::format("  {:>10}", time));
  for (std::size_t i = 0; i < frontier.choices.size(); ++i) {
    const FormatChoice& choice = frontier.choices[i];
    fmt::print("  {} {:<{}}  {:>{}}  {:>7.2f}  {:>11}  {:>11}  {:>13}{}  {}{}\n",
               i == frontier.chosen ? ">" : " ", choice.name, width, value_text(choice.value), metric_width,
               choice.drop, flash_text(choice.cost), ram_text(choice.cost),
               count_or_dash(choice.cost.instructions), time_text(choice.cost, time),
               choice.is_on_front() ? "on the front" : "", choice.cost.fits ? "" : " does not fit");
  }
  fmt::print("\n");
  print_reasons(frontier);
  const std::string layers = layers_option(best.layers);
  fmt::print("  the same without a search: --quantize int8{} --calibrate {}\n\n",
             layers.empty() ? "" : " --layers " + shell_word(layers), shell_word(options.calibration));
}

namespace {

constexpr std::size_t kMostColumns = 110;

/// Lines of layers; cycles, where they are known of all, or instructions, divided by `unit`.
std::vector<std::vector<std::string>> layer_lines(const std::vector<LayerFormatCost>& layers,
                                                  std::int64_t unit) {
  const auto price = [&, by_cycles = have_cycles(layers)](const VariantCost::Layer& cost) {
    const auto count = by_cycles ? std::llround(cost.cycles) : static_cast<long long>(cost.instructions);
    return grouped((count + unit / 2) / unit);
  };
  const auto own_error = [](const LayerFormatCost& layer) {
    return layer.format == DType::i8 ? layer.int8_error : layer.format == DType::i16 ? layer.int16_error : 0;
  };
  double all = 0;
  for (const LayerFormatCost& layer : layers) all += own_error(layer);
  std::vector<std::vector<std::string>> lines;
  for (const LayerFormatCost& layer : layers)
    lines.push_back({end_of(layer.name), layer.block, std::string(format_name(layer.format)),
                     share_text(all > 0 ? own_error(layer) / all : 0), noise_text(layer.int8_error),
                     noise_text(layer.int16_error), grouped(layer.int8.weights_bytes),
                     grouped(layer.float32.weights_bytes), price(layer.int8), price(layer.int16),
                     price(layer.float32)});
  return lines;
}

}  // namespace

void print_layer_formats(const std::vector<LayerFormatCost>& layers, const std::string& board) {
  constexpr std::size_t kLeft = 3;                               // columns of words
  constexpr std::array<std::size_t, 4> kGroups = {4, 6, 8, 11};  // of columns, their ends
  const std::vector<std::string> titles = {"layer",   "block",   "format", "share", "int8",   "int16",
                                           "integer", "float32", "int8",   "int16", "float32"};
  const std::string counted = have_cycles(layers) ? "cycles" : "instructions";
  std::vector<std::string> groups = {"", "snr, dB", "weights, B", counted};
  std::vector<std::vector<std::string>> lines;
  std::vector<std::size_t> widths;
  for (const std::int64_t unit : {1, 1000}) {
    if (unit == 1000) groups.back() = "1000 " + counted;
    lines = layer_lines(layers, unit);
    widths.clear();
    for (std::size_t i = 0; i < titles.size(); ++i) {
      std::size_t width = titles[i].size();
      for (const auto& line : lines) width = std::max(width, line[i].size());
      widths.push_back(width + 2);
    }
    if (std::accumulate(widths.begin(), widths.end(), std::size_t{0}) <= kMostColumns) break;
  }
  fmt::print("layers by number format, on {}\n\n", board);
  std::string above;
  std::size_t end = 0, column = 0;
  for (std::size_t g = 0; g < kGroups.size(); ++g) {
    for (; column < kGroups[g]; ++column) end += widths[column];
    above += fmt::format("{:>{}}", groups[g], end - above.size());
  }
  fmt::print("{}\n", above);
  const auto print = [&](const std::vector<std::string>& line) {
    for (std::size_t i = 0; i < line.size(); ++i)
      if (i < kLeft)
        fmt::print("  {:<{}}", line[i], widths[i] - 2);
      else
        fmt::print("{:>{}}", line[i], widths[i]);
    fmt::print("\n");
  };
  print(titles);
  for (const auto& line : lines) print(line);
  fmt::print(
      "\n  share: of the outputs' error; snr: of the outputs, the layer alone in integers within a float "
      "model.\n"
      "  {} in a model of one format throughout, with what converts the layer's operands.\n",
      counted == "cycles" ? "cycles: estimated," : counted + ":");
}

void print_explanation(const LayerExplanation& explanation) {
  const LayerFormatCost& layer = explanation.layer;
  const double own = layer.format == DType::i8    ? layer.int8_error
                     : layer.format == DType::i16 ? layer.int16_error
                                                  : 0;
  fmt::print("{} ({}) computes in {}, {}\n", printable(layer.name), layer.block, format_name(layer.format),
             explanation.reason);
  if (explanation.all_errors > 0)
    fmt::print("  it makes {} of the outputs' error; alone in int8 it leaves {} dB, in int16 {} dB\n",
               share_text(own / explanation.all_errors), noise_text(layer.int8_error),
               noise_text(layer.int16_error));
  for (const QuantizedValue& value : explanation.values)
    fmt::print("  {}: {} of {:.4g} to {:.4g} (seen {:.4g} to {:.4g}), {}; {} dB, cosine {:.6f} to float\n",
               printable(value.name), dtype_name(value.type.dtype), value.least, value.most, value.seen_min,
               value.seen_max, value.reason,
               std::isfinite(value.snr_db) ? fmt::format("{:.1f}", value.snr_db) : "exact", value.cosine);
  for (const std::string& why : explanation.stays_float) fmt::print("  stays float in part: {}\n", why);
  const bool is_linked = !explanation.alternatives.empty() && explanation.alternatives[0].cost.flash_bytes;
  std::vector<const VariantCost*> costs;
  for (const LayerAlternative& one : explanation.alternatives) costs.push_back(&one.cost);
  const std::string time = time_title(costs);
  fmt::print("\n  the model on {}, with the layer in\n", explanation.board);
  fmt::print(
      "    {:<8}  {:>11}  {:>11}  {:>13}{}  {:>16}{}\n", "", is_linked ? "flash" : "weights",
      is_linked ? "ram" : "arena", "instructions", time.empty() ? "" : fmt::format("  {:>10}", time),
      "outputs' snr, dB",
      explanation.metric == Metric::automatic ? "" : fmt::format("  {:>17}", name_of(explanation.metric)));
  for (const LayerAlternative& one : explanation.alternatives)
    fmt::print("  {} {:<8}  {:>11}  {:>11}  {:>13}{}  {:>16}{}{}\n", one.is_chosen ? ">" : " ",
               format_name(one.format), flash_text(one.cost), ram_text(one.cost),
               count_or_dash(one.cost.instructions), time_text(one.cost, time), noise_text(one.output_error),
               one.value ? fmt::format("  {:>17}", value_text(*one.value)) : "",
               one.cost.fits ? "" : "  does not fit");
}

}  // namespace nb::cli
