// How the run of a firmware ended that did not come from its first mark to its last.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "base/elf.h"
#include "base/result.h"
#include "bench/emulate.h"
#include "diag/diagnostics.h"

namespace nb {

/// Of -D, in the run's folder; with -d int,guest_errors.
inline constexpr const char* kExceptionLog = "nb_exceptions.txt";

/// "0x00000042"
[[nodiscard]] std::string address_text(std::uint32_t address);

/// How the file is built.
struct FirmwareBuild {
  std::string note;  ///< what its build attributes ask for and the core lacks; empty: nothing
  std::string help;  ///< how to build for the core
};

/// What ran, and what of it was asked for.
struct FirmwareRun {
  const ElfFile& elf;
  const Emulation& emulation;  ///< with CountRequest::has_end; the marks are `from` and, if it is named, `to`
  std::string_view core;
  std::string from, to;  ///< as the user named them; no `to`: until `from` returns
  double timeout_seconds;
  std::filesystem::path folder;  ///< holds kExceptionLog
  FirmwareBuild build = {};
};

/// Whether the program went from `from` to `to`. Errors: firmware-fault (it faulted, or did not end), usage
/// (never reached, with what ran instead).
[[nodiscard]] Status check_passage(const FirmwareRun& run, Diagnostics& diagnostics);

}  // namespace nb
