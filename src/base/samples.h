// Raw data of a model's inputs or outputs.
#pragma once
#include <string>
#include <vector>

#include "base/bytes.h"

namespace nb {

/// What samples were read from, from sample `first` on.
struct SampleSource {
  std::size_t first = 0;
  std::string file;                 ///< empty: there is none
  std::vector<std::string> arrays;  ///< by input: their names there
};

/// Sample after sample; in a sample every tensor's raw bytes in order.
struct Samples {
  std::size_t count = 0;
  Bytes bytes;
  std::vector<SampleSource> sources = {};  ///< in their order; empty: nobody knows
  [[nodiscard]] ByteSpan sample(std::size_t i) const {
    const std::size_t size = bytes.size() / count;
    return ByteSpan(bytes).subspan(i * size, size);
  }
};

}  // namespace nb
