// SiFive E31 of the FE310: five stages, single issue, fully bypassed, with a predictor of branches.
//
// Source: SiFive FE310-G000 manual, 3.2 and 3.3.
#include "timing/pipeline.h"

namespace nb {
namespace {

using enum Opcode;

class E31 final : public CoreModel {
 public:
  [[nodiscard]] InstructionCost cost(const Instruction& insn) const override {
    switch (insn.operation) {
      case load:
        return {.result = insn.access_bytes == 4 ? 2 : 3};
      case store:
        return {.stored_at = 1};  // fully bypassed: data are needed where a load's come
      case multiply:
      case multiply_long:
        // Eight bits a cycle; one at a time.
        return {.result = 5, .unit = Unit::multiply, .unit_cycles = 5};
      case divide:
        // 2 to 33: a bit a cycle, leading zeros skipped.
        return {.result = 17, .unit = Unit::multiply, .unit_cycles = 17};
      case system:
        return {.result = 3};  // CSR
      case barrier:
        return {.issue = 5};
      default:
        return {};
    }
  }

  // Branch target buffer of 40, history of 128, return stack of 2: right predictions cost nothing.
  [[nodiscard]] int taken_cycles(const Instruction&, const Instruction*, const Instruction&) const override {
    return 0;
  }
  [[nodiscard]] int mispredicted_cycles(const Instruction&) const override { return 3; }
};

}  // namespace

std::unique_ptr<CoreModel> e31_model() { return std::make_unique<E31>(); }

}  // namespace nb
