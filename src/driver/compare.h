// Models on many boards: each core builds and runs a program once, and each of its boards is priced from
// that.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/progress.h"
#include "driver/variants.h"
#include "report/comparison.h"
#include "target/board.h"
#include "timing/conditions.h"

namespace nb {

/// One way to make a program of a model.
struct ComparedFormat {
  std::string name;  ///< "int8"; empty: the model as it is
  CompileOptions options;
  /// The model, calibrated, and which of its layers are not in the base format; null: by `options`.
  const Variants* variants = nullptr;
  LayerFormats layers = {};
};

struct CompareRequest {
  std::vector<std::filesystem::path> models;
  std::vector<ComparedFormat> formats;
  std::vector<std::string> boards;      ///< as asked_boards takes them
  std::vector<Board> made_boards = {};  ///< instead of `boards`, if there are any
  MemoryConditions conditions;
  CostRequest cost;
  const PriceList* prices = nullptr;
  std::filesystem::path folder;  ///< what was run is kept there, and found again; empty: not
  unsigned jobs = 0;             ///< threads; 0: as many as this computer has
  double timeout_seconds = 600;  ///< of each run
  ProgressTeller progress = no_progress;
};

/// What is built and run by itself: one program for boards whose code is the same.
struct ComparisonGroup {
  std::size_t model = 0, format = 0;  ///< of the request
  std::string processor;
  std::vector<std::string> boards;
};
/// Errors: those of asked_boards.
[[nodiscard]] Result<std::vector<ComparisonGroup>> comparison_groups(const CompareRequest& request,
                                                                     Diagnostics& diagnostics);

/// All rows, in the order of models, formats and boards. A core whose programs cannot be built or run here
/// has the reason in its rows. Reports does-not-fit, with the rows, for a model that no board holds in any
/// format. Errors: those of comparison_groups; those of compiling; interrupted; file-unwritable.
[[nodiscard]] Result<Comparison> compare(const CompareRequest& request, Diagnostics& diagnostics);

}  // namespace nb
