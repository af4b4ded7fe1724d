// Thumb instructions from the text of GNU objdump.
#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/text.h"
#include "timing/instruction.h"
#include "timing/thumb_rows.h"

namespace nb {
namespace {

using enum Opcode;

using thumb::Form;
using thumb::Row;

constexpr std::string_view kConditions = "eq ne cs hs cc lo mi pl vs vc hi ls ge lt gt le al";

bool is_condition(std::string_view text) { return text.size() == 2 && kConditions.find(text) % 3 == 0; }

/// The row whose name, with an `s` for flags and a condition where they may stand, makes the mnemonic.
template <class Rows>
const Row* find_row(const Rows& rows, std::string_view mnemonic, bool& sets_flags, bool& is_conditional) {
  const Row* best = nullptr;
  for (const Row& row : rows) {
    if (!mnemonic.starts_with(row.name) || (best != nullptr && best->name.size() >= row.name.size()))
      continue;
    std::string_view rest = mnemonic.substr(row.name.size());
    const bool may_set = row.form != Form::branch && row.form != Form::memory && !row.name.starts_with('v');
    const bool has_s = may_set && !rest.empty() && rest[0] == 's' && !is_condition(rest);
    if (has_s) rest.remove_prefix(1);
    // After LE and friends of MVE a condition is that of a vector: t or e.
    const bool is_vector_condition = row.name.starts_with('v') && (rest == "t" || rest == "e");
    if (!rest.empty() && !is_condition(rest) && !is_vector_condition) continue;
    best = &row;
    sets_flags = has_s;
    is_conditional = !rest.empty();
  }
  return best;
}

/// Operands, parted at commas that stand in no brackets.
std::vector<std::string_view> operands_of(std::string_view text) {
  std::vector<std::string_view> parts;
  int depth = 0;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (c != ',' || (depth > 0 && i < text.size())) continue;
    const std::string_view part = trim(text.substr(start, i - start));
    if (!part.empty()) parts.push_back(part);
    start = i + 1;
  }
  return parts;
}

std::optional<unsigned> number_of(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

/// The register of that name as bits; 0 if it is none. A `!` or an index `[n]` behind it does not matter.
Registers register_of(std::string_view text) {
  text = text.substr(0, text.find_first_of("!["));
  if (text == "sb") return core_register(9);
  if (text == "sl") return core_register(10);
  if (text == "fp") return core_register(11);
  if (text == "ip") return core_register(12);
  if (text == "sp") return core_register(13);
  if (text == "lr") return core_register(14);
  if (text == "pc") return core_register(15);
  if (text == "APSR_nzcv") return kFlags;
  if (text.size() < 2) return 0;
  const auto number = number_of(text.substr(1));
  if (!number) return 0;
  if (text[0] == 'r' && *number < 16) return core_register(*number);
  if (text[0] == 's' && *number < 32) return float_register(*number);
  if (text[0] == 'd' && *number < 16) return Registers{3} << (32 + 2 * *number);
  if (text[0] == 'q' && *number < 8) return Registers{15} << (32 + 4 * *number);
  return 0;
}

/// All registers that the text names, ranges included.
Registers registers_in(std::string_view text) {
  Registers all = 0;
  std::string_view before;
  std::size_t start = 0;
  bool is_range = false;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ' ';
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_') continue;
    const std::string_view word = text.substr(start, i - start);
    start = i + 1;
    const Registers one = register_of(word);
    if (is_range && one != 0) {
      const auto first = number_of(before.substr(1)), last = number_of(word.substr(1));
      for (unsigned n = first.value_or(0); first && last && n <= *last; ++n)
        all |= register_of(std::string(1, word[0]) + std::to_string(n));
    }
    all |= one;
    is_range = c == '-' && one != 0;
    if (one != 0) before = word;
  }
  return all;
}

bool is_shift(std::string_view text) {
  return text.starts_with("lsl") || text.starts_with("lsr") || text.starts_with("asr") ||
         text.starts_with("ror") || text.starts_with("rrx");
}

/// Immediates that Thumb makes by shifting 8 bits: neither small nor a pattern of equal bytes.
bool is_shifted_constant(std::string_view text) {
  if (!text.starts_with('#')) return false;
  const bool is_hex = text.substr(1).starts_with("0x");
  std::int64_t value = 0;
  const std::string_view digits = text.substr(is_hex ? 3 : 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), value, is_hex ? 16 : 10);
  const auto bits = static_cast<std::uint32_t>(value < 0 ? -value : value);
  const std::uint32_t low = bits & 0xffu, half = low | low << 16;
  return bits > 0xffu && bits != half && bits != half << 8 && bits != (half | half << 8);
}

void read_address(Instruction& insn, const std::vector<std::string_view>& operands, std::size_t at) {
  if (at >= operands.size()) return;
  const std::string_view text = operands[at];
  if (!text.starts_with('[')) {  // a literal by its address
    insn.is_pc_relative = true;
    return;
  }
  insn.address_reads = registers_in(text);
  insn.is_pc_relative = (insn.address_reads & core_register(15)) != 0;
  const auto parts = operands_of(text.substr(1, text.find(']') - 1));
  insn.has_index = parts.size() > 1 && registers_in(parts[1]) != 0;
  insn.has_writeback = text.ends_with('!') || at + 1 < operands.size();
  if (parts.size() == 1) insn.offset = 0;
  if (parts.size() == 2 && parts[1].starts_with('#')) {
    std::int32_t value = 0;
    const auto [end, error] =
        std::from_chars(parts[1].data() + 1, parts[1].data() + parts[1].size(), value, 10);
    if (error == std::errc() && end == parts[1].data() + parts[1].size()) insn.offset = value;
  }
  if (insn.has_writeback && !parts.empty()) insn.writes |= register_of(parts[0]);
}

void read_list(Instruction& insn, std::string_view list, bool is_load) {
  const Registers all = registers_in(list);
  insn.register_count = static_cast<std::uint8_t>(std::popcount(all));
  (is_load ? insn.writes : insn.stored) |= all;
}

bool is_load(Opcode operation) {
  return operation == load || operation == load_double || operation == load_multiple ||
         operation == fp_load || operation == fp_load_multiple || operation == vector_load;
}

void read_operands(Instruction& insn, Form form, const std::vector<std::string_view>& operands) {
  const auto reg = [&](std::size_t i) { return i < operands.size() ? registers_in(operands[i]) : 0; };
  const auto read_from = [&](std::size_t first) {
    for (std::size_t i = first; i < operands.size(); ++i) {
      insn.reads |= reg(i);
      insn.has_shifted_constant = insn.has_shifted_constant || is_shifted_constant(operands[i]);
      if (!is_shift(operands[i]) || i == 0) continue;
      if (i >= 2) insn.shifted |= reg(i - 1);
      if (insn.operation == alu && operands.size() > 2 && i >= 2) insn.operation = shifted_alu;
    }
  };
  switch (form) {
    case Form::result:
    case Form::result_only:
      insn.writes |= reg(0);
      if (form == Form::result && operands.size() == 2) insn.reads |= reg(0);
      read_from(1);
      break;
    case Form::compare:
      read_from(0);
      break;
    case Form::update:
      insn.writes |= reg(0);
      insn.accumulated = reg(0);
      insn.reads |= reg(0);
      insn.factors = reg(1) | reg(2);
      read_from(1);
      break;
    case Form::accumulate:
      insn.writes |= reg(0);
      insn.accumulated = reg(3);
      insn.factors = reg(1) | reg(2);
      read_from(1);
      break;
    case Form::extend_add:
      insn.writes |= reg(0);
      insn.accumulated = reg(operands.size() > 2 && !is_shift(operands[2]) ? 1 : 0);
      insn.factors = reg(operands.size() > 2 && !is_shift(operands[2]) ? 2 : 1);
      read_from(1);
      break;
    case Form::long_product:
      insn.writes |= reg(0) | reg(1);
      read_from(2);
      break;
    case Form::long_accumulate:
      insn.writes |= reg(0) | reg(1);
      insn.accumulated = reg(0) | reg(1);
      insn.factors = reg(2) | reg(3);
      read_from(0);
      break;
    case Form::memory:
    case Form::memory_pair: {
      const bool is_table = insn.operation == branch_table;
      const std::size_t count = is_table ? 0 : form == Form::memory ? 1 : 2;
      const bool loads = is_load(insn.operation);
      for (std::size_t i = 0; i < count; ++i) (loads ? insn.writes : insn.stored) |= reg(i);
      read_address(insn, operands, count);
      break;
    }
    case Form::list:
      insn.address_reads = reg(0);
      insn.has_writeback = !operands.empty() && operands[0].ends_with('!');
      if (insn.has_writeback) insn.writes |= reg(0);
      if (operands.size() > 1) read_list(insn, operands[1], is_load(insn.operation));
      break;
    case Form::stack:
      insn.address_reads = core_register(13);
      insn.has_writeback = true;
      insn.writes |= core_register(13);
      if (!operands.empty()) read_list(insn, operands[0], is_load(insn.operation));
      break;
    case Form::branch:
      if (operands.size() > 1) read_from(0);
      break;
    case Form::none:
      break;
  }
  insn.reads |= insn.address_reads | insn.stored | insn.accumulated;
}

/// The access size that a vector load or store names: vldrb 1, vldrh 2, vldrw 4, vldrd 8, vld20.32 4.
std::uint8_t vector_bytes(std::string_view name) {
  if (name.size() > 4 && (name.starts_with("vldr") || name.starts_with("vstr"))) {
    switch (name[4]) {
      case 'b':
        return 1;
      case 'h':
        return 2;
      case 'd':
        return 8;
      default:
        return 4;
    }
  }
  return name.ends_with(".8") ? 1 : name.ends_with(".16") ? 2 : 4;
}

/// An instruction of the vector extension: its operands name Q registers, or it governs them.
void read_vector(Instruction& insn, std::string_view name, const std::vector<std::string_view>& operands) {
  const std::string_view base = name.substr(0, name.find('.'));
  const auto reg = [&](std::size_t i) { return i < operands.size() ? registers_in(operands[i]) : 0; };
  if (base.starts_with("vld") || base.starts_with("vst")) {
    const bool loads = base.starts_with("vld");
    insn.operation = loads ? vector_load : vector_store;
    insn.access_bytes = vector_bytes(name);
    (loads ? insn.writes : insn.stored) |= reg(0);
    insn.register_count = base.starts_with("vld2") || base.starts_with("vst2")   ? 2
                          : base.starts_with("vld4") || base.starts_with("vst4") ? 4
                                                                                 : 1;
    read_address(insn, operands, 1);
    insn.reads |= insn.address_reads | insn.stored;
    return;
  }
  if (base.starts_with("vpst") || base.starts_with("vctp") || base.starts_with("vpt") ||
      base.starts_with("vcmp") || base.starts_with("vpnot")) {
    insn.operation = vector_predicate;
    insn.writes |= kPredicate;
    for (std::size_t i = 0; i < operands.size(); ++i) insn.reads |= reg(i);
    return;
  }
  const bool has_floats = name.find(".f") != std::string_view::npos;
  const bool multiplies =
      base.find("mul") != std::string_view::npos || base.find("mla") != std::string_view::npos ||
      base.find("mls") != std::string_view::npos || base.find("fma") != std::string_view::npos ||
      base.starts_with("vqdm") || base.starts_with("vqrdm") || base.starts_with("vaddv") ||
      base.starts_with("vaddlv");
  const bool reduces = base.find("av") != std::string_view::npos && !operands.empty() &&
                       operands[0].find('q') == std::string_view::npos;
  const bool moves = base.starts_with("vmov") || base.starts_with("vdup");
  insn.operation = multiplies || (has_floats && !moves) ? vector_multiply : vector_integer;
  if (moves && !(reg(0) >> 32 != 0 && (operands.size() < 2 || reg(1) == 0 || reg(1) >> 32 != 0)))
    insn.operation = vector_move;
  std::size_t results = 1;
  if (reduces && base.find("lv") != std::string_view::npos) results = 2;
  if (reduces && base.find("lda") != std::string_view::npos) results = 2;
  for (std::size_t i = 0; i < results; ++i) insn.writes |= reg(i);
  const bool accumulates =
      base.find("mla") != std::string_view::npos || base.find("mls") != std::string_view::npos ||
      base.find("fma") != std::string_view::npos || base.find("fms") != std::string_view::npos;
  if (accumulates) insn.accumulated = insn.writes;
  for (std::size_t i = results; i < operands.size(); ++i) insn.reads |= reg(i);
  insn.reads |= insn.accumulated;
}

bool names_vector(std::string_view name, const std::vector<std::string_view>& operands) {
  if (name.starts_with("vpst") || name.starts_with("vctp") || name.starts_with("vpnot")) return true;
  return std::any_of(operands.begin(), operands.end(), [](std::string_view operand) {
    const std::size_t q = operand.find('q');
    return q != std::string_view::npos &&
           (q == 0 || operand[q - 1] == '{' || operand[q - 1] == ' ' || operand[q - 1] == '[');
  });
}

}  // namespace

std::optional<Instruction> parse_arm(std::uint32_t address, unsigned size_bytes, std::string_view mnemonic,
                                     std::string_view operand_text) {
  Instruction insn;
  insn.address = address;
  insn.size_bytes = static_cast<std::uint8_t>(size_bytes);
  const auto operands = operands_of(operand_text.substr(0, operand_text.find_first_of("@;<")));
  if (mnemonic.ends_with(".n") || mnemonic.ends_with(".w")) mnemonic.remove_suffix(2);
  if (mnemonic.starts_with("it") && mnemonic.size() <= 5 &&
      mnemonic.find_first_not_of("te", 1) == std::string_view::npos) {
    insn.operation = if_then;
    return insn;
  }
  if (mnemonic.starts_with('v')) {
    if (names_vector(mnemonic, operands)) {
      read_vector(insn, mnemonic, operands);
      return insn;
    }
    const std::string_view base = mnemonic.substr(0, mnemonic.find('.'));
    const Row* row = find_row(thumb::kFloatRows, base.starts_with("vsel") ? base.substr(0, 4) : base,
                              insn.sets_flags, insn.is_conditional);
    if (row == nullptr) return std::nullopt;
    insn.operation = row->operation;
    insn.access_bytes = row->access_bytes;
    read_operands(insn, row->form, operands);
    insn.is_double = mnemonic.find(".f64") != std::string_view::npos;
    if ((insn.operation == fp_load || insn.operation == fp_store) && !operands.empty() &&
        operands[0][0] == 'd')
      insn.access_bytes = 8;
    if (insn.operation == fp_move && operands.size() > 2) insn.register_count = 2;  // two core registers
    return insn;
  }
  const Row* row = find_row(thumb::kRows, mnemonic, insn.sets_flags, insn.is_conditional);
  if (row == nullptr) return std::nullopt;
  insn.operation = row->operation;
  insn.access_bytes = row->access_bytes;
  read_operands(insn, row->form, operands);
  if (insn.operation == alu && row->form == Form::compare) insn.sets_flags = true;
  if (row->form == Form::branch || insn.is_pc_relative || row->operation == loop_end)
    insn.target =
        operands.empty() ? std::nullopt : parse_hex(operands.back().substr(0, operands.back().find(' ')));
  if (insn.operation == Opcode::branch && insn.is_conditional) insn.operation = branch_conditional;
  if (row->name == "mov" && insn.operation == shifted_alu) insn.operation = alu;  // a shift by another name
  if (row->name.ends_with('w') || row->name == "movt")
    insn.has_shifted_constant = false;  // 12 or 16 plain bits
  static constexpr std::string_view kSimple = " add addw sub subw mov movw lsl lsr asr ror adr ";
  insn.is_simple = insn.operation == alu && !insn.has_shifted_constant &&
                   kSimple.find(" " + std::string(row->name) + " ") != std::string_view::npos;
  static constexpr std::string_view kShifts = " lsl lsr asr ror rrx ubfx sbfx rev rev16 revsh rbit ";
  insn.is_shift = kShifts.find(" " + std::string(row->name) + " ") != std::string_view::npos ||
                  (row->name == "mov" && insn.shifted != 0);
  insn.is_select = row->name.starts_with("cs") || row->name.starts_with("cin");
  if (insn.sets_flags) insn.writes |= kFlags;
  if (insn.is_conditional) insn.reads |= kFlags;
  if (row->name == "adc" || row->name == "sbc" || insn.is_select) insn.reads |= kFlags;
  if (insn.operation == call || row->name.starts_with("blx")) insn.writes |= core_register(14);
  if (insn.operation == loop_start || insn.operation == loop_end) insn.writes |= core_register(14);
  const bool is_branch = insn.operation == Opcode::branch || insn.operation == branch_conditional ||
                         insn.operation == branch_indirect || insn.operation == branch_table ||
                         insn.operation == call || insn.operation == loop_end || row->name.starts_with("wls");
  insn.writes_pc = is_branch || (insn.writes & core_register(15)) != 0;
  return insn;
}

}  // namespace nb
