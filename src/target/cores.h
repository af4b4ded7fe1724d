// Processor cores that a board may name, one row each. bench/machines.h compiles for the same names, but for
// those that are there for data only.
#pragma once
#include <span>
#include <string_view>

#include "target/core.h"

namespace nb {

struct CoreRow {
  std::string_view name;      ///< as a board's TOML says it: "cortex-m0plus"
  std::string_view title;     ///< as people write it: "Cortex-M0+"
  Core core;                  ///< as kernels see it; several rows may share one
  bool is_data_only = false;  ///< nothing is generated for it: its boards are listed, with their data
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
      // It executes what a Cortex-M55 does: compiled and run as one.
      {"cortex-m85", "Cortex-M85", {.name = "m55", .has_dsp = true, .has_mve = true, .has_fpu = true}},
      {"rv32imc", "RV32IMC", {.name = "rv32"}},
      {"rv32imac", "RV32IMAC", {.name = "rv32"}},
      {"rv32ec", "RV32EC", {.name = "none"}, true},
      {"rxv2", "RXv2", {.name = "none", .has_fpu = true}, true},
      {"xtensa-lx6", "Xtensa LX6", {.name = "none", .has_fpu = true}, true},
      {"xtensa-lx7", "Xtensa LX7", {.name = "none", .has_fpu = true}, true},
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
