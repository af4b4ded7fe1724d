// Dense layer of few outputs for Armv8.1-M with the vector extension (Helium): four outputs of two vectors at
// a time.
#pragma once
#include "../conv2d/pair_s8_mve.h"
#include "layout_mve.h"

namespace nb {

/// `p` and `packed` come from pack_dense_s8_mve with groups of four. Equals dense_s8 bit for bit.
NB_NOINLINE inline void dense_s8_mve_narrow(const DenseS8Mve& p, const int8_t* in, const int8_t* packed,
                                            int8_t* out) {
  PairMve job;
  start_pair_mve(job, p.in_features, p.out_features, p.out_zero, p.out_min, p.out_max, p.form);
  job.taps1 = in;
  job.out1 = out;
  for (int32_t left = p.rows; left > 0; left -= 2) {
    job.taps0 = job.taps1;
    job.out0 = job.out1;
    if (left > 1) {
      job.taps1 += p.in_features;
      job.out1 += p.out_features;
    }
    dot_pair_s8_mve(job, packed);
    job.taps1 += p.in_features;
  }
}

}  // namespace nb
