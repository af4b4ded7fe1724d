#include "cli/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/process.h"
#include "base/text.h"
#include "bench/memory_plan.h"
#include "report/layer_figures.h"

namespace nb::cli {
namespace {

constexpr std::size_t kMaxNameColumns = 44;

std::string_view title_of(const Board& board) { return board.title.empty() ? board.name : board.title; }

/// `instructions` has one number a layer, or none; `costs` may be null.
void print_layers(const std::vector<LayerRow>& rows, const std::vector<std::int64_t>& instructions,
                  const RunCosts* costs = nullptr) {
  std::size_t name_width = 5, block_width = 5, output_width = 6;
  for (const LayerRow& row : rows) {
    name_width = std::max(name_width, end_of(row.name).size());
    block_width = std::max(block_width, row.block.size());
    output_width = std::max(output_width, row.output.size());
  }
  const std::size_t number_width = std::max<std::size_t>(2, std::to_string(rows.size()).size());
  const bool has_counts = !instructions.empty();
  fmt::print("  {:>{}}  {:<{}}  {:<{}}  {:<{}} {:>13} {:>11}{}", "#", number_width, "layer", name_width,
             "block", block_width, "output", output_width, "macc", "params",
             has_counts ? "  instructions  /macc" : "");
  if (costs != nullptr) fmt::print("{:>14}  {:>6}  {:>9}", "cycles", "%", "ms");
  fmt::print("\n");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const LayerRow& row = rows[i];
    fmt::print("  {:>{}}  {:<{}}  {:<{}}  {:<{}} {:>13} {:>11}", i, number_width, end_of(row.name),
               name_width, row.block, block_width, row.output, output_width, grouped(row.macs),
               grouped(row.params));
    if (has_counts) fmt::print("  {:>12}", grouped(instructions[i]));
    if (has_counts && row.macs > 0)
      fmt::print("  {:>5.2f}", static_cast<double>(instructions[i]) / static_cast<double>(row.macs));
    if (costs != nullptr) {
      const Cost& cost = costs->layers[i];
      const double share =
          costs->total.cycles.typical > 0 ? cost.cycles.typical / costs->total.cycles.typical : 0;
      fmt::print("{:>{}}  {:>6.1f}", grouped(std::llround(cost.cycles.typical)),
                 has_counts && row.macs > 0 ? 14 : 21, share * 100);
      if (cost.latency_ms) fmt::print("  {:>9.3f}", cost.latency_ms->typical);
    }
    fmt::print("\n");
  }
  fmt::print("\n");
}

/// A total: its name, the exact number, and words.
void print_total(std::string_view name, std::int64_t value, std::string_view words = {}) {
  fmt::print("  {:<17} {:>14}{}{}\n", name, grouped(value), words.empty() ? "" : "  ", words);
}

/// What lies in the arena for good, if anything does.
void print_state(std::int64_t state_bytes) {
  if (state_bytes > 0) print_total("  of it state", state_bytes, "bytes, kept from step to step");
}

}  // namespace

std::string end_of(const std::string& name) {
  if (name.size() <= kMaxNameColumns) return name;
  return printable("..." + name.substr(name.size() - kMaxNameColumns + 3), kMaxNameColumns);
}

void print_analysis(const Graph& graph, const Board& board, const Analysis& analysis) {
  fmt::print("{} for {} ({})\n\n", graph.name, title_of(board), board.processor);
  print_layers(analysis.layers, {});
  print_total(
      "macc", analysis.macs,
      analysis.macs == analysis.model_macs ? "" : "of " + grouped(analysis.model_macs) + " in the model");
  print_total("params", analysis.params);
  print_total("weights (ro)", analysis.weights_bytes,
              "bytes, " + bytes_text(analysis.weights_bytes) + " of flash");
  print_total("activations (rw)", analysis.arena_bytes,
              "bytes, " + bytes_text(analysis.arena_bytes) + " of RAM");
  print_state(analysis.state_bytes);
  print_total("ram (total)", analysis.ram_total_bytes,
              fmt::format("bytes, {}, with {} for stack and variables (`nblocks run` measures them)",
                          bytes_text(analysis.ram_total_bytes), bytes_text(kRamAllowanceBytes)));
}

void print_quantization(const std::vector<QuantizedValue>& values) {
  if (values.empty()) return;
  std::size_t layer_columns = 5;
  for (const QuantizedValue& value : values)
    layer_columns = std::max(layer_columns, end_of(value.layer).size());
  fmt::print("\n  what the integers stand for\n  {:<{}}  {:<6}  {:>22}  {:>22}  {:>7}  why\n", "layer",
             layer_columns, "dtype", "seen", "integers reach", "snr dB");
  for (const QuantizedValue& value : values)
    fmt::print("  {:<{}}  {:<6}  {:>22}  {:>22}  {:>7}  {}\n", end_of(value.layer), layer_columns,
               dtype_name(value.type.dtype), fmt::format("{:.4g} to {:.4g}", value.seen_min, value.seen_max),
               fmt::format("{:.4g} to {:.4g}", value.least, value.most),
               std::isfinite(value.snr_db) ? fmt::format("{:.1f}", value.snr_db) : "exact", value.reason);
}

void print_costs(const Cost& total, double stall_cycles, const CostBasis& basis,
                 const std::optional<DutyCost>& duty, const std::vector<std::string>& assumptions) {
  const auto line = [](std::string_view name, const std::string& text) {
    fmt::print("  {:<17} {}\n", name, text);
  };
  line("cycles", count_interval_text(total.cycles) + ", of them waiting for memory " +
                     grouped(std::llround(stall_cycles)));
  if (total.latency_ms)
    line("latency", interval_text(*total.latency_ms) + " ms at " +
                        fmt::format("{:g} MHz", static_cast<double>(*basis.clock_hz) / 1e6));
  if (total.energy_uj) {
    line("energy", interval_text(*total.energy_uj) + " uJ, at " + interval_text(basis.run.figure->mw) +
                       " mW of the " + (basis.run.figure->is_of_board ? "board" : "part") + ": " +
                       basis.run.figure->source);
    for (const std::string& reading : basis.run.figure->readings) line("", reading);
  } else {
    line("energy", "not known: " + (total.latency_ms ? basis.run.why_not : "no clock"));
  }
  if (duty && duty->cycle) {
    line("average power", interval_text(duty->cycle->average_mw) + " mW, running " +
                              fmt::format("{:.3g} % of the time", duty->cycle->share * 100));
    if (duty->days)
      line("battery", interval_text(*duty->days) + " days, at " + interval_text(*duty->current_ma) + " mA");
  } else if (duty) {
    line("average power", "not known: " + duty->why_not);
  }
  for (const std::string& sentence : assumptions) line("assumed", sentence);
}

void print_run(const Graph& graph, const Program& program, const Board& board, const Firmware& firmware,
               const RunResult& result, const RunCosts* costs, const std::vector<std::string>& files) {
  fmt::print("{} on {} ({}), {}\n\n", graph.name, title_of(board), firmware.machine,
             count_text(result.outputs.count, "sample"));
  print_layers(layer_rows(graph), result.layer_instructions, costs);
  if (result.instructions) {
    const ProgramMemory memory = memory_of(graph, program, board, firmware, result);
    const std::int64_t stack = result.stack_bytes.value_or(0);
    const std::int64_t ram = graph.arena_bytes + stack + firmware.static_bytes;
    print_total("instructions", *result.instructions,
                graph.state_bytes > 0 ? "a step (the first sample's)" : "an inference (the first sample's)");
    if (costs != nullptr)
      print_costs(costs->total, costs->stall_cycles, costs->basis, costs->duty, costs->assumptions);
    const std::int64_t weights = memory.inner_weights_bytes();
    print_total("flash", firmware.flash_bytes,
                fmt::format("bytes, {}: weights {}, code {}", bytes_text(firmware.flash_bytes),
                            grouped(weights), grouped(firmware.flash_bytes - weights)));
    if (const Memory* far = plan_memories(board, graph.arena_bytes).weights;
        far != nullptr && firmware.far_bytes > 0)
      print_total(far->name, firmware.far_bytes,
                  "bytes, " + bytes_text(firmware.far_bytes) + " of weights outside the part");
    print_total("ram (total)", ram,
                fmt::format("bytes, {}: arena {}, stack {} (measured), variables {}", bytes_text(ram),
                            grouped(graph.arena_bytes), grouped(stack), grouped(firmware.static_bytes)));
  } else {
    print_total("activations (rw)", graph.arena_bytes, "bytes, " + bytes_text(graph.arena_bytes));
  }
  print_state(graph.state_bytes);
  fmt::print("  {:<17} {}\n", "compiled by", command_text(firmware.compile_command));
  for (const std::string& file : files) fmt::print("  {:<17} {}\n", "output", file);
}

}  // namespace nb::cli
