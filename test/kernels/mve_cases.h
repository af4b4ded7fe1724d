// The file of cases that mve_cases.cc writes and mve_run.cc reads. All little-endian int32, parts 16-byte
// aligned.
#pragma once
#include <stdint.h>

enum MveKind : int32_t { kConv = 0, kDepthwise = 1, kDense = 2 };

/// Followed by the packed constants, the input and the expected output, each padded to 16 bytes.
struct MveCase {
  int32_t kind;
  int32_t measured;  ///< nonzero: report instructions
  int32_t macs;
  int32_t scratch_bytes, packed_bytes, in_bytes, out_bytes;
  int32_t in_row_bytes;  ///< 0 for a dense layer
  int32_t params[24];    ///< Conv2dS8, DepthwiseConv2dS8 or DenseS8
  char name[48];
};
