// What nblocks-hdf5 writes and read_hdf5 reads: records of an HDF5 file's groups, in the order of their walk.
#pragma once
#include <cstdint>
#include <string_view>

namespace nb::keras {

// Numbers are little-endian. The stream is kStreamMagic, then records: one byte of RecordKind, then
//   text      u32 bytes of path, path, u32 bytes of attribute's name, name, u32 count, count * (u32 bytes,
//   text) tensor    u32 bytes of path, path, u8 ElementKind, u8 rank, rank * u64 dims, u64 bytes, elements in
//   C order left_out  u32 bytes of path, path, u32 bytes of reason, reason: an object that is not read end
//   nothing; the last record
// A stream that stops before its end is that of a file which cannot be read: standard error says why, and the
// exit code what kind of fault it is.
inline constexpr std::string_view kStreamMagic = "NBH5\x01";

enum class RecordKind : std::uint8_t { end, text, tensor, left_out };
enum class ElementKind : std::uint8_t { f32, bf16, i8, u8, i16, u16, i32, u32, i64, u64 };
inline constexpr int kExitUsage = 2, kExitUnwritten = 3, kExitMalformed = 10, kExitLimit = 11;

// Bounds of what is walked.
inline constexpr int kMaxGroupDepth = 32;
inline constexpr std::uint32_t kMaxObjects = 200'000;
inline constexpr std::uint32_t kMaxTexts = 100'000;  ///< elements of an attribute
inline constexpr int kMaxTensorRank = 8;

/// The most bytes that a stream may have for a file of that size: compressed and never written datasets are
/// larger than what they take in the file.
[[nodiscard]] constexpr std::uint64_t max_stream_bytes(std::uint64_t file_bytes) {
  return (std::uint64_t{16} << 20) + 16 * file_bytes;
}

}  // namespace nb::keras
