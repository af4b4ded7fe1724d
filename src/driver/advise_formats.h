// The number formats that advice is about: what they are, and what each is worth on the user's data.
#pragma once
#include <optional>
#include <vector>

#include "driver/advise.h"
#include "driver/compare.h"
#include "driver/judge_program.h"

namespace nb {

/// One model of a request, and what its formats are made of.
struct AdvisedModel {
  std::filesystem::path file;
  CompileOptions options;  ///< the request's, with the calibration that is used
  bool is_integer = false;
  bool rounds_twice = false;         ///< an integer one, as it is
  std::optional<Variants> variants;  ///< of a float model that is calibrated
  std::optional<Judge> judge;        ///< absent: accuracy is unmeasured
};

/// The formats of all models, in the order of Advice::formats.
struct FormatSet {
  std::vector<AdviceFormat> formats;
  std::vector<ComparedFormat> compared;  ///< for the goal `time`
  std::vector<std::size_t> owners;       ///< indices into `models`, by format
  std::vector<AdvisedModel> models;      ///< the request's, then its alternatives
  Metric metric = Metric::automatic;
  std::size_t samples = 0;  ///< that the metric is of

  [[nodiscard]] const AdvisedModel& model_of(std::size_t format) const { return models[owners[format]]; }
};

/// Reads all models and the data, then calibrates and judges. Without --calibrate a float model is calibrated
/// on the first samples of the data, and judged on the others. Errors: usage, those of reading, calibrating
/// and judging.
[[nodiscard]] Status find_formats(const AdviseRequest& request, const std::filesystem::path& kept,
                                  FormatSet& found, Diagnostics& diagnostics);

/// The program of a format for a board.
[[nodiscard]] Result<Compiled> compiled_format(const FormatSet& formats, std::size_t format, KernelGoal goal,
                                               const Board& board, Diagnostics& diagnostics);

}  // namespace nb
