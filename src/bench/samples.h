// Data for a model's inputs: files to the raw bytes that the firmware reads, outputs back to files.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/npy.h"
#include "base/samples.h"
#include "bench/images.h"
#include "graph/graph.h"

namespace nb {

using NamedArrays = std::vector<std::pair<std::string, NpyArray>>;

/// The array of the graph's input `index`: called as the input, in0 (in1, ...) or x0 (x1, ...), of the first
/// input also x. The end if there is none.
[[nodiscard]] NamedArrays::const_iterator input_array(const NamedArrays& arrays, const Graph& graph,
                                                      std::size_t index);

/// Reads FILE (a folder: its .npy files in the order of their names, each of one or more samples, or the
/// pictures in it and below; .npz: arrays as input_array finds them; .npy; a picture; .bin: raw bytes) for
/// the graph's inputs. An array of the input's shape (a leading 1 may be left out) is one sample; one more
/// leading axis, or another first dimension where the input has batch 1, is N samples. Integer inputs take
/// their own dtype raw; float arrays are quantized with the input's scale (note input-quantized). Pictures:
/// see PictureReader. Errors: file-unreadable, input-mismatch.
[[nodiscard]] Result<Samples> read_samples(const std::filesystem::path& path, const Graph& graph,
                                           const PixelNumbers& pixels, Diagnostics& diagnostics);

/// The same from arrays; `file` is named in diagnostics, and may be empty.
[[nodiscard]] Result<Samples> samples_of(const NamedArrays& arrays, const Graph& graph,
                                         const std::string& file, Diagnostics& diagnostics);

/// One sample of made-up bytes, for runs that ask only for the cost: byte i is (37 i + 11) mod 256 as int8,
/// floats that over 128.
[[nodiscard]] Samples pattern_sample(const Graph& graph);

/// An array as a tensor of the value's dtype and the array's own shape.
[[nodiscard]] std::optional<Tensor> tensor_of(const NpyArray& array);
[[nodiscard]] NpyArray npy_of(DType dtype, Shape shape, Bytes data);

/// Every public output of all samples, first axis the sample unless there is only one, with the output's
/// numbers.
[[nodiscard]] std::vector<Tensor> output_tensors(const Graph& graph, const Samples& outputs);
/// Every output as an array, first axis the sample unless there is only one. With `dequantize` integers that
/// have a scale become float.
[[nodiscard]] std::vector<NpyArray> output_arrays(const Graph& graph, const Samples& outputs,
                                                  bool dequantize);

/// Writes them as <folder>/out0.npy, out1.npy, ...; the file names.
[[nodiscard]] Result<std::vector<std::string>> write_outputs(const std::filesystem::path& folder,
                                                             const Graph& graph, const Samples& outputs,
                                                             bool dequantize, Diagnostics& diagnostics);

}  // namespace nb
