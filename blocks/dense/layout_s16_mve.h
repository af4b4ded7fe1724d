// What the compiler and the int16 dense layers for Helium share: parameters. Freestanding, for any machine.
#pragma once
#include "../core/form_s16_mve.h"
#include "dense_s8.h"

namespace nb {

/// A DenseS8 of int16, and the form of its constants.
struct DenseS16Mve {
  int32_t rows, in_features, out_features;
  int16_t out_min, out_max;
  uint8_t form;  ///< kTwiceS16Mve...
};

}  // namespace nb
