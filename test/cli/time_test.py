"""nblocks time, and the costs that nblocks run prints: known loops take known cycles, errors say what and where.

usage: time_test.py NBLOCKS
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIGITS, MLP = ROOT / "examples/digits/digits_int8.tflite", ROOT / "examples/mlp/mlp.onnx"

# A loop of 100 rounds, in assembly, and what ends the program.
FIRMWARE = r"""
void fault(void) { for (;;) {} }
__attribute__((naked, noinline, aligned(16))) void loop(void) {
  __asm volatile(
      ".syntax unified\n"
      "  push {r4, lr}\n"
      "  movs r0, #100\n"
      "  ldr r1, =0x20000100\n"
      "1:\n"
      "  ldr r2, [r1]\n"
      "  adds r3, r2, #1\n"
      "  str r3, [r1]\n"
      "  subs r0, #1\n"
      "  bne 1b\n"
      "  pop {r4, pc}\n");
}
__attribute__((noinline)) void undefined(void) { __asm volatile(".short 0xde00"); }
__attribute__((noinline)) void stray(void) { *(volatile unsigned*)0xA0000000 = 1; }
#ifdef __ARM_FP
__attribute__((noinline)) void multiply(void) { __asm volatile("vmul.f32 s0, s0, s0" ::: "s0"); }
#endif
__attribute__((noinline)) void unused(void) { __asm volatile("nop"); }
const unsigned table[256] = {1};
volatile unsigned sum;
__attribute__((noinline)) void sweep(void) { for (int i = 0; i < 256; i += 4) sum += ((volatile const unsigned*)table)[i]; }
void reset(void) {
  loop();
  sweep();
#ifdef FAULT
  FAULT();
#endif
#ifdef AFTER
  AFTER;
#endif
  register unsigned r0 __asm("r0") = 0x18;
  register unsigned r1 __asm("r1") = 0x20026;
  __asm volatile("bkpt 0xab" ::"r"(r0), "r"(r1));
  for (;;) {}
}
#ifdef SHORT_TABLE
__attribute__((section(".vectors"))) void* const vectors[4] = {(void*)0x20010000, (void*)reset, (void*)fault, (void*)fault};
#else
__attribute__((section(".vectors"))) void* const vectors[16] = {(void*)0x20010000, (void*)reset,
#ifndef NO_HANDLERS
    (void*)fault, (void*)fault, (void*)fault, (void*)fault, (void*)fault,
#endif
};
#endif
"""
SCRIPT = """
SECTIONS {
  . = 0;
  .text : { KEEP(*(.vectors)) *(.text*) }
  .rodata : { *(.rodata*) }
  . = 0x20000000;
  .data : { *(.data*) *(.bss*) }
}
"""


def nblocks(*words):
    return subprocess.run([NBLOCKS, *map(str, words)], capture_output=True, text=True, timeout=120)


@unittest.skipUnless(shutil.which("arm-none-eabi-gcc"), "arm-none-eabi-gcc is not installed")
class Firmware(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        (cls.path / "firmware.c").write_text(FIRMWARE)
        (cls.path / "board.ld").write_text(SCRIPT)
        table, code = ".table : { KEEP(*(.vectors)) }", ".text : { *(.text*) }"
        (cls.path / "table.ld").write_text(SCRIPT.replace(".text : { KEEP(*(.vectors)) *(.text*) }", f"{table}\n  {code}"))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def build(self, name, *flags, cpu="cortex-m4", script="board.ld"):
        elf = self.path / f"{name}.elf"
        subprocess.run(["arm-none-eabi-gcc", f"-mcpu={cpu}", "-mthumb", "-O1", "-nostdlib", "-ffreestanding",
                        "-fno-unroll-loops", *flags, "-T", script, "firmware.c", "-o", elf], cwd=self.path, check=True)
        return elf

    def time(self, elf, *words, board="cortex-m4f"):
        end = nblocks("time", elf, "-b", board, "--json", *words)
        report = json.loads(end.stdout)
        self.assertEqual((end.returncode, report["ok"]), (0, True), end.stdout + end.stderr)
        return report

    def fails(self, code, text, elf, *words, board="cortex-m4f"):
        end = nblocks("time", elf, "-b", board, *words)
        self.assertEqual((end.returncode, end.stdout), (code, ""), end.stderr)
        self.assertIn(text, end.stderr)

    def test_a_known_loop(self):
        # push 3, movs 1, ldr 2; per round ldr 2, adds 1, str 1, subs 1, bne 1 and taken 1 more; pop 3 and 2 to refill.
        report = self.time(self.build("plain"), "--from", "loop")
        self.assertEqual(report["instructions"], 3 + 5 * 100 + 1)
        self.assertAlmostEqual(report["cycles_estimated"], 6 + 7 * 100 - 1 + 5, delta=4)
        self.assertEqual(report["functions"][0]["name"], "loop")
        self.assertLessEqual(report["cycles_low"], report["cycles_estimated"])
        self.assertGreaterEqual(report["cycles_high"], report["cycles_estimated"])

    def test_cores_differ(self):
        elf = self.build("small", cpu="cortex-m0")
        # Cortex-M0: per round ldr 2, adds 1, str 2, subs 1, bne taken 3; Cortex-M0+: bne taken 2.
        self.assertAlmostEqual(self.time(elf, "--from", "loop", board="cortex-m0")["cycles_estimated"], 900, delta=20)
        plus = self.time(elf, "--from", "loop", "--what-if", "wait_states=0", board="nucleo-g0b1re")
        self.assertAlmostEqual(plus["cycles_estimated"], 800, delta=20)

    def test_the_same_twice(self):
        elf = self.build("plain")
        words = ("time", elf, "-b", "nucleo-l4r5zi", "--from", "sweep", "--json")
        self.assertEqual(nblocks(*words).stdout, nblocks(*words).stdout)

    def test_memories_make_it_wait(self):
        elf = self.build("plain")
        quick = self.time(elf, "--from", "sweep", "--what-if", "wait_states=0", board="nucleo-l4r5zi")
        slow = self.time(elf, "--from", "sweep", "--what-if", "cache=off", board="nucleo-l4r5zi")
        in_ram = self.time(elf, "--from", "sweep", "--memory-map", ".rodata=sram", board="nucleo-l4r5zi")
        usual = self.time(elf, "--from", "sweep", board="nucleo-l4r5zi")
        self.assertEqual(quick["stall_cycles_estimated"], 0)
        self.assertGreater(slow["stall_cycles_estimated"], usual["stall_cycles_estimated"])
        self.assertGreater(usual["stall_cycles_estimated"], in_ram["stall_cycles_estimated"])
        self.assertEqual(quick["instructions"], slow["instructions"])

    def test_what_never_runs(self):
        elf = self.build("plain")
        self.fails(2, "`unused` was never reached", elf, "--from", "unused")
        self.fails(2, "what ran instead: ", elf, "--from", "unused")
        self.fails(2, "`unused` was never reached", elf, "--from", "loop", "--to", "unused")
        self.fails(2, "did you mean `loop`", elf, "--from", "lop")

    def test_what_is_no_code(self):
        elf = self.build("plain")
        for symbol, what in (("table", "an object of 1024 bytes in .rodata, no code"),
                             ("sum", "an object of 4 bytes in .data, no code"),
                             ("vectors", "an object of 64 bytes in .text, no code"),
                             ("0x20000000", "in .data, which holds no code"),
                             ("0x4", "in .text, where data lie among code"),
                             ("0x40000000", "outside all sections of the file")):
            self.fails(2, f"--from `{symbol}`: {what}", elf, "--from", symbol)
            self.fails(2, f"--to `{symbol}`: {what}", elf, "--from", "loop", "--to", symbol)
        self.fails(2, "are the same place", elf, "--from", "loop", "--to", "loop")

    def test_passages_that_do_not_end(self):
        elf = self.build("plain")
        self.fails(2, "`loop` was never reached after `sweep`: the program ended with status 0\n"
                      "  note: `loop` ran before `sweep`: 1 time\n", elf, "--from", "sweep", "--to", "loop")
        self.fails(2, "exchange them?", elf, "--from", "sweep", "--to", "loop")
        self.fails(2, "`reset` did not return: ", elf, "--from", "reset")
        self.fails(2, "what ran after `reset`: loop ", elf, "--from", "reset")
        hangs = self.build("hangs", "-DAFTER=for (;;)")
        self.fails(2, "`unused` was never reached: the program stays in a branch to itself in `reset`, at 0x",
                   hangs, "--from", "unused")
        runs_on = self.build("runs_on", "-DAFTER=for (;;) ++sum")
        for words, ran in ((("unused",), "what ran instead: reset "), (("sweep", "--to", "unused"), "ran after `sweep`: ")):
            self.fails(1, "the program ran on for 1 s", runs_on, "--from", *words, "--timeout", "1")
            self.fails(1, ran, runs_on, "--from", *words, "--timeout", "1")

    def test_another_core(self):
        # What runs decides: a file for a larger core may use nothing of it.
        for cpu, board, built in (("cortex-m4", "cortex-m3", "Armv7E-M, the cortex-m3 executes Armv7-M"),
                                  ("cortex-m3", "cortex-m0", "Armv7-M, the cortex-m0 executes Armv6-M"),
                                  ("cortex-m33", "cortex-m7", "Armv8-M Mainline, the cortex-m7 executes Armv7E-M with")):
            report = self.time(self.build("larger", cpu=cpu), "--from", "loop", board=board)
            self.assertIn(f"the file is built for {built}", " ".join(report["cost_basis"]["assumptions"]))
        hard = self.build("hard", "-DFAULT=multiply", "-mfloat-abi=hard", "-mfpu=fpv5-d16", cpu="cortex-m7")
        for board in ("cortex-m0", "cortex-m3", "cortex-m4f"):  # none enables its FPU
            self.fails(1, "in `multiply`, at 0x", hard, "--from", "unused", board=board)
            self.fails(1, "the file is built for Armv7E-M with double-precision floating point (FPv5)", hard,
                       "--from", "unused", board=board)
        self.fails(1, "build it, and what it is linked with, by -mthumb -mcpu=cortex-m3", hard, "--from", "unused",
                   board="cortex-m3")
        # The virtual machine of Cortex-M0 is one of a Cortex-M3: it runs all of `sweep`.
        larger = self.build("larger", cpu="cortex-m3")
        self.fails(1, "an instruction ran that a cortex-m0 lacks, in `sweep` at 0x", larger, "--from", "sweep",
                   board="cortex-m0")
        application = self.build("application", cpu="cortex-a9")
        self.fails(2, "is built for a core of Arm's profile A", application, "--from", "loop")

    def test_a_fault_without_a_handler(self):
        elf = self.build("no_handler", "-DFAULT=undefined", "-DNO_HANDLERS")
        end = nblocks("time", elf, "-b", "cortex-m4f", "--from", "unused")
        self.assertEqual(end.returncode, 1, end.stderr)
        self.assertRegex(end.stderr, r"faulted on the virtual cortex-m4f in `undefined`, at 0x\w+ to 0x\w+: "
                                     r"Undefined Instruction[^\n]*, and no handler: ")
        self.assertNotIn("R00=", end.stderr)
        self.assertNotIn("?R", end.stderr)

    def test_faults(self):
        undefined, stray = self.build("undefined", "-DFAULT=undefined"), self.build("stray", "-DFAULT=stray")
        self.fails(1, "in `undefined`", undefined, "--from", "unused")
        self.fails(1, "Undefined Instruction", undefined, "--from", "unused")
        self.fails(1, "fault address 0xa0000000", stray, "--from", "unused")
        short = self.build("short", "-DFAULT=undefined", "-DSHORT_TABLE", script="table.ld")
        self.fails(1, "in `undefined`", short, "--from", "unused")

    def test_files_that_are_none(self):
        elf = self.build("plain")
        self.fails(2, "is no 32-bit little-endian ELF file", ROOT / "README.md", "--from", "loop")
        self.fails(2, "is code of Arm", elf, "--from", "loop", board="rv32imc")
        self.fails(2, "is linked for addresses", elf, "--from", "loop", board="cortex-m33")
        self.fails(2, "it has no `x`", elf, "--from", "loop", "--memory-map", ".rodata=x")
        for ranges, why in (("20000400-20000000=ssram23", "ends before it begins"), ("20000000=ssram23", "is neither"),
                            ("00000000-ffffff00=ssram23", "is of 4,294,967,040 bytes"),
                            ("20000000-20000400=ssram23,20000200-20000600=ssram1", "overlaps 0x20000000 to 0x20000400, which is `ssram23`")):
            self.fails(2, why, elf, "--from", "loop", "--memory-map", ranges)
        cut = pathlib.Path(str(elf) + ".cut")
        cut.write_bytes(pathlib.Path(elf).read_bytes()[:900])
        self.fails(2, "is cut off: its headers lead beyond its end", cut, "--from", "loop")
        bare = pathlib.Path(str(elf) + ".bare")
        subprocess.run(["arm-none-eabi-strip", "-o", bare, elf], check=True)
        self.fails(2, "the file has no symbols", bare, "--from", "loop")
        self.fails(2, "--what-if `clock=fast`", elf, "--from", "loop", "--what-if", "clock=fast")

    def test_power(self):
        elf = self.build("plain")
        report = self.time(elf, "--from", "loop", "--measured-mw", "50", "--sleep-mw", "0.01", "--period", "10s",
                           "--battery", "CR2450", board="nucleo-l4r5zi")
        us = report["latency_ms_estimated"] * 1e3
        self.assertAlmostEqual(report["energy_uj_estimated"], us * 50e-3, delta=us * 1e-4)
        duty = report["cost_basis"]["duty_cycle"]
        self.assertIsNone(duty["why_not"])
        self.assertAlmostEqual(duty["average_mw"]["typical"], 0.01, delta=0.001)
        self.assertGreater(duty["battery_days"]["typical"], 100)
        self.fails(2, "--battery without --period", elf, "--from", "loop", "--battery", "CR2450")


RISCV = r"""
__attribute__((section(".start"), naked)) void start(void) { __asm volatile("li sp, 0x84010000\n call go\n 1: j 1b"); }
__attribute__((noinline)) void unused(void) { __asm volatile("nop"); }
__attribute__((noinline)) void add(void) { __asm volatile(".word 0x00000553"); }  // fadd.s
__attribute__((noinline)) void go(void) { __asm volatile(""); add(); __asm volatile(""); }
"""


@unittest.skipUnless(shutil.which("riscv64-unknown-elf-gcc"), "riscv64-unknown-elf-gcc is not installed")
class RiscvFirmware(unittest.TestCase):
    def test_a_fault_that_repeats_for_ever(self):
        # No handler is set: the core faults at address 0, again and again.
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            (path / "firmware.c").write_text(RISCV)
            subprocess.run(["riscv64-unknown-elf-gcc", "-march=rv32imac", "-mabi=ilp32", "-O1", "-nostdlib",
                            "-ffreestanding", "-Wl,--section-start=.start=0x80000000", "-Wl,-Ttext=0x80000100",
                            "-e", "start", "firmware.c", "-o", "firmware.elf"], cwd=path, check=True)
            end = nblocks("time", path / "firmware.elf", "-b", "rv32imc", "--from", "unused")
        self.assertEqual((end.returncode, end.stdout), (1, ""), end.stderr)
        self.assertIn("in `add`, at 0x80000", end.stderr)
        self.assertIn("illegal_instruction", end.stderr)
        self.assertIn("the file is built for rv32imac, the rv32imc executes rv32imc", end.stderr)


class Rows(unittest.TestCase):
    """Published measurements beside the estimates."""

    def test_every_row_and_every_core(self):
        report = json.loads(nblocks("time", "--rows", "--json").stdout)
        text = nblocks("time", "--rows").stdout
        for row in report["rows"]:
            self.assertIn(row["id"], text)
            self.assertAlmostEqual(row["error"], row["cycles_estimated"] / row["cycles_published"] - 1, places=9)
        counted = [row for row in report["rows"] if row["kind"] != "microbenchmark" and row["apart"] is None]
        cores = report["cores"]
        for code, same in (("same_code", True), ("other_compilers", False)):
            self.assertEqual(sum(core[code]["rows"] for core in cores),
                             sum(row["same_code"] == same for row in counted))
        for core in cores:
            low, high = core["interval"]
            self.assertLess(low, 1)
            self.assertGreater(high, 1)
            if core["same_code"]["rows"] < 8:
                self.assertIsNone(core["same_code"]["median_error"])

    def test_a_firmware_without_a_board_or_symbol(self):
        end = nblocks("time", "none.elf")
        self.assertEqual((end.returncode, end.stdout), (2, ""))
        self.assertIn("`time` needs --board, --from", end.stderr)


class Run(unittest.TestCase):
    def test_layers_add_up(self):
        end = nblocks("run", DIGITS, "-b", "nucleo-l4r5zi", "--json", "-q")
        report = json.loads(end.stdout)
        self.assertEqual(end.returncode, 0, end.stdout)
        of_layers = sum(layer["cycles_estimated"] for layer in report["layers"])
        self.assertLess(abs(of_layers - report["cycles_estimated"]), 0.02 * report["cycles_estimated"])
        self.assertGreater(report["cycles_estimated"], report["instructions"])
        self.assertAlmostEqual(report["latency_ms_estimated"], report["cycles_estimated"] / 120e3, delta=0.001)
        again = json.loads(nblocks("run", DIGITS, "-b", "nucleo-l4r5zi", "--json", "-q").stdout)
        for one in (report, again):
            one.pop("wall_seconds")
        self.assertEqual(report, again)

    def test_no_power_figure_is_blank(self):
        report = json.loads(nblocks("run", DIGITS, "-b", "disco-f746ng", "--json", "-q").stdout)
        self.assertIsNone(report["energy_uj_estimated"])
        self.assertIn("no power figure", report["cost_basis"]["run_power"]["why_not"])

    def test_the_host_has_no_cycles(self):
        report = json.loads(nblocks("run", MLP, "--json", "-q").stdout)
        self.assertNotIn("cycles_estimated", report)


if __name__ == "__main__":
    NBLOCKS = sys.argv.pop(1)
    unittest.main(verbosity=1)
