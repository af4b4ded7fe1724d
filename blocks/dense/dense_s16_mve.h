// Dense layer of int16 vectors with int8 weights for Armv8.1-M with the vector extension (Helium): four
// outputs of two vectors at a time.
#pragma once
#include "../conv2d/pair_s16_mve.h"
#include "layout_s16_mve.h"

namespace nb {

/// `p` and `packed` come from pack_dense_s16_mve with groups of four. Equals dense_s16 bit for bit.
NB_NOINLINE inline void dense_s16_mve(const DenseS16Mve& p, const int16_t* in, const int8_t* packed,
                                      int16_t* out) {
  const int32_t in_bytes = 2 * p.in_features, out_bytes = 2 * p.out_features;
  PairS16Mve job;
  start_pair_s16_mve(job, p.in_features, p.out_features, p.out_min, p.out_max, p.form);
  job.taps1 = reinterpret_cast<const int8_t*>(in);
  job.out1 = reinterpret_cast<int8_t*>(out);
  for (int32_t left = p.rows; left > 0; left -= 2) {
    job.taps0 = job.taps1;
    job.out0 = job.out1;
    if (left > 1) {
      job.taps1 += in_bytes;
      job.out1 += out_bytes;
    }
    dot_pair_s16_mve(job, packed);
    job.taps1 += in_bytes;
  }
}

}  // namespace nb
