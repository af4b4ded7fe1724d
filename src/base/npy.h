// NumPy's .npy and .npz files, as far as models and their data need them.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace nb {

/// One array: NumPy's type string ("<f4", "|i1", "<i8", "|b1", ...), shape, elements in row-major order,
/// little-endian.
struct NpyArray {
  std::string descr;
  std::vector<std::int64_t> shape;
  Bytes data;
};

/// Reads a .npy; on failure `why_not` says what was observed. Fortran order is transposed; big-endian is
/// refused.
[[nodiscard]] std::optional<NpyArray> parse_npy(ByteSpan file, std::string& why_not);

/// Reads all arrays of a .npz (stored or deflated) by name, without ".npy". Checks sizes, offsets and CRCs;
/// at most `max_bytes` in total.
[[nodiscard]] std::optional<std::vector<std::pair<std::string, NpyArray>>> parse_npz(
    ByteSpan file, std::string& why_not, std::uint64_t max_bytes = std::uint64_t{4} << 30);

[[nodiscard]] Bytes npy_bytes(const NpyArray& array);

}  // namespace nb
