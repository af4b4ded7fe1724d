// nblocks advise: what to do so that a model fits.
#include "driver/advise.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/number_help.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/formats.h"
#include "cli/progress.h"
#include "target/board_use.h"

namespace nb::cli {
namespace {

constexpr std::size_t kShown = 10;  ///< ranked answers in the table, at least

struct Amount {
  double value = 0;
  std::string unit;
};

/// "5EUR", "0.3mJ", "30%". Errors: usage, unless the number is above zero.
Result<Amount> parse_amount(const std::string& text, const std::string& option, const std::string& example,
                            Diagnostics& diagnostics) {
  Amount amount;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, amount.value);
  amount.unit = std::string(trim(std::string_view(read.ptr, static_cast<std::size_t>(end - read.ptr))));
  if (read.ec != std::errc() || !(amount.value > 0) || !std::isfinite(amount.value) || amount.unit.empty())
    return diagnostics.add({.kind = Kind::usage,
                            .message = option + " `" + printable(text) + "` is not understood",
                            .help = number_help(text, "as in " + example)});
  return amount;
}

bool is_currency(const std::string& text) {
  return text.size() == 3 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

Status add_price_limit(const Options& options, AdviseRequest& request, Diagnostics& diagnostics) {
  if (options.max_price.empty()) return {};
  const auto price = parse_amount(options.max_price, "--max-price", "--max-price 5EUR", diagnostics);
  if (!price) return kFailed;
  if (!is_currency(price->unit))
    return diagnostics.add({.kind = Kind::usage,
                            .message = "--max-price `" + printable(options.max_price) + "` has no currency",
                            .help = "as in --max-price 5EUR"});
  request.limits.max_price = price->value;
  request.currency = price->unit;
  return {};
}

/// The share of the core's time that may be taken.
Status add_share(const Options& options, const CostRequest& cost, AdviceLimits& limits,
                 Diagnostics& diagnostics) {
  if (options.cpu_share.empty()) return {};
  const auto share = parse_amount(options.cpu_share, "--cpu-share", "--cpu-share 30%", diagnostics);
  if (!share) return kFailed;
  if (share->unit != "%" || share->value > 100)
    return diagnostics.add({.kind = Kind::usage,
                            .message = "--cpu-share `" + printable(options.cpu_share) + "` is no percentage",
                            .help = "as in --cpu-share 30%"});
  if (!cost.period_ms)
    return diagnostics.add({.kind = Kind::usage,
                            .message = "--cpu-share without --period",
                            .help = "how often it runs: --period 1s"});
  limits.max_cpu_share = share->value / 100;
  return {};
}

/// Models on the same part: "MODEL" or "MODEL=PERIOD".
Result<std::vector<Companion>> asked_companions(const Options& options, Diagnostics& diagnostics) {
  std::vector<Companion> companions;
  for (const std::string& text : options.companions) {
    const std::size_t equals = text.rfind('=');
    Companion companion{.model = text.substr(0, equals)};
    if (equals != std::string::npos) {
      const auto period = parse_duration_ms(text.substr(equals + 1), "--with", diagnostics);
      if (!period) return kFailed;
      companion.period_ms = *period;
    } else if (!options.cpu_share.empty()) {
      return diagnostics.add({.kind = Kind::usage,
                              .message = "--cpu-share with `" + printable(text) + "`, which has no period",
                              .help = "--with MODEL=PERIOD, as in --with b.tflite=100ms"});
    }
    companions.push_back(std::move(companion));
  }
  return companions;
}

Status add_limits(const Options& options, AdviseRequest& request, Diagnostics& diagnostics) {
  AdviceLimits& limits = request.limits;
  if (!options.max_latency.empty()) {
    const auto latency = parse_duration_ms(options.max_latency, "--max-latency", diagnostics);
    if (!latency) return kFailed;
    limits.max_latency_ms = *latency;
  }
  if (!options.max_energy.empty()) {
    const auto energy = parse_amount(options.max_energy, "--max-energy", "--max-energy 5mJ", diagnostics);
    if (!energy) return kFailed;
    const double factor = energy->unit == "mJ"   ? 1
                          : energy->unit == "uJ" ? 1e-3
                          : energy->unit == "J"  ? 1e3
                                                 : 0;
    if (factor == 0)
      return diagnostics.add({.kind = Kind::usage,
                              .message = "--max-energy `" + printable(options.max_energy) + "` has no unit",
                              .help = "uJ, mJ or J, as in --max-energy 5mJ"});
    limits.max_energy_mj = energy->value * factor;
  }
  limits.min_value = options.min_acc;
  limits.max_drop = options.max_drop;
  if ((limits.min_value || limits.max_drop) && options.data.empty())
    return diagnostics.add({.kind = Kind::usage,
                            .message = std::string(limits.min_value ? "--min-acc" : "--max-drop") +
                                       " without --data: accuracy is measured, never assumed",
                            .help = "--data TEST.npz with inputs and targets"});
  for (const auto& [text, option, bytes] :
       {std::tuple(&options.reserve_ram, "--reserve-ram", &limits.reserve_ram_bytes),
        std::tuple(&options.reserve_flash, "--reserve-flash", &limits.reserve_flash_bytes)}) {
    if (text->empty()) continue;
    const auto read = parse_bytes(*text, option, diagnostics);
    if (!read) return kFailed;
    *bytes = *read;
  }
  return add_price_limit(options, request, diagnostics)
             ? add_share(options, request.cost, limits, diagnostics)
             : Status(kFailed);
}

/// The user's prices, and a rate of the command line.
Result<std::optional<PriceList>> asked_prices(const Options& options, const std::string& currency,
                                              Diagnostics& diagnostics) {
  std::optional<PriceList> prices;
  if (!options.prices.empty()) {
    auto list = load_price_list(options.prices, diagnostics);
    if (!list) return kFailed;
    prices = std::move(*list);
  }
  if (options.rate.empty()) return prices;
  const std::size_t equals = options.rate.find('=');
  const std::string from = options.rate.substr(0, equals);
  const auto rate = equals == std::string::npos ? Result<Amount>(kFailed)
                                                : parse_amount(options.rate.substr(equals + 1), "--rate",
                                                               "--rate USD=0.92EUR", diagnostics);
  if (!rate || !is_currency(from) || !is_currency(rate->unit)) {
    if (!diagnostics.has_errors())
      diagnostics.add({.kind = Kind::usage,
                       .message = "--rate `" + printable(options.rate) + "` is not understood",
                       .help = "as in --rate USD=0.92EUR"});
    return kFailed;
  }
  if (!prices) prices = PriceList{.currency = rate->unit};
  if (prices->currency != rate->unit || (!currency.empty() && currency != rate->unit))
    return diagnostics.add({.kind = Kind::usage,
                            .message = "--rate leads to " + rate->unit + ", prices are wanted in " +
                                       (currency.empty() ? prices->currency : currency)});
  prices->rates[from] = rate->value;
  return prices;
}

std::string value_text(const AdviceFormat& format) {
  if (!format.value) return "";
  const Estimate& value = *format.value;
  if (value.low >= value.high) return fmt::format("{:.4g}", value.typical);
  return fmt::format("{:.4f} ({:.3f}-{:.3f})", value.typical, value.low, value.high);
}

/// "9.50 (7.00-12.00) USD"; without brackets where the catalogue has one figure.
std::string price_cell(const Estimate& price, const std::string& currency) {
  if (price.low >= price.high) return fmt::format("{:.2f} {}", price.typical, currency);
  return fmt::format("{:.2f} ({:.2f}-{:.2f}) {}", price.typical, price.low, price.high, currency);
}

std::vector<std::string> cells_of(const AdviceCandidate& one, const Advice& advice, std::size_t rank) {
  const AdviceFormat& format = advice.formats[one.format];
  std::vector<std::string> cells = {std::to_string(rank) + (one.is_on_front ? "*" : ""), one.title.en};
  if (advice.metric != Metric::automatic) cells.push_back(value_text(format));
  const Cost& cost = one.row.costs->total;
  cells.push_back(cost.latency_ms ? short_interval(*cost.latency_ms) : "?");
  cells.push_back(cost.energy_uj ? short_interval(*cost.energy_uj, 1e-3) : "?");
  const std::int64_t far_bytes = one.row.far_bytes.value_or(0);
  cells.push_back(bytes_text(*one.row.flash_bytes) + (far_bytes > 0 ? " + " + bytes_text(far_bytes) : ""));
  cells.push_back(bytes_text(*one.row.ram_bytes));
  cells.push_back(one.price ? price_cell(*one.price, advice.currency) : "?");
  return cells;
}

void print_answers(const Advice& advice, std::size_t described) {
  const std::size_t shown = std::min(std::max(kShown, described), advice.ranked.size());
  std::vector<Column> columns = {{"", true}, {"", true}};
  if (advice.metric != Metric::automatic) columns.push_back({std::string(name_of(advice.metric)), true});
  columns.insert(columns.end(), {{"ms"}, {"mJ"}, {"flash"}, {"RAM"}, {"price"}});
  std::vector<std::vector<std::string>> lines;
  for (std::size_t i = 0; i < shown; ++i)
    lines.push_back(cells_of(advice.candidates[advice.ranked[i]], advice, i + 1));
  print_columns(columns, lines);
  if (advice.ranked.size() > shown)
    fmt::print("  and {} more: --show N prints the first N, --json has them all\n",
               advice.ranked.size() - shown);
  fmt::print(
      "\n  * no other way is better in one of price, ms, mJ and accuracy and no worse in the others.\n"
      "    In brackets: where nine in ten lie. ?: the catalogue has no figure; --json has the reason.\n");
}

/// Of a duty cycle: average power, current, how long the battery lasts.
void print_duty(const DutyCost& duty) {
  if (!duty.cycle) {
    fmt::print("     average power is not known: {}\n", duty.why_not);
    return;
  }
  fmt::print("     on average {} mW", short_interval(duty.cycle->average_mw));
  if (duty.current_ma && duty.days)
    fmt::print(", {} mA: the battery lasts {} days", short_interval(*duty.current_ma),
               short_interval(*duty.days));
  fmt::print("\n");
}

/// The first answers, and the first of each other way.
void print_described(const Advice& advice, std::size_t described) {
  for (std::size_t i = 0; i < advice.ranked.size(); ++i) {
    const auto& firsts = advice.best_of_ways;
    if (i >= described && std::find(firsts.begin(), firsts.end(), advice.ranked[i]) == firsts.end()) continue;
    const AdviceCandidate& one = advice.candidates[advice.ranked[i]];
    fmt::print("\n  {}. {}\n", i + 1, one.title.en);
    for (const Sentence& step : one.steps) fmt::print("     - {}\n", step.en);
    if (one.row.costs && one.row.costs->duty) print_duty(*one.row.costs->duty);
    if (one.board_samples)
      fmt::print("     run on its virtual board: {} {:.4g} over {}{}\n", name_of(advice.metric),
                 *one.board_value, count_text(*one.board_samples, "sample"),
                 one.equal_samples == one.board_samples ? ", every output as on this computer" : "");
    fmt::print("     {}\n", one.command);
  }
}

void print_advice(const Advice& advice, std::size_t described) {
  for (const Sentence& sentence : advice.summary) fmt::print("{}\n", sentence.en);
  fmt::print("\n");
  if (!advice.ranked.empty()) {
    print_answers(advice, described);
    print_described(advice, described);
  }
  if (!advice.ruled_out.empty()) fmt::print("\n  ruled out\n");
  for (const RuledOut& out : advice.ruled_out) fmt::print("    {}\n", out.text.en);
  if (!advice.relaxations.empty())
    fmt::print("\n  {}\n", advice.ranked.empty() ? "what would let one in" : "what binds: a better answer");
  for (const Relaxation& move : advice.relaxations) fmt::print("    {}\n", move.text.en);
  fmt::print("\n");
}

/// "nblocks generate net.onnx --dim N=4": what builds a program, but for format and board.
std::string generate_words(const Options& options, const std::string& model) {
  std::vector<std::string> words = {"nblocks", "generate", model};
  const auto add = [&](const char* option, const std::vector<std::string>& values) {
    for (const std::string& value : values) words.insert(words.end(), {option, value});
  };
  add("--dim", options.dims);
  add("--input-shape", options.input_shapes);
  add("--freeze", options.frozen);
  add("--state", options.states);
  add("--stream", options.streams);
  if (!options.name.empty()) add("--name", {options.name});
  return command_text(words);
}

}  // namespace

int advise(const Options& options) {
  Diagnostics diagnostics;
  AdviseRequest request;
  request.model = options.model;
  request.data = options.data;
  request.labels = options.labels;
  request.boards = options.boards;
  request.folder = options.resume;
  request.jobs = static_cast<unsigned>(options.jobs);
  request.timeout_seconds = options.timeout_seconds;
  request.is_exhaustive = options.is_exhaustive;
  request.checked = options.checked;
  request.volume = options.volume;
  request.rank_by = find_rank(options.rank_by).value_or(RankBy::price);
  request.command = [&](const std::filesystem::path& model) {
    return generate_words(options, model.string());
  };
  for (const std::string& alternative : options.alternatives) request.alternatives.emplace_back(alternative);
  Options compiling = options;
  if (!options.calibration.empty()) compiling.quantize = "int8";
  compiling.has_float_ends = options.has_float_ends && !options.calibration.empty();
  compiling.max_drop.reset();
  auto compile = compile_options(compiling, diagnostics);
  const auto conditions = parse_conditions(options.what_if, diagnostics);
  const auto cost = cost_request(options, diagnostics);
  const auto metric = metric_as_asked(options, diagnostics);
  if (!compile || !conditions || !cost || !metric) return finish(diagnostics, options);
  compile->quantize.has_float_ends = options.has_float_ends;
  request.options = std::move(*compile);
  request.conditions = *conditions;
  request.cost = *cost;
  request.metric = *metric;
  auto companions = asked_companions(options, diagnostics);
  if (!companions || !add_limits(options, request, diagnostics)) return finish(diagnostics, options);
  request.companions = std::move(*companions);
  const auto prices = asked_prices(options, request.currency, diagnostics);
  if (!prices) return finish(diagnostics, options);
  if (*prices) request.prices = &**prices;
  std::optional<Advice> advice;
  {
    ProgressLine line(options);
    std::mutex showing;
    request.progress = [&](const Progress& progress) {
      const std::lock_guard<std::mutex> alone(showing);
      line.show(progress);
    };
    request.options.quantize.progress = request.progress;
    auto found = nb::advise(request, diagnostics);
    if (found) advice = std::move(*found);
  }
  if (!advice) return finish(diagnostics, options);
  return finish_with(advice_json(*advice), diagnostics, options,
                     [&] { print_advice(*advice, options.shown); });
}

}  // namespace nb::cli
