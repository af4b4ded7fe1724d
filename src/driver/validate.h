// A model's emitted program against its float reference, on a labelled set.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/progress.h"
#include "bench/labelled.h"
#include "driver/program.h"
#include "report/validation.h"

namespace nb {

struct ValidateOptions {
  std::filesystem::path data;
  std::string labels;               ///< see read_labelled
  std::filesystem::path reference;  ///< empty: the model itself, in float, on this computer
  Metric metric = Metric::automatic;
  Gates gates;
  std::optional<double> threshold;     ///< see ScoreOptions
  std::int64_t samples = 0;            ///< at most that many, the first; 0: all
  BuildOptions build;                  ///< of the program
  std::filesystem::path build_folder;  ///< of the program; empty: a temporary one
  double timeout_seconds = 600;  ///< of a batch of samples; of all where state goes from one to the next
  ProgressTeller progress = no_progress;
};

/// Whether data, labels, metric, gates and threshold serve the model, found out on the float model: before
/// anything is quantized. Errors: those of compiling; input-mismatch, file-unreadable and usage for what does
/// not serve.
[[nodiscard]] Status check_data(const std::filesystem::path& model, const CompileOptions& options,
                                const ValidateOptions& asked, Diagnostics& diagnostics);

/// Compiles, builds and runs both on the same samples, and compares. Gates that are not kept are reported
/// (gate-failed), with the validation. Errors: those of check_data, which comes first; those of compiling,
/// building and running.
[[nodiscard]] Result<Validation> validate(const std::filesystem::path& model, const CompileOptions& options,
                                          std::string_view board, const ValidateOptions& asked,
                                          Diagnostics& diagnostics);

/// A validation of a program that was compiled, before anything is compared.
[[nodiscard]] Validation described(const Compiled& compiled, std::int64_t samples);

}  // namespace nb
