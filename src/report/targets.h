// What outputs should be: labels or values out of a labelled set, and how an output decides for a class.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/npy.h"
#include "diag/diagnostics.h"
#include "graph/type.h"

namespace nb {

/// What the targets of an output are, and so how it is judged.
enum class Task : std::uint8_t {
  values,          ///< real values of the output's shape
  classes,         ///< a class a position: the output's largest value along one axis decides
  binary,          ///< 0 or 1 for each value: a threshold decides
  reconstruction,  ///< 0 or 1 a sample of a model that gives back its input: its error is the score
};

/// Targets of one output for all samples.
struct Targets {
  Task task = Task::values;
  /// classes, binary, reconstruction: a label for each position of each sample. A sample's positions are
  /// [outer][inner], its output is [outer][classes][inner]; `binary` and `reconstruction` have 2 classes.
  std::vector<std::int64_t> labels;
  std::int64_t outer = 1, classes = 1, inner = 1;
  /// As many as the output has, where the targets have its shape; empty otherwise.
  std::vector<double> values;
  [[nodiscard]] std::int64_t positions() const {
    return task == Task::reconstruction ? 1 : task == Task::binary ? outer : outer * inner;
  }
};

/// What targets are read for.
struct TargetOptions {
  std::int64_t samples = 1;              ///< as many the first axis has
  bool may_reconstruct = false;          ///< the output has the shape of the only input
  std::string array = "y", output = {};  ///< names, for messages
  std::string file = {};
};

/// Integers that are fewer than the output's values are class indices: one a sample of an output with one
/// axis of several values, or one for each position of another; 0 and 1 for an output that gives back its
/// input are its labels. Of the output's shape: one-hot rows are classes, nothing but 0 and 1 is binary,
/// integers of the quantized output's own dtype are quantized as it is, all else are real values. Errors:
/// input-mismatch.
[[nodiscard]] Result<Targets> targets_of(const NpyArray& array, const Type& output,
                                         const TargetOptions& options, Diagnostics& diagnostics);

/// Class by class position: what each position of each sample decides for. `outputs` are real values, sample
/// after sample; a value that is no number is the largest, as in NumPy. `threshold` is for `binary`.
[[nodiscard]] std::vector<std::int64_t> decisions(const Targets& targets, const std::vector<double>& outputs,
                                                  double threshold);

/// The axis of a shape that alone has several sizes, as outer, classes, inner; absent if none or several
/// have.
[[nodiscard]] std::optional<Targets> single_axis(const Shape& shape);

}  // namespace nb
