// Zip archives, as models and their data come in them: read within bounds, never unpacked to files.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"

namespace nb {

/// One entry as the directory and its local header agree on it.
struct ZipEntry {
  std::string name;           ///< relative, parts separated by '/', without ".."
  std::uint64_t size = 0;     ///< bytes of the content
  std::uint64_t packed = 0;   ///< bytes in the file
  std::uint64_t header = 0;   ///< offset of the local header in the file
  std::uint64_t begin = 0;    ///< offset of the packed bytes in the file
  std::uint32_t crc = 0;      ///< CRC-32 of the content
  bool is_deflated = false;   ///< else stored: the content is the packed bytes
  bool sizes_follow = false;  ///< a data descriptor behind the content repeats sizes and CRC
  [[nodiscard]] bool is_folder() const { return name.ends_with('/'); }
};

/// What deflated entries may become.
struct ZipLimits {
  std::uint64_t entry_bytes = std::uint64_t{2} << 30;  ///< one of them
  std::uint64_t total_bytes = std::uint64_t{4} << 30;  ///< all that are asked for
};

/// Whether the bytes end as a zip archive does.
[[nodiscard]] bool is_zip(ByteSpan file);

/// An archive's directory, and its contents as they are asked for. Refused: archives that are encrypted or
/// split, methods other than stored and deflated, names that are absolute, lead upwards or occur twice,
/// entries that overlap, sizes that do not fit, local headers that disagree with the directory.
class ZipArchive {
 public:
  /// Reads the directory of `file`, which must outlive the archive; on failure `why_not` says what was
  /// observed, as the rest of a sentence about the file ("has ...").
  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;
  ZipArchive(ZipArchive&&) = default;
  ZipArchive& operator=(ZipArchive&&) = default;
  ~ZipArchive() = default;
  [[nodiscard]] static std::optional<ZipArchive> open(ByteSpan file, std::string& why_not,
                                                      ZipLimits limits = {});

  [[nodiscard]] const std::vector<ZipEntry>& entries() const { return entries_; }  ///< in directory order
  [[nodiscard]] const ZipEntry* find(std::string_view name) const;                 ///< null if absent

  /// The content of one of `entries()`: of a stored entry the file's own bytes, of a deflated one bytes that
  /// the archive keeps. Its CRC is checked.
  [[nodiscard]] std::optional<ByteSpan> content(const ZipEntry& entry, std::string& why_not);
  /// Frees what inflating the entry took; its content is not used any more.
  void forget(const ZipEntry& entry) { inflated_.erase(&entry); }

 private:
  ZipArchive(ByteSpan file, ZipLimits limits) : file_(file), limits_(limits) {}

  ByteSpan file_;
  ZipLimits limits_;
  std::vector<ZipEntry> entries_;
  std::vector<std::size_t> by_name_;  ///< indexes of entries_ in the order of their names
  std::unordered_map<const ZipEntry*, Bytes> inflated_;
  std::uint64_t inflated_bytes_ = 0;
};

}  // namespace nb
