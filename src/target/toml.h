// toml++ with this project's settings, for the parsers of this folder.
#pragma once

// toml++ asserts, or with NDEBUG assumes, what its parser goes on to check and reports properly ("[[[" is one
// such text): neither may hold here.
#undef NDEBUG
// NOLINTBEGIN(readability-identifier-naming): names of toml++
#define TOML_ASSERT(condition) static_assert(true)
#define TOML_EXCEPTIONS 0
// NOLINTEND(readability-identifier-naming)
#include <toml++/toml.h>
