// The compilers and emulators that boards need, by name.
#pragma once
#include <string>

namespace nb {

/// The first line that a tool prints about itself; empty if it cannot be run. Asked once, from any thread.
[[nodiscard]] std::string tool_version(const std::string& tool);

}  // namespace nb
