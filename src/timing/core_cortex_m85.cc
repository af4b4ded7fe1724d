// Cortex-M85: two in-order issues a cycle through three execution stages, vectors of 128 bits in two beats,
// predicted branches.
//
// Sources. M: measured on an RA8D1 by github.com/jnk0le/random, cortex_m85.md. L: LLVM's ARMScheduleM85.td.
// Operands and results count from the first stage, EX1.
#include <algorithm>
#include <bit>

#include "timing/pipeline.h"

namespace nb {
namespace {

using enum Opcode;

constexpr int kEx2 = 1, kEx3 = 2;
constexpr int kBeats = 2;

bool has_vector(const Instruction& insn) {
  switch (insn.operation) {
    case vector_load:
    case vector_store:
    case vector_integer:
    case vector_multiply:
    case vector_move:
    case vector_predicate:
      return true;
    default:
      return false;
  }
}

bool is_vector_memory(const Instruction& insn) {
  return insn.operation == vector_load || insn.operation == vector_store;
}

bool uses_float_unit(Opcode operation) { return is_float_arithmetic(operation) || operation == fp_move; }

bool moves_floats(const Instruction& insn) { return insn.operation == fp_load || insn.operation == fp_store; }

/// M: "slot 0": extends without a shift, packed arithmetic, bit-field inserts: one a cycle.
bool is_slot_0(const Instruction& insn) {
  return insn.operation == simd || (insn.operation == bitfield && !insn.is_shift);
}

/// L: takes all issue slots of its cycles. M: so do gathers, scatters and arithmetic in double precision.
bool is_alone(const Instruction& insn) {
  switch (insn.operation) {
    case load_multiple:
    case store_multiple:
    case fp_load_multiple:
    case fp_store_multiple:
    case divide:
    case branch_table:
    case barrier:
    case system:
      return true;
    case vector_load:
    case vector_store:
      return insn.address_reads >> 32 != 0;
    default:
      return insn.is_double && is_float_arithmetic(insn.operation);
  }
}

InstructionCost scalar_cost(const Instruction& insn) {
  switch (insn.operation) {
    case alu:
      // M: additions, moves and constants run in any stage, the rest from EX2 on; shifts up to EX2.
      if (insn.is_select) return {.result = 3, .reads_at = kEx3};
      if (insn.is_shift) return {.may_be_late = 1};
      // M: two registers in a wide instruction: the second goes through the shifter a stage before.
      if (insn.size_bytes == 4 && std::popcount(insn.reads & ~kFlags) > 1)
        return {.result = 2, .shifted_at = 0, .may_be_late = 1};
      if (insn.is_simple) return {.may_be_late = 2};
      return {.result = 2, .reads_at = kEx2, .may_be_late = 1};
    case shifted_alu:
      return {.result = 2, .reads_at = kEx2, .may_be_late = 1};
    case bitfield:
      if (insn.is_shift) return {.may_be_late = 1};
      return {.result = 2, .reads_at = kEx2};
    case simd:
      return {.result = 2, .reads_at = kEx2, .accumulated_at = kEx2};
    case multiply:
    case multiply_long:
    case multiply_accumulate:
    case multiply_accumulate_long:
      // M: EX2 and EX3, the sum in EX3.
      return {
          .result = 3, .reads_at = kEx2, .accumulated_at = kEx3, .unit = Unit::multiply, .unit_cycles = 1};
    case divide:
      return {.issue = 7, .result = 9};  // L: 7
    case load:
      // M: a word for EX3 of the same cycle, what is narrower a cycle later.
      return {.result = insn.access_bytes < 4 ? 3 : 2, .writeback_result = 1};
    case load_double:
      return {.result = 2, .writeback_result = 1};
    case store:
    case store_double:
      return {.stored_at = kEx3};
    case load_multiple:
    case store_multiple:
    case fp_load_multiple:
    case fp_store_multiple: {
      const int cycles = (insn.register_count + 1) / 2;  // L
      return {.issue = cycles, .result = cycles + 1, .stored_at = kEx3};
    }
    case fp_load:
      return {.result = 2};
    case fp_store:
      return {.stored_at = kEx3};
    case fp_add: {
      const int cycles = insn.is_double ? 6 : 1;  // L, M: in double precision they block
      return {.issue = cycles, .result = cycles + 1, .unit = Unit::floating, .unit_cycles = cycles};
    }
    case fp_multiply: {
      const int cycles = insn.is_double ? 8 : 1;
      return {.issue = cycles, .result = cycles + 2, .unit = Unit::floating, .unit_cycles = cycles};
    }
    case fp_fused:
    case fp_multiply_accumulate: {
      const int cycles = insn.is_double ? 14 : 1;
      const int more = insn.operation == fp_fused ? 0 : 1;  // VMLA rounds in between
      return {.issue = cycles,
              .result = cycles + 3 + more,
              .accumulated_at = 2,
              .unit = Unit::floating,
              .unit_cycles = cycles};
    }
    case fp_divide:
    case fp_square_root: {
      const int cycles = insn.is_double ? 29 : 14;
      return {.issue = insn.is_double ? cycles : 1,
              .result = cycles,
              .unit = Unit::floating,
              .unit_cycles = cycles};
    }
    case fp_move: {
      // M: to a core register one cycle into EX3; from one it is wanted in EX3.
      const bool to_core = insn.writes >> 32 == 0;
      return {.result = to_core ? 3 : 1,
              .reads_at = to_core ? 0 : kEx3,
              .unit = Unit::floating,
              .unit_cycles = 1};
    }
    case branch_table:
      return {.issue = 2};
    case barrier:
    case system:
      return {.issue = 5};
    default:
      return {};
  }
}

InstructionCost vector_cost(const Instruction& insn) {
  // M: three groups, each held for two cycles, overlap with one another and with loads and stores; nothing
  // without a vector issues in the second cycle of a load or store.
  switch (insn.operation) {
    case vector_load:
    case vector_store: {
      const bool loads = insn.operation == vector_load;
      if (insn.address_reads >> 32 != 0) {
        // M: indices are wanted three cycles after vector arithmetic; bytes and halves go two a cycle, and
        // nothing overlaps.
        const int cycles = insn.access_bytes < 4 ? 8 / std::max<int>(1, insn.access_bytes) : 3;
        return {.issue = cycles,
                .result = cycles + 1,
                .address_at = -2,
                .stored_at = 1,
                .unit = Unit::vector_memory,
                .unit_cycles = cycles};
      }
      // M: results of interleaved loads four cycles later; L: a multiply's result can be stored at once.
      return {.result = !loads || insn.register_count > 1 ? 4 : 1,
              .stored_at = 1,
              .unit = Unit::vector_memory,
              .unit_cycles = kBeats,
              .holds = Unit::scalar,
              .holds_cycles = kBeats};
    }
    case vector_multiply:
      return {.result = 2, .unit = Unit::vector_multiply, .unit_cycles = kBeats};
    case vector_move: {
      const bool to_core = insn.writes >> 32 == 0;
      return {.result = to_core ? 4 : 1, .unit = Unit::vector_integer, .unit_cycles = kBeats};
    }
    case vector_predicate:
      if (insn.reads >> 32 == 0) return {};  // VPST, VCTP, VPNOT
      return {.unit = Unit::floating, .unit_cycles = kBeats};
    default:
      return {.unit = Unit::vector_integer, .unit_cycles = kBeats};
  }
}

class CortexM85 final : public CoreModel {
 public:
  [[nodiscard]] InstructionCost cost(const Instruction& insn) const override {
    if (has_vector(insn)) return vector_cost(insn);
    InstructionCost cost = scalar_cost(insn);
    if (insn.operation != loop_end) cost.waits_for = Unit::scalar;
    return cost;
  }

  [[nodiscard]] bool pairs(const Instruction& older, const Instruction& younger) const override {
    if (is_alone(older) || is_alone(younger) || older.writes_pc) return false;
    if (has_vector(older) && has_vector(younger)) return false;
    // M: a scalar beside a vector's load or store comes first; packed arithmetic never goes with a vector.
    if (is_vector_memory(older)) return false;
    if ((has_vector(older) && is_slot_0(younger)) || (has_vector(younger) && is_slot_0(older))) return false;
    if (is_slot_0(older) && is_slot_0(younger)) return false;
    if (is_multiply(older.operation) && is_multiply(younger.operation)) return false;
    if (uses_float_unit(older.operation) && uses_float_unit(younger.operation)) return false;
    if (moves_floats(older) && moves_floats(younger)) return false;
    // M: registers are read through six ports.
    const auto takes_ports = [](const Instruction& sum, const Instruction& other) {
      return sum.operation == multiply_accumulate_long &&
             (other.operation == store_double || (other.operation == store && other.has_index));
    };
    return !takes_ports(older, younger) && !takes_ports(younger, older);
  }

  // M: NOP, IT and predicted branches go beside two others where enough of the code is narrow.
  [[nodiscard]] bool joins_pair(const Instruction& insn) const override {
    return insn.operation == nop || insn.operation == if_then || insn.operation == loop_end ||
           insn.operation == branch_conditional || insn.operation == Opcode::branch;
  }

  [[nodiscard]] int taken_cycles(const Instruction& branch, const Instruction*,
                                 const Instruction&) const override {
    // M: a predicted branch is free but for its slot, and so is LE.
    return branch.operation == branch_table ? 5 : 0;
  }
  // L: 7 of the chip (the model itself uses 4). M: 3 to 7 in nests of loops.
  [[nodiscard]] int mispredicted_cycles(const Instruction&) const override { return 7; }
};

}  // namespace

std::unique_ptr<CoreModel> cortex_m85_model() { return std::make_unique<CortexM85>(); }

}  // namespace nb
