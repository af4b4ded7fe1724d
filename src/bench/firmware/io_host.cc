// The firmware's files and console on the host. The console is standard output.
#include "io.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace nb::firmware {
namespace {

// Handle 0 is the input, 1 the output: main opens no more.
std::FILE* files[2];

}  // namespace

int open_file(const char* path, bool write) {
  files[write] = std::fopen(path, write ? "wb" : "rb");
  return files[write] != nullptr ? static_cast<int>(write) : -1;
}

int file_length_bytes(int handle) {
  if (std::fseek(files[handle], 0, SEEK_END) != 0) return -1;
  const long length = std::ftell(files[handle]);
  std::rewind(files[handle]);
  return length <= INT32_MAX ? static_cast<int>(length) : -1;
}

bool read_file(int handle, void* to, uint32_t size_bytes) {
  return std::fread(to, 1, size_bytes, files[handle]) == size_bytes;
}

bool write_file(int handle, const void* from, uint32_t size_bytes) {
  return std::fwrite(from, 1, size_bytes, files[handle]) == size_bytes;
}

void close_file(int handle) { std::fclose(files[handle]); }

void print(const char* text) { std::fputs(text, stdout); }

void leave(int exit_code) { std::exit(exit_code); }

void print_line(const char* names, const uint32_t* values) {
  for (; *names != 0; names += std::strlen(names) + 1)
    std::printf("%s0x%x", names, static_cast<unsigned>(*values++));
  std::puts("");
}

StackUse stack_use() { return {0, 0}; }

uint32_t stack_depth_bytes() { return 0; }

}  // namespace nb::firmware
