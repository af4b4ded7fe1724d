// Models that do wrong, one a value of FAULT: 1 calls address 0, 2 stores at ADDRESS, 3 recurs without end, 4
// has too large an arena, 5 too large weights, 6 stores to an unaligned word, 7 has a constructor, 8 touches
// the last word of the stack.
#include <stdint.h>

#include "model_glue.h"

namespace {

#if FAULT == 4
constexpr int kArenaBytes = 20000;
#else
constexpr int kArenaBytes = 64;
#endif
alignas(16) uint8_t arena[kArenaBytes] __attribute__((section(".nb_arena")));

#if FAULT == 5
extern const volatile int8_t kWeights[70000];
const volatile int8_t kWeights[70000] = {1};
#elif FAULT == 7
int32_t number() {
  volatile int32_t n = 7;
  return n;
}
int32_t constructed = number();
#elif FAULT == 8
extern "C" uint32_t __nb_stack_limit[];
#elif FAULT == 3
#pragma GCC diagnostic ignored "-Winfinite-recursion"
__attribute__((noinline)) int32_t deeper(volatile int32_t* from) {
  volatile int32_t here[16];
  here[0] = *from + 1;
  return deeper(here) + here[0];
}
#endif

void reset(void*) {}

void run(void* at) {
  int32_t* const out = static_cast<int32_t*>(at);
  *out = 0;
#if FAULT == 1
  volatile uintptr_t nowhere = 0;
  reinterpret_cast<void (*)()>(nowhere)();
#elif FAULT == 2
  volatile uintptr_t address = ADDRESS;
  *reinterpret_cast<volatile uint32_t*>(address) = 1;
#elif FAULT == 3
  volatile int32_t start = 0;
  *out = deeper(&start);
#elif FAULT == 5
  *out = kWeights[*out];
#elif FAULT == 6
  *reinterpret_cast<volatile uint32_t*>(static_cast<uint8_t*>(at) + 1) = 1;
#elif FAULT == 8
  __nb_stack_limit[0] = 1;
#elif FAULT == 7
  *out = constructed;
#endif
}

const NbGlueTensor kOutputs[] = {{0, 4}};

}  // namespace

extern "C" const NbGlueModel nb_glue_model = {arena, sizeof arena, 0, 0, 1, nullptr, kOutputs, reset, run};
