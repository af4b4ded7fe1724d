// Constants as C++ arrays.
#pragma once
#include <string>

#include "graph/type.h"

namespace nb {

/// "alignas(16) const int8_t kName[12] = {...};" with lines of at most 110 columns and `comment` above it.
[[nodiscard]] std::string table_text(const std::string& name, DType dtype, ByteSpan data,
                                     const std::string& comment);

}  // namespace nb
