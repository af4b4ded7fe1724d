// The stations that a command walked, from a model's file to figures.
#pragma once
#include <nlohmann/json_fwd.hpp>

namespace nb {

/// One object a station: {"station": "read", "sentence": {"en": ..., "fr": ...}}, in their order. `section`
/// has the report's verb, options and files.
[[nodiscard]] nlohmann::json steps_json(const nlohmann::json& section, const nlohmann::json& found);

}  // namespace nb
