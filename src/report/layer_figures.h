// What reports say of each layer beside its costs, and of the memories round all of them.
#pragma once
#include <algorithm>
#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "report/report.h"

namespace nb {

/// Name, block, kernel and why that one, format, macs, bytes.
[[nodiscard]] nlohmann::json layer_json(const LayerRow& row);

/// What a program takes of its board. Absent: not built.
struct ProgramMemory {
  std::int64_t weights_bytes = 0, arena_bytes = 0, state_bytes = 0;
  std::optional<std::int64_t> flash_bytes, stack_bytes, static_bytes;
  std::int64_t far_bytes = 0;  ///< of the weights, in a memory of their own beside the flash

  /// In the flash. What lies beside it is padded, so it may be more than all weights.
  [[nodiscard]] std::int64_t inner_weights_bytes() const {
    return std::max<std::int64_t>(0, weights_bytes - far_bytes);
  }
};
[[nodiscard]] ProgramMemory memory_of(const Graph& graph, const Program& program, const Board& board,
                                      const Firmware& firmware, const RunResult& result);
/// Adds `flash` and `ram`, and `memories`: those of the board that hold the program, with what they hold.
void add_memory(nlohmann::json& to, const ProgramMemory& memory, const Board& board);

/// The most that the core can do in a cycle: multiply-accumulates of the format that most of the layers'
/// macs are in, and bytes loaded. Null where it is not known.
[[nodiscard]] nlohmann::json roofline_json(const std::vector<LayerRow>& rows, const Board& board);

}  // namespace nb
