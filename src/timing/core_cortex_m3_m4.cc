// Cortex-M3 and Cortex-M4: three stages, single issue, in order.
//
// Sources. TRM: Arm DDI0337I and DDI0439, instruction timing and "load/store timings". PFU: Arm DDI0337G, 1.4
// (prefetch unit) and table 15-3 (stages in which a branch's target is asked for). M: measured on an
// STM32F103 and an STM32F407 by github.com/jnk0le/random, cortex_m3m4.md. G: GCC 12's cortex-m4.md and
// cortex-m4-fpu.md.
#include "timing/pipeline.h"

namespace nb {
namespace {

using enum Opcode;

class CortexM3M4 final : public CoreModel {
 public:
  explicit CortexM3M4(bool is_m4) : is_m4_(is_m4) {}

  [[nodiscard]] InstructionCost cost(const Instruction& insn) const override {
    // TRM: a base or index that the instruction before made costs a cycle.
    constexpr int kAddress = -1;
    switch (insn.operation) {
      case load:
      case fp_load:
        // TRM: 2; a double word is two accesses.
        return {.issue = insn.access_bytes == 8 ? 3 : 2, .address_at = kAddress};
      case store:
        // TRM, M: the write buffer takes it; a register offset takes a second cycle.
        return {.issue = insn.has_index ? 2 : 1, .address_at = kAddress};
      case fp_store:
        return {.issue = insn.access_bytes == 8 ? 3 : 1, .address_at = kAddress};
      case load_double:
      case store_double:
        return {.issue = 3, .address_at = kAddress};
      case load_multiple:
      case store_multiple:
      case fp_load_multiple:
      case fp_store_multiple:
        return {.issue = 1 + insn.register_count, .address_at = kAddress};
      case multiply_accumulate:
        return {.issue = is_m4_ ? 1 : 2};
      case multiply_long:
        return {.issue = is_m4_ ? 1 : 4};  // TRM of M3: 3 to 5
      case multiply_accumulate_long:
        return {.issue = is_m4_ ? 1 : 5};  // TRM of M3: 4 to 7
      case divide:
        return {.issue = 7};  // TRM: 2 to 12, by the quotient
      case branch_table:
        return {.issue = 2};
      // TRM: a floating-point result that the next instruction uses costs a cycle; G: not as an addend.
      case fp_add:
      case fp_multiply:
        return {.result = 2, .unit = Unit::floating, .unit_cycles = 1};
      case fp_multiply_accumulate:
      case fp_fused:
        return {.issue = 3, .result = 4, .accumulated_at = 1, .unit = Unit::floating, .unit_cycles = 3};
      case fp_divide:
      case fp_square_root:
        return {.result = 14, .unit = Unit::floating, .unit_cycles = 14};
      case fp_move:
        return {.issue = insn.register_count == 2 ? 2 : 1, .unit = Unit::floating, .unit_cycles = 1};
      case barrier:
      case system:
        return {.issue = 4};
      default:
        return {};
    }
  }

  [[nodiscard]] int overlap(const Instruction& previous, const Instruction& insn) const override {
    const bool was_load = (previous.operation == load || previous.operation == fp_load) &&
                          previous.access_bytes != 8 && !previous.writes_pc;
    const bool is_load = (insn.operation == load || insn.operation == fp_load) && insn.access_bytes != 8;
    const bool is_store = (insn.operation == store || insn.operation == fp_store) && insn.access_bytes != 8;
    // M: two accesses overlap only if both go to the same memory. Where that is not known: literals lie
    // beside the code, other data mostly do not.
    const bool is_known = previous.memory != 0 && insn.memory != 0;
    const bool is_apart =
        is_known ? previous.memory != insn.memory : previous.is_pc_relative != insn.is_pc_relative;
    if (was_load && (is_load || is_store) && is_apart) return 0;
    if (was_load) {
      const bool shares_base = previous.has_writeback && (previous.address_reads & insn.address_reads) != 0;
      // M: loads with writeback chain on the M4 unless they share the base, on the M3 only as the first.
      if (is_load && !shares_base && (is_m4_ || !insn.has_writeback)) return 1;
      if (is_store && !shares_base) return 1;  // M: a store takes the place of the load's stall
      if (insn.operation == nop) return 1;     // M
    }
    const bool was_store = previous.operation == store || previous.operation == fp_store;
    // TRM, M: after a store nothing pipelines: the next load waits a cycle.
    if (was_store && previous.access_bytes != 8 && !previous.has_index &&
        (is_load || insn.operation == load_multiple))
      return -1;
    if (was_store && previous.has_index && insn.operation == nop) return 1;  // M
    // TRM: IT folds into a 16-bit instruction before it.
    if (insn.operation == if_then && previous.size_bytes == 2 && previous.operation == alu) return 1;
    return 0;
  }

  [[nodiscard]] int taken_cycles(const Instruction& branch, const Instruction* before,
                                 const Instruction&) const override {
    // TRM: 1 + P, P from 1 to 3. M: P is 1 for a branch whose target is known when it is decoded; what leaves
    // by a register is known later. PFU: so is a compare-and-branch, and BX LR is known in time unless LR is
    // being written. The third cycle is that of a target across two words, which has to be fetched.
    if (is_compare_and_branch(branch)) return 2;
    constexpr Registers kLink = core_register(14);
    const bool is_return = branch.operation == branch_indirect && (branch.reads & ~kFlags) == kLink;
    if (is_return && (before == nullptr || (before->writes & kLink) == 0)) return 1;
    return by_jump(branch, 1, 3, 2);
  }
  // TRM, PFU: a prefetch unit of three words. M, which names eprint.iacr.org/2025/523: wide instructions
  // across words stall after one that took long, as the unit then starts late.
  [[nodiscard]] int fetched_words() const override { return 3; }
  // PFU: the target of a conditional branch is asked for when it is decoded, which takes a slot of the bus;
  // what was fetched is kept until the condition is known. That nothing is asked for while it executes,
  // either, is concluded from rows of src/timing/rows.csv that this meets within 0.8 % (AES of jnk0le without
  // wait states, Embench's nsichneu and st), and that were up to 5 % off otherwise.
  [[nodiscard]] bool asks_for_target(const Instruction& branch) const override {
    return branch.operation == branch_conditional && !is_compare_and_branch(branch);
  }

 private:
  /// CBZ, CBNZ: on a register, not on flags.
  [[nodiscard]] static bool is_compare_and_branch(const Instruction& branch) {
    return branch.operation == branch_conditional && (branch.reads & ~kFlags) != 0;
  }

  bool is_m4_;
};

}  // namespace

std::unique_ptr<CoreModel> cortex_m3_model() { return std::make_unique<CortexM3M4>(false); }
std::unique_ptr<CoreModel> cortex_m4_model() { return std::make_unique<CortexM3M4>(true); }

}  // namespace nb
