#!/usr/bin/env python3
"""Measures the models of ../shared/models/tflite on virtual boards beside what TensorFlow Lite Micro with CMSIS-NN
reaches there (../shared/anchors/tflm/table.csv, -O2), and says which limits are kept.

For each model and board: instructions of one inference and their ratio to the anchor; arena bytes and the anchor's;
RAM in total (arena + stack + static) and the anchor's; flash beyond the constants that the model file stores, and
half of the anchor's. Boards without a row of their own (cortex-m0, cortex-m3, cortex-m33, rv32imc) are held against
the Cortex-M4F row for memory only. Also the wall time of `analyze` and `generate`.

usage: peers.py [NBLOCKS] [--only TEXT] [--boards a,b]      exit 1 when a limit is missed
"""

import argparse
import csv
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import tflite

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
BOARDS = ["cortex-m4f", "cortex-m7", "cortex-m55", "cortex-m33", "cortex-m3", "cortex-m0", "rv32imc"]
ANCHOR_CORE = {"cortex-m4f": "cortex-m4+fp", "cortex-m7": "cortex-m7+fp", "cortex-m55": "cortex-m55"}
ANCHOR_NAME = {"kws_ref_model_float32": "kws_float_dequant"}
# The largest ratio of instructions that is asked for, by core and by number format.
MOST_INT8 = {"cortex-m4f": 1.10, "cortex-m7": 1.10, "cortex-m55": 2.5}
MOST_FLOAT = {"cortex-m4f": 0.5}
MOST_ANALYZE_S, MOST_GENERATE_S = 0.2, 1.0


def anchors():
    """{(core, model): row} of the -O2 rows."""
    with open(SHARED / "anchors" / "tflm" / "table.csv", newline="") as file:
        return {(row["core"], row["model"]): row for row in csv.DictReader(file) if row["opt"] == "O2"}


def constant_bytes(model):
    """Bytes of the constant tensors as the model file stores them."""
    file = tflite.Model.GetRootAs(model.read_bytes(), 0)
    graph = file.Subgraphs(0)
    buffers = {graph.Tensors(i).Buffer() for i in range(graph.TensorsLength())}
    return sum(file.Buffers(b).DataLength() for b in buffers)


def wall_s(command):
    """The least of three runs; infinite when the command fails."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        end = subprocess.run(command, capture_output=True)
        times.append(time.perf_counter() - start if end.returncode == 0 else float("inf"))
    return min(times)


def measure(nblocks, model, board):
    """The report of one `nblocks run`, or None with the reason."""
    command = [nblocks, "run", str(model), "-b", board, "--json", "-q", "--input", str(model.parent / "input.bin")]
    end = subprocess.run(command, capture_output=True, text=True, timeout=900)
    if end.returncode != 0:
        return None, f"exit {end.returncode}: {end.stderr.strip().splitlines()[0][:120] if end.stderr.strip() else ''}"
    return json.loads(end.stdout), ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nblocks", nargs="?", default=str(ROOT / "build" / "release" / "nblocks"))
    parser.add_argument("--only", default="")
    parser.add_argument("--boards", default=",".join(BOARDS))
    arguments = parser.parse_args()
    if not SHARED.is_dir():
        print("../shared is not there: nothing to measure against")
        return 0
    rows = anchors()
    missed = measured = 0

    def held(value, limit, text):
        """The text of a figure, marked when it is over its limit."""
        nonlocal missed
        if limit is None or value <= limit:
            return text
        missed += 1
        return text + " MISSED"

    print("| model | board | instructions | ratio | arena | anchor | ram | anchor | flash beyond constants | half of anchor |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    folders = [f for f in sorted((SHARED / "models" / "tflite").iterdir())
               if (f / "model.tflite").exists() and arguments.only in f.name
               and ("cortex-m4+fp", ANCHOR_NAME.get(f.name, f.name)) in rows]
    for folder in folders:
        model, name = folder / "model.tflite", ANCHOR_NAME.get(folder.name, folder.name)
        is_int8 = rows["cortex-m4+fp", name]["dtype"] == "int8"
        constants = constant_bytes(model)
        for board in arguments.boards.split(","):
            report, reason = measure(arguments.nblocks, model, board)
            if report is None:
                print(f"| {folder.name} | {board} | {reason} | | | | | | | |")
                missed += 0 if reason.startswith("exit 4") else 1
                continue
            measured += 1
            own = rows.get((ANCHOR_CORE.get(board, ""), name))
            row = own or rows["cortex-m4+fp", name]
            instructions, ram = report["instructions"], report["ram"]
            ratio = instructions / int(row["instr_per_invoke"]) if own else None
            most = (MOST_INT8 if is_int8 else MOST_FLOAT).get(board)
            beyond = report["flash"]["total_bytes"] - constants
            half = int(row["flash_minus_model_int8_regs"]) // 2 if is_int8 else None
            cells = [
                folder.name, board, f"{instructions:,}",
                held(ratio, most, f"{ratio:.2f}") if own else "",
                held(ram["arena_bytes"], int(row["arena_used"]), f"{ram['arena_bytes']:,}"),
                f"{int(row['arena_used']):,}",
                held(ram["total_bytes"], int(row["total_ram"]), f"{ram['total_bytes']:,}"),
                f"{int(row['total_ram']):,}",
                held(beyond, half, f"{beyond:,}"), f"{half:,}" if half else "",
            ]
            print("| " + " | ".join(cells) + " |", flush=True)
    print("\n| model | analyze s | generate s |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for folder in folders:
            model = str(folder / "model.tflite")
            analyze = wall_s([arguments.nblocks, "analyze", model])
            generate = wall_s([arguments.nblocks, "generate", model, "-b", "cortex-m4f", "-o", f"{scratch}/out"])
            print(f"| {folder.name} | " + held(analyze, MOST_ANALYZE_S, f"{analyze:.3f}") + " | "
                  + held(generate, MOST_GENERATE_S, f"{generate:.3f}") + " |")
    print(f"\n{measured} runs measured, {missed} limits missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
