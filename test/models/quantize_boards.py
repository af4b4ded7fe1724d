"""Models quantized here give the same bits everywhere, and need no float arithmetic where there is no FPU.

Each model of quantize_corpus.py is quantized once (with --corpus also the untrained ones, calibrated on their recorded
inputs), its graph run with 2 samples on this computer, by the blocks' references (nb_interpret) and on every virtual
board: all outputs are the same bytes. A program whose layers are all of integers has no soft-float function in its
firmware on Cortex-M0 and Cortex-M3; one with --float-io must have some, so that the check is seen to work. A layer that
stays float is a failure, unless KNOWN_FLOAT names it with its reason.
Boards whose tools are missing are skipped, and all of it if none is left.

usage: quantize_boards.py NBLOCKS NB_INTERPRET [--corpus] [--only TEXT] [--numbers int8,int16] [--boards a,b] [--table]
       [--float-boards a,b]
"""

import argparse
import collections
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
from quantize_corpus import CORPUS, models, without_test_set

SAMPLES = 2
BOARDS = "cortex-m0,cortex-m3,cortex-m4f,cortex-m7,cortex-m33,cortex-m55,rv32imc"
WITHOUT_FPU = ("cortex-m0", "cortex-m3")
# By (model, numbers): the layers that stay float.
KNOWN_FLOAT = {}
# The run-time ABI's functions of float and double, those of the compiler's library, and those of the C library.
SOFT_FLOAT = re.compile(r"__aeabi_c?[fd]\w+|__aeabi_\w*2[fd]|__\w*[sd]f\d?|__fix\w+|__float\w+|"
                        r"(exp|log|sin|cos|tan|tanh|sqrt|pow|erf|fma|fmod|floor|ceil|round|nearbyint|rint)2?f?")
TOOL_MISSING, DOES_NOT_FIT = 5, 4


class Skipped(Exception):
    """Why a board is left out."""


class Mismatch(Exception):
    """What a check observed instead of what it wants."""


def call(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=600)
    if done.returncode in (TOOL_MISSING, DOES_NOT_FIT):
        raise Skipped("a tool is missing" if done.returncode == TOOL_MISSING else "it does not fit")
    if done.returncode != 0:
        raise Mismatch(f"exit {done.returncode}: {done.stderr.strip()[-400:]}")
    return done.stdout


def soft_float(build, model):
    """The soft-float functions that the program's own object asks for, and those in the firmware."""
    def names(*command):
        return {line.split()[-1] for line in call("arm-none-eabi-nm", *command).splitlines() if line.strip()}
    found = names("--undefined-only", build / f"{model.file.stem}.o") | names(build / "firmware.elf")
    return sorted(name for name in found if SOFT_FLOAT.fullmatch(name))


def run(nblocks, graph, board, folder, *options):
    """(report, bytes of the outputs, sample by sample) of one `nblocks run`."""
    report = json.loads(call(nblocks, "run", graph, "-b", board, "-i", folder / "test.npz", "-o", folder / "out", "--json",
                             "--save-build", folder / "build", *options))
    outputs = [np.load(output["file"]) for output in report["outputs"]]
    return report, b"".join(output[n].tobytes() for n in range(SAMPLES) for output in outputs)


class Quantized:
    """One model in integers of one width, as graph text."""

    def __init__(self, arguments, model, numbers, folder):
        self.arguments, self.model, self.numbers = arguments, model, numbers
        self.label = f"{model.name} {numbers}"
        self.folder = pathlib.Path(folder) / self.label.replace("/", "_").replace(" ", "_")
        self.folder.mkdir()
        by_name = [x if isinstance(x, dict) else {"in0": x} for x in (model.samples, model.x)]
        np.savez(self.folder / "calibration.npz", **by_name[0])
        np.savez(self.folder / "test.npz", **{name: x[:SAMPLES] for name, x in by_name[1].items()})
        self.graph = self.folder / "graph.txt"
        self.report, self.wanted = {}, b""

    def prepare(self):
        """Quantizes it, runs it here and by the references."""
        call(self.arguments.nblocks, "analyze", self.model.file, *self.options(), "--stop-after", "quantize", "-o",
             self.graph)
        here = self.place("host")
        self.report, self.wanted = run(self.arguments.nblocks, self.graph, "host", here)
        left = sorted(d["layer"] for d in self.report["diagnostics"] if d["kind"] == "stays-float")
        if left != KNOWN_FLOAT.get((self.model.name, self.numbers), []):
            raise Mismatch(f"layers of floats: {left}")
        call(self.arguments.interpret, self.graph, self.folder / "test.npz", self.folder / "reference.bin")
        if (self.folder / "reference.bin").read_bytes() != self.wanted:
            raise Mismatch("the host's outputs are not those of the references")
        return self

    def options(self):
        return ["--quantize", self.numbers, "--calibrate", self.folder / "calibration.npz"]

    def place(self, name):
        folder = self.folder / name
        folder.mkdir()
        (folder / "test.npz").symlink_to(self.folder / "test.npz")
        return folder

    def board(self, board):
        """Instructions on one board; its outputs are the host's, its program has no soft float."""
        folder = self.place(board)
        report, out = run(self.arguments.nblocks, self.graph, board, folder)
        if out != self.wanted:
            differ = np.mean(np.frombuffer(out, np.uint8) != np.frombuffer(self.wanted, np.uint8))
            raise Mismatch(f"{differ:.1%} of the outputs' bytes differ from the host's")
        if board in WITHOUT_FPU and (self.model.name, self.numbers) not in KNOWN_FLOAT:
            if found := soft_float(folder / "build", self.model):
                raise Mismatch(f"soft float: {' '.join(found)}")
        return report["instructions"]

    def float_ends(self, board):
        """The program with --float-io must have what the check looks for."""
        folder = self.place(f"{board}-float-io")
        report, _ = run(self.arguments.nblocks, self.model.file, board, folder, *self.options(), "--float-io")
        if not soft_float(folder / "build", self.model):
            raise Mismatch("the check finds no soft float in a program with --float-io")
        return report["instructions"]

    def as_float(self, board):
        report, _ = run(self.arguments.nblocks, self.model.file, board, self.place(f"{board}-float"))
        return report["instructions"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nblocks")
    parser.add_argument("interpret")
    parser.add_argument("--corpus", action="store_true", help="also the models of ../shared/models/corpus")
    parser.add_argument("--only", default="")
    parser.add_argument("--numbers", default="int8,int16")
    parser.add_argument("--boards", default=BOARDS)
    parser.add_argument("--float-boards", default="", help="with --table: also instructions of the float program")
    parser.add_argument("--table", action="store_true", help="print every result")
    arguments = parser.parse_args()
    counts = collections.Counter()

    def say(result, label, text):
        counts[result] += 1
        if arguments.table or result != "ok":
            print(f"{result:7} {label:55} {text}", flush=True)

    def settle(label, task):
        try:
            result = task.result()
        except Skipped as skipped:
            say("skipped", label, skipped)
        except Mismatch as mismatch:
            say("FAILED", label, mismatch)
        else:
            say("ok", label, f"{result:>12,} instructions" if isinstance(result, int) else "as the references")
            return result
        return None

    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        chosen = models(["examples", "corpus"] if arguments.corpus else ["examples"], arguments.only, 256)
        if arguments.corpus:
            chosen += [without_test_set(meta.parent) for meta in sorted(CORPUS.glob("*/meta.json"))
                       if not (meta.parent / "test.npz").exists() and arguments.only in meta.parent.name]
        all_quantized = [Quantized(arguments, model, numbers, folder)
                         for model in chosen for numbers in arguments.numbers.split(",")]
        prepared = [(each, pool.submit(each.prepare)) for each in all_quantized]
        tasks = []
        is_first = True
        for each, task in prepared:
            if settle(f"{each.label} on host", task) is None:
                continue
            boards = arguments.boards.split(",")
            tasks += [(f"{each.label} on {board}", pool.submit(each.board, board)) for board in boards]
            if is_first:
                tasks += [(f"{each.label} --float-io on {board}", pool.submit(each.float_ends, board))
                          for board in boards if board in WITHOUT_FPU]
            if each.numbers == arguments.numbers.split(",")[0]:
                tasks += [(f"{each.model.name} float on {board}", pool.submit(each.as_float, board))
                          for board in arguments.float_boards.split(",") if board]
            is_first = False
        on_boards = [settle(label, task) for label, task in tasks]
    print(f"{counts['ok']} passed, {counts['FAILED']} failed, {counts['skipped']} skipped")
    if counts["FAILED"] == 0 and all(result is None for result in on_boards):
        print("skipped: no board has its tools")
        return 77
    return counts["FAILED"] > 0


if __name__ == "__main__":
    sys.exit(main())
