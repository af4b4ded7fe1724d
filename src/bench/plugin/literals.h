// Loads of constants from beside the code (Thumb's LDR of a word, by the program counter): their addresses
// are known when the code is translated, so that they need no call each when they run.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "memories.h"

struct literal {
  uint32_t index;  // of the instruction in its block
  uint32_t address;
  uint32_t run;  // it and the next ones in the same lines
  const struct region* region;
};

/// What a block of Thumb code loads so, of what is watched, in its order; `has_known_address` says by
/// instruction whether its access needs no further look. Loads that may not run are left out: those in IT
/// blocks, and the first ones where an IT block may go on: QEMU ends blocks with a page, and the smallest
/// page has 1 KiB.
static uint32_t find_literals(const uint8_t* code, uint32_t bytes, uint32_t pc, struct literal* found,
                              bool* has_known_address) {
  const uint32_t in_page = pc & 0x3ff;
  uint32_t conditional = in_page == 0 || in_page == 0x3fe ? 4 : 0;
  uint32_t count = 0, index = 0, length = 2;
  for (uint32_t at = 0; at < bytes; at += length, ++index) {
    const uint32_t first = code[at] | (uint32_t)code[at + 1] << 8;
    length = first >= 0xe800 ? 4 : 2;
    const uint32_t second = length == 4 ? code[at + 2] | (uint32_t)code[at + 3] << 8 : 0;
    const uint32_t base = (pc + at + 4) & ~UINT32_C(3);
    if ((first & 0xff00) == 0xbf00 && (first & 15) != 0) {  // IT
      conditional = 4 - (uint32_t)__builtin_ctz(first & 15);
      continue;
    }
    if (conditional > 0) {
      --conditional;
      continue;
    }
    uint32_t address;
    if (first >> 11 == 9) {
      address = base + (first & 0xff) * 4;
    } else if ((first & 0xff7f) == 0xf85f && second >> 12 != 15) {  // to the program counter: a jump
      address = (first & 0x80) != 0 ? base + (second & 0xfff) : base - (second & 0xfff);
    } else {
      continue;
    }
    if (address % 4 != 0) continue;
    has_known_address[index] = true;
    const struct region* const region = watched_region(address);
    if (region != NULL)
      found[count++] = (struct literal){.index = index, .address = address, .run = 1, .region = region};
  }
  for (uint32_t i = count; i-- > 1;) {
    struct literal *const before = &found[i - 1], *const after = &found[i];
    if (before->region == after->region && share_lines(after->region, before->address, after->address))
      before->run = after->run + 1;
  }
  return count;
}
