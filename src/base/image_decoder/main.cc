// nblocks-image CHANNELS: decodes the picture on its standard input (which must be a file) and writes what
// image.h says to its standard output, or why not to its standard error. stb_image is not made for files that
// nobody vouches for; here it runs in a process of its own that cannot open anything else and that its parent
// limits.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "base/image.h"

#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_ONLY_PNM
#define STBI_FAILURE_USERMSG
#define STBI_MAX_DIMENSIONS 32768
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>

namespace {

[[noreturn]] void refuse(const std::string& why) {
  std::fputs(why.c_str(), stderr);
  std::_Exit(nb::kExitNoImage);
}

std::vector<stbi_uc> read_input(std::size_t size) {
  std::vector<stbi_uc> bytes(size);
  std::size_t at = 0;
  while (at < size) {
    const auto n = pread(0, bytes.data() + at, size - at, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    at += static_cast<std::size_t>(n);
  }
  bytes.resize(at);
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  struct stat about {};
  const int channels = argc == 2 ? std::atoi(argv[1]) : 0;
  if (fstat(0, &about) != 0 || !S_ISREG(about.st_mode) || (channels != 1 && channels != 3)) {
    std::fputs("nblocks-image is a part of nblocks: it decodes a picture from its standard input\n", stderr);
    return 2;
  }
  // From here on no file is opened, no process started, and no core left.
  const rlimit none{0, 0};
  setrlimit(RLIMIT_NOFILE, &none);
  setrlimit(RLIMIT_NPROC, &none);
  setrlimit(RLIMIT_CORE, &none);
  try {
    const std::vector<stbi_uc> file = read_input(static_cast<std::size_t>(about.st_size));
    const auto length = static_cast<int>(file.size());
    int width = 0, height = 0, own = 0;
    if (stbi_info_from_memory(file.data(), length, &width, &height, &own) == 0 || width < 1 || height < 1)
      refuse(stbi_failure_reason());
    if (std::int64_t{width} * height > nb::kMostPixels)
      refuse(std::to_string(width) + " x " + std::to_string(height) + " pixels, at most " +
             std::to_string(nb::kMostPixels) + " are read");
    const stbi_uc* pixels = stbi_load_from_memory(file.data(), length, &width, &height, &own, channels);
    if (pixels == nullptr) refuse(stbi_failure_reason());
    const std::uint32_t header[] = {nb::kImageMagic, static_cast<std::uint32_t>(height),
                                    static_cast<std::uint32_t>(width)};
    const std::size_t size = std::size_t{header[1]} * header[2] * static_cast<std::size_t>(channels);
    const bool is_written = std::fwrite(header, sizeof header, 1, stdout) == 1 &&
                            std::fwrite(pixels, 1, size, stdout) == size && std::fflush(stdout) == 0;
    std::_Exit(is_written ? 0 : 1);
  } catch (const std::bad_alloc&) {
    refuse("it needs more memory than may be used");
  }
}
