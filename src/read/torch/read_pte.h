// ExecuTorch programs (.pte) to graphs.
#pragma once
#include "read/builder.h"

namespace nb {

/// Reads the method `forward` of an ExecuTorch program, or its only method: calls of portable kernels become
/// blocks, tensors that outlive a run become states. Inputs are in0, in1, ..., outputs out0, out1, ... (the
/// file has no names for them), each row-major whatever order of axes the program's memory has. An input of
/// bounded sizes takes those of `options.dims`, by input and axis ("in0:1"). Programs with delegates are
/// refused by the delegates' names.
/// Reports malformed-file, invalid-model, dynamic-shape, unsupported-operator (all of them at once),
/// unsupported-feature, limit-exceeded, usage.
[[nodiscard]] Result<Graph> read_pte(ByteSpan file, const BlockSet& blocks, const ReadOptions& options,
                                     Diagnostics& diagnostics);

}  // namespace nb
