// The four functions that a compiler calls of its own accord. Weak: a program that has them already keeps its
// own; a hosted program has a C library, and this file is empty.
#if !__STDC_HOSTED__
#include <stddef.h>
#include <stdint.h>

// An empty assembly statement a turn keeps the compiler from seeing the loop as a call of the very same
// function.
#define NB_KEEP_LOOP() __asm__ volatile("")
#define NB_WEAK __attribute__((weak, used))

namespace {
typedef uint32_t __attribute__((may_alias)) Word;
constexpr uintptr_t kWordMask = sizeof(Word) - 1;
uintptr_t address(const void* p) { return reinterpret_cast<uintptr_t>(p); }
}  // namespace

extern "C" {

NB_WEAK void* memcpy(void* __restrict__ to, const void* __restrict__ from, size_t n) {
  uint8_t* d = static_cast<uint8_t*>(to);
  const uint8_t* s = static_cast<const uint8_t*>(from);
  if (((address(d) | address(s)) & kWordMask) == 0) {
    for (; n >= sizeof(Word); n -= sizeof(Word), d += sizeof(Word), s += sizeof(Word)) {
      NB_KEEP_LOOP();
      *reinterpret_cast<Word*>(d) = *reinterpret_cast<const Word*>(s);
    }
  }
  for (; n != 0; --n) {
    NB_KEEP_LOOP();
    *d++ = *s++;
  }
  return to;
}

NB_WEAK void* memmove(void* to, const void* from, size_t n) {
  uint8_t* d = static_cast<uint8_t*>(to);
  const uint8_t* s = static_cast<const uint8_t*>(from);
  if (address(d) - address(s) >= n) return memcpy(to, from, n);  // no byte is read after it was written
  while (n != 0) {
    NB_KEEP_LOOP();
    --n;
    d[n] = s[n];
  }
  return to;
}

NB_WEAK void* memset(void* to, int value, size_t n) {
  uint8_t* d = static_cast<uint8_t*>(to);
  const uint8_t byte = static_cast<uint8_t>(value);
  if ((address(d) & kWordMask) == 0) {
    const Word word = byte * UINT32_C(0x01010101);
    for (; n >= sizeof(Word); n -= sizeof(Word), d += sizeof(Word)) {
      NB_KEEP_LOOP();
      *reinterpret_cast<Word*>(d) = word;
    }
  }
  for (; n != 0; --n) {
    NB_KEEP_LOOP();
    *d++ = byte;
  }
  return to;
}

NB_WEAK int memcmp(const void* a, const void* b, size_t n) {
  const uint8_t* x = static_cast<const uint8_t*>(a);
  const uint8_t* y = static_cast<const uint8_t*>(b);
  for (; n != 0; --n, ++x, ++y) {
    NB_KEEP_LOOP();
    if (*x != *y) return *x - *y;
  }
  return 0;
}

}  // extern "C"

#endif
