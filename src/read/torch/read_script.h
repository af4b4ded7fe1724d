// Reads PyTorch's .pt files: TorchScript programs, traced or scripted, become graphs; pickles are refused
// with what exports them.
#pragma once
#include "read/builder.h"

namespace nb {

/// A TorchScript archive (torch.jit.save) to a typed graph. Its `forward` is run with static control flow:
/// conditions and loops must be known when compiling. Inputs have the shapes of `options.input_types`, else
/// those of the example that the module was traced with; scripted modules carry none. Errors: malformed-file,
/// invalid-model, dynamic-shape, unsupported-operator, unsupported-feature, limit-exceeded, usage.
[[nodiscard]] Result<Graph> read_torch_script(ByteSpan file, const BlockSet& blocks,
                                              const ReadOptions& options, Diagnostics& diagnostics);

/// Refuses a file of torch.save, a zip archive or a plain pickle: says whether it holds weights by name or a
/// Python object, and what exports a program.
Failed refuse_torch_pickle(ByteSpan file, Diagnostics& diagnostics);

/// Whether the bytes are a pickle that torch.save wrote before it wrote archives.
[[nodiscard]] bool is_plain_pickle(ByteSpan file);

}  // namespace nb
