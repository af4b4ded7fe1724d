// Timing: what disassembly is read as, what pipelines make of it, and the log of the counting plugin.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "timing/disassembly.h"
#include "timing/estimate.h"
#include "timing/memory_system.h"
#include "timing/pipeline.h"
#include "timing/profile.h"

namespace nb {
namespace {

/// Instructions as objdump writes them: "4 ldr.w r0, [r1, #4]" with the size first, from address 0x1000 on.
std::vector<Instruction> code_of(const std::vector<std::string>& lines, bool is_arm = true) {
  std::vector<Instruction> code;
  std::uint32_t address = 0x1000;
  for (const std::string& line : lines) {
    const unsigned size = line[0] == '4' ? 4 : 2;
    const std::size_t space = line.find(' ', 2);
    const std::string mnemonic = line.substr(2, space - 2);
    const std::string operands = space == std::string::npos ? "" : line.substr(space + 1);
    const auto insn = is_arm ? parse_arm(address, size, mnemonic, operands)
                             : parse_riscv(address, size, mnemonic, operands);
    REQUIRE_MESSAGE(insn.has_value(), line);
    code.push_back(*insn);
    address += size;
  }
  return code;
}

/// Cycles of the lines, repeated often enough that what is left over at the end does not count.
double cycles_of(const char* core, const std::vector<std::string>& lines, bool is_arm = true) {
  const CoreModel* model = is_arm ? find_core_model(core) : find_core_model("rv32imc", core);
  REQUIRE(model != nullptr);
  std::vector<std::string> many;
  constexpr int kTimes = 20;
  for (int i = 0; i < 2 * kTimes; ++i) many.insert(many.end(), lines.begin(), lines.end());
  const auto code = code_of(many, is_arm);
  const std::span<const Instruction> all(code);
  return static_cast<double>(cycles_after(*model, all.first(code.size() / 2), all.last(code.size() / 2))) /
         kTimes;
}

/// Cycles of one round of a loop that these lines are, its branch taken.
int loop_cycles(const char* core, const std::vector<std::string>& lines, bool is_arm = true) {
  const auto code = code_of(lines, is_arm);
  const CoreModel* model = is_arm ? find_core_model(core) : find_core_model("rv32imc", core);
  REQUIRE(model != nullptr);
  return cycles_after(*model, code, code);
}

}  // namespace

TEST_CASE("Thumb instructions are read with what they read and write") {
  const auto code = code_of({"4 smlad lr, r8, r1, lr", "4 ldr.w r3, [r9, #4]!", "4 ldr.w r0, [r6], #4",
                             "4 strd r4, r5, [sp, #8]", "2 push {r4, r5, lr}", "4 vldmia ip!, {s13-s15}",
                             "4 add.w r3, r4, r5, ror #24", "4 vmlava.s8 r0, q0, q1", "2 bls.n 1234 <f>",
                             "2 adds r0, #1", "4 mov.w lr, r5, asr #1", "4 vldrb.u8 q0, [r0], #16"});
  CHECK(code[0].operation == Opcode::multiply_accumulate);
  CHECK(code[0].writes == core_register(14));
  CHECK(code[0].accumulated == core_register(14));
  CHECK(code[0].factors == (core_register(8) | core_register(1)));
  CHECK(code[1].operation == Opcode::load);
  CHECK(code[1].has_writeback);
  CHECK(code[1].writes == (core_register(3) | core_register(9)));
  CHECK(code[2].address_reads == core_register(6));
  CHECK(code[2].writes == (core_register(0) | core_register(6)));
  CHECK(code[3].operation == Opcode::store_double);
  CHECK(code[3].stored == (core_register(4) | core_register(5)));
  CHECK(code[4].register_count == 3);
  CHECK(code[5].writes == (float_register(13) | float_register(14) | float_register(15) | core_register(12)));
  CHECK(code[6].operation == Opcode::shifted_alu);
  CHECK(code[6].shifted == core_register(5));
  CHECK(code[7].operation == Opcode::vector_multiply);
  CHECK(code[7].accumulated == core_register(0));
  CHECK(code[8].operation == Opcode::branch_conditional);
  CHECK(code[8].target == 0x1234u);
  CHECK(code[9].reads == core_register(0));
  CHECK(code[10].operation == Opcode::alu);  // a shift by another name
  CHECK(code[11].operation == Opcode::vector_load);
  CHECK(code[11].writes == (Registers{15} << 32 | core_register(0)));
  CHECK_FALSE(parse_arm(0, 2, "nonsense", "r0").has_value());
}

TEST_CASE("RISC-V instructions are read with what they read and write") {
  const auto code = code_of({"2 c.lw x15,4(x10)", "4 mul x5,x6,x7", "2 c.addi x8,1",
                             "4 beq x5,x0,1010 <f+0x4>", "2 c.jr x1", "4 sw x5,8(x2)", "2 c.li x8,3"},
                            false);
  CHECK(code[0].operation == Opcode::load);
  CHECK(code[0].writes == core_register(15));
  CHECK(code[0].address_reads == core_register(10));
  CHECK(code[1].operation == Opcode::multiply);
  CHECK(code[2].reads == core_register(8));
  CHECK(code[3].target == 0x1010u);
  CHECK(code[3].reads == core_register(5));
  CHECK(code[4].operation == Opcode::branch_indirect);
  CHECK(code[5].stored == core_register(5));
  CHECK(code[5].writes == 0);
  CHECK(code[6].reads == 0);
}

// Figures of the manuals' tables and of published measurements; the core's file names them.
TEST_CASE("Cortex-M0 and Cortex-M0+ take their tables' cycles") {
  CHECK(cycles_of("cortex-m0", {"2 ldr r0, [r1, #4]", "2 muls r2, r3"}) == 3);
  CHECK(cycles_of("cortex-m0", {"2 push {r4, r5, r6, r7}"}) == 5);
  CHECK(loop_cycles("cortex-m0", {"2 subs r0, #1", "2 bne.n 1000"}) == 4);
  CHECK(loop_cycles("cortex-m0plus", {"2 subs r0, #1", "2 bne.n 1000"}) == 3);
}

TEST_CASE("Cortex-M4 pipelines loads and takes its table's cycles") {
  CHECK(cycles_of("cortex-m4f", {"4 ldr.w r0, [r8]", "4 add.w r4, r5, r6"}) == 3);
  CHECK(cycles_of("cortex-m4f", {"4 ldr.w r0, [r8]", "4 ldr.w r1, [r8, #4]", "4 add.w r4, r5, r6"}) == 4);
  CHECK(cycles_of("cortex-m4f", {"4 ldr.w r0, [r8]", "4 str.w r1, [r9]", "4 add.w r4, r5, r6"}) == 3);
  CHECK(cycles_of("cortex-m4f", {"4 str.w r1, [r9, r2]", "4 mov.w r4, r5"}) == 3);
  CHECK(cycles_of("cortex-m4f", {"4 add.w r8, r8, #4", "4 ldr.w r0, [r8]", "4 mov.w r4, r5"}) == 5);
  CHECK(cycles_of("cortex-m4f", {"4 smlad r0, r1, r2, r0"}) == 1);
  CHECK(cycles_of("cortex-m3", {"4 mla r0, r1, r2, r0"}) == 2);
  CHECK(cycles_of("cortex-m4f", {"4 ldmia.w r0, {r1, r2, r3, r4}"}) == 5);
  CHECK(cycles_of("cortex-m4f", {"4 vfma.f32 s0, s1, s2"}) == 3);
  CHECK(loop_cycles("cortex-m4f", {"4 subs.w r0, r0, #1", "4 bne.w 1000"}) == 3);
  // A literal lies in another memory than what is loaded next to it.
  CHECK(cycles_of("cortex-m4f", {"2 ldr r0, [pc, #16]", "2 ldr r1, [r8, #0]", "4 add.w r4, r5, r6"}) == 5);
  // The target of a compare-and-branch is asked for when it executes; that of BX LR when it is decoded.
  CHECK(loop_cycles("cortex-m4f", {"2 subs r0, #1", "2 cbnz r0, 1000"}) == 4);
  CHECK(loop_cycles("cortex-m4f", {"2 mov r4, r5", "2 bx lr"}) == 3);
  CHECK(loop_cycles("cortex-m4f", {"2 mov lr, r5", "2 bx lr"}) == 4);
  // The fetches that a conditional branch takes delay wide instructions that follow, not narrow ones.
  CHECK(cycles_of("cortex-m4f", {"4 ldr.w r9, [r5]", "2 ldr r7, [r5, #4]", "2 cmp r9, r7", "4 beq.w 2000"}) ==
        6);
  CHECK(cycles_of("cortex-m4f",
                  {"2 ldr r6, [r5, #0]", "2 ldr r7, [r5, #4]", "2 cmp r6, r7", "2 beq.n 2000"}) == 5);
}

TEST_CASE("Cortex-M7 issues two instructions where they pair") {
  CHECK(cycles_of("cortex-m7", {"4 add.w r0, r1, r2", "4 eor.w r3, r4, r5"}) == 1);
  CHECK(cycles_of("cortex-m7", {"4 smlad r0, r1, r2, r0", "4 smlad r3, r4, r5, r3"}) == 2);
  CHECK(cycles_of("cortex-m7", {"4 ldr.w r0, [r8]", "4 ldr.w r1, [r8, #4]"}) == 1);
  CHECK(cycles_of("cortex-m7", {"4 movw r0, #4660", "4 movt r0, #22136"}) == 1);
  CHECK(cycles_of("cortex-m7", {"4 mul r0, r0, r1"}) == 2);
  CHECK(cycles_of("cortex-m7", {"4 vadd.f32 s0, s0, s1"}) == 3);
  CHECK(cycles_of("cortex-m7", {"4 vfma.f32 s0, s0, s1"}) == 5);
  CHECK(loop_cycles("cortex-m7", {"4 subs.w r0, r0, #1", "4 bne.w 1000"}) == 1);
}

TEST_CASE("Cortex-M33 waits a cycle for loads and pairs branches") {
  CHECK(cycles_of("cortex-m33", {"4 ldr.w r0, [r8]", "4 add.w r4, r0, r6"}) == 3);
  CHECK(cycles_of("cortex-m33", {"4 ldr.w r0, [r8]", "4 add.w r4, r5, r6", "4 add.w r7, r0, r6"}) == 3);
  CHECK(cycles_of("cortex-m33", {"4 smlad r0, r1, r2, r0"}) == 1);
  CHECK(loop_cycles("cortex-m33", {"2 subs r0, #1", "2 bne.n 1000"}) == 3);
  CHECK(loop_cycles("cortex-m33", {"2 subs r0, #1", "2 add r1, r2", "2 bne.n 1000"}) == 3);
}

TEST_CASE("Cortex-M55 overlaps vector instructions of different units") {
  CHECK(cycles_of("cortex-m55", {"4 vldrb.u8 q0, [r0]", "4 vmladava.s8 r2, q1, q2"}) == 2);
  CHECK(cycles_of("cortex-m55", {"4 vadd.i32 q0, q1, q2", "4 vadd.i32 q3, q4, q5"}) == 4);
}

TEST_CASE("Cortex-M7 pairs by shifters and banks") {
  const char* const core = "cortex-m7";
  // An extend takes no shifter, an extract does.
  CHECK(cycles_of(core, {"4 uxtb.w r0, r1, ror #8", "4 eor.w r2, r3, r4, ror #8"}) == 1);
  CHECK(cycles_of(core, {"4 ubfx r0, r1, #8, #8", "4 eor.w r2, r3, r4, ror #8"}) == 2);
  // Even and odd words lie in two banks.
  CHECK(cycles_of(core, {"4 ldr.w r0, [r1]", "4 ldr.w r2, [r1, #4]"}) == 1);
  CHECK(cycles_of(core, {"4 ldr.w r0, [r1]", "4 ldr.w r2, [r1, #8]"}) == 2);
  // What shifts an operand takes no word that was loaded in the cycle before.
  CHECK(cycles_of(core, {"4 ldr.w r0, [r1]", "4 mov.w r2, r3", "4 eor.w r4, r0, r5", "4 mov.w r6, r7"}) == 2);
  CHECK(cycles_of(core, {"4 ldr.w r0, [r1]", "4 mov.w r2, r3", "4 eor.w r4, r0, r5, ror #8",
                         "4 mov.w r6, r7"}) == 3);
}

TEST_CASE("Cortex-M55 pairs narrow instructions and uses vectors as soon as their beats allow") {
  CHECK(cycles_of("cortex-m55", {"2 adds r0, #1", "2 muls r2, r3"}) == 2);  // MULS waits for itself
  CHECK(cycles_of("cortex-m55", {"2 adds r0, #1", "2 eors r2, r3"}) == 1);
  CHECK(cycles_of("cortex-m55", {"2 orrs r1, r4", "2 eors r2, r3"}) == 2);
  CHECK(cycles_of("cortex-m55", {"4 vldrw.u32 q0, [r0]", "4 vadd.i32 q1, q0, q2"}) == 2);
  CHECK(cycles_of("cortex-m55", {"4 vmul.i32 q0, q3, q3", "4 vadd.i32 q1, q0, q2"}) == 3);
  CHECK(cycles_of("cortex-m55", {"4 vldrw.u32 q0, [r0, q1]"}) == 4);
  CHECK(loop_cycles("cortex-m55",
                    {"4 vldrw.u32 q0, [r0], #16", "4 vmlava.s32 r2, q1, q2", "4 le lr, 0x1000"}) == 2);
}

TEST_CASE("Cortex-M85 runs additions in any of three stages, and vectors beside scalars") {
  const char* const core = "cortex-m85";
  CHECK(cycles_of(core, {"4 add.w r0, r1, #1", "4 add.w r2, r3, #1"}) == 1);
  // Three that depend on one another fit into a pair and a half, and the next three have to wait.
  CHECK(cycles_of(core, {"2 movs r0, #1", "2 adds r0, #1", "2 adds r0, #1", "2 nop"}) == 2);
  CHECK(cycles_of(core, {"2 uxtb r0, r1", "2 uxtb r2, r3"}) == 2);
  CHECK(cycles_of(core, {"4 ubfx r0, r1, #8, #8", "4 ubfx r2, r3, #8, #8"}) == 1);
  CHECK(cycles_of(core, {"4 ldr.w r0, [r1]", "4 ldr.w r2, [r3]"}) == 1);
  CHECK(cycles_of(core, {"4 ldr.w r0, [r1]", "2 adds r2, r0, #1"}) == 1);  // a word for the last stage
  CHECK(cycles_of(core, {"4 ldr.w r0, [r0]"}) == 2);
  CHECK(cycles_of(core, {"4 ldrd r0, r1, [r2]", "4 strd r3, r4, [r5]"}) == 1);
  CHECK(cycles_of(core, {"4 umaal r0, r1, r2, r3", "4 str.w r4, [r5, r6]"}) == 2);
  CHECK(cycles_of(core, {"4 umaal r0, r1, r2, r3", "4 str.w r4, [r5, #4]"}) == 1);
  CHECK(cycles_of(core, {"2 movs r1, #0", "4 vldrw.u32 q0, [r0]", "4 veor q1, q2, q3"}) == 2);
  CHECK(cycles_of(core, {"4 vldrw.u32 q0, [r0]", "2 movs r1, #0"}) == 2);
  CHECK(cycles_of(core, {"4 veor q0, q1, q2", "4 vmul.i32 q3, q4, q5"}) == 2);
  CHECK(loop_cycles(core, {"2 adds r1, #1", "2 adds r2, #1", "4 le lr, 0x1000"}) == 1);
}

TEST_CASE("RV32 pipelines take the cycles of their documents") {
  const auto cycles = [](const char* pipeline, const std::vector<std::string>& lines) {
    return cycles_of(pipeline, lines, false);
  };
  const auto loop = [](const char* pipeline, const std::vector<std::string>& lines) {
    return loop_cycles(pipeline, lines, false);
  };
  const std::vector<std::string> load_use = {"4 lw x5,0(x10)", "4 add x6,x5,x7"};
  const std::vector<std::string> load_store = {"4 lw x5,0(x10)", "4 sw x5,0(x11)"};
  const std::vector<std::string> byte_use = {"4 lbu x5,0(x10)", "4 add x6,x5,x7"};
  const std::vector<std::string> products = {"4 mul x5,x6,x7", "4 mul x8,x6,x7"};
  const std::vector<std::string> round = {"4 add x6,x8,x7", "4 addi x5,x5,-1", "4 bne x5,x0,0x1000"};
  const std::vector<std::string> forward = {"4 add x6,x8,x7", "4 beq x5,x0,0x1010"};
  CHECK(cycles("hazard3", load_use) == 3);
  CHECK(cycles("hazard3", load_store) == 2);
  CHECK(cycles("hazard3", products) == 2);
  CHECK(loop("hazard3", round) == 3);    // the last branch taken backward is known
  CHECK(loop("hazard3", forward) == 3);  // one taken forward is not
  CHECK(cycles("e31", load_use) == 3);
  CHECK(cycles("e31", byte_use) == 4);
  CHECK(cycles("e31", products) == 10);
  CHECK(loop("e31", forward) == 2);
  CHECK(cycles("ri5cy", load_use) == 3);
  CHECK(cycles("ri5cy", byte_use) == 3);
  CHECK(cycles("ri5cy", load_store) == 3);
  CHECK(cycles("ri5cy", {"4 mulh x5,x6,x7"}) == 5);
  CHECK(cycles("ri5cy", {"4 divu x5,x6,x7"}) == 30);
  CHECK(loop("ri5cy", round) == 5);
  CHECK(loop("ri5cy", {"2 c.addi x5,1", "4 jal x0,0x1002"}) == 3);
  CHECK(cycles("qingke-v2", load_use) == 3);
  CHECK(cycles("qingke-v2", {"2 c.sw x8,0(x9)"}) == 2);
  CHECK(loop("qingke-v2", round) == 5);
  const auto code = code_of(round, false);
  CHECK(find_core_model("rv32imac", "e31")->mispredicted_cycles(code.back()) == 3);
  CHECK(find_core_model("rv32imac")->mispredicted_cycles(code.back()) == 2);
  CHECK(find_core_model("rv32imc", "ri5cy")->mispredicted_cycles(code.back()) == 0);
  CHECK(find_core_model("rv32imc", "z80") == nullptr);
}

TEST_CASE("The plugin's log is read, and nothing that is none") {
  const std::string log =
      "nbcount 3\n"
      "M 0 10 0 1\n"
      "E 0 1 5\n"
      "A 1 0 7 2\n"
      "I 1 0 0 1 2\n"
      "D 1 1 0 4 0 1\n"
      "M 1 30 1 0\n"
      "T 1000 4 2 1 0,5 c046c046\n"
      "T 1004 4 1 5 - 04f10100\n"
      "total 40\n"
      "end\n";
  const auto profile = parse_profile(log);
  REQUIRE(profile.has_value());
  CHECK(profile->blocks.size() == 2);
  CHECK(profile->blocks[1].address == 0x1004);
  CHECK(profile->blocks[0].code == std::string("\xc0\x46\xc0\x46"));
  CHECK(profile->blocks[0].regions == std::vector<std::uint32_t>{0, 5});
  CHECK(profile->blocks[1].regions == std::vector<std::uint32_t>{0});
  REQUIRE(profile->intervals.size() == 2);
  CHECK(profile->intervals[1].edges[0].count == 5);
  CHECK(profile->intervals[1].accesses[0].writes == 2);
  CHECK(profile->intervals[1].misses[0].is_of_instructions);
  CHECK(profile->intervals[1].misses[1].first == 4);
  CHECK(profile->instructions == 40);
  CHECK_FALSE(parse_profile("").has_value());
  CHECK_FALSE(parse_profile(log.substr(0, log.size() - 4)).has_value());
  std::string other = log;
  other.replace(other.find("E 0 1 5"), 7, "E 0 9 5");
  CHECK_FALSE(parse_profile(other).has_value());
  for (const char* const bad : {"0", "0,5,0", "0,", "x,0", "0 5", ""}) {
    other = log;
    other.replace(other.find("0,5"), 3, bad);
    CHECK_FALSE_MESSAGE(parse_profile(other).has_value(), bad);
  }
}

TEST_CASE("The plugin's log says how a program ended that did not come to its last mark") {
  const std::string blocks =
      "T 1000 2 1 9 ? fee7\n"
      "total 9\n"
      "end\n";
  const auto stuck = parse_profile("nbcount 3\nM 0 0 0 0\nS 0\nE 0 0 8\nP 1 3\n" + blocks);
  REQUIRE(stuck.has_value());
  CHECK(stuck->blocks[0].regions.empty());
  CHECK(stuck->stuck_block == 0);
  REQUIRE(stuck->unended.size() == 1);
  CHECK(stuck->unended[0].count == 8);
  REQUIRE(stuck->passed_over.size() == 1);
  CHECK(stuck->passed_over[0] == std::pair<std::uint32_t, std::uint64_t>(1, 3));
  const auto given_up = parse_profile("nbcount 3\nX 0 0\n" + blocks);
  REQUIRE(given_up.has_value());
  CHECK(given_up->fault_handler == 0);
  CHECK(parse_profile("nbcount 3\nL\n" + blocks)->is_log_full);
  CHECK_FALSE(parse_profile("nbcount 3\nS 1\n" + blocks).has_value());
  CHECK_FALSE(parse_profile("nbcount 3\nE 0 1 8\n" + blocks).has_value());
}

TEST_CASE("A cache's misses cost what the board's memory takes") {
  Diagnostics diagnostics;
  const auto board = parse_board(
      "name = \"b\"\ntitle = \"B\"\nvendor = \"V\"\npart = \"P\"\ncore = \"cortex-m4f\"\n"
      "clock_hz = 100_000_000\nsource = \"s\"\n"
      "[[memory]]\nname = \"flash\"\nkind = \"flash\"\nsize_kib = 512\nread_bits = 64\n"
      "wait_states = 4\nwait_states_up_to_hz = [20_000_000, 40_000_000, 60_000_000, 80_000_000, "
      "100_000_000]\n"
      "[[memory]]\nname = \"sram\"\nkind = \"ram\"\nsize_kib = 128\n"
      "[[cache]]\nname = \"d\"\nkind = \"data\"\nsize_bytes = 256\nline_bytes = 16\nways = 4\n"
      "serves = [\"flash\"]\n",
      "b.toml", diagnostics);
  REQUIRE(board);
  const std::vector<RegionPlace> places = {{0, 0x80000, "flash"}, {0x20000000, 0x20020000, "sram"}};
  CachePlan plan;
  const MemorySystem memories(*board, places, {}, plan);
  const std::string text = plan.text(places);
  CHECK(text.find("region 0 80000 watched\n") == 0);
  CHECK(text.find("cache D miss 256 16 4 1\n") != std::string::npos);
  CHECK(text.find("cache I miss 8 8 1 1\n") != std::string::npos);  // the flash's own read register
  // Bursts wait for both reads of a line but one cycle and what the core does meanwhile.
  const MemorySystem::Pace pace{.cycles_per_byte = 0.5, .cycles_per_read = 2};
  CHECK(memories.miss_cycles({.cache = 0, .region = 0, .first = 10, .third = 10}, pace) ==
        doctest::Approx(70));
  // Jumps wait for the wait states.
  CHECK(memories.miss_cycles({.cache = 1, .region = 0, .is_of_instructions = true, .second = 10}, pace) ==
        doctest::Approx(40));
  // Where another board's program would have its data elsewhere, its caches see it there.
  CachePlan shifted;
  const MemorySystem moved(*board, {{0, 0x80000, "flash", 0x40}, {0x20000000, 0x20020000, "sram", 0x40}}, {},
                           shifted);
  CHECK(shifted.text(places).find("cache D miss 256 16 4 1\nshift 0 40\n") != std::string::npos);
  // Without wait states nothing has to be simulated but what the file says.
  CachePlan fast;
  const MemorySystem slow_clock(*board, places, {.clock_hz = 16'000'000, .has_caches = false}, fast);
  CHECK(fast.size() == 0);
  CHECK(fast.text(places) == "region 0 80000 watched\nregion 20000000 20020000\n");  // for the pipeline
  Board other_core = *board;
  other_core.processor = "cortex-m0plus";
  CachePlan nothing;
  const MemorySystem unwatched(other_core, places, {.clock_hz = 16'000'000, .has_caches = false}, nothing);
  CHECK(nothing.is_empty());
  CHECK(slow_clock.clock_hz() == 16'000'000);
}

TEST_CASE("Cortex-M4 and Cortex-M33 overlap loads from one memory only") {
  Diagnostics diagnostics;
  const auto board = parse_board(
      "name = \"b\"\ntitle = \"B\"\nvendor = \"V\"\npart = \"P\"\ncore = \"cortex-m4f\"\n"
      "clock_hz = 16_000_000\nsource = \"s\"\n"
      "[[memory]]\nname = \"flash\"\nkind = \"flash\"\nsize_kib = 512\nwait_states = 0\n"
      "[[memory]]\nname = \"sram\"\nkind = \"ram\"\nsize_kib = 128\n",
      "b.toml", diagnostics);
  REQUIRE(board);
  const auto cycles = [&](std::vector<std::uint32_t> regions, const MemorySystem& memories,
                          const char* model = "cortex-m4f") {
    Profile profile;
    profile.blocks.push_back(
        {0x1000, 6, 3, 11, std::string("\x08\x68\x23\x68\x2d\x19", 6), std::move(regions)});
    profile.intervals.push_back({.mark_block = 0, .mark_done = 3, .edges = {{0, 0, 10}}});
    const Disassembly code = Disassembly::parse(profile,
                                                "   0:\t6808      \tldr\tr0, [r1, #0]\n"
                                                "   2:\t6823      \tldr\tr3, [r4, #0]\n"
                                                "   4:\t192d      \tadds\tr5, r5, r4\n",
                                                true);
    const CoreModel* const core = find_core_model(model);
    return Timer(*core, code, profile).timing(0, memories)[0].pipeline_cycles;
  };
  const std::vector<RegionPlace> places = {
      {0, 0x80000, "flash"}, {0x80000, 0x90000, "flash"}, {0x20000000, 0x20020000, "sram"}};
  CachePlan plan;
  const MemorySystem memories(*board, places, {}, plan);
  const double same = cycles({0, 0, 0}, memories), apart = cycles({1, 0, 0}, memories);
  CHECK(apart == same + 10);
  CHECK(cycles({1, 0, 0}, memories, "cortex-m33") == cycles({0, 0, 0}, memories, "cortex-m33") + 10);
  CHECK(cycles({1, 2, 0}, memories) == same);  // two regions of one memory
  CHECK(cycles({1, 3, 0}, memories) == same);  // in both: taken as one memory
  CHECK(cycles({}, memories) == same);         // not recorded
  CHECK(cycles({1, 0, 0}, MemorySystem{}) == same);
}

TEST_CASE("Conditions are read from words, and mistakes are named") {
  Diagnostics diagnostics;
  const auto conditions =
      parse_conditions({"clock=96MHz", "wait_states=5", "cache=off", "prefetch=on"}, diagnostics);
  REQUIRE(conditions);
  CHECK(conditions->clock_hz == 96'000'000);
  CHECK(conditions->wait_states == 5);
  CHECK_FALSE(conditions->has_caches);
  CHECK(conditions->has_prefetch);
  for (const char* bad : {"clock=96", "clock=", "wait_states=-1", "cache=maybe", "speed=1", "x"}) {
    Diagnostics said;
    CHECK_FALSE(parse_conditions({bad}, said));
    CHECK(said.has_errors());
  }
}

}  // namespace nb
