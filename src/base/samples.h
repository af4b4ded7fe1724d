// Raw data of a model's inputs or outputs.
#pragma once
#include "base/bytes.h"

namespace nb {

/// Sample after sample; in a sample every tensor's raw bytes in order.
struct Samples {
  std::size_t count = 0;
  Bytes bytes;
  [[nodiscard]] ByteSpan sample(std::size_t i) const {
    const std::size_t size = bytes.size() / count;
    return ByteSpan(bytes).subspan(i * size, size);
  }
};

}  // namespace nb
