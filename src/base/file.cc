#include "base/file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

namespace nb {
namespace fs = std::filesystem;

FileRead read_file(const fs::path& path, std::uint64_t max_bytes) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) return {std::nullopt, "no such file"};
  if (error) return {std::nullopt, error.message()};
  if (fs::is_directory(status)) return {std::nullopt, "is a directory"};
  std::ifstream in(path, std::ios::binary);
  if (!in) return {std::nullopt, std::strerror(errno)};
  Bytes bytes;
  // Devices and pipes have no size; what has one needs one allocation.
  if (const std::uintmax_t size = fs::file_size(path, error); !error && size <= max_bytes)
    bytes.reserve(size + 1);
  constexpr std::size_t kStep = 1 << 20;
  while (in) {
    const std::size_t before = bytes.size();
    if (before >= max_bytes) return {std::nullopt, "is larger than " + std::to_string(max_bytes) + " bytes"};
    const std::size_t step = bytes.capacity() > before ? std::min(bytes.capacity() - before, kStep) : kStep;
    bytes.resize(before + step);
    in.read(reinterpret_cast<char*>(bytes.data() + before), static_cast<std::streamsize>(step));
    bytes.resize(before + static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad()) return {std::nullopt, "cannot be read"};
  return {std::move(bytes), {}};
}

bool write_file(const fs::path& path, ByteSpan bytes, std::string& why_not) {
  std::error_code error;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  if (error) {
    why_not = error.message();
    return false;
  }
  const fs::path temporary = path.string() + ".part" + std::to_string(::getpid());
  std::ofstream out(temporary, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) {
    why_not = std::strerror(errno);
    fs::remove(temporary, error);
    return false;
  }
  fs::rename(temporary, path, error);
  if (error) {
    why_not = error.message();
    fs::remove(temporary, error);
    return false;
  }
  return true;
}

}  // namespace nb
