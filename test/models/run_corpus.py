"""Runs the models of ../shared/models/corpus on the host and compares outputs with the recorded ones.

Float files: the largest difference is within the file's stated tolerance. QDQ files: within one quantization
step of ONNX Runtime's output, in at most 1 % of the elements two (an activation behind can be steeper than 1), or
within what ONNX Runtime's own graph optimization changes. Integer .tflite files: equal to one of the recorded outputs. Without that folder everything is skipped. Ends with "N passed, N failed,
N skipped".

usage: run_corpus.py NBLOCKS [--only TEXT] [--formats onnx,qdq,tflite] [--table]
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPUS = ROOT.parent / "shared" / "models" / "corpus"


def family_of(name):
    """The kind of file: onnx, qdq or tflite; None for what nblocks does not read."""
    if name.endswith("qdq.onnx"):
        return "qdq"
    return {".onnx": "onnx", ".tflite": "tflite"}.get(pathlib.Path(name).suffix)


def arrays(folder, file, prefix):
    data = np.load(folder / file)
    found = []
    while f"{prefix}{len(found)}" in data:
        found.append(data[f"{prefix}{len(found)}"])
    return found


def expectations(folder, name):
    """(inputs, list of acceptable outputs) as recorded."""
    floats = arrays(folder, "io.npz", "in")
    if name.endswith("qdq.onnx"):
        return floats, [arrays(folder, "io_int8.npz", "qdq_out")]
    stem = name.removesuffix(".tflite").removeprefix("model")
    if name.endswith(".tflite") and stem in ("_int8", "_int16x8", "_dynrange", "_f16"):
        kind = stem[1:]
        inputs = arrays(folder, "io_int8.npz", kind + "_in")
        options = [arrays(folder, "io_int8.npz", f"{kind}_{what}") for what in ("out", "ref", "tflm")]
        return inputs, [option for option in options if option]
    return floats, [arrays(folder, "io.npz", "out")]


def worst_difference(actual, wanted):
    """The largest absolute difference over all outputs; infinity if shapes disagree."""
    worst = 0.0
    for a, w in zip(actual, wanted, strict=True):
        if a.size != w.size:
            return float("inf")
        difference = np.abs(a.reshape(-1).astype(np.float64) - w.reshape(-1).astype(np.float64))
        worst = max(worst, float(np.max(difference, initial=0.0)))
    return worst


def quantum(array):
    """The step of an output that took only multiples of one number."""
    levels = np.unique(array.astype(np.float64))
    gaps = np.diff(levels)
    gaps = gaps[gaps > 1e-6 * max(1e-30, float(np.max(np.abs(levels))))]
    return float(np.min(gaps)) if gaps.size else 0.0


def judge(name, entry, actual, options):
    """(is right, text)."""
    if name.endswith(".tflite") and options[0][0].dtype.kind == "i":
        worst = min(worst_difference(actual, option) for option in options)
        return worst == 0, f"{worst:g} steps"
    if name.endswith("qdq.onnx"):
        own = entry.get("max_abs_diff_when_ONNX_Runtime_optimises_the_graph", 0.0)
        steps, own_steps = [], 0.0
        for a, w in zip(actual, options[0], strict=True):
            step = quantum(w) or 1.0
            steps.append(np.abs(a.reshape(-1).astype(np.float64) - w.reshape(-1)) / step)
            own_steps = max(own_steps, own / step)
        steps = np.concatenate(steps)
        is_close = np.max(steps) <= 2.01 and np.mean(steps > 1.01) <= 0.01
        return bool(is_close or np.max(steps) <= own_steps), f"{np.max(steps):.2f} steps, {np.mean(steps > 0.5):.1%} differ"
    worst = min(worst_difference(actual, option) for option in options)
    limit = entry.get("tolerance_max_abs") or 1e-4 * max(float(np.max(np.abs(o))) for o in options[0])
    return worst <= limit, f"{worst:.3g} of {limit:.3g}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nblocks")
    parser.add_argument("--only", default="")
    parser.add_argument("--formats", default="onnx,qdq")
    parser.add_argument("--table", action="store_true", help="print every result")
    arguments = parser.parse_args()
    if not CORPUS.is_dir():
        print("skipped: ../shared/models/corpus is not there\n0 passed, 0 failed, 1 skipped")
        return 0
    passed = failed = skipped = 0
    for folder in sorted(CORPUS.iterdir()):
        meta = json.loads((folder / "meta.json").read_text())
        for name, entry in sorted(meta["formats"].items()):
            label = f"{folder.name}/{name}"
            if family_of(name) not in arguments.formats.split(",") or arguments.only not in label:
                continue
            inputs, options = expectations(folder, name)
            with tempfile.TemporaryDirectory() as work:
                np.savez(f"{work}/in.npz", **{f"in{i}": x for i, x in enumerate(inputs)})
                command = [arguments.nblocks, "run", str(folder / name), "-b", "host", "--json", "-q",
                           "--input", f"{work}/in.npz", "--output", work]
                try:
                    end = subprocess.run(command, capture_output=True, text=True, timeout=600)
                except subprocess.TimeoutExpired:
                    end = None
                if end is None or end.returncode != 0:
                    is_right = False
                    text = "time out" if end is None else f"exit {end.returncode}: {end.stderr.strip()[:400]}"
                else:
                    actual = [np.load(o["file"]) for o in json.loads(end.stdout)["outputs"]]
                    is_right, text = judge(name, entry, actual, options)
            passed += is_right
            failed += not is_right
            if arguments.table or not is_right:
                print(f"{'ok' if is_right else 'FAILED':6} {label:44} {text}")
            sys.stdout.flush()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
