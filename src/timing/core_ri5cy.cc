// RI5CY of PULP, and CV32E40P, which it became: four stages, single issue, no prediction.
//
// Source: github.com/openhwgroup/cv32e40p, docs/source/pipeline.rst, "hazards" and "cycle counts per
// instruction type".
#include "timing/pipeline.h"

namespace nb {
namespace {

using enum Opcode;

class Ri5cy final : public CoreModel {
 public:
  [[nodiscard]] InstructionCost cost(const Instruction& insn) const override {
    switch (insn.operation) {
      case load:
      case fp_load:
        return {.result = 2};
      case multiply_long:
        return {.issue = 5};
      case divide:
        // 3 to 35, by the divisor's leading zeros: those of compiled code are small numbers.
        return {.issue = 30};
      case branch_indirect:
        return {.reads_at = -1};  // jumps leave a stage before results are there
      case fp_divide:
      case fp_square_root:
        return {.issue = 19};
      case barrier:
        return {.issue = 2};
      case system:
        return {.issue = 4};
      default:
        return {};
    }
  }

  [[nodiscard]] int taken_cycles(const Instruction& branch, const Instruction*,
                                 const Instruction& target) const override {
    // Jumps leave from the second stage, branches from the third.
    const int stages = branch.operation == branch_conditional ? 2 : 1;
    return stages + (target.lies_across_words() ? 1 : 0);
  }
};

}  // namespace

std::unique_ptr<CoreModel> ri5cy_model() { return std::make_unique<Ri5cy>(); }

}  // namespace nb
