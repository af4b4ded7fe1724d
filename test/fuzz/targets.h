// What is fuzzed: one function a way into the program for bytes that somebody else wrote. Each returns when
// the bytes were refused with a diagnostic or understood, and aborts when a rule of the program is broken.
#pragma once
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace nb::fuzz {

struct Target {
  std::string_view name;
  void (*run)(ByteSpan bytes);
};

/// All targets; the corpus of each lies in test/fuzz/corpus/<name>.
[[nodiscard]] std::span<const Target> targets();
[[nodiscard]] const Target* find_target(std::string_view name);

}  // namespace nb::fuzz
