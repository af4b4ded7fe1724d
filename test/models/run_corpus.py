"""Runs the models of ../shared/models/corpus and compares their outputs with the recorded ones: on the host with all
recorded samples, or with --boards on virtual boards with the first sample.

Float files: the largest difference is within the file's stated tolerance. QDQ, PT2E and int8 ExecuTorch files: within one
quantization step of the recorded output, in at most 1 % of the elements two (an activation behind can be steeper than 1), or
within what ONNX Runtime's own graph optimization changes. Integer .tflite files: equal to one of the recorded outputs.
BY_METRIC names the files that are judged by their metric on the stored test set instead, and why. Without that folder
everything is skipped. Ends with "N passed, N failed, N skipped".

usage: run_corpus.py NBLOCKS [--only TEXT] [--formats onnx,qdq,tflite,pt2,pt,script,pte,keras,h5] [--table] [--boards a,b [--every]]
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

from figures import figure
from torch_archive import is_traced, shape_options

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPUS = ROOT.parent / "shared" / "models" / "corpus"
BOARDS = "cortex-m4f,cortex-m7,cortex-m55"

FORMATS = ["onnx", "qdq", "tflite", "pt2", "pt", "script", "pte", "keras", "h5"]
KINDS = {f".{kind}": kind for kind in FORMATS if kind not in ("qdq", "script")}
# Files that compute in integers between quantize and dequantize, and where their recorded outputs are.
RECORDED_STEPS = {"_qdq.onnx": "qdq_out", "_pt2e.pt2": "pt2e_out", "_int8.pte": "pte_int8_out"}

# Traced modules that are run with --input-shape nevertheless: of several inputs, and of others than f32.
TOLD_SHAPES = ["lstm_stream_ett/model.pt", "hf_bert_tiny/model.pt", "gpt_char/model.pt"]

# The field of meta.json with the interpreter's own value, and how much worse ours may be, relative to it.
BY_METRIC = {
    # No reference interpreter runs it; the optimised kernels round ties of convolutions upwards (decision 0010).
    "keras_ae_mnist/model_int8.tflite": (["value_int8_litert"], 0.01),
    # The interpreter rounds activations to int8 at run time; here the weights become floats (weights-dequantized).
    "keras_cnn_mnist/model_dynrange.tflite": (["values_by_format", "dyn"], 0.002),
}


def family_of(name):
    """The kind of file: onnx, qdq, tflite, pt2, pt, script, pte, keras or h5; None for what nblocks does not read."""
    if name.endswith("qdq.onnx"):
        return "qdq"
    if name.endswith("script.pt"):
        return "script"
    return KINDS.get(pathlib.Path(name).suffix)


def recorded_steps(name):
    return next((prefix for ending, prefix in RECORDED_STEPS.items() if name.endswith(ending)), None)


def arrays(folder, file, prefix):
    data = np.load(folder / file)
    found = []
    while f"{prefix}{len(found)}" in data:
        found.append(data[f"{prefix}{len(found)}"])
    return found


def expectations(folder, name):
    """(inputs, list of acceptable outputs) as recorded."""
    floats = arrays(folder, "io.npz", "in")
    if prefix := recorded_steps(name):
        return floats, [arrays(folder, "io_int8.npz", prefix)]
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


def judge(name, entry, actual, options, steps_of):
    """(is right, text). `steps_of` holds the outputs of all samples, from which a quantization step is seen."""
    if name.endswith(".tflite") and options[0][0].dtype.kind == "i":
        worst = min(worst_difference(actual, option) for option in options)
        return worst == 0, f"{worst:g} steps"
    if recorded_steps(name):
        own = entry.get("max_abs_diff_when_ONNX_Runtime_optimises_the_graph", 0.0)
        steps, own_steps = [], 0.0
        for a, w, every in zip(actual, options[0], steps_of, strict=True):
            step = quantum(every) or 1.0
            steps.append(np.abs(a.reshape(-1).astype(np.float64) - w.reshape(-1)) / step)
            own_steps = max(own_steps, own / step)
        steps = np.concatenate(steps)
        is_close = np.max(steps) <= 2.01 and np.mean(steps > 1.01) <= 0.01
        return bool(is_close or np.max(steps) <= own_steps), f"{np.max(steps):.2f} steps, {np.mean(steps > 0.5):.1%} differ"
    worst = min(worst_difference(actual, option) for option in options)
    limit = entry.get("tolerance_max_abs") or 1e-4 * max(float(np.max(np.abs(o))) for o in options[0])
    return worst <= limit, f"{worst:.3g} of {limit:.3g}"


def run(nblocks, model, board, inputs, work, *options):
    """(exit code, outputs, text) of one `nblocks run`."""
    np.savez(f"{work}/in.npz", **{f"in{i}": x for i, x in enumerate(inputs)})
    command = [nblocks, "run", str(model), "-b", board, "--json", "-q", "--input", f"{work}/in.npz", "--output", work,
               *options]
    try:
        end = subprocess.run(command, capture_output=True, text=True, timeout=1200)
    except subprocess.TimeoutExpired:
        return None, [], "time out"
    if end.returncode != 0:
        return end.returncode, [], f"exit {end.returncode}: {end.stderr.strip()[:400]}"
    report = json.loads(end.stdout)
    return 0, [np.load(o["file"]) for o in report["outputs"]], f"{report['instructions']} instructions"


def judge_metric(nblocks, folder, meta, name, work):
    """(is right, text) of the model's metric on its test set, beside the interpreter's own."""
    path, slack = BY_METRIC[f"{folder.name}/{name}"]
    recorded = meta
    for field in path:
        recorded = recorded[field]
    test = np.load(folder / "test.npz")
    shape = meta["inputs"][0][1]
    code, outputs, text = run(nblocks, folder / name, "host", [test["x"].reshape(-1, *shape)], work, "--dequantize")
    if code != 0:
        return False, text
    y = test["y"] if "y" in test else None
    value, more_is_better, _ = figure(meta["metric"], test["x"], y, outputs[0])
    is_right = value >= recorded * (1 - slack) if more_is_better else value <= recorded * (1 + slack)
    return is_right, f"{meta['metric']} {value:.5f}, the interpreter's {recorded:.5f}"


def check(nblocks, folder, meta, name, entry, board, every):
    """("ok", "FAILED" or "skipped", text) of one file on one board."""
    label = f"{folder.name}/{name}"
    inputs, options = expectations(folder, name)
    with tempfile.TemporaryDirectory() as work:
        if label in BY_METRIC:
            if board != "host":
                return "skipped", "judged by its metric, on the host"
            is_right, text = judge_metric(nblocks, folder, meta, name, work)
            return "ok" if is_right else "FAILED", text
        every_output = options[0]
        if board != "host" and not every:
            inputs = [x[:1] for x in inputs]
            options = [[x[:1] for x in option] for option in options]
        # Traced modules carry their shapes; a few are run with the option nevertheless.
        is_told = name.endswith(".pt") and (label in TOLD_SHAPES or not is_traced(folder / name))
        shapes = shape_options(folder / name, meta["inputs"]) if is_told else []
        code, actual, text = run(nblocks, folder / name, board, inputs, work, *shapes)
    if code == 4 and board != "host":
        return "skipped", "does not fit"
    if code != 0:
        return "FAILED", text
    is_right, compared = judge(name, entry, actual, options, every_output)
    return "ok" if is_right else "FAILED", compared if board == "host" else f"{compared}, {text}"


def print_matrix(matrix, formats):
    """Models down, formats across: how many files (times boards) pass, of how many; those that fail stand out."""
    print(f"\n{'':24}" + "".join(f"{f:>8}" for f in formats))
    for model, families in sorted(matrix.items()):
        cells = []
        for family in formats:
            results = families.get(family, [])
            good = sum(r != "FAILED" for r in results)
            cells.append("" if not results else f"{good}" if good == len(results) else f"{good}/{len(results)}!")
        print(f"{model:24}" + "".join(f"{c:>8}" for c in cells))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nblocks")
    parser.add_argument("--only", default="")
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--table", action="store_true", help="print every result")
    parser.add_argument("--boards", nargs="?", const=BOARDS, default="host")
    parser.add_argument("--every", action="store_true", help="boards: all recorded samples, not only the first")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    if not CORPUS.is_dir():
        print("skipped: ../shared/models/corpus is not there\n0 passed, 0 failed, 1 skipped")
        return 0
    counts = {"ok": 0, "FAILED": 0, "skipped": 0}
    jobs = []
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for folder in sorted(CORPUS.iterdir()):
            meta = json.loads((folder / "meta.json").read_text())
            for name, entry in sorted(meta["formats"].items()):
                label = f"{folder.name}/{name}"
                if family_of(name) not in arguments.formats.split(",") or arguments.only not in label:
                    continue
                for board in arguments.boards.split(","):
                    job = pool.submit(check, arguments.nblocks, folder, meta, name, entry, board, arguments.every)
                    jobs.append((label if board == "host" else f"{label} on {board}", job))
        matrix = {}
        for label, job in jobs:
            result, text = job.result()
            counts[result] += 1
            model, name = label.split(" ")[0].split("/")
            matrix.setdefault(model, {}).setdefault(family_of(name), []).append(result)
            if arguments.table or result == "FAILED":
                print(f"{result:7} {label:60} {text}", flush=True)
    if arguments.table:
        print_matrix(matrix, arguments.formats.split(","))
    print(f"{counts['ok']} passed, {counts['FAILED']} failed, {counts['skipped']} skipped")
    return 1 if counts["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
