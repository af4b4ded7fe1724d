// Byte buffers, bounded little-endian reads, half floats, a hash.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace nb {

using Bytes = std::vector<std::byte>;
using ByteSpan = std::span<const std::byte>;

/// The T that starts at `offset`, little-endian; the caller has checked that it lies inside.
template <class T>
[[nodiscard]] T load(ByteSpan bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

/// Whether [offset, offset + size) lies inside `bytes`, without overflow.
[[nodiscard]] inline bool holds(ByteSpan bytes, std::uint64_t offset, std::uint64_t size) {
  return offset <= bytes.size() && size <= bytes.size() - offset;
}

template <class T>
[[nodiscard]] Bytes to_bytes(std::span<const T> values) {
  const auto raw = std::as_bytes(values);
  return {raw.begin(), raw.end()};
}
template <class T>
[[nodiscard]] Bytes to_bytes(const std::vector<T>& values) {
  return to_bytes(std::span<const T>(values));
}

[[nodiscard]] inline ByteSpan as_byte_span(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// FNV-1a, 64 bits.
[[nodiscard]] std::uint64_t hash_bytes(ByteSpan bytes);

[[nodiscard]] float half_to_float(std::uint16_t half);
[[nodiscard]] std::uint16_t float_to_half(float value);  ///< round to nearest even
[[nodiscard]] float bfloat16_to_float(std::uint16_t value);

}  // namespace nb
