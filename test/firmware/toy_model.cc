// Two dense layers of integers with a state, and a loop whose instructions are known: what the virtual boards
// are tried on. Initialised and zeroed variables prove start-up's copy and clear.
#include <stdint.h>

#include "model_glue.h"
#include "nb_mark.h"

namespace {

alignas(16) uint8_t arena[96] __attribute__((section(".nb_arena")));
volatile int32_t initialised = 1000;
volatile int32_t zeroed;

const int8_t kFirst[4][8] __attribute__((section(".nb_weights"))) = {{1, 2, 3, 4, 5, 6, 7, 8},
                                                                     {-1, 2, -3, 4, -5, 6, -7, 8},
                                                                     {8, 7, 6, 5, 4, 3, 2, 1},
                                                                     {100, -100, 50, -50, 25, -25, 12, -12}};
const int8_t kSecond[2][4] = {{1, -1, 1, -1}, {2, 3, 5, 7}};

// 501 instructions on every virtual board: one, then 250 times two.
inline void known_loop() {
#if defined(__arm__)
  __asm__ volatile(".syntax unified\nmovs r0, #250\n1: subs r0, #1\nbne 1b" ::: "r0", "cc");
#elif defined(__riscv)
  __asm__ volatile("li t0, 250\n1: addi t0, t0, -1\nbnez t0, 1b" ::: "t0");
#endif
}

// 10 instructions: two, then four times two. The last turn's mask covers 12 bytes of 16.
inline void known_vector_loop() {
#if defined(__ARM_FEATURE_MVE)
  __asm__ volatile("movs r0, #60\ndlstp.8 lr, r0\n1: vadd.i8 q0, q0, q0\nletp lr, 1b" ::: "r0", "lr", "q0");
#endif
}

void reset(void* at) { *reinterpret_cast<int32_t*>(static_cast<uint8_t*>(at) + 48) = 0; }

void run(void* at) {
  uint8_t* const bytes = static_cast<uint8_t*>(at);
  const int8_t* const in = reinterpret_cast<const int8_t*>(bytes);
  int32_t* const middle = reinterpret_cast<int32_t*>(bytes + 16);
  int32_t* const out = reinterpret_cast<int32_t*>(bytes + 32);
  int32_t& state = *reinterpret_cast<int32_t*>(bytes + 48);
  NB_MARK(0);
  known_loop();
  NB_MARK(1);
  known_vector_loop();
  NB_MARK(2);
  for (int o = 0; o < 4; ++o) {
    int32_t sum = initialised + zeroed;
    for (int i = 0; i < 8; ++i) sum += in[i] * kFirst[o][i];
    middle[o] = sum > 0 ? sum : 0;
  }
  NB_MARK(3);
  for (int o = 0; o < 2; ++o) {
    int32_t sum = state;
    for (int i = 0; i < 4; ++i) sum += middle[i] * kSecond[o][i];
    out[o] = sum;
  }
  state += out[0];
}

const NbGlueTensor kInputs[] = {{0, 5}, {5, 3}};
const NbGlueTensor kOutputs[] = {{32, 8}};

}  // namespace

extern "C" const NbGlueModel nb_glue_model = {arena,   sizeof arena, FLAGS, 2,  1,
                                              kInputs, kOutputs,     reset, run};
