// Cortex-M55: four stages, vectors of 128 bits in two beats of 64, loops without branches.
//
// Sources. L: LLVM's ARMScheduleM55.td. S: slothy-optimizer's cortex_m55r1.py.
#include <algorithm>
#include <bit>

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
      case vector_store:
        if (insn.address_reads >> 32 != 0) {
          // L: indices are wanted four cycles earlier, and elements go one by one, two a cycle where narrow.
          const int cycles = insn.access_bytes < 4 ? 8 / std::max<int>(1, insn.access_bytes) : 4;
          return {.issue = cycles,
                  .result = cycles + 1,
                  .address_at = -4,
                  .unit = Unit::vector_memory,
                  .unit_cycles = cycles};
        }
        // L, S: a bubble after interleaved loads; a multiply's result can be stored at once.
        return {.result = insn.register_count > 1 ? 2 : 1,
                .stored_at = insn.register_count > 1 ? -1 : 1,
                .unit = Unit::vector_memory,
                .unit_cycles = kBeats};
      case vector_integer:
        return {.unit = Unit::vector_integer, .unit_cycles = kBeats};
      case vector_multiply:
        return {.result = 2, .unit = Unit::vector_multiply, .unit_cycles = kBeats};
      case vector_move: {
        const bool to_core = insn.writes >> 32 == 0;
        return {.result = to_core ? 2 : 1,
                .unit = to_core ? Unit::vector_multiply : Unit::vector_integer,
                .unit_cycles = kBeats};
      }
      case vector_predicate:
        if (insn.reads >> 32 == 0) return {};  // VPST, VCTP, VPNOT
        return {.unit = Unit::vector_multiply, .unit_cycles = kBeats};
      case shifted_alu:
      case simd:
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
      // L: double precision is done in steps of single.
      case fp_add: {
        const int cycles = insn.is_double ? 15 : 1;
        return {.issue = cycles, .result = cycles + 1, .unit = Unit::floating, .unit_cycles = cycles};
      }
      case fp_multiply: {
        const int cycles = insn.is_double ? 21 : 1;
        return {.issue = cycles, .result = cycles + 1, .unit = Unit::floating, .unit_cycles = cycles};
      }
      case fp_fused: {
        const int cycles = insn.is_double ? 24 : 1;
        return {.issue = cycles, .result = cycles + 1, .unit = Unit::floating, .unit_cycles = cycles};
      }
      case fp_multiply_accumulate: {
        const int cycles = insn.is_double ? 36 : 1;
        return {.issue = cycles, .result = cycles + 3, .unit = Unit::floating, .unit_cycles = cycles};
      }
      case fp_divide:
      case fp_square_root: {
        const int cycles = insn.is_double ? 30 : 16;
        return {.result = cycles, .unit = Unit::floating, .unit_cycles = cycles};
      }
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
    // L: two 16-bit instructions, one of which is a NOP, IT, branch, move, extend or adds a constant.
    if (older.size_bytes != 2 || younger.size_bytes != 2 || older.writes_pc) return false;
    const auto is_light = [](const Instruction& insn) {
      switch (insn.operation) {
        case nop:
        case if_then:
        case branch_conditional:
        case Opcode::branch:
          return true;
        case alu:
          return insn.is_simple && !insn.is_shift && std::popcount(insn.reads & ~kFlags) < 2;
        case bitfield:
          return !insn.is_shift;  // extends
        default:
          return false;
      }
    };
    return is_light(older) || is_light(younger);
  }

  [[nodiscard]] int taken_cycles(const Instruction& branch, const Instruction*,
                                 const Instruction&) const override {
    // L: the loop's end costs nothing while the loop buffer holds it.
    return branch.operation == loop_end ? -1 : by_jump(branch, 1, 3, 2);
  }
  [[nodiscard]] int mispredicted_cycles(const Instruction&) const override { return 3; }  // L
};

}  // namespace

std::unique_ptr<CoreModel> cortex_m55_model() { return std::make_unique<CortexM55>(); }

}  // namespace nb
