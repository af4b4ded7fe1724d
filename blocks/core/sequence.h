// The sizes of a recurrent layer's tensors.
#pragma once
#include "nb.h"

namespace nb {

/// Sizes of a recurrent layer, and the strides (in elements) of its tensors.
struct Sequence {
  int32_t steps, samples;
  int32_t inputs, units;
  int32_t x_step, x_sample;               ///< from one step or sample of x to the next
  int32_t y_step, y_sample, y_direction;  ///< the same for y
  int32_t directions;
  bool starts_reverse;  ///< the first direction walks from the last step to the first
};

}  // namespace nb
