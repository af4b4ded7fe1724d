// TFLite files to graphs.
#pragma once
#include "diag/diagnostics.h"
#include "graph/graph.h"
#include "read/builder.h"

namespace nb {

/// Whether the bytes are a TFLite file, by their identifier.
[[nodiscard]] bool is_tflite(ByteSpan file);

/// The first subgraph of a TFLite file (schema version 3).
///
/// Values and layers have the names of the file's tensors; a layer that of its first output. Variable tensors
/// become states. Half floats and integer weights under float activations are expanded to float
/// (weights-dequantized), 4-bit integers to i8. A dynamic leading axis of an input is 1 (assumed-batch);
/// `options.dims` names the others as INPUT.AXIS; `options.frozen` makes inputs constant. Errors:
/// unknown-format, malformed-file, limit-exceeded, invalid-model, unsupported-operator (all of them at once),
/// unsupported-feature, dynamic-shape, and what inference of the blocks refuses.
/// Memory: a fixed multiple of the file's size, and 16 times it + 256 MiB for the constants of the graph.
[[nodiscard]] Result<Graph> read_tflite(ByteSpan file, const BlockSet& blocks, const ReadOptions& options,
                                        Diagnostics& diagnostics);

}  // namespace nb
