// An ONNX model file as a graph.
#pragma once
#include "read/builder.h"

#include <filesystem>

namespace nb {

/// Reads an ONNX model of any operator set up to the newest known. `folder` is where external data may lie.
/// float16, bfloat16 and double values are computed as f32; inputs and outputs keep their own dtypes. Memory
/// stays below 16 times the file plus 512 MiB. Reports malformed-file, invalid-model, unsupported-operator
/// (all at once, before translation), unsupported-feature, dynamic-shape and limit-exceeded.
[[nodiscard]] Result<Graph> read_onnx(ByteSpan file, const std::filesystem::path& folder,
                                      const BlockSet& blocks, const ReadOptions& options,
                                      Diagnostics& diagnostics);

}  // namespace nb
