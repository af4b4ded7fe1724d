// Cortex-M33: three stages, single issue but for some pairs of 16-bit instructions, no branch prediction.
//
// Sources. M: measured on an RP2350 by github.com/jnk0le/random, cortex_m33.md. A: Arm KA001260. R: concluded
// from rows of src/timing/rows.csv.
#include "timing/pipeline.h"

namespace nb {
namespace {

using enum Opcode;

class CortexM33 final : public CoreModel {
 public:
  [[nodiscard]] InstructionCost cost(const Instruction& insn) const override {
    switch (insn.operation) {
      case alu:
        // M: a constant that the shifter makes comes a cycle later, and takes one more if it sets flags.
        if (insn.has_shifted_constant) return {.issue = insn.sets_flags ? 2 : 1, .result = 2};
        return {};
      case shifted_alu:
        return {.result = 2};
      case simd:
        return {.result = 2, .accumulated_at = 1};
      case multiply:
        return {.issue = insn.sets_flags ? 2 : 1, .result = 2};  // A: MULS stalls a cycle
      case multiply_long:
        return {.result = 2};
      case multiply_accumulate:
      case multiply_accumulate_long:
        return {.result = 2, .accumulated_at = 1};
      case divide:
        return {.issue = 8, .result = 8};
      case load:
        return {.result = 2};
      case store:
        return {.stored_at = 1};
      case load_double:
      case store_double:
        return {.issue = 2, .result = 3, .stored_at = 1};
      case load_multiple:
      case store_multiple:
      case fp_load_multiple:
      case fp_store_multiple: {
        const int count = insn.register_count;
        return {.issue = count, .result = count + 1, .stored_at = 1};
      }
      case fp_load:
      case fp_store:
        return {.issue = insn.access_bytes == 8 ? 2 : 1, .unit = Unit::floating, .unit_cycles = 1};
      case fp_add:
      case fp_multiply:
        return {.result = 2, .unit = Unit::floating, .unit_cycles = 1};
      case fp_multiply_accumulate:
      case fp_fused:
        return {.result = 4, .accumulated_at = 1, .unit = Unit::floating, .unit_cycles = 3};
      case fp_divide:
        return {.result = 16, .unit = Unit::floating, .unit_cycles = 15};
      case fp_square_root:
        return {.result = 14, .unit = Unit::floating, .unit_cycles = 13};
      case fp_move:
        return {.issue = insn.register_count == 2 ? 2 : 1, .result = 2};
      case branch_conditional:
        return {.reads_at = 1};  // M: flags of the instruction beside it do
      case branch_table:
        return {.issue = 3};
      case barrier:
      case system:
        return {.issue = 4};
      default:
        return {};
    }
  }

  [[nodiscard]] int overlap(const Instruction& previous, const Instruction& insn) const override {
    // R: an access to another memory than the one before, which is on another bus, waits a cycle. Networks
    // that load weights from flash beside activations in RAM were 2 to 4 % further below their measurements
    // than those of the same parts that do not. The Cortex-M4 was measured to do so (core_cortex_m3_m4.cc).
    const auto is_access = [](const Instruction& one) {
      return one.operation == load || one.operation == store || one.operation == fp_load ||
             one.operation == fp_store;
    };
    const bool is_apart = previous.memory != 0 && insn.memory != 0 && previous.memory != insn.memory;
    return is_apart && is_access(previous) && is_access(insn) ? -1 : 0;
  }

  [[nodiscard]] bool pairs(const Instruction& older, const Instruction& younger) const override {
    if (older.size_bytes != 2 || younger.size_bytes != 2 || older.writes_pc) return false;
    // M: a branch that is not taken is free; what it costs taken is below.
    return younger.operation == nop || younger.operation == if_then ||
           younger.operation == branch_conditional || younger.operation == Opcode::branch;
  }

  [[nodiscard]] int taken_cycles(const Instruction& branch, const Instruction* before,
                                 const Instruction&) const override {
    // M: beside a 16-bit instruction that makes the flags it wants a branch takes two cycles; the pair has
    // paid one issue.
    const bool waits_for_flags = branch.is_conditional && branch.size_bytes == 2 && before != nullptr &&
                                 before->size_bytes == 2 && before->sets_flags;
    return waits_for_flags ? 2 : by_jump(branch, 1, 3, 2);
  }
};

}  // namespace

std::unique_ptr<CoreModel> cortex_m33_model() { return std::make_unique<CortexM33>(); }

}  // namespace nb
