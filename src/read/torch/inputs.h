// What a program's inputs become: values of the graph, or the constants that --freeze gives.
#pragma once
#include <string>
#include <vector>

#include "read/builder.h"

namespace nb::torch {

/// Reports `message` of no layer and ends the reading.
[[noreturn]] void fail(Diagnostics& diagnostics, Kind kind, std::string message, std::string help = {});

/// Refuses a name that an option gives and that is none of `known`, which are `what`.
void check_named(Diagnostics& diagnostics, const std::string& option, const std::string& name,
                 const std::vector<std::string>& known, const std::string& what);

/// Adds an input as the file stores it, and gives it in a dtype that graphs compute in.
[[nodiscard]] ValueId add_input(GraphBuilder& builder, const std::string& name, const Type& stored);

/// Refuses a file for --freeze whose numbers are not of the input's kind.
void check_frozen_dtype(Diagnostics& diagnostics, const std::string& name, DType given, DType inside);

}  // namespace nb::torch
