// Hazard3, the RV32 core of the RP2350: three stages, single issue, one remembered branch.
//
// Source: github.com/Wren6991/Hazard3, doc/sections/instruction_timings.adoc, as the RP2350 has it: fast
// multiplies (MUL_FAST, MULH_FAST), a divider of two bits a cycle, and the branch predictor.
#include "timing/pipeline.h"

namespace nb {
namespace {

using enum Opcode;

class Hazard3 final : public CoreModel {
 public:
  [[nodiscard]] InstructionCost cost(const Instruction& insn) const override {
    switch (insn.operation) {
      case load:
      case fp_load:
        return {.result = 2};
      case store:
      case fp_store:
        return {.stored_at = 1};  // what a load before it brings can be stored without waiting
      case divide:
        return {.issue = 18};
      case barrier:
      case system:
        return {.issue = 2};
      default:
        return {};
    }
  }

  [[nodiscard]] int taken_cycles(const Instruction& branch, const Instruction*,
                                 const Instruction& target) const override {
    // The last branch taken backward is known; a target across two words has to be fetched in two reads.
    if (branch.is_backward_branch()) return 0;
    return 1 + (target.lies_across_words() ? 1 : 0);
  }
  // A loop's first way back, when another one is remembered, and its exit, when its own is.
  [[nodiscard]] int mispredicted_cycles(const Instruction& branch) const override {
    return branch.is_backward_branch() ? 2 : 0;
  }
};

}  // namespace

std::unique_ptr<CoreModel> hazard3_model() { return std::make_unique<Hazard3>(); }

}  // namespace nb
