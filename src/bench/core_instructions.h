// Which instructions the cores execute, against those that a file was built with.
#pragma once
#include <optional>
#include <string>

#include "base/elf_attributes.h"
#include "bench/machines.h"

namespace nb::bench {

/// A file asks for more than a core has.
struct Mismatch {
  std::string asked;              ///< "Armv7E-M with single-precision floating point (VFPv4)"
  std::string has;                ///< likewise, of the core
  bool is_other_profile = false;  ///< code of Arm's application or real-time cores: it cannot run at all
};

/// Absent: the core has all that the file's build attributes ask for, or they do not say. `core` is one of
/// kCoreTargets.
[[nodiscard]] std::optional<Mismatch> mismatch_of(const CoreTarget& core, const ArmAttributes& file);
/// `architecture` as in "rv32i2p1_m2p0_c2p0": single-letter extensions are compared.
[[nodiscard]] std::optional<Mismatch> mismatch_of(const CoreTarget& core, std::string_view architecture);

/// Where code that ran holds an instruction which the core lacks and its virtual machine has: an offset in
/// bytes. Only the machines of Armv6-M cores are of a larger core.
[[nodiscard]] std::optional<std::uint32_t> find_lacking(const CoreTarget& core, std::string_view code);

}  // namespace nb::bench
