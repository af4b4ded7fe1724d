// What a kernel test on a virtual Cortex-M board needs of the machine: text and an exit status by
// semihosting.
#pragma once
#include <stdint.h>

inline int32_t semihost(int32_t operation, const void* argument) {
  register int32_t r0 __asm__("r0") = operation;
  register const void* r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

inline void print(const char* text) { semihost(4, text); }

inline void print_number(uint32_t value) {
  char digits[12];
  char* at = digits + 11;
  *at = 0;
  do *--at = static_cast<char>('0' + value % 10);
  while (value /= 10);
  print(at);
}

[[noreturn]] inline void leave(uint32_t status) {
  const uint32_t block[2] = {0x20026, status};
  for (;;) semihost(0x20, block);
}
