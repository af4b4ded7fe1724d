"""Runs the models of examples/ in each of their formats and compares them with the framework that trained them.

On the host with every sample of the model's test set: each output within 1e-4 of the range of the framework's (`out0`),
and the metric against the labels the same as the framework's. On a virtual board the first samples. Recurrent models also
run step by step, and synthesised test sets are made anew. That a model gives the same blocks through all of its formats
is a test of its own, same_blocks.py. Ends with "N passed, N failed, N skipped".

usage: run_examples.py NBLOCKS [--only TEXT] [--boards a,b] [--table]
"""

import argparse
import functools
import importlib
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
BOARD_SAMPLES = 2

# What of the formats is written with each model: the scripts' names for them are torch_formats and keras_formats.
PROGRAMS = [".pt2", ".pt", ".pte"]  # of PyTorch itself; traced .pt files carry the shapes of their example
TORCH = [".onnx", *PROGRAMS]
KERAS = [".keras", ".h5", ".tflite"]
# (test set and models, formats, metric)
EXAMPLES = [
    ("appliance/appliance", TORCH, "accuracy"),
    ("arc_fault/arc_fault", TORCH, "accuracy"),
    ("bearing/bearing", TORCH, "accuracy"),
    ("bearing/bearing_keras", KERAS, "accuracy"),
    ("mlp/mlp", TORCH, "accuracy"),
    ("room/room_lstm", TORCH, "rmse"),
    ("room/room_gru", TORCH, "rmse"),
    ("room/room_keras_lstm", KERAS, "rmse"),
    ("room/room_keras_gru", KERAS, "rmse"),
    ("switchgear/switchgear", [".onnx", ".pt2"], "accuracy"),
]
# What synthesises a test set, (module beside the models, function, samples, seed): the set is the first of those.
SYNTHESISED = [
    ("appliance/appliance", "waveforms", "currents", 1800, 2),
    ("arc_fault/arc_fault", "contact", "half_waves", 1800, 2),
    ("bearing/bearing", "vibration", "spectra", 2000, 2),
    ("room/room_lstm", "climate", "windows", 2000, 2),
    ("switchgear/switchgear", "operation", "spectrograms", 700, 3),
]
STREAMED = ["room/room_lstm.onnx", "room/room_gru.onnx", "room/room_lstm.pt2", "room/room_gru.pt2",
            "room/room_keras_lstm.keras", "room/room_keras_gru.h5"]


class Mismatch(Exception):
    """What a check observed instead of what it wants."""


def call(*command):
    end = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=900)
    if end.returncode != 0:
        raise Mismatch(f"exit {end.returncode}: {end.stderr.strip()[:400]}")
    return json.loads(end.stdout)


def run(nblocks, model, board, x, *options):
    """(report, first output) of one `nblocks run` with the samples x."""
    with tempfile.TemporaryDirectory() as work:
        np.savez(f"{work}/in.npz", in0=x)
        report = call(nblocks, "run", model, "-b", board, "--json", "-q", "--input", f"{work}/in.npz", "--output", work,
                      *options)
        return report, np.load(report["outputs"][0]["file"])


def metric(kind, out, y):
    """Fraction of right classes, or root mean square error."""
    out = out.reshape(len(y), -1)
    return float((out.argmax(axis=1) == y).mean()) if kind == "accuracy" else float(np.sqrt(np.mean((out - y) ** 2)))


def compare(out, wanted):
    """The largest difference as a share of the range of `wanted`; it is at most 1e-4."""
    if out.size != wanted.size:
        raise Mismatch(f"{out.shape} instead of {wanted.shape}")
    share = float(np.max(np.abs(out.reshape(-1).astype(np.float64) - wanted.reshape(-1))) / np.ptp(wanted))
    if not share <= 1e-4:
        raise Mismatch(f"differs by {share:.2g} of the range")
    return share


def check_run(nblocks, model, board, kind, test):
    count = len(test["x"]) if board == "host" else BOARD_SAMPLES
    report, out = run(nblocks, model, board, test["x"][:count])
    share = compare(out, test["out0"][:count])
    if board != "host":
        return f"{count} samples, {share:.1e} of the range, {report['instructions']:,} instructions"
    mine, theirs = metric(kind, out, test["y"]), metric(kind, test["out0"], test["y"])
    if not abs(mine - theirs) <= (0 if kind == "accuracy" else 1e-4 * theirs):
        raise Mismatch(f"{kind} {mine:.6f}, the framework's {theirs:.6f}")
    return f"{count} samples, {share:.1e} of the range, {kind} {mine:.4f}"


def check_steps(nblocks, model, board, test):
    """The steps of one sample after another, as a stream: the last one's output is that of the whole sample."""
    x = test["x"][0]
    _, out = run(nblocks, model, board, x[:, None, None], "--stream", "x")
    wanted = test["out0"]
    share = float(np.max(np.abs(out[-1].reshape(-1) - wanted[0])) / np.ptp(wanted))
    if not share <= 1e-4:
        raise Mismatch(f"after {len(x)} steps differs by {share:.2g} of the range")
    return f"{len(x)} steps, {share:.1e} of the range"


def check_synthesis(folder, module, function, samples, seed, test):
    """The test set is what the stated physical model gives; another libm may round a few values otherwise."""
    sys.path.insert(0, str(folder))
    x, y = getattr(importlib.import_module(module), function)(samples, seed=seed)
    count = len(test["x"])
    differ = np.mean(x[:count].reshape(test["x"].shape) != test["x"])
    if differ > 1e-3 or not np.allclose(y[:count], test["y"], rtol=1e-5):
        raise Mismatch(f"{differ:.2%} of the inputs differ from those of {module}.{function}")
    return f"{count} samples as {module}.{function} gives them"


def check_founding_case(nblocks):
    """int8 inside the STM32H735 (docs/founding-case.md): 250 KiB of RAM, 450 KiB of flash, 150 ms, half a point."""
    stem = ROOT / "examples/switchgear/switchgear"
    asked = ["--quantize", "int8", "--calibrate", f"{stem}_calibration.npz", "--json", "-q"]
    ran = call(nblocks, "run", f"{stem}.pt2", "-b", "stm32h735g-dk", *asked)
    ram, flash, ms = ran["ram"]["total_bytes"], ran["flash"]["total_bytes"], ran["latency_ms_estimated"]
    if not (ram <= 250 * 1024 and flash <= 450 * 1024 and ms <= 150):
        raise Mismatch(f"{ram:,} bytes of RAM, {flash:,} of flash, {ms:.1f} ms")
    metric = call(nblocks, "validate", f"{stem}.pt2", "--data", f"{stem}_test.npz", *asked)["metric"]
    lost = 100 * (metric["reference"] - metric["program"])
    if not lost <= 0.5:
        raise Mismatch(f"{lost:.2f} points lost")
    return f"{ram:,} bytes of RAM, {flash:,} of flash, {ms:.1f} ms, {lost:+.2f} points lost"


def checks(nblocks, boards):
    """(label, function) of every check."""
    for name, formats, kind in EXAMPLES:
        stem = ROOT / "examples" / name
        test = np.load(f"{stem}_test.npz")
        for suffix in formats:
            for board in boards:
                yield f"{name}{suffix} on {board}", functools.partial(
                    check_run, nblocks, f"{stem}{suffix}", board, kind, test)
    for name, module, function, samples, seed in SYNTHESISED:
        stem = ROOT / "examples" / name
        yield f"{name} synthesised", functools.partial(
            check_synthesis, stem.parent, module, function, samples, seed, np.load(f"{stem}_test.npz"))
    yield "switchgear/switchgear.pt2 int8 on stm32h735g-dk", functools.partial(check_founding_case, nblocks)
    for name in STREAMED:
        model = ROOT / "examples" / name
        test = np.load(f"{model.with_suffix('')}_test.npz")
        for board in boards:
            yield f"{name} step by step on {board}", functools.partial(check_steps, nblocks, model, board, test)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nblocks")
    parser.add_argument("--only", default="")
    parser.add_argument("--boards", default="host,cortex-m4f")
    parser.add_argument("--table", action="store_true", help="print every result")
    arguments = parser.parse_args()
    passed = failed = 0
    for label, check in checks(arguments.nblocks, arguments.boards.split(",")):
        if arguments.only not in label:
            continue
        try:
            text, result = check(), "ok"
            passed += 1
        except Mismatch as mismatch:
            text, result = str(mismatch), "FAILED"
            failed += 1
        if arguments.table or result == "FAILED":
            print(f"{result:7} {label:45} {text}", flush=True)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
