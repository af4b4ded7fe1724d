// Constants as C++ arrays.
#pragma once
#include <string>

#include "graph/type.h"

namespace nb {

/// "alignas(16) const int8_t kName[12] = {...};" with lines of at most 110 columns and `comment` above it.
/// `mark`: a word behind the name and its size, as a macro for where the table lies; may be empty.
[[nodiscard]] std::string table_text(const std::string& name, DType dtype, ByteSpan data,
                                     const std::string& comment, const std::string& mark = {});

}  // namespace nb
