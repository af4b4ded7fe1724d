#include "report/layer_figures.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "bench/memory_plan.h"
#include "report/json_values.h"
#include "report/sentences.h"

namespace nb {
namespace {

using nlohmann::json;

/// Why that kernel computes the layer.
Sentence reason_of(const LayerRow& row) {
  const auto kernels = static_cast<std::int64_t>(row.kernels);
  if (kernels <= 1) return say("the one kernel of {0}", "le seul noyau de {0}", {word(row.block)});
  if (row.passed_over == 0)
    return say("first choice of the {0} kernels of {1}", "premier choix des {0} noyaux de {1}",
               {count(kernels), word(row.block)});
  return say(
      "the best of the {0} kernels of {1} that applies; {2} before it need another core, type or shape",
      "le meilleur des {0} noyaux de {1} qui convienne ; {2} avant lui veulent un autre cœur, type ou "
      "forme",
      {count(kernels), word(row.block), count(static_cast<std::int64_t>(row.passed_over))});
}

/// Multiply-accumulates a cycle at most, of values of that format.
std::optional<double> peak_macs(const Board& board, const std::string& format) {
  const std::string& core = board.core.name;
  const bool is_float = format == "float32";
  if (board.core.has_mve) return is_float ? 2 : format == "int16" ? 4 : 8;
  if (is_float) {
    if (core == "m7") return 1;
    if (core == "m4f") return 1.0 / 3;
    return std::nullopt;
  }
  if (board.core.has_dsp) return 2;
  return core == "m0" || core == "m3" || core == "rv32" ? std::optional(0.5) : std::nullopt;
}

std::optional<double> loaded_bytes(const Board& board) {
  const std::string& core = board.core.name;
  if (core == "host" || core == "none") return std::nullopt;
  return core == "m7" || core == "m55" ? 8 : 4;
}

/// The groups that a layer's name says it is in, and itself: "encoder/0/norm" and "encoder.0.norm" are
/// "encoder", "0", "norm".
std::vector<std::string> path_of(const std::string& name) {
  std::vector<std::string> path = {""};
  for (const char c : name) {
    if (c != '/' && c != '.')
      path.back() += c;
    else if (!path.back().empty())
      path.emplace_back();
  }
  if (path.back().empty() && path.size() > 1) path.pop_back();
  return path;
}

}  // namespace

json layer_json(const LayerRow& row) {
  return {{"name", row.name},
          {"path", path_of(row.name)},
          {"block", row.block},
          {"kernel", row.kernel},
          {"why", sentence_json(reason_of(row))},
          {"format", row.format},
          {"output", row.output},
          {"macs", row.macs},
          {"params", row.params},
          {"weights_bytes", row.weights_bytes},
          {"input_bytes", row.input_bytes},
          {"output_bytes", row.output_bytes},
          {"scratch_bytes", row.scratch_bytes},
          {"macs_per_byte", row.macs_per_byte()}};
}

ProgramMemory memory_of(const Graph& graph, const Program& program, const Board& board,
                        const Firmware& firmware, const RunResult& result) {
  ProgramMemory memory{.weights_bytes = program.constant_bytes,
                       .arena_bytes = graph.arena_bytes,
                       .state_bytes = graph.state_bytes,
                       .stack_bytes = result.stack_bytes};
  if (!board.is_host()) {
    memory.flash_bytes = firmware.flash_bytes;
    memory.static_bytes = firmware.static_bytes;
    memory.far_bytes = firmware.far_bytes;
  }
  return memory;
}

void add_memory(json& to, const ProgramMemory& memory, const Board& board) {
  const auto& [weights, arena, state, flash, stack, statics, far_bytes] = memory;
  to["flash"] = {{"weights_bytes", weights},
                 {"far_bytes", flash ? json(far_bytes) : json(nullptr)},
                 {"code_bytes", flash ? json(*flash - memory.inner_weights_bytes()) : json(nullptr)},
                 {"total_bytes", or_null(flash)}};
  to["ram"] = {{"arena_bytes", arena},
               {"state_bytes", state},
               {"stack_bytes", or_null(stack)},
               {"static_bytes", or_null(statics)},
               {"total_bytes", statics ? json(arena + stack.value_or(0) + *statics) : json(nullptr)}};
  json memories = json::array();
  if (!board.is_host()) {
    const MemoryPlan plan = plan_memories(board, arena);
    // One row a memory, in the order in which they are named.
    const auto add = [&](const Memory* place, const char* what, std::int64_t bytes) {
      if (place == nullptr) return;
      json* row = nullptr;
      for (json& one : memories)
        if (one["name"] == place->name) row = &one;
      if (row == nullptr) {
        memories.push_back({{"name", place->name},
                            {"kind", name_of(place->kind)},
                            {"size_bytes", or_null(place->size_bytes)},
                            {"used_bytes", 0},
                            {"holds", json::array()}});
        row = &memories.back();
      }
      (*row)["used_bytes"] = (*row)["used_bytes"].get<std::int64_t>() + bytes;
      (*row)["holds"].push_back({{"what", what}, {"size_bytes", bytes}});
    };
    if (flash)
      add(plan.program, "program", *flash);
    else
      add(plan.program, "weights", weights);
    if (far_bytes > 0) add(plan.weights, "weights", far_bytes);
    // Where none has room for it, it is shown with the memory of the stack, which is then too small.
    add(plan.arena != nullptr ? plan.arena : plan.stack, "arena", arena);
    if (stack) add(plan.stack, "stack", *stack);
    if (statics) add(plan.stack, "static", *statics);
  }
  to["memories"] = std::move(memories);
}

json roofline_json(const std::vector<LayerRow>& rows, const Board& board) {
  std::map<std::string, std::int64_t> macs;
  for (const LayerRow& row : rows) macs[row.format] += row.macs;
  std::string format;
  for (const auto& [name, sum] : macs)
    if (format.empty() || sum > macs[format]) format = name;
  const auto peak = peak_macs(board, format);
  return {
      {"format", format},
      {"peak_macs_per_cycle", or_null(peak)},
      {"loaded_bytes_per_cycle", or_null(loaded_bytes(board))},
      {"how",
       sentence_json(say(
           "A point is a layer: its multiply-accumulates over its estimated cycles, against its "
           "multiply-accumulates over the bytes of its input, output and weights, each counted once. The "
           "flat roof is what the core's multiply instructions do in a cycle on {0} at best; the slope is "
           "what loads bring.",
           "Un point est une couche : ses multiplications-accumulations par cycle estimé, selon ses "
           "multiplications-accumulations par octet d’entrée, de sortie et de poids, chacun compté une "
           "fois. Le toit plat est ce que les multiplications du cœur font au mieux par cycle en {0} ; la "
           "pente, ce que les lectures apportent.",
           {word(format)}))}};
}

}  // namespace nb
