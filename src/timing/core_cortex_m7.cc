// Cortex-M7: two in-order issues a cycle, an early and a late ALU, predicted branches.
//
// Sources. M: measured on an STM32H743 by github.com/jnk0le/random, cortex_m7.md. Q: measured on an
// STM32H730, quinapalus.com/cm7cycles.html. L: LLVM's ARMScheduleM7.td.
#include "timing/pipeline.h"

namespace nb {
namespace {

using enum Opcode;

bool is_float_sum(Opcode operation) { return operation == fp_fused || operation == fp_multiply_accumulate; }
bool moves_floats(Opcode operation) {
  return operation == fp_load || operation == fp_store || operation == fp_move;
}

bool is_store(Opcode operation) { return operation == store || operation == fp_store; }
bool is_load(Opcode operation) { return operation == load || operation == fp_load; }

/// M: BFI, BFC, SBFX, UBFX, RBIT, REV and its kin, extends that add, PKH.
bool uses_shifter(const Instruction& insn) {
  if (insn.operation == bitfield) return insn.is_shift || insn.accumulated != 0;
  return insn.operation == simd && (insn.accumulated != 0 || insn.shifted != 0);
}

/// Takes all issue slots of its cycles.
bool is_alone(const Instruction& insn) {
  switch (insn.operation) {
    case load_double:
    case store_double:
    case load_multiple:
    case store_multiple:
    case fp_load_multiple:
    case fp_store_multiple:
    case divide:
    case branch_table:
    case barrier:
    case system:
      return true;
    case fp_load:
    case fp_store:
      return insn.access_bytes == 8;
    default:
      return false;
  }
}

class CortexM7 final : public CoreModel {
 public:
  [[nodiscard]] InstructionCost cost(const Instruction& insn) const override {
    // M: the late ALU takes what comes a cycle before the early one needs it: addresses, shifted operands.
    constexpr int kEarly = -1;
    switch (insn.operation) {
      case alu:
        // M: the early ALU adds, moves and shifts what is there in time; flags come late.
        if (insn.is_simple) return {.accumulated_at = 1, .early_result = 0};
        return {.accumulated_at = 1};
      case shifted_alu:
        // M: neither operand can be a word that was loaded in the cycle before.
        return {.address_at = kEarly, .shifted_at = kEarly, .is_delayed = true};
      case bitfield:
      case simd:
        // M: extracts, reverses and what is inserted or extended before an addition take the early ALU's
        // shifter; extends alone do not.
        return {.reads_at = uses_shifter(insn) ? kEarly : 0, .shifted_at = uses_shifter(insn) ? kEarly : 0};
      case multiply:
      case multiply_long:
      case multiply_accumulate:
      case multiply_accumulate_long:
        // M: one cycle more, but the sum can be chained; a factor that was just loaded waits.
        return {
            .result = 2, .accumulated_at = 1, .unit = Unit::multiply, .unit_cycles = 1, .is_delayed = true};
      case divide:
        return {.issue = 7, .result = 7};  // M: 7 (Q: by the operands)
      case load:
        return {.result = insn.access_bytes < 4 ? 2 : 1,
                .address_at = kEarly,
                .writeback_result = 0,
                .delays_some = insn.access_bytes == 4};
      // M: stores take results of the same cycle.
      case store:
        return {.address_at = kEarly, .stored_at = 1};
      case fp_load:
        return {.result = 2,
                .address_at = kEarly,
                .waits_for = insn.access_bytes == 8 ? Unit::after_sum : Unit::none};
      case fp_store:
        return {.address_at = kEarly, .stored_at = 2};
      case load_double:
      case store_double:
        return {.result = 2, .address_at = kEarly, .stored_at = 1};
      case load_multiple:
      case store_multiple: {
        const int cycles = (insn.register_count + 1) / 2;
        return {.issue = cycles, .result = cycles, .address_at = kEarly, .stored_at = 1};
      }
      case fp_load_multiple:
      case fp_store_multiple: {
        const int cycles = (insn.register_count + 1) / 2;
        return {.issue = cycles,
                .result = cycles + 1,
                .address_at = kEarly,
                .stored_at = 1,
                .waits_for = Unit::after_sum};
      }
      case fp_add:
        return {.result = 3,
                .unit = Unit::floating,
                .unit_cycles = insn.is_double ? 2 : 1,
                .waits_for = Unit::after_sum};
      case fp_multiply: {
        const int cycles = insn.is_double ? 5 : 1;
        return {.result = cycles + 2, .unit = Unit::floating, .unit_cycles = cycles};
      }
      case fp_fused:
      case fp_multiply_accumulate: {
        // M: for three cycles after it nothing adds, and nothing loads or stores more than a word.
        const int cycles = insn.is_double ? 7 : 1;
        const int more = insn.operation == fp_fused ? 0 : 1;  // VMLA rounds in between
        return {.result = cycles + 4 + more,
                .accumulated_at = 2 + more,
                .unit = Unit::floating,
                .unit_cycles = cycles,
                .holds = Unit::after_sum,
                .holds_cycles = cycles + 3};
      }
      case fp_divide: {
        const int cycles = insn.is_double ? 30 : 16;
        return {.issue = cycles, .result = cycles, .unit = Unit::floating, .unit_cycles = cycles};
      }
      case fp_square_root: {
        const int cycles = insn.is_double ? 28 : 14;
        return {.issue = cycles, .result = cycles, .unit = Unit::floating, .unit_cycles = cycles};
      }
      case branch_table:
        return {.issue = 2, .address_at = kEarly};
      case barrier:
      case system:
        return {.issue = 5};
      default:
        return {};
    }
  }

  [[nodiscard]] bool pairs(const Instruction& older, const Instruction& younger) const override {
    if (is_alone(older) || is_alone(younger) || older.writes_pc) return false;
    if (is_multiply(older.operation) && is_multiply(younger.operation)) return false;
    if ((is_multiply(older.operation) && is_store(younger.operation)) ||
        (is_store(older.operation) && is_multiply(younger.operation)))
      return false;
    if (is_float_arithmetic(older.operation) && is_float_arithmetic(younger.operation)) return false;
    if (is_store(older.operation) && is_store(younger.operation)) return false;
    // M: a multiply-accumulate in floats takes no load, store or move of floats beside it.
    if ((is_float_sum(older.operation) && moves_floats(younger.operation)) ||
        (moves_floats(older.operation) && is_float_sum(younger.operation)))
      return false;
    const bool older_shifts = older.operation == shifted_alu || older.has_shifted_constant;
    const bool younger_shifts = younger.operation == shifted_alu || younger.has_shifted_constant;
    if (older_shifts && younger_shifts) return false;
    // M: what extracts, packs or adds in lanes issues from the older slot only.
    if (younger.operation == bitfield || younger.operation == simd) return false;
    if (uses_shifter(older) && younger_shifts) return false;
    // M: two loads pair when they hit different banks: even and odd words. That is known where both count
    // from one base.
    if (is_load(older.operation) && is_load(younger.operation)) {
      if (older.access_bytes < 4 || younger.access_bytes < 4) return false;
      const bool share_base = older.offset && younger.offset && !older.has_writeback &&
                              older.address_reads == younger.address_reads;
      return !share_base || ((*older.offset ^ *younger.offset) & 4) != 0;
    }
    return true;
  }

  [[nodiscard]] int taken_cycles(const Instruction& branch, const Instruction*,
                                 const Instruction&) const override {
    // M: a predicted branch costs its issue; returns and jumps through registers are predicted worse.
    return by_jump(branch, 0, 5, 2);
  }
  // M: 8, or 6 if the flags were set three cycles before.
  [[nodiscard]] int mispredicted_cycles(const Instruction&) const override { return 8; }
};

}  // namespace

std::unique_ptr<CoreModel> cortex_m7_model() { return std::make_unique<CortexM7>(); }

}  // namespace nb
