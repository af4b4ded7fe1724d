"""Properties that hold for every model: text that prints as it was parsed, emitted code that is the same bytes each
time and from any folder, and compiles without a warning on every compiler that is there.

Models: the examples; with --all also those of ../shared/models/tflite (text and bytes only). Ends with "N checks, N
failed, N skipped".

usage: properties.py NBLOCKS [--all]
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "models" / "tflite"
PASSES = ["read", "remove-identities", "fuse-activations", "select-kernels", "plan-memory"]
WARNINGS = "-Wall -Wextra -Wpedantic -Wshadow -Wdouble-promotion -Werror -ffreestanding -fno-exceptions -fno-rtti".split()
ARM = ["arm-none-eabi-g++", "-mthumb"]
RISCV = ["riscv64-unknown-elf-g++", "-mabi=ilp32"]
# Compiler and the board whose code it compiles.
COMPILERS = [(["g++"], "host"), (["clang++"], "host"), (ARM + ["-mcpu=cortex-m0"], "cortex-m0"),
             (ARM + ["-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"], "cortex-m4f"),
             (ARM + ["-mcpu=cortex-m55", "-mfloat-abi=hard"], "cortex-m55"),
             (RISCV + ["-march=rv32imc"], "rv32imc"), (RISCV + ["-march=rv32imac"], "rv32imc")]


class Counts:
    def __init__(self):
        self.checks, self.failures, self.skipped = 0, 0, set()

    def check(self, holds, text):
        self.checks += 1
        if not holds:
            self.failures += 1
            print("FAILED " + text, flush=True)


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def without_comments(files):
    """Files without the lines of comments that name values by number."""
    return {name: [line for line in data.splitlines() if not line.strip().startswith(b"//")]
            for name, data in files.items()}


def nblocks(program, *arguments, cwd=None):
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, timeout=300)


def round_trip(program, model, folder, counts):
    """The text of every phase parses to the same text, and to the same program."""
    for name in PASSES:
        texts = []
        source = model
        for n in range(3):
            target = folder / f"{name}{n}" / "g.txt"
            # A text stops after the pass that it is from: nothing runs in between.
            end = nblocks(program, "analyze", source, "-b", "host", "--stop-after", name, "-o", target, "-q", "--name", "m")
            if end.returncode:
                counts.check(False, f"{model.name}: text {n} after {name}: exit {end.returncode}: {end.stderr[:300]}")
                return
            texts.append((target.read_bytes(), target.with_suffix(".bin").read_bytes()))
            source = target
        counts.check(texts[1] == texts[2], f"{model.name} after {name}: the text changes when it is parsed")
        counts.check(len(texts[0][0].splitlines()) == len(texts[1][0].splitlines()) and texts[0][1] == texts[1][1],
                     f"{model.name} after {name}: parsing loses or adds lines")
        direct, parsed = folder / "direct", folder / ("from-" + name)
        for source, target in ((model, direct), (folder / f"{name}0" / "g.txt", parsed)):
            end = nblocks(program, "generate", source, "-b", "host", "-o", target, "-q", "--name", "m")
            counts.check(end.returncode == 0, f"{model.name}: generate from {source.name}: {end.stderr[:300]}")
        counts.check(without_comments(contents(direct)) == without_comments(contents(parsed)),
                     f"{model.name}: the program from the text after {name} is another")


def reproducible(program, model, board, folder, counts):
    """The program, generated twice, by another path, and from another folder."""
    copy = folder / "elsewhere" / model.name
    copy.parent.mkdir(exist_ok=True)
    shutil.copy(model, copy)
    cases = [(model, folder, "a"), (model, folder, "b"), (copy, copy.parent, "c"), (model.name, model.parent, "d")]
    programs = []
    for source, cwd, name in cases:
        target = folder / f"{board}-{name}"
        end = nblocks(program, "generate", source, "-b", board, "-o", target, "-q", cwd=cwd)
        if end.returncode == 4:
            return None
        counts.check(end.returncode == 0, f"{model.name} for {board}: {end.stderr[:300]}")
        programs.append(contents(target))
    counts.check(all(p == programs[0] for p in programs), f"{model.name} for {board}: the bytes differ")
    text = b"".join(programs[0].values())
    counts.check(str(folder).encode() not in text and str(ROOT).encode() not in text,
                 f"{model.name} for {board}: the program names a folder of this computer")
    return folder / f"{board}-a"


def compiles(model, board, program, counts):
    """Every source with every compiler of the board's core; the header alone as C."""
    for command, its_board in COMPILERS:
        if its_board != board:
            continue
        if shutil.which(command[0]) is None:
            counts.skipped.add(command[0])
            continue
        for source in sorted(program.rglob("*.cc")):
            if "main" in source.name or "test" in source.name:
                continue
            end = subprocess.run([*command, "-std=c++17", "-O1", *WARNINGS, "-Iinclude", "-Isrc", "-I.", "-c", source,
                                  "-o", os.devnull], cwd=program, capture_output=True, text=True, timeout=300)
            counts.check(end.returncode == 0, f"{model.name}: {source.name} by {' '.join(command)}: {end.stderr[:600]}")
    if board == "host" and shutil.which("gcc"):
        for header in sorted((program / "include").glob("*.h")):
            end = subprocess.run(["gcc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-x",
                                  "c", header], capture_output=True, text=True)
            counts.check(end.returncode == 0, f"{model.name}: {header.name} as C: {end.stderr[:600]}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nblocks")
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    program = os.path.abspath(arguments.nblocks)
    counts = Counts()
    examples = [p for suffix in ("onnx", "tflite") for p in sorted((ROOT / "examples").rglob("*." + suffix))]
    shared = sorted(SHARED.glob("*/model.tflite")) if arguments.all else []
    for model in examples + shared:
        is_example = model in examples
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            if nblocks(program, "analyze", model, "-b", "host", "-q").returncode == 3:
                counts.skipped.add(f"{model.parent.name}/{model.name}: not supported")
                continue
            round_trip(program, model, folder, counts)
            boards = sorted({board for _, board in COMPILERS}) if is_example else ["host"]
            for board in boards:
                generated = reproducible(program, model, board, folder, counts)
                if generated and is_example:
                    compiles(model, board, generated, counts)
    for what in sorted(counts.skipped):
        print(f"skipped {what}")
    print(f"{counts.checks} checks, {counts.failures} failed, {len(counts.skipped)} skipped")
    return 1 if counts.failures else 0


if __name__ == "__main__":
    sys.exit(main())
