// A float model in several number formats: read and calibrated once, compiled, built and judged as often as
// wanted.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/process.h"
#include "driver/judge_program.h"
#include "driver/program.h"
#include "quantize/quantize.h"
#include "report/formats.h"
#include "timing/conditions.h"

namespace nb {

class Variants {
 public:
  /// Reads and calibrates. `options.quantize.numbers` may be absent: int8 is the base of all formats. Errors:
  /// those of compiling and of Calibrated::of.
  [[nodiscard]] static Result<Variants> of(const std::filesystem::path& model, const CompileOptions& options,
                                           const Board& board, Diagnostics& diagnostics);
  /// The same of a board's name or file. Errors: also those of find_target_board.
  [[nodiscard]] static Result<Variants> of(const std::filesystem::path& model, const CompileOptions& options,
                                           std::string_view board, Diagnostics& diagnostics);

  [[nodiscard]] const Calibrated& calibrated() const { return *calibrated_; }
  /// The same for compilations of this model for this board's core.
  [[nodiscard]] const std::shared_ptr<const Calibrated>& shared_calibrated() const { return calibrated_; }
  [[nodiscard]] const Board& board() const { return board_; }
  /// `layers`, and what the options' --layers say, which counts more.
  [[nodiscard]] LayerFormats with_fixed(LayerFormats layers) const {
    layers.insert(layers.end(), fixed_.begin(), fixed_.end());
    return layers;
  }
  /// Formats of the model: what the options' --layers say; else `layers`; else the base.
  [[nodiscard]] NumberPlan plan(LayerFormats layers) const {
    return calibrated_->plan(base_, with_fixed(std::move(layers)));
  }
  /// What the options' --layers say.
  [[nodiscard]] const LayerFormats& fixed() const { return fixed_; }
  [[nodiscard]] DType base() const { return base_; }

  /// The program in these formats for the board. Notes of its compilation go to `notes`, if given.
  [[nodiscard]] Result<Compiled> compiled(const NumberPlan& plan, const Board& board,
                                          Diagnostics& diagnostics, Diagnostics* notes = nullptr,
                                          KernelGoal goal = KernelGoal::time) const;
  /// Builds it for the board and runs the first calibration sample there, once for the same formats;
  /// estimates its cycles where it fits and the core's timing is known.
  [[nodiscard]] Result<VariantCost> cost(const NumberPlan& plan, const std::string& what,
                                         Diagnostics& diagnostics) const;
  /// The emitted program on the set, run on this computer. Errors: those of judge_program.
  [[nodiscard]] Result<Judged> judged(const NumberPlan& plan, const Judge& judge, const std::string& what,
                                      Diagnostics& diagnostics) const;
  /// Its metric.
  [[nodiscard]] Result<double> worth(const NumberPlan& plan, const Judge& judge, const std::string& what,
                                     Diagnostics& diagnostics) const;
  /// Results of programs are kept there, and found again.
  void keep_results(std::filesystem::path folder) { kept_ = std::move(folder); }
  /// What cycles are estimated for; the board as it is, unless said here.
  void suppose(const MemoryConditions& conditions) { conditions_ = conditions; }
  /// What `judge.metric` comes to for the set's targets.
  [[nodiscard]] Result<Metric> metric_of(const Judge& judge, Diagnostics& diagnostics) const;

 private:
  Variants(Board board, std::shared_ptr<const Calibrated> calibrated, bool keeps_state,
           ProgressTeller progress)
      : board_(std::move(board)),
        calibrated_(std::move(calibrated)),
        keeps_state_(keeps_state),
        progress_(std::move(progress)),
        folder_(std::make_unique<TemporaryFolder>()) {}
  [[nodiscard]] std::filesystem::path new_folder() const;
  [[nodiscard]] Result<VariantCost> measured_cost(const NumberPlan& plan, const std::string& what,
                                                  Diagnostics& diagnostics) const;
  /// The first calibration sample, for a program.
  [[nodiscard]] Result<Samples> first_sample(const Graph& program, Diagnostics& diagnostics) const;

  Board board_;
  std::shared_ptr<const Calibrated> calibrated_;
  DType base_ = DType::i8;
  LayerFormats fixed_;
  bool keeps_state_;
  ProgressTeller progress_;
  std::filesystem::path kept_;
  MemoryConditions conditions_;
  std::unique_ptr<TemporaryFolder> folder_;
  mutable int folders_ = 0;
  mutable std::map<Formats, VariantCost> costs_;
};

}  // namespace nb
