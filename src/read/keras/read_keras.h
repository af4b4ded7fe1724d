// A Keras model file as a graph.
#pragma once
#include <string>
#include <string_view>

#include "read/builder.h"

namespace nb {

/// Reads a .keras archive or an .h5 file of Keras 2 or 3: a Sequential or Functional model. The HDF5 part is
/// read by nblocks-hdf5, in a process of its own. float16, bfloat16 and double values are computed as f32;
/// inputs keep their own dtypes. Reports malformed-file, invalid-model, unsupported-operator (all layers at
/// once, before translation), unsupported-feature, dynamic-shape, limit-exceeded and tool-missing.
[[nodiscard]] Result<Graph> read_keras(ByteSpan file, const BlockSet& blocks, const ReadOptions& options,
                                       Diagnostics& diagnostics);

/// The same of what a file holds: the configuration's text, and what nblocks-hdf5 writes of the weights
/// (hdf5_stream.h), which are listed by name in `.h5` files. For tests, which would start no process.
[[nodiscard]] Result<Graph> read_keras_parts(std::string_view config, std::string stream, bool is_named,
                                             const BlockSet& blocks, const ReadOptions& options,
                                             Diagnostics& diagnostics);

}  // namespace nb
