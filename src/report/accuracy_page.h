// How far estimated cycles are from published ones: as text, JSON, and the tables of docs/timing-accuracy.md.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "timing/accuracy.h"

namespace nb {

/// Every row, then the cores.
[[nodiscard]] std::string accuracy_text(std::span<const TimingRow> rows);
[[nodiscard]] nlohmann::json accuracy_json(std::span<const TimingRow> rows);
/// The cores as tables of Markdown.
[[nodiscard]] std::string accuracy_markdown(std::span<const TimingRow> rows);

}  // namespace nb
