// Processor cores that a board may name, one row each. bench/machines.h compiles for the same names.
#pragma once
#include <span>
#include <string_view>

#include "target/core.h"

namespace nb {

struct CoreRow {
  std::string_view name;   ///< as a board's TOML says it: "cortex-m0plus"
  std::string_view title;  ///< as people write it: "Cortex-M0+"
  Core core;               ///< as kernels see it; several rows may share one
};

/// All rows, smallest core first, the host last.
[[nodiscard]] inline std::span<const CoreRow> core_rows() {
  static const CoreRow kRows[] = {
      {"cortex-m0", "Cortex-M0", {.name = "m0"}},
      {"cortex-m0plus", "Cortex-M0+", {.name = "m0"}},
      {"cortex-m3", "Cortex-M3", {.name = "m3"}},
      {"cortex-m4f", "Cortex-M4F", {.name = "m4f", .has_dsp = true, .has_fpu = true}},
      {"cortex-m7", "Cortex-M7", {.name = "m7", .has_dsp = true, .has_fpu = true}},
      {"cortex-m7sp", "Cortex-M7", {.name = "m7", .has_dsp = true, .has_fpu = true}},  // single precision
      {"cortex-m33", "Cortex-M33", {.name = "m33", .has_dsp = true, .has_fpu = true}},
      {"cortex-m55", "Cortex-M55", {.name = "m55", .has_dsp = true, .has_mve = true, .has_fpu = true}},
      {"rv32imc", "RV32IMC", {.name = "rv32"}},
      {"rv32imac", "RV32IMAC", {.name = "rv32"}},
      {"host", "this computer", {.name = "host", .has_fpu = true, .pointer_bytes = 8}},
  };
  return kRows;
}

/// The row of that name, or null.
[[nodiscard]] inline const CoreRow* find_core_row(std::string_view name) {
  for (const CoreRow& row : core_rows())
    if (row.name == name) return &row;
  return nullptr;
}

}  // namespace nb
