"""Quantizes the models of ../shared/models/corpus that have a stored test set and measures what it costs.

Each model is compiled with --quantize for the host, calibrated on training samples of ../shared/models/data (on its own
test inputs, without labels, where there are none), and run on its test set; the float program runs on the same samples.
A model passes if its figure is no worse than the float one by more than it may: 0.5 points of accuracy, balanced
accuracy or AUC, 5 % of a mean squared error, or one sample. Without that folder everything is skipped.

usage: quantize_corpus.py NBLOCKS [--only TEXT] [--numbers int8,int16] [--samples 256] [--board host] [--table]
"""

import argparse
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = ROOT.parent / "shared" / "models"
CORPUS, DATA = MODELS / "corpus", MODELS / "data"


def calibration(meta, shape, count):
    """Training samples in the model's own preparation and shape, or None where the folder has none of its data."""
    source = meta.get("dataset", "")
    if "HAPT" in source:
        x = np.load(DATA / "hapt_train.npz")["x"]
    elif "Spoken Digit" in source:
        x = np.load(DATA / "fsdd_train.npz")["mfcc"]
    elif "Arrhythmia" in source:
        ecg = np.load(DATA / "ecg_train.npz")
        # An autoencoder of normal beats meets the others only in use.
        x = ecg["x"][ecg["y"] == 0] if "autoencoder" in meta["family"] else ecg["x"]
    elif source == "MNIST":
        x = np.load(DATA / "mnist_12k.npz")["x_train"].astype(np.float32) / 255
    else:
        return None
    picked = x[np.linspace(0, len(x) - 1, count).astype(int)]
    return picked.reshape(count, *shape).astype(np.float32)


def auc(scores, labels):
    """Area under the curve by ranks, ties counted half."""
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    for value in np.unique(scores):
        ranks[scores == value] = ranks[scores == value].mean()
    positive = labels != 0
    n = positive.sum()
    return (ranks[positive].sum() - n * (n + 1) / 2) / (n * (~positive).sum())


def figure(metric, x, y, out):
    """The figure, whether more is better, and what one sample is worth."""
    if metric.endswith("mse"):
        target = y if y is not None else x
        return float(np.mean((out.reshape(target.shape) - target) ** 2)), False, 0.0
    if metric == "auc":
        error = np.mean((out.reshape(x.shape) - x) ** 2, axis=1)
        return float(auc(error, y)), True, 1 / len(x)
    classes = out.reshape(*y.shape, -1)
    hits = classes.argmax(-1) == y if classes.shape[-1] > 1 else (classes[..., 0] > 0) == y
    if metric == "balanced accuracy":
        return float(np.mean([hits[y == c].mean() for c in np.unique(y)])), True, 1 / len(x)
    return float(hits.mean()), True, 1 / hits.size


def run(nblocks, model, inputs, folder, options):
    command = [nblocks, "run", model, "-i", inputs, "-o", folder, "--dequantize", "--json", "-O", "O2", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"exit code {done.returncode}: {done.stdout[-600:]}{done.stderr[-600:]}")
    return json.loads(done.stdout), np.load(pathlib.Path(folder) / "out0.npy")


def judge(nblocks, name, numbers, count, board):
    """One row: name, numbers, float figure, integer figure, drop in points (or % of an error), layers left in float."""
    folder = CORPUS / name
    meta = json.loads((folder / "meta.json").read_text())
    test = np.load(folder / "test.npz")
    x, y = test["x"], test["y"] if "y" in test else None
    model = next(folder / f for f in ("model.onnx", "model.tflite") if (folder / f).exists())
    samples = calibration(meta, x.shape[1:], count)
    with tempfile.TemporaryDirectory() as temporary:
        temporary = pathlib.Path(temporary)
        np.savez(temporary / "calibration.npz", in0=x[:count] if samples is None else samples)
        np.savez(temporary / "test.npz", in0=x)
        options = ["--quantize", numbers, "--calibrate", temporary / "calibration.npz"]
        _, real = run(nblocks, model, temporary / "test.npz", temporary / "float", ["-b", board])
        report, integer = run(nblocks, model, temporary / "test.npz", temporary / "integer", [*options, "-b", board])
    expected, more_is_better, sample = figure(meta["metric"], x, y, real)
    measured, _, _ = figure(meta["metric"], x, y, integer)
    if more_is_better:
        drop, most = 100 * (expected - measured), max(0.5, 100 * sample)
    else:
        drop, most = 100 * (measured / expected - 1), 5.0
    noise = float(np.mean((integer - real) ** 2))
    snr_db = 10 * np.log10(np.mean(real**2) / noise) if noise > 0 else float("inf")
    left = sorted({d.get("layer", "") for d in report.get("diagnostics", []) if d.get("kind") == "stays-float"})
    peers = [v for v in (meta.get("value_int8_onnxruntime"), meta.get("value_int8_litert")) if v is not None]
    return {"name": name, "numbers": numbers, "metric": meta["metric"], "float": expected, "integer": measured,
            "drop": drop, "passed": drop <= most + 1e-9, "peers": peers, "left": left, "snr_db": snr_db}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nblocks")
    parser.add_argument("--only", default="")
    parser.add_argument("--numbers", default="int8")
    parser.add_argument("--samples", type=int, default=256)
    parser.add_argument("--board", default="host")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    if not CORPUS.is_dir():
        print(f"skipped: there is no {CORPUS}")
        return 77
    names = [p.parent.name for p in sorted(CORPUS.glob("*/test.npz")) if arguments.only in p.parent.name]
    failed = 0
    drops = []
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        tasks = [(name, numbers, pool.submit(judge, arguments.nblocks, name, numbers, arguments.samples, arguments.board))
                 for numbers in arguments.numbers.split(",") for name in names]
        for name, numbers, task in tasks:
            try:
                row = task.result()
            except RuntimeError as error:
                print(f"FAILED {name} {numbers}: {error}")
                failed += 1
                continue
            failed += not row["passed"]
            drops.append(row["drop"])
            if arguments.table or not row["passed"]:
                peers = " ".join(f"{v:.4f}" for v in row["peers"])
                print(f"{'ok    ' if row['passed'] else 'FAILED'} {name:22} {numbers:6} {row['metric']:24} "
                      f"float {row['float']:.4f} integer {row['integer']:.4f} drop {row['drop']:+.2f}  snr {row['snr_db']:5.1f} dB  peers {peers}"
                      + (f"  float layers: {len(row['left'])}" if row["left"] else ""))
    print(f"median drop {np.median(drops):+.3f}, worst {max(drops):+.3f}" if drops else "nothing measured")
    print(f"{len(drops) - failed if failed <= len(drops) else 0} passed, {failed} failed")
    return failed > 0


sys.exit(main())
