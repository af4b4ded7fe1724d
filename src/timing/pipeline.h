// How long a core takes for a stretch of instructions when memory never makes it wait.
//
// An in-order scoreboard: an instruction issues when the one before lets it, its unit is free and its
// operands are there. All times are in cycles of issue: a result with `result` 1 can be used by the next
// cycle's instruction; an operand that is needed `at` -1 must be there one cycle earlier than most, at 1 one
// later.
#pragma once
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "timing/instruction.h"

namespace nb {

/// Units that only one instruction can use at a time.
enum class Unit : std::uint8_t {
  none,
  multiply,
  floating,
  after_sum,  ///< of a floating-point core: taken by a multiply-accumulate longer than `floating`
  vector_memory,
  vector_integer,
  vector_multiply,
  scalar,  ///< of a core with vectors: all that has no vector, where a vector's second half keeps it out
};
inline constexpr std::size_t kUnits = 8;

/// What one instruction takes.
struct InstructionCost {
  int issue = 1;   ///< cycles until the next instruction may issue
  int result = 1;  ///< cycles until its result can be used
  int reads_at = 0, address_at = 0, shifted_at = 0, accumulated_at = 0, stored_at = 0;
  Unit unit = Unit::none;
  int unit_cycles = 0;          ///< how long the unit is taken
  Unit waits_for = Unit::none;  ///< must be free, too
  Unit holds = Unit::none;      ///< is taken, too
  int holds_cycles = 0;
  int writeback_result = 1;  ///< of a changed base register
  /// If its operands were there a cycle before it issued: what `result` is then.
  std::optional<int> early_result = std::nullopt;
  /// Cycles that its operands may come after it issued, because it can run in as many later stages; its
  /// result is as late.
  int may_be_late = 0;
  bool delays_some = false;  ///< what `is_delayed` waits a cycle longer for its result
  bool is_delayed = false;
};

/// One of three numbers: of a jump to an address in the instruction (branches, calls), of a table branch, of
/// one to an address in a register or from memory.
[[nodiscard]] constexpr int by_jump(const Instruction& branch, int direct, int table, int indirect) {
  switch (branch.operation) {
    case Opcode::branch:
    case Opcode::branch_conditional:
    case Opcode::call:
      return direct;
    case Opcode::branch_table:
      return table;
    default:
      return indirect;
  }
}

/// A core's pipeline: one file a core. Every rule names its source there.
class CoreModel {
 public:
  CoreModel() = default;
  CoreModel(const CoreModel&) = delete;
  CoreModel& operator=(const CoreModel&) = delete;
  virtual ~CoreModel() = default;

  [[nodiscard]] virtual InstructionCost cost(const Instruction& insn) const = 0;
  /// Cycles by which `insn` issues before `previous` is through, beyond what `cost` says; negative: after.
  [[nodiscard]] virtual int overlap(const Instruction& previous, const Instruction& insn) const {
    (void)previous, (void)insn;
    return 0;
  }
  /// Whether both issue in one cycle if their operands are there.
  [[nodiscard]] virtual bool pairs(const Instruction& older, const Instruction& younger) const {
    (void)older, (void)younger;
    return false;
  }
  /// Whether it issues as a third beside two that pair.
  [[nodiscard]] virtual bool joins_pair(const Instruction& insn) const {
    (void)insn;
    return false;
  }
  /// Cycles beyond its issue that a taken branch costs when it is predicted, or where nothing predicts.
  /// `before` is what ran just before it, or null; `target` is the first instruction there.
  [[nodiscard]] virtual int taken_cycles(const Instruction& branch, const Instruction* before,
                                         const Instruction& target) const = 0;
  /// Cycles that this conditional branch costs more when it goes the rarer of its two ways; 0: nothing
  /// predicts.
  [[nodiscard]] virtual int mispredicted_cycles(const Instruction& branch) const {
    (void)branch;
    return 0;
  }
  /// Words that the fetch unit holds for the decoder, one of which can be asked for each cycle; 0: fetching
  /// never limits. A word is there two cycles after it was asked for, and makes room for the next one in the
  /// cycle in which the last instruction of it goes into execution; after three cycles without room, a cycle
  /// later.
  [[nodiscard]] virtual int fetched_words() const { return 0; }
  /// Whether the fetch unit asks for this branch's target before it is known to be taken: no other word is
  /// asked for while it is decoded and while it executes.
  [[nodiscard]] virtual bool asks_for_target(const Instruction& branch) const {
    (void)branch;
    return false;
  }
};

/// How instructions come from memory that is otherwise as fast as the core: the first word of each line of
/// that many bytes takes so many cycles more. 0 bytes: none does.
struct FetchLine {
  std::uint32_t size_bytes = 0;
  int cycles = 0;
};

/// The words that are fetched: numbers count from the one that was wanted first.
struct FetchState {
  std::uint32_t first_word = 0;        ///< its address / 4
  int asked = 0;                       ///< when the last word was
  std::uint32_t words = 0;             ///< asked for so far
  std::array<int, 8> there{}, used{};  ///< by number modulo 8: cycles
  std::uint32_t used_words = 0;
  std::array<int, 4> lost{-1, -1, -1, -1};  ///< cycles in which a branch's target was asked for instead
};

/// Where a core stands between two instructions.
struct PipelineState {
  int cycle = 0;                ///< the next instruction issues here at the earliest
  int issued = -1;              ///< when the last one did
  bool has_pair = false;        ///< the last one issued together with the one before
  std::array<int, 64> ready{};  ///< by register: first cycle in which an operand at 0 has it
  Registers delays_some = 0;    ///< written by what does
  std::array<int, kUnits> unit_free{};
  FetchLine line;
  FetchState fetch;
  bool is_fetching = false;  ///< `fetch` holds what follows the last instruction
  const Instruction* last = nullptr;
  const Instruction* before_last = nullptr;
};

/// Lets one instruction go through.
void issue(const CoreModel& core, const Instruction& insn, PipelineState& state);
/// The branch that was last is taken, to `target`.
void take_branch(const CoreModel& core, const Instruction& target, PipelineState& state);

/// Cycles of `second` when it runs right after `first`, taking what the first leaves behind into account: a
/// result that is late, a load that the next one overlaps, the refill after a taken branch. Spans in order of
/// addresses; neither is empty.
[[nodiscard]] int cycles_after(const CoreModel& core, std::span<const Instruction> first,
                               std::span<const Instruction> second, const FetchLine& line = {});

/// What the pipeline of a core of the catalogue ("cortex-m4f") is called, as find_core_model takes it.
[[nodiscard]] std::string_view pipeline_name(std::string_view processor, std::string_view pipeline = {});

/// The model of a core of the catalogue ("cortex-m4f"), or null. One instruction set may have several
/// pipelines: a board names its own ("e31"); without a name RV32 is a Hazard3. They live as long as the
/// program.
[[nodiscard]] const CoreModel* find_core_model(std::string_view processor, std::string_view pipeline = {});

// One of each file core_*.cc.
[[nodiscard]] std::unique_ptr<CoreModel> cortex_m0_model(bool is_plus);
[[nodiscard]] std::unique_ptr<CoreModel> cortex_m3_model();
[[nodiscard]] std::unique_ptr<CoreModel> cortex_m4_model();
[[nodiscard]] std::unique_ptr<CoreModel> cortex_m7_model();
[[nodiscard]] std::unique_ptr<CoreModel> cortex_m33_model();
[[nodiscard]] std::unique_ptr<CoreModel> cortex_m55_model();
[[nodiscard]] std::unique_ptr<CoreModel> cortex_m85_model();
[[nodiscard]] std::unique_ptr<CoreModel> hazard3_model();
[[nodiscard]] std::unique_ptr<CoreModel> e31_model();
[[nodiscard]] std::unique_ptr<CoreModel> ri5cy_model();
[[nodiscard]] std::unique_ptr<CoreModel> qingke_v2_model();

}  // namespace nb
