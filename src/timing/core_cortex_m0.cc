// Cortex-M0 and Cortex-M0+: single issue, no result is ever late.
//
// Sources: Arm DDI0432C table 3-1 (Cortex-M0), Arm DDI0484C table 3-1 (Cortex-M0+): MULS with the one-cycle
// multiplier, which all parts of the catalogue have. Both name a taken branch's whole cost: 3 and 2 cycles;
// BL takes 4 and 3, POP with PC 4+N and 3+N (Cortex-M0), BX and BLX 3 and 2.
#include "timing/pipeline.h"

namespace nb {
namespace {

using enum Opcode;

class CortexM0 final : public CoreModel {
 public:
  explicit CortexM0(bool is_plus) : is_plus_(is_plus) {}

  [[nodiscard]] InstructionCost cost(const Instruction& insn) const override {
    switch (insn.operation) {
      case load:
      case store:
        return {.issue = 2};
      case load_multiple:
      case store_multiple:
        return {.issue = 1 + insn.register_count};
      case call:
        return {.issue = 2};
      case barrier:
      case system:
        return {.issue = 3};
      default:
        return {};
    }
  }

  [[nodiscard]] int taken_cycles(const Instruction&, const Instruction*, const Instruction&) const override {
    // POP with PC, too: 4+N and 3+N, of which N+1 are its loads, and the list counts the PC.
    return is_plus_ ? 1 : 2;
  }

 private:
  bool is_plus_;
};

}  // namespace

std::unique_ptr<CoreModel> cortex_m0_model(bool is_plus) { return std::make_unique<CortexM0>(is_plus); }

}  // namespace nb
