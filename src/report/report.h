// report.json: what a command found, under the names that users know from ST's and MLPerf's reports.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "bench/build.h"
#include "bench/run.h"
#include "emit/emit.h"
#include "graph/graph.h"
#include "quantize/account.h"
#include "report/costs.h"
#include "target/board.h"

namespace nb {

/// One layer as tables show it.
struct LayerRow {
  std::string name;                   ///< the layer's in the model; unique, see layer_rows
  std::string block, kernel, output;  ///< output: "i8[1,25,5,64]"
  std::string format;                 ///< of its result: "int8", "float32", "i64"
  std::int64_t macs = 0, params = 0, weights_bytes = 0, scratch_bytes = 0;
  std::int64_t input_bytes = 0, output_bytes = 0;  ///< of operands and results that are no constants
  std::size_t kernels = 0;                         ///< of its block
  std::size_t passed_over = 0;                     ///< kernels before its own, which do not apply

  /// Of bytes of operands, results and weights, each counted once.
  [[nodiscard]] double macs_per_byte() const {
    const std::int64_t bytes = input_bytes + output_bytes + weights_bytes;
    return bytes > 0 ? static_cast<double>(macs) / static_cast<double>(bytes) : 0;
  }
};
/// One row a node. Nodes of one layer of the model are told apart by their block, and by a number if need be:
/// "norm/mul", "norm/mul_2".
[[nodiscard]] std::vector<LayerRow> layer_rows(const Graph& graph);

/// What is known without a compiler. Bytes; ram_total_bytes adds an allowance for stack and statics to the
/// arena.
struct Analysis {
  std::vector<LayerRow> layers;
  std::int64_t model_macs = 0;  ///< of the model as read; `macs` are those that the program computes
  std::int64_t macs = 0, params = 0, weights_bytes = 0, arena_bytes = 0, state_bytes = 0, ram_total_bytes = 0;
};
[[nodiscard]] Analysis analyze(const Graph& planned);

/// Stack and static bytes that an emitted program needs beside its arena, before it is measured.
inline constexpr std::int64_t kRamAllowanceBytes = 1536;

/// `quantization`: what --quantize decided for each value; empty without it.
[[nodiscard]] nlohmann::json analysis_json(const Graph& planned, const Board& board, const Analysis& analysis,
                                           bool fits, const std::vector<QuantizedValue>& quantization = {});
/// `files` are the outputs' .npy files, empty if none were written. `costs`: of the first inference; null on
/// the host and on cores without a timing model.
[[nodiscard]] nlohmann::json run_json(const Graph& graph, const Program& program, const Board& board,
                                      const Firmware& firmware, const RunResult& result,
                                      const RunCosts* costs, const std::vector<std::string>& files);
/// Of a written project; `folder` as the user named it.
[[nodiscard]] nlohmann::json generate_json(const Graph& planned, const Program& program, const Board& board,
                                           const std::string& folder);
/// Who lies where in the arena, and when.
[[nodiscard]] nlohmann::json memory_map_json(const Graph& planned);
/// What --quantize decided for each value.
[[nodiscard]] nlohmann::json quantization_json(const std::vector<QuantizedValue>& values);
[[nodiscard]] nlohmann::json diagnostics_json(const Diagnostics& diagnostics);
/// A verb's one JSON object: what it found, how it ended, what was said.
[[nodiscard]] nlohmann::json ended_json(nlohmann::json report, const Diagnostics& diagnostics);
/// As text; bytes that are no UTF-8 become U+FFFD. `indent` -1: one line.
[[nodiscard]] std::string json_text(const nlohmann::json& value, int indent = 2);

}  // namespace nb
