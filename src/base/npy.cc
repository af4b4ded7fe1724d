#include "base/npy.h"

#include <charconv>
#include <string_view>

#include "base/text.h"
#include "base/zip.h"

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
  if (!is_zip(file)) return fail("is not a .npz (zip) file");
  auto archive = ZipArchive::open(file, why_not);
  if (!archive) return std::nullopt;
  std::uint64_t total = 0;
  std::vector<std::pair<std::string, NpyArray>> arrays;
  for (const ZipEntry& entry : archive->entries()) {
    if (entry.size > max_bytes - total)
      return fail("has an entry of an impossible size: " + printable(entry.name, 60));
    total += entry.size;
    const auto content = archive->content(entry, why_not);
    if (!content) return std::nullopt;
    std::string why;
    auto array = parse_npy(*content, why);
    if (!array) return fail("has the entry " + printable(entry.name, 60) + ", which " + why);
    const std::string_view name = entry.name;
    arrays.emplace_back(name.ends_with(".npy") ? name.substr(0, name.size() - 4) : name, std::move(*array));
    archive->forget(entry);
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
