// Semihosting (Arm's specification, version 2; RISC-V's own call sequence), the subset that the firmware
// uses.
#include "io.h"
#include "stack_paint.h"

extern "C" uint32_t __nb_stack_limit[], __nb_stack_top[];

namespace nb::firmware {
namespace {

enum : uint32_t {
  kSysOpen = 0x01,
  kSysClose = 0x02,
  kSysWrite0 = 0x04,
  kSysWrite = 0x05,
  kSysRead = 0x06,
  kSysFlen = 0x0C,
  kSysExitExtended = 0x20,
};
constexpr uint32_t kApplicationExit = 0x20026;
constexpr uint32_t kOpenReadBinary = 1, kOpenWriteBinary = 5;

#if defined(__arm__)
__attribute__((noinline)) int32_t call(uint32_t operation, const void* block) {
  register uint32_t r0 __asm__("r0") = operation;
  register const void* r1 __asm__("r1") = block;
  __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return static_cast<int32_t>(r0);
}
#elif defined(__riscv)
// The three instructions are uncompressed and lie in one page, or they are no semihosting call.
__attribute__((noinline)) int32_t call(uint32_t operation, const void* block) {
  register uint32_t a0 __asm__("a0") = operation;
  register const void* a1 __asm__("a1") = block;
  __asm__ volatile(
      ".balign 16\n.option push\n.option norvc\n"
      "slli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop"
      : "+r"(a0)
      : "r"(a1)
      : "memory");
  return static_cast<int32_t>(a0);
}
#else
#error "semihosting: Arm or RISC-V"
#endif

uint32_t word(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

}  // namespace

int open_file(const char* path, bool write) {
  uint32_t length = 0;
  while (path[length] != 0) ++length;
  const uint32_t block[3] = {word(path), write ? kOpenWriteBinary : kOpenReadBinary, length};
  return call(kSysOpen, block);
}

int file_length_bytes(int handle) { return call(kSysFlen, &handle); }

bool read_file(int handle, void* to, uint32_t size_bytes) {
  const uint32_t block[3] = {static_cast<uint32_t>(handle), word(to), size_bytes};
  return call(kSysRead, block) == 0;
}

bool write_file(int handle, const void* from, uint32_t size_bytes) {
  const uint32_t block[3] = {static_cast<uint32_t>(handle), word(from), size_bytes};
  return call(kSysWrite, block) == 0;
}

void close_file(int handle) { call(kSysClose, &handle); }

void print(const char* text) { call(kSysWrite0, text); }

void leave(int exit_code) {
  const uint32_t block[2] = {kApplicationExit, static_cast<uint32_t>(exit_code)};
  for (;;) call(kSysExitExtended, block);
}

void print_line(const char* names, const uint32_t* values) {
  while (*names != 0) {
    print(names);
    while (*names++ != 0) {
    }
    char digits[12];
    char* at = digits + sizeof digits - 1;
    *at = 0;
    uint32_t value = *values++;
    do {
      const uint32_t digit = value & 15;
      *--at = static_cast<char>(digit < 10 ? '0' + digit : 'a' - 10 + digit);
      value >>= 4;
    } while (value != 0);
    *--at = 'x';
    *--at = '0';
    print(at);
  }
  print("\n");
}

StackUse stack_use() {
  const uint32_t* at = __nb_stack_limit;
  while (at < __nb_stack_top && *at == NB_STACK_PAINT) ++at;
  return {word(__nb_stack_top) - word(at), word(__nb_stack_top) - word(__nb_stack_limit)};
}

uint32_t stack_depth_bytes() { return word(__nb_stack_top) - word(__builtin_frame_address(0)); }

}  // namespace nb::firmware
