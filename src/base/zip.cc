#include "base/zip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "base/text.h"

namespace nb {
namespace {

constexpr std::uint32_t kEndMark = 0x06054b50, kEnd64Mark = 0x06064b50, kLocator64Mark = 0x07064b50,
                        kDirectoryMark = 0x02014b50, kLocalMark = 0x04034b50;
constexpr std::size_t kEndBytes = 22, kEnd64Bytes = 56, kLocator64Bytes = 20, kDirectoryBytes = 46,
                      kLocalBytes = 30;
constexpr std::uint32_t kIn64 = 0xffffffff;  // the value stands in the zip64 field
// Deflate makes at most 1032 bytes of one.
constexpr std::uint64_t kMaxRatio = 1100, kRatioSlack = 64;
constexpr unsigned kEncryptedFlags = 1u << 0 | 1u << 6 | 1u << 13, kPatchFlag = 1u << 5,
                   kDescriptorFlag = 1u << 3;

std::string_view text_of(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Where the directory lies and how many entries it has.
struct Directory {
  std::uint64_t offset = 0, bytes = 0, count = 0;
  std::uint64_t limit = 0;  ///< where the end records begin
};

/// The end record: the last one whose comment ends with the file.
std::optional<std::size_t> find_end(ByteSpan file) {
  if (file.size() < kEndBytes) return std::nullopt;
  const std::size_t last = file.size() - kEndBytes;
  const std::size_t lowest = last > 0xffff ? last - 0xffff : 0;
  for (std::size_t at = last + 1; at-- > lowest;)
    if (load<std::uint32_t>(file, at) == kEndMark && load<std::uint16_t>(file, at + 20) == last - at)
      return at;
  return std::nullopt;
}

/// Why the archive has no directory that can be read, or empty.
std::string read_end(ByteSpan file, std::size_t end, Directory& directory) {
  std::uint64_t disk = load<std::uint16_t>(file, end + 4),
                directory_disk = load<std::uint16_t>(file, end + 6),
                here = load<std::uint16_t>(file, end + 8), count = load<std::uint16_t>(file, end + 10),
                bytes = load<std::uint32_t>(file, end + 12), offset = load<std::uint32_t>(file, end + 16);
  directory.limit = end;
  const bool has_locator =
      end >= kLocator64Bytes && load<std::uint32_t>(file, end - kLocator64Bytes) == kLocator64Mark;
  if (has_locator) {
    const std::size_t locator = end - kLocator64Bytes;
    const auto at = load<std::uint64_t>(file, locator + 8);
    if (load<std::uint32_t>(file, locator + 4) != 0 || load<std::uint32_t>(file, locator + 16) > 1)
      return "is one part of a split archive";
    if (at > locator || locator - at < kEnd64Bytes || load<std::uint32_t>(file, at) != kEnd64Mark)
      return "has a broken zip64 end";
    // A value of the short record is all ones if only the long one can say it, and else the same.
    struct Field {
      std::uint64_t* value;
      std::uint64_t full, ones;
    };
    for (const Field& field : {Field{&disk, load<std::uint32_t>(file, at + 16), 0xffff},
                               Field{&directory_disk, load<std::uint32_t>(file, at + 20), 0xffff},
                               Field{&here, load<std::uint64_t>(file, at + 24), 0xffff},
                               Field{&count, load<std::uint64_t>(file, at + 32), 0xffff},
                               Field{&bytes, load<std::uint64_t>(file, at + 40), kIn64},
                               Field{&offset, load<std::uint64_t>(file, at + 48), kIn64}}) {
      if (*field.value != field.full && *field.value != field.ones) return "has two ends that disagree";
      *field.value = field.full;
    }
    directory.limit = at;
  }
  if (disk != 0 || directory_disk != 0 || here != count) return "is one part of a split archive";
  if (offset > directory.limit || bytes > directory.limit - offset || count > bytes / kDirectoryBytes)
    return "has a broken zip directory";
  directory.offset = offset;
  directory.bytes = bytes;
  directory.count = count;
  return {};
}

/// Takes from the zip64 field of `extra` the values that are all ones, in their order; whether all were
/// there.
bool take_zip64(ByteSpan extra, std::span<std::uint64_t* const> values) {
  std::size_t missing = static_cast<std::size_t>(
      std::count_if(values.begin(), values.end(), [](auto* v) { return *v == kIn64; }));
  for (std::size_t at = 0; missing != 0 && holds(extra, at, 4);) {
    const std::size_t id = load<std::uint16_t>(extra, at), bytes = load<std::uint16_t>(extra, at + 2);
    if (!holds(extra, at + 4, bytes)) return false;
    if (id == 1) {
      std::size_t field = at + 4;
      for (std::uint64_t* value : values)
        if (*value == kIn64) {
          if (field + 8 > at + 4 + bytes) return false;
          *value = load<std::uint64_t>(extra, field);
          field += 8;
        }
      return true;
    }
    at += 4 + bytes;
  }
  return missing == 0;
}

/// Why a name may not stand in an archive, or empty.
std::string name_fault(std::string_view name) {
  if (name.empty()) return "without a name";
  if (name.front() == '/' || (name.size() > 1 && name[1] == ':')) return "with an absolute path";
  if (name.find('\\') != std::string_view::npos || name.find('\0') != std::string_view::npos)
    return "with a backslash or zero byte in its name";
  for (const std::string_view part : split(name, '/'))
    if (part == "..") return "with a path that leads upwards";
  return {};
}

/// Reads the local header of an entry and where its bytes begin; why it disagrees with the directory, or
/// empty.
std::string read_local(ByteSpan file, std::uint64_t limit, unsigned method, ZipEntry& entry) {
  const std::uint64_t at = entry.header;
  if (at > limit || limit - at < kLocalBytes || load<std::uint32_t>(file, at) != kLocalMark)
    return "has a broken zip entry ";
  const std::uint64_t name_bytes = load<std::uint16_t>(file, at + 26),
                      extra_bytes = load<std::uint16_t>(file, at + 28);
  if (limit - at - kLocalBytes < name_bytes + extra_bytes) return "has a broken zip entry ";
  const unsigned flags = load<std::uint16_t>(file, at + 6);
  if ((flags & (kEncryptedFlags | kPatchFlag)) != 0) return "has the encrypted entry ";
  std::uint64_t size = load<std::uint32_t>(file, at + 22), packed = load<std::uint32_t>(file, at + 18);
  const auto crc = load<std::uint32_t>(file, at + 14);
  const bool has_sizes = (flags & kDescriptorFlag) == 0;
  const std::array<std::uint64_t*, 2> wide = {&size, &packed};
  if (!take_zip64(file.subspan(at + kLocalBytes + name_bytes, extra_bytes), wide) && has_sizes)
    return "has a broken zip entry ";
  if (text_of(file.subspan(at + kLocalBytes, name_bytes)) != entry.name ||
      load<std::uint16_t>(file, at + 8) != method || has_sizes == entry.sizes_follow ||
      (has_sizes && (size != entry.size || packed != entry.packed || crc != entry.crc)))
    return "has an entry whose header disagrees with the directory: ";
  entry.begin = at + kLocalBytes + name_bytes + extra_bytes;
  return entry.packed > limit - entry.begin ? "ends inside " : "";
}

/// Reads the directory's entry at `at`, which it moves behind it; why it is refused, or empty.
std::string read_entry(ByteSpan file, const Directory& directory, std::uint64_t& at, ZipEntry& entry) {
  const std::uint64_t end = directory.offset + directory.bytes;
  if (end - at < kDirectoryBytes || load<std::uint32_t>(file, at) != kDirectoryMark)
    return "has a broken zip directory";
  const unsigned flags = load<std::uint16_t>(file, at + 8), method = load<std::uint16_t>(file, at + 10);
  const std::uint64_t name_bytes = load<std::uint16_t>(file, at + 28),
                      extra_bytes = load<std::uint16_t>(file, at + 30),
                      comment_bytes = load<std::uint16_t>(file, at + 32);
  if (end - at - kDirectoryBytes < name_bytes + extra_bytes + comment_bytes)
    return "has a broken zip directory";
  entry.crc = load<std::uint32_t>(file, at + 16);
  entry.packed = load<std::uint32_t>(file, at + 20);
  entry.size = load<std::uint32_t>(file, at + 24);
  const auto disk = load<std::uint16_t>(file, at + 34);
  entry.header = load<std::uint32_t>(file, at + 42);
  entry.name = text_of(file.subspan(at + kDirectoryBytes, name_bytes));
  entry.is_deflated = method == 8;
  entry.sizes_follow = (flags & kDescriptorFlag) != 0;
  const std::string shown = printable(entry.name, 60);
  const std::array<std::uint64_t*, 3> wide = {&entry.size, &entry.packed, &entry.header};
  const bool has_wide = take_zip64(file.subspan(at + kDirectoryBytes + name_bytes, extra_bytes), wide);
  at += kDirectoryBytes + name_bytes + extra_bytes + comment_bytes;
  if (!has_wide) return "has a broken zip directory";
  if (const std::string fault = name_fault(entry.name); !fault.empty())
    return "has an entry " + fault + ": " + shown;
  if ((flags & (kEncryptedFlags | kPatchFlag)) != 0) return "has the encrypted entry " + shown;
  if (disk != 0 && disk != 0xffff) return "is one part of a split archive";
  if (method != 0 && method != 8)
    return "has the entry " + shown + " packed by an unknown method (" + std::to_string(method) + ")";
  if ((!entry.is_deflated && entry.size != entry.packed) ||
      (entry.is_deflated && entry.size > kRatioSlack &&
       (entry.size - kRatioSlack) / kMaxRatio > entry.packed) ||
      (entry.is_folder() && entry.size != 0))
    return "has an entry of an impossible size: " + shown;
  const std::string fault = read_local(file, directory.offset, method, entry);
  return fault.empty() ? fault : fault + shown;
}

std::optional<Bytes> inflate_raw(ByteSpan packed, std::size_t size) {
  Bytes out(size);
  std::byte none{};
  z_stream stream{};
  if (inflateInit2(&stream, -15) != Z_OK) return std::nullopt;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(size == 0 ? &none : out.data());
  stream.avail_out = static_cast<uInt>(size);
  const int status = inflate(&stream, Z_FINISH);
  const bool is_whole = status == Z_STREAM_END && stream.total_out == size && stream.avail_in == 0;
  inflateEnd(&stream);
  return is_whole ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace

bool is_zip(ByteSpan file) { return find_end(file).has_value(); }

std::optional<ZipArchive> ZipArchive::open(ByteSpan file, std::string& why_not, ZipLimits limits) {
  const auto fail = [&](std::string why) {
    why_not = std::move(why);
    return std::nullopt;
  };
  const auto end = find_end(file);
  if (!end) return fail("is not a zip archive");
  Directory directory;
  if (std::string why = read_end(file, *end, directory); !why.empty()) return fail(std::move(why));
  ZipArchive archive(file, limits);
  archive.entries_.reserve(directory.count);
  std::uint64_t at = directory.offset;
  for (std::uint64_t i = 0; i < directory.count; ++i) {
    ZipEntry entry;
    if (std::string why = read_entry(file, directory, at, entry); !why.empty()) return fail(std::move(why));
    archive.entries_.push_back(std::move(entry));
  }
  if (at != directory.offset + directory.bytes) return fail("has a broken zip directory");

  const std::vector<ZipEntry>& entries = archive.entries_;
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return entries[a].header < entries[b].header; });
  for (std::size_t i = 1; i < order.size(); ++i) {
    const ZipEntry &before = entries[order[i - 1]], &after = entries[order[i]];
    if (before.begin + before.packed > after.header)
      return fail("has entries that overlap: " + printable(before.name, 60) + " and " +
                  printable(after.name, 60));
  }
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return entries[a].name < entries[b].name; });
  for (std::size_t i = 1; i < order.size(); ++i)
    if (entries[order[i - 1]].name == entries[order[i]].name)
      return fail("has two entries of the name " + printable(entries[order[i]].name, 60));
  archive.by_name_ = std::move(order);
  return archive;
}

const ZipEntry* ZipArchive::find(std::string_view name) const {
  const auto found =
      std::lower_bound(by_name_.begin(), by_name_.end(), name,
                       [&](std::size_t i, std::string_view n) { return entries_[i].name < n; });
  return found != by_name_.end() && entries_[*found].name == name ? &entries_[*found] : nullptr;
}

std::optional<ByteSpan> ZipArchive::content(const ZipEntry& entry, std::string& why_not) {
  if (const auto known = inflated_.find(&entry); known != inflated_.end()) return ByteSpan(known->second);
  const auto fail = [&](std::string_view why) {
    why_not = std::string(why) + printable(entry.name, 60);
    return std::nullopt;
  };
  ByteSpan bytes = file_.subspan(entry.begin, entry.packed);
  std::optional<Bytes> inflated;
  if (entry.is_deflated) {
    // Both are checked before memory is taken; zlib counts in 32 bits.
    constexpr std::uint64_t kMaxInflated = 0xfffffffe;
    if (entry.size > std::min(limits_.entry_bytes, kMaxInflated) || entry.packed > kMaxInflated ||
        entry.size > limits_.total_bytes - inflated_bytes_)
      return fail("has an entry that is too large when inflated: ");
    inflated = inflate_raw(bytes, entry.size);
    if (!inflated) return fail("has the broken entry ");
    bytes = *inflated;
  }
  if (crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()) != entry.crc)
    return fail("has an entry with a wrong checksum: ");
  if (!inflated) return bytes;
  inflated_bytes_ += entry.size;
  return ByteSpan(inflated_.emplace(&entry, *std::move(inflated)).first->second);
}

}  // namespace nb
