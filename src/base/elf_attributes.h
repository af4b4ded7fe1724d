// What the tools that built an ELF file say of the processors that it is for: its build attributes.
#pragma once
#include <optional>
#include <string>

#include "base/bytes.h"

namespace nb {

/// Of section .ARM.attributes, as numbered in Arm's "Addenda to, and errata in, the ABI for the Arm
/// architecture" (IHI 0045), section 3.3. 0: not told.
struct ArmAttributes {
  unsigned architecture = 0;  ///< Tag_CPU_arch
  char profile = 0;           ///< Tag_CPU_arch_profile: 'A', 'R', 'M', 'S'
  unsigned floats = 0;        ///< Tag_FP_arch
  unsigned float_use = 0;     ///< Tag_ABI_HardFP_use: 1 is single precision alone
  unsigned vectors = 0;       ///< Tag_MVE_arch: 1 integers, 2 and floats
};

/// Absent if the section's bytes are not whole.
[[nodiscard]] std::optional<ArmAttributes> parse_arm_attributes(ByteSpan section);

/// Tag_RISCV_arch of section .riscv.attributes, as in "rv32i2p1_m2p0_c2p0"; empty if it does not say.
[[nodiscard]] std::string parse_riscv_architecture(ByteSpan section);

}  // namespace nb
