// Files: whole reads, writes that never leave half a file.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace nb {

/// The bytes of a regular file, or why not (a sentence fragment: "no such file", "is a directory", ...).
struct FileRead {
  std::optional<Bytes> bytes;
  std::string why_not;
  /// The bytes as characters; empty if there are none.
  [[nodiscard]] std::string_view text() const {
    return bytes ? std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size())
                 : std::string_view();
  }
};
[[nodiscard]] FileRead read_file(const std::filesystem::path& path,
                                 std::uint64_t max_bytes = std::uint64_t{4} << 30);

/// Writes to a temporary neighbour and renames. False, with `why_not` set, if that failed.
[[nodiscard]] bool write_file(const std::filesystem::path& path, ByteSpan bytes, std::string& why_not);

}  // namespace nb
