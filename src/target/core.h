// What a processor core offers to kernels.
#pragma once
#include <string>

namespace nb {

/// A core as kernels see it. One is chosen by a board.
struct Core {
  std::string name = "host";      ///< "m0", "m3", "m4f", "m7", "m33", "m55", "rv32", "host"
  bool has_dsp = false;           ///< Armv7E-M/Armv8-M DSP extension: SMLAD, SXTB16, SSAT, SMMULR
  bool has_mve = false;           ///< Armv8.1-M vector extension (Helium), integer and float
  bool has_fpu = false;           ///< single-precision arithmetic in hardware
  bool has_fast_multiply = true;  ///< a 32x32 multiply in a few cycles
  int pointer_bytes = 4;
};

}  // namespace nb
