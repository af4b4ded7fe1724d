// Runs the cases of mve_cases.cc on a Cortex-M55 (qemu-system-arm -M mps3-an547, semihosting). The file is
// loaded at kCases. Inputs end at the end of mapped memory, so that a read past them faults; writes past an
// output or past the scratch memory are found in guards. Each spatial case runs as a whole and in strips of
// rows.
#include "../../blocks/conv2d/conv2d_s8_mve.h"
#include "../../blocks/dense/dense_s8_mve.h"
#include "../../blocks/depthwise_conv2d/depthwise_conv2d_s8_mve.h"
#include "mve_cases.h"

namespace {

const int8_t* const kCases = reinterpret_cast<const int8_t*>(0x60000000);
int8_t* const kInputEnd = reinterpret_cast<int8_t*>(0x20080000);  // end of the DTCM
int8_t* const kGuarded = reinterpret_cast<int8_t*>(0x21000000);   // 2 MB of SRAM
int8_t* const kScratch = reinterpret_cast<int8_t*>(0x21100000);
constexpr int32_t kGuardBytes = 64;
int8_t* const kOut = kGuarded + kGuardBytes;
volatile uint32_t* const kSysTick = reinterpret_cast<volatile uint32_t*>(0xE000E010);

int32_t semihost(int32_t operation, const void* argument) {
  register int32_t r0 __asm__("r0") = operation;
  register const void* r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

void print(const char* text) { semihost(4, text); }

void print_number(uint32_t value) {
  char digits[12];
  char* at = digits + 11;
  *at = 0;
  do *--at = static_cast<char>('0' + value % 10);
  while (value /= 10);
  print(at);
}

[[noreturn]] void leave(uint32_t status) {
  const uint32_t block[2] = {0x20026, status};
  for (;;) semihost(0x20, block);
}

int32_t rows_of(const MveCase& c) {
  return c.kind == kDense ? 1 : reinterpret_cast<const nb::Window2d&>(c.params).out.h;
}

void run(const MveCase& c, const int8_t* in, int32_t in_row, const int8_t* packed, int8_t* out, int32_t begin,
         int32_t end) {
  if (c.kind == kConv)
    nb::conv2d_s8_mve_rows(reinterpret_cast<const nb::Conv2dS8&>(c.params), in, in_row, packed, out, begin,
                           end, kScratch);
  else if (c.kind == kDepthwise)
    nb::depthwise_conv2d_s8_mve_rows(reinterpret_cast<const nb::DepthwiseConv2dS8&>(c.params), in, in_row,
                                     packed, out, begin, end, kScratch);
  else
    nb::dense_s8_mve(reinterpret_cast<const nb::DenseS8&>(c.params), in, packed, out, nullptr);
}

void fill(int8_t* at, int32_t count, int8_t value) {
  for (int32_t i = 0; i < count; ++i) at[i] = value;
}

bool check(const MveCase& c, const int8_t* expected, const char* what) {
  int32_t wrong = 0, first = -1;
  for (int32_t i = 0; i < c.out_bytes; ++i)
    if (kOut[i] != expected[i] && wrong++ == 0) first = i;
  bool guards = true;
  const int32_t scratch = c.scratch_bytes;
  for (int32_t i = 0; i < kGuardBytes; ++i)
    guards &= kOut[c.out_bytes + i] == 0x5a && kGuarded[i] == 0x5a && kScratch[scratch + i] == 0x5a;
  if (wrong == 0 && guards) return true;
  print(guards ? "WRONG " : "OVERRUN ");
  print(what), print(" "), print(c.name), print(" kind "), print_number(static_cast<uint32_t>(c.kind));
  print(" bytes "), print_number(static_cast<uint32_t>(wrong)), print(" first ");
  print_number(static_cast<uint32_t>(first)), print(" params");
  for (int32_t v : c.params) print(v < 0 ? " -" : " "), print_number(static_cast<uint32_t>(v < 0 ? -v : v));
  print("\n");
  return false;
}

void prepare(const MveCase& c) {
  fill(kGuarded, c.out_bytes + 2 * kGuardBytes, 0x5a);
  fill(kScratch, c.scratch_bytes + kGuardBytes, 0x5a);
}

int32_t padded(int32_t size_bytes) { return (size_bytes + 15) & ~15; }

int main_program() {
  kSysTick[1] = 0xffffff;
  kSysTick[0] = 5;
  uint32_t failures = 0, cases = 0;
  const int8_t* at = kCases;
  for (;; ++cases) {
    const MveCase& c = *reinterpret_cast<const MveCase*>(at);
    if (c.kind < 0) break;
    const int8_t* packed = at + padded(sizeof c);
    const int8_t* in = packed + padded(c.packed_bytes);
    const int8_t* expected = in + padded(c.in_bytes);
    at = expected + padded(c.out_bytes);
    int8_t* input = kInputEnd - c.in_bytes;
    for (int32_t i = 0; i < c.in_bytes; ++i) input[i] = in[i];

    prepare(c);
    kSysTick[2] = 0;
    const uint32_t start = kSysTick[2];
    run(c, input, 0, packed, kOut, 0, rows_of(c));
    const uint32_t ticks = (start - kSysTick[2]) & 0xffffff;
    if (!check(c, expected, "whole")) ++failures;
    if (c.measured) {
      print("layer "), print(c.name), print(" "), print_number(static_cast<uint32_t>(c.macs));
      print(" "), print_number(ticks), print(" scratch ");
      print_number(static_cast<uint32_t>(c.scratch_bytes)), print(" packed ");
      print_number(static_cast<uint32_t>(c.packed_bytes)), print("\n");
    }
    if (c.kind == kDense) continue;
    // Strips of one, two, three... rows, each from the first input row it needs.
    prepare(c);
    const nb::Window2d& g = reinterpret_cast<const nb::Window2d&>(c.params);
    const int32_t out_row_bytes = c.out_bytes / g.out.h;
    for (int32_t y = 0, strip = 1; y < g.out.h; y += strip++) {
      const int32_t end = nb::min(y + strip, g.out.h);
      const int32_t row = nb::clamp<int32_t>(y * g.stride.h - g.pad.h, 0, g.in.h);
      run(c, input + row * c.in_row_bytes, row, packed, kOut + y * out_row_bytes, y, end);
    }
    if (!check(c, expected, "strips")) ++failures;
  }
  print_number(cases), print(" cases, "), print_number(failures), print(" failures\n");
  return failures ? 1 : 0;
}

[[noreturn]] void fault() {
  print("FAULT\n");
  leave(3);
}

}  // namespace

extern "C" [[noreturn]] __attribute__((naked)) void start() {
  // Coprocessors 10 and 11 (floating point and vectors) on, before any code that may be vectorised.
  __asm__ volatile(
      "movw r0, #0xED88\n"
      "movt r0, #0xE000\n"
      "ldr r1, [r0]\n"
      "orr r1, r1, #0xF00000\n"
      "str r1, [r0]\n"
      "dsb\n"
      "isb\n"
      "b run_all\n");
}

extern "C" [[noreturn]] __attribute__((used)) void run_all() { leave(static_cast<uint32_t>(main_program())); }

__attribute__((section(".vectors"), used)) void (*const kVectors[])() = {
    reinterpret_cast<void (*)()>(0x20010000), start, fault, fault, fault, fault, fault};
