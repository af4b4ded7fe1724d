// What a report says in sentences: the steps that were taken, what came out, what limits that, what to do
// next, and why figures are missing.
#pragma once
#include <nlohmann/json_fwd.hpp>

namespace nb {

/// Adds `steps`, `results`, `limitations`, `recommendations` and `blanks` to `section` (which has verb,
/// options, files and tools) from what the verb found.
void add_narrative(nlohmann::json& section, const nlohmann::json& found);

}  // namespace nb
