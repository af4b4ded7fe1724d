// RV32IMC and RV32IMAC of microcontrollers: short single-issue pipelines, here with the timings of Hazard3.
//
// Source: github.com/Wren6991/Hazard3, instruction timings.
#include "timing/pipeline.h"

namespace nb {
namespace {

using enum Opcode;

class Rv32 final : public CoreModel {
 public:
  [[nodiscard]] InstructionCost cost(const Instruction& insn) const override {
    switch (insn.operation) {
      case load:
      case fp_load:
        return {.result = 2};
      case divide:
        return {.issue = 18};
      case barrier:
        return {.issue = 2};
      case system:
        return {.issue = 2};
      default:
        return {};
    }
  }

  [[nodiscard]] int taken_cycles(const Instruction&, const Instruction*,
                                 const Instruction& target) const override {
    return 1 + (target.size_bytes == 4 && target.address % 4 != 0 ? 1 : 0);
  }
};

}  // namespace

std::unique_ptr<CoreModel> rv32_model() { return std::make_unique<Rv32>(); }

}  // namespace nb
