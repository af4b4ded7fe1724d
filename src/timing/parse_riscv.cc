// RV32 instructions from the text of GNU objdump with -M no-aliases,numeric.
#include <charconv>
#include <vector>

#include "base/text.h"
#include "timing/instruction.h"

namespace nb {
namespace {

using enum Opcode;

/// x0 is no register that anything waits for.
Registers register_of(std::string_view text) {
  if (text.size() < 2) return 0;
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > 31) return 0;
  if (text[0] == 'x') return number == 0 ? 0 : core_register(number);
  return text[0] == 'f' ? float_register(number) : 0;
}

std::uint8_t bytes_of(char letter) { return letter == 'b' ? 1 : letter == 'h' ? 2 : letter == 'd' ? 8 : 4; }

struct Kind {
  Opcode operation = alu;
  bool has_result = true;
};

/// Of the standard extensions I, M, A, F, Zba, Zbb, Zbs and Zicsr; absent for others.
std::optional<Kind> kind_of(std::string_view name) {
  static constexpr std::string_view kAlu =
      " add addi addi16sp addi4spn sub and andi or ori xor xori sll slli srl srli sra srai slt slti sltu "
      "sltiu "
      "lui li mv auipc not zext.b zext.h sext.b sext.h ";
  static constexpr std::string_view kBits =
      " sh1add sh2add sh3add andn orn xnor clz ctz cpop max maxu min minu rol ror rori orc.b rev8 bclr bclri "
      "bext bexti binv binvi bset bseti pack packh brev8 zip unzip ";
  const auto in = [&](std::string_view list) {
    return list.find(" " + std::string(name) + " ") != std::string_view::npos;
  };
  if (in(kAlu)) return Kind{alu};
  if (in(kBits)) return Kind{bitfield};
  if (name == "mul") return Kind{multiply};
  if (name == "mulh" || name == "mulhu" || name == "mulhsu") return Kind{multiply_long};
  if (in(" div divu rem remu ")) return Kind{divide};
  if (in(" lb lh lw lbu lhu lwsp lr.w ")) return Kind{load};
  if (in(" sb sh sw swsp ")) return Kind{store, false};
  if (in(" flw flwsp ")) return Kind{fp_load};
  if (in(" fsw fswsp ")) return Kind{fp_store, false};
  if (in(" beq bne blt bge bltu bgeu beqz bnez ")) return Kind{branch_conditional, false};
  if (in(" j ")) return Kind{Opcode::branch, false};
  if (in(" jal ")) return Kind{call};
  if (in(" jr ")) return Kind{branch_indirect, false};
  if (in(" jalr ")) return Kind{branch_indirect};
  if (in(" nop ")) return Kind{nop, false};
  if (in(" fence fence.i fence.tso ")) return Kind{barrier, false};
  if (in(" ecall ebreak mret wfi ") || name.starts_with("csr") || name.starts_with("amo") || name == "sc.w")
    return Kind{system};
  if (name.starts_with("fmadd") || name.starts_with("fmsub") || name.starts_with("fnmadd") ||
      name.starts_with("fnmsub"))
    return Kind{fp_fused};
  if (name.starts_with("fmul.")) return Kind{fp_multiply};
  if (name.starts_with("fdiv.")) return Kind{fp_divide};
  if (name.starts_with("fsqrt.")) return Kind{fp_square_root};
  if (name.starts_with("fmv.") || name.starts_with("fsgnj")) return Kind{fp_move};
  if (name.starts_with("fadd.") || name.starts_with("fsub.") || name.starts_with("fcvt.") ||
      name.starts_with("fm") || name.starts_with("feq") || name.starts_with("fl") ||
      name.starts_with("fclass"))
    return Kind{fp_add};
  return std::nullopt;
}

}  // namespace

std::optional<Instruction> parse_riscv(std::uint32_t address, unsigned size_bytes, std::string_view mnemonic,
                                       std::string_view operand_text) {
  if (mnemonic.starts_with("c.")) mnemonic.remove_prefix(2);
  const auto kind = kind_of(mnemonic);
  if (!kind) return std::nullopt;
  Instruction insn;
  insn.address = address;
  insn.size_bytes = static_cast<std::uint8_t>(size_bytes);
  insn.operation = kind->operation;
  std::vector<std::string_view> operands;
  for (const std::string_view part : split(operand_text.substr(0, operand_text.find_first_of("#<")), ','))
    operands.push_back(trim(part));
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const std::string_view text = operands[i];
    const std::size_t open = text.find('(');
    if (open != std::string_view::npos) {
      insn.address_reads |= register_of(text.substr(open + 1, text.find(')') - open - 1));
    } else if (i == 0 && kind->has_result) {
      insn.writes |= register_of(text);
      // Of two operands a compressed one reads its result as well.
      if (operands.size() == 2 && size_bytes == 2 && mnemonic != "li" && mnemonic != "lui" &&
          mnemonic != "mv")
        insn.reads |= register_of(text);
    } else {
      insn.reads |= register_of(text);
    }
  }
  if (insn.operation == load || insn.operation == store)
    insn.access_bytes = mnemonic.starts_with("lr") ? 4 : bytes_of(mnemonic[1]);
  if (insn.operation == fp_load || insn.operation == fp_store) insn.access_bytes = 4;
  if (insn.operation == store || insn.operation == fp_store) insn.stored = insn.reads;
  if (insn.operation == call && operands.size() > 1 && operands[0] == "x0") insn.operation = Opcode::branch;
  // c.jal and c.jalr name no link register.
  if (size_bytes == 2 && (mnemonic == "jal" || mnemonic == "jalr")) {
    insn.reads |= insn.writes;
    insn.writes = core_register(1);
  }
  if (!operands.empty() &&
      (insn.operation == branch_conditional || insn.operation == Opcode::branch || insn.operation == call))
    insn.target = parse_hex(operands.back().substr(0, operands.back().find(' ')));
  insn.is_conditional = insn.operation == branch_conditional;
  insn.writes_pc = insn.operation == branch_conditional || insn.operation == Opcode::branch ||
                   insn.operation == branch_indirect || insn.operation == call;
  insn.reads |= insn.address_reads;
  return insn;
}

}  // namespace nb
