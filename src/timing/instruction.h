// An instruction as pipelines see it: what it is, and which registers it reads and writes in which role.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace nb {

/// What kind of work an instruction is. Both architectures share the kinds; each core prices those it has.
enum class Opcode : std::uint8_t {
  alu,            ///< add, logic, compare, move, simple shifts, conditional select
  shifted_alu,    ///< ... with an operand shifted within the instruction
  bitfield,       ///< extract, insert, extend, reverse, count, saturate
  simd,           ///< packed 8 and 16 bit arithmetic of the DSP extension
  multiply,       ///< 32 bits
  multiply_long,  ///< 64 bits
  multiply_accumulate,
  multiply_accumulate_long,
  divide,
  load,
  store,
  load_double,
  store_double,
  load_multiple,
  store_multiple,
  branch,  ///< always taken, to an address in the instruction
  branch_conditional,
  branch_indirect,  ///< to an address in a register; returns
  branch_table,
  call,
  loop_start,  ///< DLS, WLS and their kin
  loop_end,    ///< LE and its kin
  if_then,     ///< IT
  nop,
  barrier,
  system,  ///< what no rule knows: counted as slow
  fp_move,
  fp_add,  ///< add, subtract, compare, convert, minimum, maximum, round
  fp_multiply,
  fp_multiply_accumulate,  ///< VMLA: rounds twice
  fp_fused,                ///< VFMA
  fp_divide,
  fp_square_root,
  fp_load,
  fp_store,
  fp_load_multiple,
  fp_store_multiple,
  vector_load,
  vector_store,
  vector_integer,
  vector_multiply,   ///< multiplies in integers, and all floats
  vector_move,       ///< between vector and core registers
  vector_predicate,  ///< VCTP, VPST, VPT
};

/// Integer products, added to something or not.
[[nodiscard]] constexpr bool is_multiply(Opcode operation) {
  return operation == Opcode::multiply || operation == Opcode::multiply_long ||
         operation == Opcode::multiply_accumulate || operation == Opcode::multiply_accumulate_long;
}

/// Floating-point arithmetic: neither moves nor memory.
[[nodiscard]] constexpr bool is_float_arithmetic(Opcode operation) {
  return operation == Opcode::fp_add || operation == Opcode::fp_multiply ||
         operation == Opcode::fp_multiply_accumulate || operation == Opcode::fp_fused ||
         operation == Opcode::fp_divide || operation == Opcode::fp_square_root;
}

/// Registers as bits: core registers 0 to 31, then 32 single-precision (or RISC-V float) ones. Arm's flags
/// and vector predicate take 16 and 17; a vector register is the four single ones that it overlaps.
using Registers = std::uint64_t;
inline constexpr Registers kFlags = Registers{1} << 16, kPredicate = Registers{1} << 17;
[[nodiscard]] constexpr Registers core_register(unsigned number) { return Registers{1} << number; }
[[nodiscard]] constexpr Registers float_register(unsigned number) { return Registers{1} << (32 + number); }

struct Instruction {
  std::uint32_t address = 0;
  std::uint8_t size_bytes = 4;
  Opcode operation = Opcode::system;
  std::uint8_t access_bytes = 0;    ///< of one element, for loads and stores
  std::uint8_t register_count = 0;  ///< of load and store multiple
  bool sets_flags = false;
  bool is_conditional = false;        ///< within an IT block, or a branch on a condition
  bool has_index = false;             ///< address = base + index register
  bool has_writeback = false;         ///< the base register is changed
  bool is_double = false;             ///< in double precision
  bool is_pc_relative = false;        ///< a literal
  bool writes_pc = false;             ///< ends a block whatever it is
  bool is_simple = false;             ///< add, subtract or move without a shift, or a shift alone
  bool is_shift = false;              ///< moves bits and does nothing else: shifts, extracts, reverses
  bool is_select = false;             ///< CSEL and its kin
  bool has_shifted_constant = false;  ///< an immediate that the shifter makes
  Registers reads = 0;                ///< all of the below but `writes`
  Registers writes = 0;
  Registers address_reads = 0;  ///< base and index
  Registers stored = 0;         ///< data of a store
  Registers accumulated = 0;    ///< added to a product
  Registers factors = 0;        ///< multiplied, where something is accumulated
  Registers shifted = 0;        ///< goes through the shifter first
  /// Which memory it accessed, so far as that is known: equal numbers are one memory; 0: not known.
  std::uint8_t memory = 0;
  std::optional<std::int32_t> offset;   ///< of an address that is a base register and this constant
  std::optional<std::uint32_t> target;  ///< of a direct branch, or the literal's address

  [[nodiscard]] std::uint32_t end() const { return address + size_bytes; }
  [[nodiscard]] bool is_backward_branch() const {
    return operation == Opcode::branch_conditional && target && *target <= address;
  }
  /// It takes two words of memory to fetch it.
  [[nodiscard]] bool lies_across_words() const { return size_bytes == 4 && address % 4 != 0; }
};

/// The instruction in one line of `objdump -d`: mnemonic and operands as it prints them. Absent if the
/// mnemonic is none that is known.
[[nodiscard]] std::optional<Instruction> parse_arm(std::uint32_t address, unsigned size_bytes,
                                                   std::string_view mnemonic, std::string_view operands);
[[nodiscard]] std::optional<Instruction> parse_riscv(std::uint32_t address, unsigned size_bytes,
                                                     std::string_view mnemonic, std::string_view operands);

}  // namespace nb
