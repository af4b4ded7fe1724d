// Cortex-M55: four stages, vectors of 128 bits in two beats of 64, loops without branches.
//
// Sources. L: LLVM's ARMScheduleM55.td. S: slothy-optimizer's cortex_m55r1.py.
#include "timing/pipeline.h"

namespace nb {
namespace {

using enum Opcode;

class CortexM55 final : public CoreModel {
 public:
  [[nodiscard]] InstructionCost cost(const Instruction& insn) const override {
    // L, S: a vector instruction holds its unit for two cycles; the next one may begin after one in another.
    constexpr int kBeats = 2;
    switch (insn.operation) {
      case vector_load:
        return {.result = 2, .unit = Unit::vector_memory, .unit_cycles = kBeats};
      case vector_store:
        return {.unit = Unit::vector_memory, .unit_cycles = kBeats};
      case vector_integer:
        return {.result = 2, .unit = Unit::vector_integer, .unit_cycles = kBeats};
      case vector_multiply:
        return {.result = 3, .accumulated_at = 1, .unit = Unit::vector_multiply, .unit_cycles = kBeats};
      case vector_move:
        return {.result = 2, .unit = Unit::vector_integer, .unit_cycles = kBeats};
      case vector_predicate:
        return {.result = 1};
      case shifted_alu:
      case simd:
        return {.result = 2};
      case multiply:
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
        return {.result = 2, .stored_at = 1};
      case load_multiple:
      case store_multiple:
      case fp_load_multiple:
      case fp_store_multiple: {
        const int cycles = (insn.register_count + 1) / 2;
        return {.issue = cycles, .result = cycles + 1, .stored_at = 1};
      }
      case fp_load:
        return {.result = 2};
      case fp_store:
        return {.stored_at = 1};
      case fp_add:
      case fp_multiply:
        return {.result = 2, .unit = Unit::floating, .unit_cycles = 1};
      case fp_multiply_accumulate:
      case fp_fused:
        return {.result = 4, .accumulated_at = 2, .unit = Unit::floating, .unit_cycles = 1};
      case fp_divide:
        return {.result = 16, .unit = Unit::floating, .unit_cycles = 15};
      case fp_square_root:
        return {.result = 15, .unit = Unit::floating, .unit_cycles = 14};
      case fp_move:
        return {.result = 2};
      case branch_table:
        return {.issue = 3};
      case barrier:
      case system:
        return {.issue = 4};
      default:
        return {};
    }
  }

  [[nodiscard]] bool pairs(const Instruction& older, const Instruction& younger) const override {
    // L: two 16-bit instructions, one of which is a NOP, IT, branch or simple arithmetic.
    if (older.size_bytes != 2 || younger.size_bytes != 2 || older.writes_pc) return false;
    const auto is_simple = [](const Instruction& insn) {
      return insn.operation == nop || insn.operation == if_then || insn.operation == branch_conditional ||
             insn.operation == Opcode::branch || (insn.operation == alu && !insn.has_shifted_constant);
    };
    return is_simple(younger) && !(older.operation == alu && younger.operation == alu);
  }

  [[nodiscard]] int taken_cycles(const Instruction& branch, const Instruction*,
                                 const Instruction&) const override {
    switch (branch.operation) {
      case loop_end:
        return -1;  // L: the loop's end costs nothing while the loop buffer holds it
      case Opcode::branch:
      case branch_conditional:
      case call:
        return 1;
      case branch_table:
        return 3;
      default:
        return 2;
    }
  }
  [[nodiscard]] int mispredicted_cycles(const Instruction&) const override { return 3; }  // L
};

}  // namespace

std::unique_ptr<CoreModel> cortex_m55_model() { return std::make_unique<CortexM55>(); }
std::unique_ptr<CoreModel> cortex_m85_model() { return std::make_unique<CortexM55>(); }

}  // namespace nb
