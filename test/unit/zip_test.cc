// Zip archives: what is read, and that what lies, overlaps or leads elsewhere is refused with its reason.
#include "base/zip.h"

#include <doctest/doctest.h>
#include <zlib.h>

namespace nb {
namespace {

void put(Bytes& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::byte>(value >> (8 * i)));
}
void put(Bytes& out, std::string_view text) {
  const ByteSpan bytes = as_byte_span(text);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

Bytes deflated(std::string_view text) {
  Bytes out(text.size() + 100);
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// What is written of one entry; tests change single values of the directory or of the local header.
struct Written {
  std::string name, content;
  std::string local_name;  ///< as `name` unless set
  unsigned method = 0, flags = 0, disk = 0, local_flags = 0, local_method = 99;
  std::uint64_t size = 0, local_size = 0;  ///< of the content unless set
  std::uint32_t crc = 0;
  bool is_wide = false;      ///< sizes in zip64 fields
  std::int64_t header = -1;  ///< in the directory, the true one unless set
};

struct Ends {
  bool is_wide = false;
  unsigned disk = 0, here_extra = 0;
  std::int64_t offset_change = 0, count_change = 0;
  std::string behind_directory;
};

Bytes archive_of(const std::vector<Written>& entries, const Ends& ends = {}) {
  Bytes out, directory;
  for (const Written& entry : entries) {
    const Bytes packed = entry.method == 8 ? deflated(entry.content)
                                           : to_bytes(std::span(entry.content.data(), entry.content.size()));
    const std::uint32_t crc =
        entry.crc != 0
            ? entry.crc
            : static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(entry.content.data()),
                                               static_cast<uInt>(entry.content.size())));
    const std::uint64_t size = entry.size != 0 ? entry.size : entry.content.size();
    const std::uint64_t local_size = entry.local_size != 0 ? entry.local_size : size;
    const std::uint64_t packed_size = entry.method == 0 ? size : packed.size();
    const std::string& local_name = entry.local_name.empty() ? entry.name : entry.local_name;
    const std::uint64_t header = entry.header >= 0 ? static_cast<std::uint64_t>(entry.header) : out.size();
    put(out, 0x04034b50, 4);
    put(out, 20, 2);
    put(out, entry.flags | entry.local_flags, 2);
    put(out, entry.local_method != 99 ? entry.local_method : entry.method, 2);
    put(out, 0, 4);
    put(out, crc, 4);
    put(out, entry.is_wide ? 0xffffffff : packed_size, 4);
    put(out, entry.is_wide ? 0xffffffff : local_size, 4);
    put(out, local_name.size(), 2);
    put(out, entry.is_wide ? 20 : 0, 2);
    put(out, local_name);
    if (entry.is_wide) {
      put(out, 1, 2);
      put(out, 16, 2);
      put(out, local_size, 8);
      put(out, packed_size, 8);
    }
    out.insert(out.end(), packed.begin(), packed.end());

    put(directory, 0x02014b50, 4);
    put(directory, 20 | 20 << 16, 4);
    put(directory, entry.flags, 2);
    put(directory, entry.method, 2);
    put(directory, 0, 4);
    put(directory, crc, 4);
    put(directory, entry.is_wide ? 0xffffffff : packed_size, 4);
    put(directory, entry.is_wide ? 0xffffffff : size, 4);
    put(directory, entry.name.size(), 2);
    put(directory, entry.is_wide ? 28 : 0, 2);
    put(directory, 0, 2);
    put(directory, entry.disk, 2);
    put(directory, 0, 6);
    put(directory, entry.is_wide ? 0xffffffff : header, 4);
    put(directory, entry.name);
    if (entry.is_wide) {
      put(directory, 1, 2);
      put(directory, 24, 2);
      put(directory, size, 8);
      put(directory, packed_size, 8);
      put(directory, header, 8);
    }
  }
  const std::uint64_t offset = out.size() + static_cast<std::uint64_t>(ends.offset_change);
  const std::uint64_t count = entries.size() + static_cast<std::uint64_t>(ends.count_change);
  out.insert(out.end(), directory.begin(), directory.end());
  put(out, ends.behind_directory);
  if (ends.is_wide) {
    const std::uint64_t at = out.size();
    put(out, 0x06064b50, 4);
    put(out, 44, 8);
    put(out, 45 | 45 << 16, 4);
    put(out, ends.disk, 4);
    put(out, 0, 4);
    put(out, count, 8);
    put(out, count, 8);
    put(out, directory.size() + ends.behind_directory.size(), 8);
    put(out, offset, 8);
    put(out, 0x07064b50, 4);
    put(out, 0, 4);
    put(out, at, 8);
    put(out, 1, 4);
  }
  put(out, 0x06054b50, 4);
  put(out, ends.disk, 2);
  put(out, 0, 2);
  put(out, ends.is_wide ? 0xffff : count + ends.here_extra, 2);
  put(out, ends.is_wide ? 0xffff : count, 2);
  put(out, ends.is_wide ? 0xffffffff : directory.size() + ends.behind_directory.size(), 4);
  put(out, ends.is_wide ? 0xffffffff : offset, 4);
  put(out, 0, 2);
  return out;
}

std::string text_of(ByteSpan bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// The archive does not open, and the reason contains `what`.
void refused(const Bytes& file, std::string_view what) {
  std::string why_not;
  CHECK_FALSE(ZipArchive::open(file, why_not).has_value());
  INFO(why_not);
  CHECK(why_not.find(what) != std::string::npos);
}

TEST_CASE("stored entries are the file's bytes, deflated ones are inflated, in both widths") {
  for (const bool is_wide : {false, true}) {
    CAPTURE(is_wide);
    const std::string many(5000, 'a');
    const Bytes file = archive_of({{.name = "m/data/0", .content = "weights", .is_wide = is_wide},
                                   {.name = "m/", .content = ""},
                                   {.name = "m/code.py", .content = many, .method = 8, .is_wide = is_wide}},
                                  {.is_wide = is_wide});
    CHECK(is_zip(file));
    std::string why_not;
    auto archive = ZipArchive::open(file, why_not);
    REQUIRE_MESSAGE(archive.has_value(), why_not);
    REQUIRE(archive->entries().size() == 3);
    const ZipEntry* stored = archive->find("m/data/0");
    REQUIRE(stored != nullptr);
    const auto weights = archive->content(*stored, why_not);
    REQUIRE(weights.has_value());
    CHECK(text_of(*weights) == "weights");
    CHECK(weights->data() >= file.data());
    CHECK(weights->data() < file.data() + file.size());
    const ZipEntry* code = archive->find("m/code.py");
    REQUIRE(code != nullptr);
    CHECK(code->is_deflated);
    const auto text = archive->content(*code, why_not);
    REQUIRE(text.has_value());
    CHECK(text_of(*text) == many);
    CHECK(archive->content(*code, why_not)->data() == text->data());
    CHECK(archive->find("m/code") == nullptr);
    CHECK(archive->find("m/")->is_folder());
  }
}

TEST_CASE("names that lead elsewhere, and names that occur twice") {
  for (const char* name : {"../a", "a/../b", "a/..", "/a", "C:/a", "C:a", "a\\b", "..\\a", ".."}) {
    CAPTURE(name);
    refused(archive_of({{.name = name, .content = "x"}}), "has an entry with a");
  }
  refused(archive_of({{.name = std::string("a\0b", 3), .content = "x"}}), "zero byte");
  refused(archive_of({{.name = "", .content = "x"}}), "without a name");
  refused(archive_of({{.name = "a", .content = "x"}, {.name = "a", .content = "y"}}),
          "two entries of the name a");
  std::string why_not;
  CHECK(ZipArchive::open(archive_of({{.name = "a..b/..c/d..", .content = "x"}}), why_not).has_value());
}

TEST_CASE("encrypted, split, packed by other methods") {
  for (const unsigned flags : {1u, 1u << 6, 1u << 13, 1u << 5})
    refused(archive_of({{.name = "a", .content = "x", .flags = flags}}), "encrypted entry a");
  refused(archive_of({{.name = "a", .content = "x", .local_flags = 1}}), "encrypted entry a");
  refused(archive_of({{.name = "a", .content = "x", .disk = 1}}), "split");
  refused(archive_of({{.name = "a", .content = "x"}}, {.disk = 1}), "split");
  refused(archive_of({{.name = "a", .content = "x"}}, {.is_wide = true, .disk = 1}), "split");
  refused(archive_of({{.name = "a", .content = "x"}}, {.here_extra = 1}), "split");
  refused(archive_of({{.name = "a", .content = "x", .method = 12}}), "unknown method (12)");
}

TEST_CASE("local headers that disagree, entries that overlap, directories that are cut") {
  refused(archive_of({{.name = "a", .content = "x", .local_name = "b"}}), "disagrees");
  refused(archive_of({{.name = "a", .content = "x", .local_method = 8}}), "disagrees");
  refused(archive_of({{.name = "a", .content = "xyz", .local_size = 2}}), "disagrees");
  refused(archive_of({{.name = "a", .content = "xyz", .local_flags = 8}}), "disagrees");
  refused(archive_of({{.name = "a", .content = "x"}, {.name = "a", .content = "x", .header = 0}}), "overlap");
  refused(archive_of({{.name = "a", .content = "x", .header = 5}}), "broken zip entry a");
  refused(archive_of({{.name = "a", .content = "x", .header = 1 << 20}}), "broken zip entry a");
  refused(archive_of({{.name = "a", .content = "x", .size = 1 << 20}}), "ends inside a");
  refused(archive_of({{.name = "a", .content = "x"}}, {.offset_change = 1}), "broken zip directory");
  refused(archive_of({{.name = "a", .content = "x"}}, {.count_change = 1}), "broken zip directory");
  refused(archive_of({{.name = "a", .content = "x"}}, {.count_change = -1}), "broken zip directory");
  refused(archive_of({{.name = "a", .content = "x"}}, {.behind_directory = "more"}), "broken zip directory");
  const Bytes whole = archive_of({{.name = "a", .content = "x", .method = 8}}, {.is_wide = true});
  for (std::size_t size = 0; size < whole.size(); ++size)
    refused(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)), "");
}

TEST_CASE("bombs and wrong checksums are found before or while inflating") {
  refused(archive_of({{.name = "a", .content = "x", .method = 8, .size = std::uint64_t{1} << 30}}),
          "impossible size: a");
  std::string why_not;
  const Bytes large = archive_of({{.name = "a", .content = std::string(100000, 'a'), .method = 8},
                                  {.name = "b", .content = std::string(100000, 'b'), .method = 8}});
  auto narrow = ZipArchive::open(large, why_not, {.entry_bytes = 99999, .total_bytes = 1 << 30});
  REQUIRE(narrow.has_value());
  CHECK_FALSE(narrow->content(narrow->entries()[0], why_not).has_value());
  CHECK(why_not == "has an entry that is too large when inflated: a");
  auto total = ZipArchive::open(large, why_not, {.entry_bytes = 1 << 30, .total_bytes = 150000});
  REQUIRE(total.has_value());
  CHECK(total->content(total->entries()[0], why_not).has_value());
  CHECK_FALSE(total->content(total->entries()[1], why_not).has_value());
  for (const unsigned method : {0u, 8u}) {
    const Bytes wrong = archive_of({{.name = "a", .content = "xyz", .method = method, .crc = 7}});
    auto archive = ZipArchive::open(wrong, why_not);
    REQUIRE(archive.has_value());
    CHECK_FALSE(archive->content(archive->entries()[0], why_not).has_value());
    CHECK(why_not == "has an entry with a wrong checksum: a");
  }
  const Bytes lying = archive_of({{.name = "a", .content = std::string(500, 'a'), .method = 8, .size = 499}});
  auto archive = ZipArchive::open(lying, why_not);
  REQUIRE(archive.has_value());
  CHECK_FALSE(archive->content(archive->entries()[0], why_not).has_value());
  CHECK(why_not == "has the broken entry a");
}

}  // namespace
}  // namespace nb
