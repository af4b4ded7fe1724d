#include "report/report.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include <unordered_map>

#include "emit/memory_map.h"
#include "emit/names.h"
#include "quantize/numbers.h"
#include "report/json_values.h"
#include "report/layer_figures.h"

namespace nb {
using nlohmann::json;

namespace {

/// "scale" and "zero_point", or with an index of an axis each "scales", "zero_points" and "axis".
void add_numbers(json& one, const Type& type) {
  if (!type.is_quantized()) return;
  if (type.quantization->is_per_axis()) {
    one["scales"] = type.quantization->scales;
    one["zero_points"] = type.quantization->zero_points;
    one["axis"] = type.quantization->axis;
  } else {
    one["scale"] = type.scale();
    one["zero_point"] = type.zero_point();
  }
}

json tensors_json(const Graph& graph, std::span<const ValueId> ids) {
  json list = json::array();
  for (const ValueId id : ids) {
    const Value& value = graph.at(id);
    json one = {{"name", value.name}, {"dtype", dtype_name(value.type.dtype)}, {"shape", value.type.shape}};
    add_numbers(one, value.type);
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace

json memory_map_json(const Graph& planned) {
  json list = json::array();
  for (const ArenaRow& row : memory_map(planned))
    list.push_back({{"name", row.name},
                    {"offset_bytes", row.offset_bytes},
                    {"size_bytes", row.size_bytes},
                    {"first_layer", row.first_layer},
                    {"last_layer", row.last_layer}});
  return list;
}

json quantization_json(const std::vector<QuantizedValue>& values) {
  json list = json::array();
  for (const QuantizedValue& value : values) {
    list.push_back({{"value", value.name},
                    {"layer", value.layer},
                    {"block", value.block},
                    {"dtype", dtype_name(value.type.dtype)},
                    {"observer", observer_name(value.observer)},
                    {"seen", {value.seen_min, value.seen_max}},
                    {"reach", {value.least, value.most}},
                    {"reason", value.reason},
                    {"snr_db", std::isfinite(value.snr_db) ? json(value.snr_db) : json(nullptr)},
                    {"cos", value.cosine}});
    add_numbers(list.back(), value.type);
  }
  return list;
}

std::vector<LayerRow> layer_rows(const Graph& graph) {
  std::vector<LayerRow> rows;
  std::unordered_map<std::string, int> layers;
  for (const Node& node : graph.nodes) ++layers[node.name];
  Names names;
  for (const auto& [name, count] : layers)
    if (count == 1) names.take(name);
  for (const Node& node : graph.nodes) {
    const Operation op = graph.operation(node);
    const std::string name =
        layers[node.name] == 1 ? node.name : names.take(node.name + "/" + node.block->name);
    LayerRow row{name, node.block->name, node.kernel, type_text(*op.out[0])};
    row.macs = node.block->macs(op);
    row.scratch_bytes = node.scratch_bytes;
    const DType dtype = op.out[0]->dtype;
    row.format = find_format(format_name(dtype)) == dtype ? format_name(dtype) : dtype_name(dtype);
    row.kernels = node.block->kernels.size();
    for (const Kernel& kernel : node.block->kernels) {
      if (kernel.name == node.kernel) break;
      ++row.passed_over;
    }
    for (const Type* type : op.out) row.output_bytes += type->size_bytes();
    for (std::size_t i = 0; i < op.in.size(); ++i)
      if (op.has(i) && !op.is_constant(i)) row.input_bytes += op.in[i]->size_bytes();
    for (std::size_t i = 0; i < op.in.size(); ++i)
      if (op.is_constant(i)) {
        row.params += op.in[i]->elements();
        row.weights_bytes += op.in[i]->size_bytes();
      }
    rows.push_back(std::move(row));
  }
  return rows;
}

Analysis analyze(const Graph& planned) {
  Analysis analysis{.layers = layer_rows(planned)};
  for (const LayerRow& row : analysis.layers) analysis.macs += row.macs;
  analysis.params = planned.parameters();
  analysis.model_macs = planned.model_macs;
  analysis.weights_bytes = planned.weights_bytes();
  analysis.arena_bytes = planned.arena_bytes;
  analysis.state_bytes = planned.state_bytes;
  analysis.ram_total_bytes = planned.arena_bytes + kRamAllowanceBytes;
  return analysis;
}

json analysis_json(const Graph& planned, const Board& board, const Analysis& analysis, bool fits,
                   const std::vector<QuantizedValue>& quantization) {
  json layers = json::array();
  for (const LayerRow& row : analysis.layers) layers.push_back(layer_json(row));
  json report = {{"schema_version", 1},
                 {"model", planned.name},
                 {"board", board.name},
                 {"core", board.processor},
                 {"fits", board.is_host() ? json(nullptr) : json(fits)},
                 {"macs", analysis.macs},
                 {"model_macs", analysis.model_macs},
                 {"params", analysis.params},
                 {"weights_bytes", analysis.weights_bytes},
                 {"arena_bytes", analysis.arena_bytes},
                 {"state_bytes", analysis.state_bytes},
                 {"ram_total_bytes_estimated", analysis.ram_total_bytes},
                 {"inputs", tensors_json(planned, planned.inputs)},
                 {"outputs", tensors_json(planned, planned.public_outputs())},
                 {"memory_map", memory_map_json(planned)},
                 {"layers", std::move(layers)}};
  if (!quantization.empty()) report["quantization"] = quantization_json(quantization);
  json memory;
  add_memory(memory,
             {.weights_bytes = analysis.weights_bytes,
              .arena_bytes = analysis.arena_bytes,
              .state_bytes = analysis.state_bytes},
             board);
  report["memories"] = std::move(memory["memories"]);
  return report;
}

json run_json(const Graph& graph, const Program& program, const Board& board, const Firmware& firmware,
              const RunResult& result, const RunCosts* costs, const std::vector<std::string>& files) {
  const auto rows = layer_rows(graph);
  json layers = json::array();
  std::int64_t macs = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    macs += rows[i].macs;
    layers.push_back(layer_json(rows[i]));
    json& layer = layers.back();
    layer["instructions"] =
        i < result.layer_instructions.size() ? json(result.layer_instructions[i]) : json(nullptr);
    if (costs == nullptr) continue;
    const double cycles = costs->layers[i].cycles.typical, all = costs->total.cycles.typical;
    add_cost(layer, costs->layers[i]);
    layer["cycles_share"] = all > 0 ? rounded(cycles / all) : json(nullptr);
    layer["cycles_per_mac"] =
        rows[i].macs > 0 ? rounded(cycles / static_cast<double>(rows[i].macs)) : json(nullptr);
    layer["macs_per_cycle"] =
        cycles > 0 ? rounded(static_cast<double>(rows[i].macs) / cycles) : json(nullptr);
  }
  json outputs = tensors_json(graph, graph.public_outputs());
  for (std::size_t i = 0; i < outputs.size(); ++i)
    outputs[i]["file"] = i < files.size() ? json(files[i]) : json(nullptr);
  std::string compile_command;
  for (const std::string& word : firmware.compile_command)
    compile_command += (compile_command.empty() ? "" : " ") + word;
  json report = {{"schema_version", 1},
                 {"model", graph.name},
                 {"board", board.name},
                 {"core", board.processor},
                 {"machine", firmware.machine},
                 {"compile_command", compile_command},
                 {"macs", macs},
                 {"model_macs", graph.model_macs},
                 {"fits", board.is_host() ? json(nullptr) : json(true)},
                 {"samples", result.outputs.count},
                 {"instructions", or_null(result.instructions)},
                 {"wall_seconds", result.wall_seconds},
                 {"layers", std::move(layers)},
                 {"memory_map", memory_map_json(graph)},
                 {"inputs", tensors_json(graph, graph.inputs)},
                 {"outputs", std::move(outputs)}};
  add_memory(report, memory_of(graph, program, board, firmware, result), board);
  if (costs != nullptr) {
    add_cost(report, costs->total);
    report["stall_cycles_estimated"] = std::llround(costs->stall_cycles);
    report["cost_basis"] = cost_basis_json(costs->basis, costs->duty, costs->assumptions);
    report["roofline"] = roofline_json(rows, board);
  }
  return report;
}

json diagnostics_json(const Diagnostics& diagnostics) {
  json list = json::array();
  for (const Diagnostic& d : diagnostics.all()) {
    const KindRow& row = row_of(d.kind);
    list.push_back({{"kind", row.name},
                    {"severity", name_of(row.severity)},
                    {"message", d.message},
                    {"file", d.file},
                    {"layer", d.layer},
                    {"line", d.line},
                    {"notes", d.notes},
                    {"help", d.help}});
  }
  return list;
}

json generate_json(const Graph& planned, const Program& program, const Board& board,
                   const std::string& folder) {
  json files = json::array();
  for (const EmittedFile& file : program.files) files.push_back(file.path);
  return {{"schema_version", 1},
          {"model", planned.name},
          {"board", board.name},
          {"folder", folder},
          {"header", program.header},
          {"entry", program.entry},
          {"files", std::move(files)},
          {"inputs", tensors_json(planned, planned.inputs)},
          {"outputs", tensors_json(planned, planned.public_outputs())},
          {"arena_bytes", planned.arena_bytes},
          {"state_bytes", planned.state_bytes},
          {"weights_bytes", program.constant_bytes}};
}

json ended_json(json report, const Diagnostics& diagnostics) {
  report["ok"] = !diagnostics.has_errors();
  report["exit_code"] = diagnostics.exit_code();
  report["diagnostics"] = diagnostics_json(diagnostics);
  return report;
}

std::string json_text(const json& value, int indent) {
  return value.dump(indent, ' ', false, json::error_handler_t::replace);
}

}  // namespace nb
