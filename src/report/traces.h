// Estimated time as profilers draw it: https://www.speedscope.app and Chrome's trace viewer.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>

namespace nb {

/// Layers of a `run`, in order of execution under the groups of their names, or the functions of a `time`,
/// one after the other; absent if the report has no times. Microseconds, or cycles if the clock is not known.
[[nodiscard]] std::optional<nlohmann::json> speedscope_json(const nlohmann::json& report);
/// Likewise, as trace events; a cycle stands for a microsecond if the clock is not known.
[[nodiscard]] std::optional<nlohmann::json> chrome_trace_json(const nlohmann::json& report);

}  // namespace nb
