#include "base/npy.h"

#include <zlib.h>

#include <charconv>
#include <string_view>

#include "base/text.h"

namespace nb {
namespace {

std::string_view text_of(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// What follows 'key': in the header's dictionary.
std::string_view after_key(std::string_view header, std::string_view key) {
  const std::size_t at = header.find("'" + std::string(key) + "'");
  if (at == std::string_view::npos) return {};
  const std::size_t colon = header.find(':', at);
  return colon == std::string_view::npos ? std::string_view() : trim(header.substr(colon + 1));
}

/// Bytes of one element; 0 if the type is not one that models use.
std::size_t element_bytes(std::string_view descr) {
  if (descr.size() != 3 || (descr[0] != '<' && descr[0] != '|')) return 0;
  const char kind = descr[1], size = descr[2];
  const bool is_known =
      (kind == 'f' && (size == '2' || size == '4' || size == '8')) || (kind == 'b' && size == '1') ||
      ((kind == 'i' || kind == 'u') && (size == '1' || size == '2' || size == '4' || size == '8'));
  return is_known ? static_cast<std::size_t>(size - '0') : 0;
}

Bytes from_fortran(const NpyArray& array, std::size_t item_bytes) {
  Bytes out(array.data.size());
  const std::size_t count = out.size() / item_bytes;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t rest = i, at = 0, stride = 1, row = count;
    for (const std::int64_t dim : array.shape) {
      row /= static_cast<std::size_t>(dim);
      at += rest / row * stride;
      rest %= row;
      stride *= static_cast<std::size_t>(dim);
    }
    std::memcpy(out.data() + i * item_bytes, array.data.data() + at * item_bytes, item_bytes);
  }
  return out;
}

std::optional<Bytes> inflate_raw(ByteSpan packed, std::size_t size) {
  Bytes out(size);
  z_stream stream{};
  if (inflateInit2(&stream, -15) != Z_OK) return std::nullopt;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(size);
  const int status = inflate(&stream, Z_FINISH);
  const bool is_whole = status == Z_STREAM_END && stream.total_out == size;
  inflateEnd(&stream);
  return is_whole ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace

std::optional<NpyArray> parse_npy(ByteSpan file, std::string& why_not) {
  const auto fail = [&](std::string why) {
    why_not = std::move(why);
    return std::nullopt;
  };
  if (file.size() < 10 || text_of(file).substr(0, 6) != "\x93NUMPY") return fail("is not a .npy file");
  const int version = static_cast<int>(file[6]);
  const std::size_t start = version == 1 ? 10 : 12;
  if (version < 1 || version > 3 || file.size() < start) return fail("has an unknown .npy version");
  const std::size_t length = version == 1 ? load<std::uint16_t>(file, 8) : load<std::uint32_t>(file, 8);
  if (!holds(file, start, length)) return fail("ends inside its header");
  const std::string_view header = text_of(file).substr(start, length);
  NpyArray array;
  const std::string_view descr = after_key(header, "descr");
  if (descr.size() < 5 || descr[0] != '\'') return fail("has no plain dtype");
  array.descr = std::string(descr.substr(1, descr.find('\'', 1) - 1));
  const std::size_t item_bytes = element_bytes(array.descr);
  if (item_bytes == 0)
    return fail("has dtype " + printable(array.descr, 20) + ", which is not a little-endian number or bool");
  std::string_view dims = after_key(header, "shape");
  const std::size_t close = dims.find(')');
  if (!dims.starts_with('(') || close == std::string_view::npos) return fail("has no shape");
  std::size_t size = item_bytes;
  for (const std::string_view part : split(dims.substr(1, close - 1), ',')) {
    const std::string_view number = trim(part);
    if (number.empty()) continue;
    std::int64_t dim = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), dim);
    if (error != std::errc() || end != number.data() + number.size() || dim < 0 ||
        __builtin_mul_overflow(size, static_cast<std::size_t>(dim), &size))
      return fail("has an unreadable shape");
    array.shape.push_back(dim);
  }
  if (!holds(file, start + length, size)) return fail("has fewer bytes than its shape needs");
  const ByteSpan data = file.subspan(start + length, size);
  array.data.assign(data.begin(), data.end());
  if (after_key(header, "fortran_order").starts_with("True") && array.shape.size() > 1 && size != 0)
    array.data = from_fortran(array, item_bytes);
  return array;
}

std::optional<std::vector<std::pair<std::string, NpyArray>>> parse_npz(ByteSpan file, std::string& why_not,
                                                                       std::uint64_t max_bytes) {
  const auto fail = [&](std::string why) {
    why_not = std::move(why);
    return std::nullopt;
  };
  constexpr std::size_t kEndBytes = 22;
  if (file.size() < kEndBytes) return fail("is not a .npz (zip) file");
  std::size_t end = file.size() - kEndBytes;
  const std::size_t lowest = end > 65535 ? end - 65535 : 0;
  while (load<std::uint32_t>(file, end) != 0x06054b50u) {
    if (end == lowest) return fail("is not a .npz (zip) file");
    --end;
  }
  const std::size_t count = load<std::uint16_t>(file, end + 10);
  std::size_t at = load<std::uint32_t>(file, end + 16);
  std::uint64_t total = 0;
  std::vector<std::pair<std::string, NpyArray>> arrays;
  for (std::size_t i = 0; i < count; ++i) {
    if (!holds(file, at, 46) || load<std::uint32_t>(file, at) != 0x02014b50u)
      return fail("has a broken zip directory");
    const unsigned flags = load<std::uint16_t>(file, at + 8), method = load<std::uint16_t>(file, at + 10);
    std::uint64_t packed = load<std::uint32_t>(file, at + 20), size = load<std::uint32_t>(file, at + 24),
                  header = load<std::uint32_t>(file, at + 42);
    const std::size_t name_bytes = load<std::uint16_t>(file, at + 28),
                      extra_bytes = load<std::uint16_t>(file, at + 30),
                      comment_bytes = load<std::uint16_t>(file, at + 32);
    const auto crc = load<std::uint32_t>(file, at + 16);
    if (!holds(file, at + 46, name_bytes + extra_bytes + comment_bytes))
      return fail("has a broken zip directory");
    std::string name(text_of(file).substr(at + 46, name_bytes));
    // Zip64 sizes stand in extra field 1, in the order size, packed, offset, those only that are all ones.
    for (std::size_t e = at + 46 + name_bytes, stop = e + extra_bytes; e + 4 <= stop;) {
      const unsigned id = load<std::uint16_t>(file, e), bytes = load<std::uint16_t>(file, e + 2);
      std::size_t field = e + 4;
      for (std::uint64_t* value : {&size, &packed, &header})
        if (id == 1 && *value == 0xffffffffu && field + 8 <= std::min<std::size_t>(stop, e + 4 + bytes)) {
          *value = load<std::uint64_t>(file, field);
          field += 8;
        }
      e += 4 + bytes;
    }
    at += 46 + name_bytes + extra_bytes + comment_bytes;
    if ((flags & 1u) != 0) return fail("has the encrypted entry " + printable(name, 60));
    if (method != 0 && method != 8)
      return fail("has the entry " + printable(name, 60) + " packed by an unknown method");
    if (!holds(file, header, 30) || load<std::uint32_t>(file, header) != 0x04034b50u)
      return fail("has a broken zip entry " + printable(name, 60));
    const std::uint64_t begin =
        header + 30 + load<std::uint16_t>(file, header + 26) + load<std::uint16_t>(file, header + 28);
    if (!holds(file, begin, packed)) return fail("ends inside " + printable(name, 60));
    if ((total += size) > max_bytes || (method == 0 && size != packed) || size > packed * 1100 + 64)
      return fail("has an entry of an impossible size: " + printable(name, 60));
    const ByteSpan raw = file.subspan(begin, packed);
    std::optional<Bytes> content = method == 0 ? Bytes(raw.begin(), raw.end()) : inflate_raw(raw, size);
    if (!content) return fail("has the broken entry " + printable(name, 60));
    if (crc32(0, reinterpret_cast<const Bytef*>(content->data()), static_cast<uInt>(content->size())) != crc)
      return fail("has an entry with a wrong checksum: " + printable(name, 60));
    std::string why;
    auto array = parse_npy(*content, why);
    if (!array) return fail("has the entry " + printable(name, 60) + ", which " + why);
    if (name.ends_with(".npy")) name.resize(name.size() - 4);
    arrays.emplace_back(std::move(name), std::move(*array));
  }
  return arrays;
}

Bytes npy_bytes(const NpyArray& array) {
  std::string header = "{'descr': '" + array.descr + "', 'fortran_order': False, 'shape': (";
  for (const std::int64_t dim : array.shape) header += std::to_string(dim) + ", ";
  if (array.shape.size() > 1)
    header.resize(header.size() - 2);
  else if (array.shape.size() == 1)
    header.resize(header.size() - 1);
  header += "), }";
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  Bytes out;
  const auto put = [&](std::string_view text) {
    const ByteSpan bytes = as_byte_span(text);
    out.insert(out.end(), bytes.begin(), bytes.end());
  };
  put(std::string_view("\x93NUMPY\x01\x00", 8));
  const auto length = static_cast<std::uint16_t>(header.size());
  out.push_back(static_cast<std::byte>(length & 255));
  out.push_back(static_cast<std::byte>(length >> 8));
  put(header);
  out.insert(out.end(), array.data.begin(), array.data.end());
  return out;
}

}  // namespace nb
