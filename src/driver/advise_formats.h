// The number formats that advice is about: what they are, and what each is worth on the user's data.
#pragma once
#include <optional>
#include <vector>

#include "driver/advise.h"
#include "driver/compare.h"
#include "driver/judge_program.h"

namespace nb {

/// A model's formats, in the order of Advice::formats.
struct FormatSet {
  std::vector<AdviceFormat> formats;
  std::vector<ComparedFormat> compared;  ///< for the goal `time`
  std::optional<Variants> variants;      ///< of a float model that is calibrated
  std::optional<Judge> judge;            ///< absent: accuracy is unmeasured
  Metric metric = Metric::automatic;
  std::size_t samples = 0;  ///< that the metric is of
};

/// Without --calibrate a float model is calibrated on the first samples of the data, and judged on the
/// others. `options` are the request's, with that. Errors: those of reading, calibrating and judging.
[[nodiscard]] Status find_formats(const AdviseRequest& request, const std::filesystem::path& kept,
                                  CompileOptions& options, FormatSet& found, Diagnostics& diagnostics);

/// The program of a format for a board.
[[nodiscard]] Result<Compiled> compiled_format(const AdviseRequest& request, const FormatSet& formats,
                                               std::size_t format, KernelGoal goal, const Board& board,
                                               Diagnostics& diagnostics);

}  // namespace nb
