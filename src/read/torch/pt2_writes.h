// What an exported program writes over: buffers, which become states, and inputs.
#pragma once
#include <string>
#include <unordered_set>

#include "read/torch/pt2_program.h"

namespace nb::torch {

/// The buffers (by their names in the model) and inputs (by their names in the graph) that the program
/// writes, as its signature says or by operators in place, also through views.
[[nodiscard]] std::unordered_set<std::string> written_memory(const Pt2Program& program);

}  // namespace nb::torch
