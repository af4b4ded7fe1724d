#!/usr/bin/env python3
"""The timing models beside llvm-mca's: cycles of straight code, as nblocks and as LLVM's scheduling models see it.

    bench/timing/mca.py NBLOCKS [--llvm-mca PROGRAM] [--only CORE]   prints the tables
    bench/timing/mca.py NBLOCKS --markdown                           writes them into docs/timing-accuracy.md
    bench/timing/mca.py NBLOCKS --check                              a few of them, and against the page's (ctest timing_mca)

mca_loops.toml holds the code. nblocks times it as any firmware: one with FEW and one with MANY copies of it in each pass; the
difference is that of the copies alone. llvm-mca is asked for two counts of iterations likewise. Waiting for memory is left out.
Needs llvm-mca of LLVM 19 (Debian 12: llvm-19; older ones lack models of the M55 and M85), the cross compilers and QEMU; without
them it says so and ends with 77.
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs/timing-accuracy.md"
BEGIN, END = "<!-- bench/timing/mca.py -->\n", "<!-- end of mca.py -->\n"
FEW, MANY, PASSES = 8, 24, 10
SAME = 0.05  # models that part by less agree

# nblocks' name of each core that it times, a board of it, LLVM's name ("": it has none), and what code it runs.
THUMB = "thumbv8.1m.main-none-eabi"
CORES = {
    "cortex-m0": ("cortex-m0", "cortex-m0", {"thumb1"}),
    "cortex-m0plus": ("nucleo-g0b1re", "cortex-m0plus", {"thumb1"}),
    "cortex-m3": ("cortex-m3", "cortex-m3", {"thumb2"}),
    "cortex-m4f": ("cortex-m4f", "cortex-m4", {"thumb2", "dsp", "fpu"}),
    "cortex-m7": ("cortex-m7", "cortex-m7", {"thumb2", "dsp", "fpu"}),
    "cortex-m33": ("cortex-m33", "cortex-m33", {"thumb2", "dsp", "fpu"}),
    "cortex-m55": ("cortex-m55", "cortex-m55", {"thumb2", "dsp", "fpu", "mve"}),
    "cortex-m85": ("ek-ra8d1", "cortex-m85", {"thumb2", "dsp", "fpu", "mve"}),
    "e31": ("e31", "sifive-e31", {"rv32"}),
    "hazard3": ("rpi-pico2-riscv", "", {"rv32"}),
    "qingke-v2": ("ch32v003", "", set()),
    "ri5cy": ("ri5cy", "", {"rv32"}),
}
# Flags of the compiler; where the virtual machine (src/bench/machines.h) finds vectors, code and data.
MACHINES = {
    "cortex-m3": (["-mcpu=cortex-m3"], 0, 0x100, 0x20000000),
    "cortex-m4f": (["-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"], 0, 0x100, 0x20000000),
    "cortex-m7": (["-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-d16"], 0, 0x100, 0x20000000),
    "cortex-m33": (["-mcpu=cortex-m33", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"], 0x10000000, 0x10000100, 0x38000000),
    "cortex-m55": (["-mcpu=cortex-m55", "-mfloat-abi=hard"], 0, 0x01000000, 0x20000000),
    "cortex-m85": (["-mcpu=cortex-m55", "-mfloat-abi=hard"], 0, 0x01000000, 0x20000000),
    "e31": (["-march=rv32imac", "-mabi=ilp32", "-misa-spec=2.2"], 0x80000000, 0x80000000, 0x81000000),
}

ARM = """
.syntax unified
.thumb
.section .vectors, "a"
.word stack_top, begin_all + 1
.rept 14
.word stuck + 1
.endr
.text
.macro function name
.global \\name
.type \\name, %function
.thumb_func
\\name:
.endm
function stuck
b stuck
function begin_all
ldr r0, =0xe000ed88
ldr r1, =0x00f00000
str r1, [r0]
dsb
isb
ldr r0, =counter
mov r1, #{passes}
str r1, [r0]
ldr r0, =stack_top - 256
mov sp, r0
b measured
.ltorg
.balign 16
function measured
{pointers}
nop.w
.balign 16
{body}
ldr r12, =counter
ldr lr, [r12]
subs lr, #1
str lr, [r12]
beq.w finished
b.w measured
.ltorg
function finished
movs r0, #0x18
ldr r1, =0x20026
bkpt #0xab
b finished
.ltorg
.bss
.balign 64
zeros: .space 8192
counter: .space 4
.balign 64
.space 1024
stack_top:
"""
RISCV = """
.text
.option norelax
.macro function name
.global \\name
.type \\name, %function
\\name:
.endm
function begin_all
la s0, counter
li s1, {passes}
sw s1, 0(s0)
j measured
.balign 16
function measured
{pointers}
.balign 16
{body}
la t0, counter
lw t1, 0(t0)
addi t1, t1, -1
sw t1, 0(t0)
beqz t1, finished
j measured
function finished
li a0, 0x18
li a1, 0x20026
.balign 16
.option push
.option norvc
slli x0, x0, 0x1f
ebreak
srai x0, x0, 7
.option pop
j finished
.bss
.balign 64
zeros: .space 8192
counter: .space 4
"""


def loops_of(needs):
    with open(pathlib.Path(__file__).parent / "mca_loops.toml", "rb") as file:
        return [loop for loop in tomllib.load(file)["loop"] if loop["needs"] in needs]


def reasons():
    """Known reasons why the models part, by core and loop, in mca_reasons.toml."""
    with open(pathlib.Path(__file__).parent / "mca_reasons.toml", "rb") as file:
        return tomllib.load(file)


def run(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}:\n{done.stdout[:400]}{done.stderr[:800]}")
    return done.stdout


def board_of(core):
    own = pathlib.Path(__file__).parent / f"boards/{CORES[core][0]}.toml"
    return own if own.exists() else CORES[core][0]


def firmware_cycles(nblocks, core, loop, copies, folder):
    flags, vectors, code, data = MACHINES[core]
    is_riscv = core == "e31"
    load = "la {}, zeros" if is_riscv else "ldr {}, =zeros"
    pointers = [load.format(register) for register in loop.get("pointers", [])]
    if "own_pointer" in loop:
        register = loop["own_pointer"]
        pointers += [load.format(register), f"str {register}, [{register}]"]
    source, elf = folder / "loop.S", folder / "loop.elf"
    text = (RISCV if is_riscv else ARM).format(passes=PASSES, pointers="\n".join(pointers),
                                               body="\n".join([loop["code"].strip()] * copies))
    source.write_text(text, encoding="utf-8")
    places = [f"-Wl,-Ttext={code:#x}", f"-Wl,-Tbss={data:#x}"]
    if not is_riscv:
        places.append(f"-Wl,--section-start=.vectors={vectors:#x}")
    gcc = "riscv64-unknown-elf-gcc" if is_riscv else "arm-none-eabi-gcc"
    run([gcc, *flags, "-nostdlib", "-Wl,--build-id=none", *places, "-Wl,-e,begin_all", "-o", elf, source])
    report = json.loads(run([nblocks, "time", elf, "-b", board_of(core), "--from", "measured", "--to", "finished",
                             "--json", "-q"]))
    return report["cycles_estimated"] - report.get("stall_cycles_estimated", 0)


def nblocks_cycles(nblocks, core, loop, folder):
    few, many = (firmware_cycles(nblocks, core, loop, copies, folder) for copies in (FEW, MANY))
    return (many - few) / (PASSES * (MANY - FEW))


def mca_command(program, core):
    name = CORES[core][1]
    if core == "e31":
        return [program, "-mtriple=riscv32", f"-mcpu={name}", "-mattr=+m,+c", "-json"]
    return [program, f"-mtriple={THUMB}", f"-mcpu={name}", "-json"]


def mca_cycles(program, core, loop, folder):
    source = folder / "body.s"
    source.write_text(loop["code"].strip() + "\n", encoding="utf-8")
    few, many = (json.loads(run([*mca_command(program, core), f"-iterations={count}", source]))
                 ["CodeRegions"][0]["SummaryView"]["TotalCycles"] for count in (200, 600))
    return (many - few) / 400


def why_no_model(program, core):
    """Why llvm-mca says nothing of the core; empty: it does."""
    if not CORES[core][1]:
        return "LLVM does not know the core"
    done = subprocess.run([*map(str, mca_command(program, core)), "-iterations=1", "-"], input="nop\n",
                          capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    return "LLVM has no scheduling model of it" + (
        ", but itineraries, which llvm-mca does not read" if "provides itineraries" in done.stderr else "")


def find_mca(asked):
    return shutil.which(asked or "llvm-mca-19")


def missing_tools(mca):
    missing = [] if mca else ["llvm-mca-19 (apt-get install -y --no-install-recommends llvm-19)"]
    return missing + [tool for tool in ("arm-none-eabi-gcc", "riscv64-unknown-elf-gcc", "qemu-system-arm",
                                        "qemu-system-riscv32") if not shutil.which(tool)]


def version_of(mca):
    return re.search(r"LLVM version (\S+)", run([mca, "--version"])).group(1)


def measure(nblocks, mca, core, folder, only=None):
    for loop in loops_of(CORES[core][2]):
        if only is None or loop["name"] in only:
            own = nblocks_cycles(nblocks, core, loop, folder)
            yield loop["name"], own, mca_cycles(mca, core, loop, folder)


def agrees(own, other):
    return abs(own / other - 1) <= SAME


def tables(nblocks, mca, only, folder):
    known, lines, absent = reasons(), [], []
    for core in CORES:
        if only and core != only:
            continue
        why = why_no_model(mca, core)
        if why:
            absent.append(f"{core}: {why}")
            continue
        rows = list(measure(nblocks, mca, core, folder))
        same = [row for row in rows if agrees(*row[1:])]
        lines += [f"### {core}: {len(same)} of {len(rows)} agree", "",
                  "; ".join(f"{name}: {own:.2f}" for name, own, _ in same) + ".", ""]
        if len(same) < len(rows):
            lines += ["| code | nblocks | llvm-mca | ratio | why they part |", "|---|--:|--:|--:|---|"]
        for name, own, other in rows:
            if not agrees(own, other):
                why = known.get(core, {}).get(name, "not known")
                lines.append(f"| {name} | {own:.2f} | {other:.2f} | {own / other:.2f} | {why} |")
        lines.append("")
    return lines, absent


def page_part(nblocks, mca, only, folder):
    lines, absent = tables(nblocks, mca, only, folder)
    missing = "".join(f"* {line}.\n" for line in absent)
    return f"llvm-mca {version_of(mca)}. It says nothing of\n{missing}\n" + "\n".join(lines).rstrip() + "\n"


def check(nblocks, mca, folder):
    """What both must say alike, and what the page says of a few."""
    must = {"cortex-m3": ["add on add", "MUL on MUL"], "cortex-m7": ["add on add", "4 adds apart"],
            "cortex-m4f": ["add on add", "load and use", "SMLAD on its sum"], "cortex-m55": ["vector load, MLA"],
            "e31": ["add on add"]}
    failed, page = 0, PAGE.read_text(encoding="utf-8")
    for core, names in must.items():
        part = page.partition(f"### {core}: ")[2].partition("###")[0]
        for name, own, other in measure(nblocks, mca, core, folder, names):
            row = re.search(rf"{re.escape(name)}: ([\d.]+)[;.]", part)
            in_page = row is not None and abs(float(row.group(1)) - own) < 0.006
            good = agrees(own, other) and in_page
            failed += not good
            print(f"{core} {name}: nblocks {own:.2f}, llvm-mca {other:.2f}"
                  + ("" if good else ": they part" if in_page else ": the page has another figure"))
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nblocks")
    parser.add_argument("--llvm-mca")
    parser.add_argument("--only")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    nblocks, mca = pathlib.Path(options.nblocks).resolve(), find_mca(options.llvm_mca)
    missing = missing_tools(mca)
    if missing:
        print("skipped: missing " + ", ".join(missing))
        return 77
    with tempfile.TemporaryDirectory() as folder:
        if options.check:
            return check(nblocks, mca, pathlib.Path(folder))
        part = page_part(nblocks, mca, options.only, pathlib.Path(folder))
    if not options.markdown:
        print(part)
        return 0
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    if not rest:
        sys.exit(f"{PAGE}: no line {BEGIN}")
    PAGE.write_text(before + BEGIN + part + END + rest.partition(END)[2], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
