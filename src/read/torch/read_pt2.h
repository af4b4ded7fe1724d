// PyTorch's exported programs (.pt2, torch.export.save) to graphs.
#pragma once
#include "read/builder.h"

namespace nb {

/// Reads a .pt2 archive: graphs as torch.export gives them, decomposed or not. Parameters and buffers become
/// constants, buffers that the program writes become states. Symbolic sizes come from options.dims, by symbol
/// ("s77") or by input and axis ("x:1"); a symbolic first axis is 1 where nothing says otherwise.
/// Reports malformed-file, invalid-model, dynamic-shape, unsupported-operator and -feature.
[[nodiscard]] Result<Graph> read_pt2(ByteSpan file, const BlockSet& blocks, const ReadOptions& options,
                                     Diagnostics& diagnostics);

}  // namespace nb
