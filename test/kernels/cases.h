// The file of cases that dsp_cases.cc, mve_cases.cc, s16_cases.cc and float_cases.cc write on this computer
// and run_cases.cc reads on a virtual board. All little-endian int32, parts 16-byte aligned.
#pragma once
#include <stdint.h>

enum CaseKind : int32_t {
  kEnd = -1,
  kConv = 0,
  kDepthwise = 1,
  kDense = 2,
  kDenseUniform = 3,  ///< these two of the MVE kernels
  kDenseNarrow = 4,
  kDenseVector = 5  ///< of the int16 MVE kernels
};

/// Of the int16 kernels: what becomes of sums.
enum CaseForm : int32_t { kFormOnce = 0, kFormTwice = 1, kFormWide = 2 };

/// Followed by the packed constants, the input and the expected output, each padded to 16 bytes.
struct KernelCase {
  int32_t kind;
  int32_t scratch_bytes, packed_bytes, in_bytes, out_bytes;
  int32_t in_row_bytes;  ///< 0 for a dense layer
  int32_t form;          ///< CaseForm of an int16 kernel
  int32_t params[26];    ///< Conv2dS8, Conv2dS8Mve or Conv2dF32 and so on
};
