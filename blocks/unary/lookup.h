// A function of 8-bit elements as a table of its 256 values.
#pragma once
#include "../core/nb.h"

namespace nb {

struct Lookup {
  int32_t count;
};

/// out[i] = table[in[i]], in[i] read as unsigned; the output may lie exactly on the input.
NB_NOINLINE inline void lookup(const Lookup& p, const uint8_t* in, const uint8_t* table, uint8_t* out) {
  for (int32_t i = 0; i < p.count; ++i) out[i] = table[in[i]];
}

}  // namespace nb
