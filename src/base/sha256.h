// SHA-256 (FIPS 180-4): which file a report speaks of.
#pragma once
#include <string>

#include "base/bytes.h"

namespace nb {

/// The digest as 64 hexadecimal digits.
[[nodiscard]] std::string sha256_text(ByteSpan bytes);

}  // namespace nb
