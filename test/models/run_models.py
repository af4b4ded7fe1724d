"""Runs models on virtual boards through `nblocks run` and compares outputs with what they must give.

Cases of the project's own examples always run. Those of ../shared/models/tflite (expected.bin) run where that
folder exists; without it they are reported as skipped. Ends with "N passed, N failed, N skipped".

usage: run_models.py NBLOCKS [--boards a,b] [--only TEXT] [--table]
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "models" / "tflite"
# Models all of whose operators have blocks.
COMPILED = ["ad01_fp32", "ad01_int8", "hello_world_float", "hello_world_int8", "kws_ref_model", "kws_ref_model_float32", "vww_96_int8", "vww_96_float", "pretrainedResnet", "pretrainedResnet_quant", "str_ww_ref_model", "micro_speech_quantized", "trained_lstm", "trained_lstm_int8"]
BOARDS = ["host", "cortex-m0", "cortex-m3", "cortex-m4f", "cortex-m7", "cortex-m33", "cortex-m55", "rv32imc"]


def run(nblocks, model, board, input_file, folder):
    """(report or None, outputs, error text) of one `nblocks run`."""
    command = [nblocks, "run", str(model), "-b", board, "--json", "-q", "--input", str(input_file), "--output", folder]
    end = subprocess.run(command, capture_output=True, text=True, timeout=900)
    if end.returncode != 0:
        return None, [], f"exit {end.returncode}: " + end.stderr.strip()[:300]
    report = json.loads(end.stdout)
    return report, [np.load(o["file"]) for o in report["outputs"]], ""


def example_cases(folder):
    """(name, model, input .npz, array of expected outputs, tolerance relative to the largest magnitude; 0: equal).

    Of a model with many steps only the first samples are run; their inputs are written to `folder`."""
    for name, model, inputs, key, tolerance in [
        ("mlp", "mlp/mlp.onnx", "mlp/mlp_test.npz", "expected_float", 1e-4),
        ("digits", "digits/digits.onnx", "digits/digits_test.npz", "expected_float", 1e-4),
        ("lstm", "lstm/lstm.onnx", "lstm/lstm_test.npz", "expected_float", 1e-4),
        ("digits_int8.tflite", "digits/digits_int8.tflite", "digits/digits_test.npz", "expected_tflite", 0),
        ("digits_int8.onnx", "digits/digits_int8.onnx", "digits/digits_test.npz", "expected_int8", 1e-6),
    ]:
        data = np.load(ROOT / "examples" / inputs)
        count = 4 if name == "lstm" else len(data["x"])
        file = pathlib.Path(folder) / f"{name}.npz"
        np.savez(file, **{array: values[:count] for array, values in data.items()})
        yield name, ROOT / "examples" / model, file, data[key][:count], tolerance


def shared_cases():
    if not SHARED.is_dir():
        return
    for folder in (SHARED / name for name in COMPILED):
        is_float = (folder / "expected.bin").stat().st_size and any(
            word in folder.name for word in ("float", "fp32")) or folder.name in ("pretrainedResnet", "trained_lstm")
        raw = np.fromfile(folder / "expected.bin", dtype=np.float32 if is_float else np.int8)
        yield folder.name, folder / "model.tflite", folder / "input.bin", raw, 1e-4 if is_float else 0


def agrees(outputs, expected, tolerance):
    """Whether they agree, and the largest difference."""
    actual = np.concatenate([o.reshape(-1) for o in outputs]).astype(np.float64)
    wanted = expected.reshape(-1).astype(np.float64)
    if actual.shape != wanted.shape:
        return False, float("inf")
    worst = float(np.max(np.abs(actual - wanted))) if actual.size else 0.0
    return worst <= tolerance * max(1e-30, float(np.max(np.abs(wanted)))), worst


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nblocks")
    parser.add_argument("--boards", default=",".join(BOARDS))
    parser.add_argument("--only", default="")
    parser.add_argument("--table", action="store_true", help="print instructions and memory of each run")
    arguments = parser.parse_args()
    passed = failed = skipped = 0
    inputs_folder = tempfile.TemporaryDirectory()
    cases = list(example_cases(inputs_folder.name)) + list(shared_cases())
    if not SHARED.is_dir():
        print("skipped: ../shared/models/tflite is not there")
        skipped += 1
    for name, model, inputs, expected, tolerance in cases:
        if arguments.only not in name:
            continue
        for board in arguments.boards.split(","):
            with tempfile.TemporaryDirectory() as folder:
                report, outputs, error = run(arguments.nblocks, model, board, inputs, folder)
            if report is None and "does-not-fit" in error:
                print(f"skipped {name} on {board}: does not fit")
                skipped += 1
                continue
            is_equal, worst = (False, None) if report is None else agrees(outputs, expected, tolerance)
            if is_equal:
                passed += 1
            else:
                failed += 1
                print(f"FAILED {name} on {board}: " + (error or f"largest difference {worst}"))
            if arguments.table and report is not None:
                ram, flash = report["ram"], report["flash"]
                print(f"{name:28} {board:12} {report['instructions']} instr, arena {ram['arena_bytes']}, "
                      f"ram {ram['total_bytes']}, flash {flash['total_bytes']}, weights {flash['weights_bytes']}, diff {worst}")
            sys.stdout.flush()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
