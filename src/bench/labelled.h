// A labelled set: arrays for a model's inputs, and for its outputs what they should be.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bench/samples.h"

namespace nb {

/// An array of targets under the name that it has in its file.
struct NamedTarget {
  std::string name;
  NpyArray array;
};

struct LabelledSet {
  NamedArrays inputs;                               ///< one an input, under the name that input_array found
  std::vector<std::optional<NamedTarget>> targets;  ///< one an output
};

/// Reads FILE (.npz, or the .npy of a single input). Inputs as input_array finds them, no value of which may
/// be NaN or infinite. Targets: for output i the array that is called as the output, y0 (y1, ...) or out0
/// (out1, ...); for the first also y. `labels` names the array of the first output, or is a .npy file; empty:
/// as above. A folder: pictures (PictureReader); where they lie in folders of their own, these are the
/// classes, in the order of their names. Errors: file-unreadable, input-mismatch.
[[nodiscard]] Result<LabelledSet> read_labelled(const std::filesystem::path& path, const std::string& labels,
                                                const Graph& graph, const PixelNumbers& pixels,
                                                Diagnostics& diagnostics);

/// Arrays in memory as such a set: `arrays` for the inputs, `targets` by the outputs' names.
[[nodiscard]] Result<LabelledSet> labelled_set(const NamedArrays& arrays, const NamedArrays& targets,
                                               const Graph& graph, const std::string& file,
                                               Diagnostics& diagnostics);

/// The inputs for another graph of the same model, in the same order: arrays take the other inputs' shapes
/// where only axes of 1 differ, and integers of a quantized input's own dtype become real values where the
/// other input is float. Errors: input-mismatch, at `file`.
[[nodiscard]] Result<NamedArrays> inputs_for(const Graph& other, const LabelledSet& set, const Graph& graph,
                                             const std::string& file, Diagnostics& diagnostics);

/// An array of an input as real values.
[[nodiscard]] std::optional<Tensor> real_values(const NpyArray& array, const Type& input);

}  // namespace nb
