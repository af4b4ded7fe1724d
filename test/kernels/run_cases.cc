// Runs a file of cases on a virtual Cortex-M board: the DSP kernels, with NB_MVE the MVE kernels, with
// NB_FLOAT the float kernels, whose outputs may differ by rounding; with NB_S16 those of int16. The script
// gives the addresses: the file is loaded at NB_CASES; inputs end at NB_INPUT_END, the end of mapped memory,
// so that a read past them faults; writes past an output or past the scratch memory are found in guards. Each
// spatial case runs as a whole and in strips of rows.
#if defined(NB_FLOAT)
#include "../../blocks/conv2d/conv2d_f32_tiled.h"
#include "../../blocks/dense/dense_f32_tiled.h"
#include "../../blocks/depthwise_conv2d/depthwise_conv2d_f32_tiled.h"
#elif defined(NB_S16) && defined(NB_MVE)
#include "../../blocks/conv2d/conv2d_s16_mve.h"
#include "../../blocks/dense/dense_s16_mve.h"
#include "../../blocks/dense/dense_s16_mve_vector.h"
#include "../../blocks/depthwise_conv2d/depthwise_conv2d_s16_mve.h"
#elif defined(NB_S16)
#include "../../blocks/conv2d/conv2d_s16_dsp.h"
#include "../../blocks/dense/dense_s16_dsp.h"
#include "../../blocks/depthwise_conv2d/depthwise_conv2d_s16_dsp.h"
#elif defined(NB_MVE)
#include "../../blocks/conv2d/conv2d_s8_mve.h"
#include "../../blocks/dense/dense_s8_mve.h"
#include "../../blocks/dense/dense_s8_mve_narrow.h"
#include "../../blocks/depthwise_conv2d/depthwise_conv2d_s8_mve.h"
#else
#define NB_ROUNDS_ONCE 1
#include "../../blocks/conv2d/conv2d_s8_dsp.h"
#include "../../blocks/dense/dense_s8_dsp.h"
#include "../../blocks/depthwise_conv2d/depthwise_conv2d_s8_dsp.h"
#endif
#include "cases.h"
#include "semihosting.h"

namespace {

const int8_t* const kCases = reinterpret_cast<const int8_t*>(NB_CASES);
int8_t* const kInputEnd = reinterpret_cast<int8_t*>(NB_INPUT_END);
int8_t* const kGuarded = reinterpret_cast<int8_t*>(NB_OUT);
int8_t* const kScratch = reinterpret_cast<int8_t*>(NB_SCRATCH);
constexpr int32_t kGuardBytes = 64;
int8_t* const kOut = kGuarded + kGuardBytes;

template <class Params>
const Params& params_of(const KernelCase& c) {
  const void* at = c.params;
  return *static_cast<const Params*>(at);
}

const auto& window_of(const KernelCase& c) {
#if defined(NB_FLOAT)
  return params_of<nb::Conv2dF32>(c).window;  // of a DepthwiseConv2dF32 too
#elif defined(NB_MVE)
  return params_of<nb::Window2dShort>(c);
#else
  return params_of<nb::Window2d>(c);
#endif
}
int32_t rows_of(const KernelCase& c) { return c.kind >= kDense ? 1 : window_of(c).out.h; }

#ifdef NB_FLOAT
void run(const KernelCase& c, const int8_t* in_bytes, int32_t in_row, const int8_t* packed_bytes,
         int8_t* out_bytes, int32_t begin, int32_t end) {
  const float* const in = reinterpret_cast<const float*>(in_bytes);
  const float* const packed = reinterpret_cast<const float*>(packed_bytes);
  float* const out = reinterpret_cast<float*>(out_bytes);
  if (c.kind == kConv)
    nb::conv2d_f32_tiled_rows(params_of<nb::Conv2dF32>(c), in, in_row, packed, out, begin, end);
  else if (c.kind == kDepthwise)
    nb::depthwise_conv2d_f32_tiled_rows(params_of<nb::DepthwiseConv2dF32>(c), in, in_row, packed, out, begin,
                                        end);
  else
    nb::dense_f32_tiled(params_of<nb::DenseF32>(c), in, packed, out);
}

/// How far outputs may lie from the expected ones: 1e-5 of the largest, which is at least 1.
float tolerance(const KernelCase& c, const int8_t* expected) {
  float largest = 1;
  for (int32_t i = 0; i < c.out_bytes / 4; ++i) {
    const float y = reinterpret_cast<const float*>(expected)[i];
    largest = nb::max(largest, y < 0 ? -y : y);
  }
  return 1e-5f * largest;
}

/// Byte i belongs to an output that is not within the tolerance.
bool differs(const int8_t* expected, int32_t i, float tolerated) {
  const float error =
      reinterpret_cast<const float*>(kOut)[i / 4] - reinterpret_cast<const float*>(expected)[i / 4];
  return !(error <= tolerated && -error <= tolerated);
}
#else
#if defined(NB_S16) && defined(NB_MVE)
void run(const KernelCase& c, const int8_t* in_bytes, int32_t in_row, const int8_t* packed, int8_t* out_bytes,
         int32_t begin, int32_t end) {
  const auto* in = reinterpret_cast<const int16_t*>(in_bytes);
  auto* out = reinterpret_cast<int16_t*>(out_bytes);
  if (c.kind == kConv) {
    nb::conv2d_s16_mve_rows(params_of<nb::Conv2dS16Mve>(c), in, in_row, packed, out, begin, end, kScratch);
  } else if (c.kind == kDepthwise) {
    const auto& p = params_of<nb::DepthwiseConv2dS16Mve>(c);
    const bool is_3x3 = p.window.kernel.h == 3 && p.window.kernel.w == 3;
    nb::depthwise_conv2d_s16_mve_rows(
        p, in, in_row, packed, out, begin, end, kScratch,
        is_3x3 ? nb::depthwise_conv2d_s16_mve_row<true> : nb::depthwise_conv2d_s16_mve_row<false>);
  } else {
    (c.kind == kDense ? nb::dense_s16_mve : nb::dense_s16_mve_vector)(params_of<nb::DenseS16Mve>(c), in,
                                                                      packed, out);
  }
}
#elif defined(NB_S16)
template <class Matmul, class Taps, class Rows3x3>
void run_form(const KernelCase& c, const int16_t* in, int32_t in_row, const int8_t* packed, int16_t* out,
              int32_t begin, int32_t end) {
  if (c.kind == kConv) {
    nb::conv2d_s16_dsp_rows<Matmul>(params_of<nb::Conv2dS8>(c), in, in_row, packed, out, begin, end,
                                    kScratch);
  } else if (c.kind == kDense) {
    nb::dense_s16_dsp<Matmul>(params_of<nb::DenseS8>(c), in, packed, out, kScratch);
  } else {
    const auto& p = params_of<nb::DepthwiseConv2dS8>(c);
    if (nb::depthwise_3x3_dsp_applies(p))
      nb::depthwise_conv2d_s16_dsp_rows<Rows3x3>(p, in, in_row, packed, out, begin, end, kScratch);
    else
      nb::depthwise_conv2d_s16_dsp_rows<Taps>(p, in, in_row, packed, out, begin, end, kScratch);
  }
}
void run(const KernelCase& c, const int8_t* in_bytes, int32_t in_row, const int8_t* packed, int8_t* out_bytes,
         int32_t begin, int32_t end) {
  const auto* in = reinterpret_cast<const int16_t*>(in_bytes);
  auto* out = reinterpret_cast<int16_t*>(out_bytes);
  if (c.form == kFormOnce)
    run_form<nb::MatmulS16OnceDsp, nb::DepthwiseTapsOnceDsp, nb::Depthwise3x3OnceDsp>(c, in, in_row, packed,
                                                                                      out, begin, end);
  else if (c.form == kFormTwice)
    run_form<nb::MatmulS16TwiceDsp, nb::DepthwiseTapsTwiceDsp, nb::Depthwise3x3TwiceDsp>(
        c, in, in_row, packed, out, begin, end);
  else  // of depthwise layers there is no wide form
    run_form<nb::MatmulS16WideDsp, nb::DepthwiseTapsTwiceDsp, nb::Depthwise3x3TwiceDsp>(c, in, in_row, packed,
                                                                                        out, begin, end);
}
#else
void run(const KernelCase& c, const int8_t* in, int32_t in_row, const int8_t* packed, int8_t* out,
         int32_t begin, int32_t end) {
#ifdef NB_MVE
  if (c.kind == kConv) {
    nb::conv2d_s8_mve_rows(params_of<nb::Conv2dS8Mve>(c), in, in_row, packed, out, begin, end, kScratch);
  } else if (c.kind == kDepthwise) {
    const auto& p = params_of<nb::DepthwiseConv2dS8Mve>(c);
    const bool is_3x3 = p.window.kernel.h == 3 && p.window.kernel.w == 3;
    nb::depthwise_conv2d_s8_mve_rows(p, in, in_row, packed, out, begin, end, kScratch,
                                     p.form & nb::kGathersMve ? nb::depthwise_conv2d_s8_mve_gathered_row
                                     : is_3x3                 ? nb::depthwise_conv2d_s8_mve_row<true>
                                                              : nb::depthwise_conv2d_s8_mve_row<false>);
  } else {
    (c.kind == kDense          ? nb::dense_s8_mve
     : c.kind == kDenseUniform ? nb::dense_s8_mve_uniform
                               : nb::dense_s8_mve_narrow)(params_of<nb::DenseS8Mve>(c), in, packed, out);
  }
#else
  if (c.kind == kConv)
    nb::conv2d_s8_dsp_rows(params_of<nb::Conv2dS8>(c), in, in_row, packed, out, begin, end, kScratch);
  else if (c.kind == kDepthwise)
    nb::depthwise_conv2d_s8_dsp_rows(params_of<nb::DepthwiseConv2dS8>(c), in, in_row, packed, out, begin, end,
                                     kScratch);
  else
    nb::dense_s8_dsp(params_of<nb::DenseS8>(c), in, packed, out, kScratch);
#endif
}
#endif

int32_t tolerance(const KernelCase&, const int8_t*) { return 0; }
bool differs(const int8_t* expected, int32_t i, int32_t) { return kOut[i] != expected[i]; }
#endif

void fill(int8_t* at, int32_t count, int8_t value) {
  for (int32_t i = 0; i < count; ++i) at[i] = value;
}

bool check(const KernelCase& c, const int8_t* expected, uint32_t number, const char* what) {
  int32_t wrong = 0, first = -1;
  const auto tolerated = tolerance(c, expected);
  for (int32_t i = 0; i < c.out_bytes; ++i)
    if (differs(expected, i, tolerated) && wrong++ == 0) first = i;
  bool is_inside = true;
  for (int32_t i = 0; i < kGuardBytes; ++i)
    is_inside &=
        kOut[c.out_bytes + i] == 0x5a && kGuarded[i] == 0x5a && kScratch[c.scratch_bytes + i] == 0x5a;
  if (wrong == 0 && is_inside) return true;
  print(is_inside ? "WRONG " : "OVERRUN "), print(what), print(" case "), print_number(number);
  print(" kind "), print_number(static_cast<uint32_t>(c.kind));
  print(" bytes "), print_number(static_cast<uint32_t>(wrong)), print(" first ");
  print_number(static_cast<uint32_t>(first)), print(" params");
  for (const int32_t v : c.params)
    print(v < 0 ? " -" : " "), print_number(static_cast<uint32_t>(v < 0 ? -v : v));
  print("\n");
  return false;
}

void prepare(const KernelCase& c) {
  fill(kGuarded, c.out_bytes + 2 * kGuardBytes, 0x5a);
  fill(kScratch, c.scratch_bytes + kGuardBytes, 0x5a);
}

int32_t padded(int32_t size_bytes) { return (size_bytes + 15) & ~15; }

uint32_t run_all() {
  uint32_t failures = 0, cases = 0;
  const int8_t* at = kCases;
  for (;; ++cases) {
    const KernelCase& c = *reinterpret_cast<const KernelCase*>(at);
    if (c.kind == kEnd) break;
    const int8_t* packed = at + padded(sizeof c);
    const int8_t* in = packed + padded(c.packed_bytes);
    const int8_t* expected = in + padded(c.in_bytes);
    at = expected + padded(c.out_bytes);
    int8_t* input = kInputEnd - c.in_bytes;
    for (int32_t i = 0; i < c.in_bytes; ++i) input[i] = in[i];

    prepare(c);
    run(c, input, 0, packed, kOut, 0, rows_of(c));
    if (!check(c, expected, cases, "whole")) ++failures;
    if (c.kind >= kDense) continue;
    // Strips of one, two, three... rows, each from the first input row it needs.
    prepare(c);
    const auto& g = window_of(c);
    const int32_t out_row_bytes = c.out_bytes / g.out.h;
    for (int32_t y = 0, strip = 1; y < g.out.h; y += strip++) {
      const int32_t end = nb::min<int32_t>(y + strip, g.out.h);
      const int32_t row = nb::clamp<int32_t>(y * g.stride.h - g.pad.h, 0, g.in.h);
      run(c, input + row * c.in_row_bytes, row, packed, kOut + y * out_row_bytes, y, end);
    }
    if (!check(c, expected, cases, "strips")) ++failures;
  }
  print_number(cases), print(" cases, "), print_number(failures), print(" failures\n");
  return failures;
}

[[noreturn]] void fault() {
  print("FAULT\n");
  leave(3);
}

}  // namespace

extern "C" [[noreturn]] __attribute__((used)) void run_and_leave() { leave(run_all() != 0 ? 1 : 0); }

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
      "b run_and_leave\n");
}

__attribute__((section(".vectors"), used)) void (*const kVectors[])() = {
    reinterpret_cast<void (*)()>(NB_STACK_TOP), start, fault, fault, fault, fault, fault};
