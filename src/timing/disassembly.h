// The instructions of a profile's blocks.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "diag/diagnostics.h"
#include "timing/instruction.h"
#include "timing/profile.h"

namespace nb {

class Disassembly {
 public:
  /// Runs `<tool_prefix>objdump` on the blocks' bytes. `machine` is what its -m takes ("armv7e-m",
  /// "riscv:rv32"). Errors: tool-missing, interrupted, internal.
  [[nodiscard]] static Result<Disassembly> of(const Profile& profile, const std::string& tool_prefix,
                                              const std::string& machine, Diagnostics& diagnostics);
  /// From what objdump printed of the blocks' bytes, one block behind the other from address 0.
  [[nodiscard]] static Disassembly parse(const Profile& profile, std::string_view text, bool is_arm);

  /// The block's instructions; empty if they could not be read.
  [[nodiscard]] std::span<const Instruction> block(std::size_t number) const { return blocks_[number]; }
  /// Mnemonics that no rule knows; their instructions are of Opcode::system.
  [[nodiscard]] const std::vector<std::string>& unknown() const { return unknown_; }

 private:
  std::vector<std::vector<Instruction>> blocks_;
  std::vector<std::string> unknown_;
};

}  // namespace nb
