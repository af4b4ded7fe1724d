"""Quantizes models that have a stored test set and measures what it costs: those of examples/ and of
../shared/models/corpus.

Each model is compiled with --quantize for the host, calibrated on training samples (made by the example's own script
with its training seed, or of ../shared/models/data; on its own test inputs, without labels, where there are none), and
run on its test set; the float program runs on the same samples. A model passes if its figure is no worse than the float
one by more than it may: 0.5 points of accuracy, balanced accuracy or AUC, 5 % of a mean squared error, or one sample.
Without the corpus' folder its models are skipped.

usage: quantize_corpus.py NBLOCKS [--models examples,corpus] [--only TEXT] [--numbers int8,int16] [--samples 256]
       [--board host] [--table]
"""

import argparse
import concurrent.futures
import dataclasses
import importlib
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

from figures import figure

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = ROOT.parent / "shared" / "models"
CORPUS, DATA = MODELS / "corpus", MODELS / "data"
# (model, metric); the test set lies beside it.
EXAMPLES = [
    ("mlp/mlp.onnx", "accuracy"), ("digits/digits.onnx", "accuracy"), ("appliance/appliance.pt2", "accuracy"),
    ("bearing/bearing.onnx", "accuracy"), ("bearing/bearing_keras.keras", "accuracy"), ("lstm/lstm.onnx", "accuracy"),
    ("room/room_lstm.onnx", "mse"), ("room/room_gru.pt2", "mse"), ("room/room_keras_lstm.keras", "mse"),
    ("room/room_keras_gru.keras", "mse"), ("arc_fault/arc_fault.onnx", "accuracy"),
]
# By example: the module and its function of (samples, seed) that synthesise data; seed 1 is what it was trained on.
SYNTHESISED = {"appliance": ("waveforms", "currents"), "arc_fault": ("contact", "half_waves"),
               "bearing": ("vibration", "spectra"), "room": ("climate", "windows")}


# By (model, numbers): misses that are known, with their reason. One that holds again is a failure, too, so that this
# list stays true.
KNOWN_MISSES = {}


@dataclasses.dataclass
class Model:
    """A float model with its test set (y is None where the target is x) and samples to calibrate it."""

    name: str
    file: pathlib.Path
    metric: str
    x: np.ndarray
    y: np.ndarray
    samples: np.ndarray
    peers: list = dataclasses.field(default_factory=list)  # figures of others' int8


def example(name, metric, count):
    file = ROOT / "examples" / name
    test = np.load(f"{file.with_suffix('')}_test.npz")
    samples = test["x"][:count]
    if file.parent.name in SYNTHESISED:
        module, function = SYNTHESISED[file.parent.name]
        sys.path.insert(0, str(file.parent))
        made, _ = getattr(importlib.import_module(module), function)(count, seed=1)
        samples = made.reshape(count, *test["x"].shape[1:]).astype(np.float32)
    return Model(name, file, metric, test["x"], test["y"], samples)


def corpus_model(folder, count):
    meta = json.loads((folder / "meta.json").read_text())
    test = np.load(folder / "test.npz")
    x = test["x"]
    samples = calibration(meta, x.shape[1:], count)
    peers = [v for v in (meta.get("value_int8_onnxruntime"), meta.get("value_int8_litert")) if v is not None]
    return Model(folder.name, next(folder / f for f in ("model.onnx", "model.tflite") if (folder / f).exists()),
                 meta["metric"], x, test["y"] if "y" in test else None, x[:count] if samples is None else samples, peers)


def models(kinds, only, count):
    """The models of these kinds, examples and corpus, whose name holds `only`."""
    found = []
    if "examples" in kinds:
        found += [example(name, metric, count) for name, metric in EXAMPLES if only in name]
    if "corpus" in kinds:
        found += [corpus_model(p.parent, count) for p in sorted(CORPUS.glob("*/test.npz")) if only in p.parent.name]
    return found


def without_test_set(folder):
    """An untrained model with what its inputs are called and hold in io.npz, as data and as samples."""
    io = np.load(folder / "io.npz")
    inputs = {name: io[name] for name in io.files if name.startswith("in")}
    return Model(folder.name, folder / "model.onnx", "none", inputs, None, inputs)


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


def run(nblocks, model, inputs, folder, options):
    command = [nblocks, "run", model, "-i", inputs, "-o", folder, "--dequantize", "--json", "-O", "O2", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"exit code {done.returncode}: {done.stdout[-600:]}{done.stderr[-600:]}")
    return json.loads(done.stdout), np.load(pathlib.Path(folder) / "out0.npy")


def judge(nblocks, model, numbers, board):
    """One row: name, numbers, float figure, integer figure, drop in points (or % of an error), layers left in float."""
    with tempfile.TemporaryDirectory() as temporary:
        temporary = pathlib.Path(temporary)
        np.savez(temporary / "calibration.npz", in0=model.samples)
        np.savez(temporary / "test.npz", in0=model.x)
        options = ["--quantize", numbers, "--calibrate", temporary / "calibration.npz"]
        _, real = run(nblocks, model.file, temporary / "test.npz", temporary / "float", ["-b", board])
        report, integer = run(nblocks, model.file, temporary / "test.npz", temporary / "integer", [*options, "-b", board])
    expected, more_is_better, sample = figure(model.metric, model.x, model.y, real)
    measured, _, _ = figure(model.metric, model.x, model.y, integer)
    if more_is_better:
        drop, most = 100 * (expected - measured), max(0.5, 100 * sample)
    else:
        drop, most = 100 * (measured / expected - 1), 5.0
    noise = float(np.mean((integer - real) ** 2))
    snr_db = 10 * np.log10(np.mean(real**2) / noise) if noise > 0 else float("inf")
    left = sorted({d.get("layer", "") for d in report.get("diagnostics", []) if d.get("kind") == "stays-float"})
    return {"name": model.name, "numbers": numbers, "metric": model.metric, "float": expected, "integer": measured,
            "drop": drop, "passed": drop <= most + 1e-9, "peers": model.peers, "left": left, "snr_db": snr_db}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nblocks")
    parser.add_argument("--models", default="examples,corpus")
    parser.add_argument("--only", default="")
    parser.add_argument("--numbers", default="int8")
    parser.add_argument("--samples", type=int, default=256)
    parser.add_argument("--board", default="host")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    if "corpus" in arguments.models and not CORPUS.is_dir():
        print(f"skipped: there is no {CORPUS}")
        if arguments.models == "corpus":
            return 77
    asked = models(arguments.models.split(","), arguments.only, arguments.samples)
    failed = 0
    drops = []
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        tasks = [(model.name, numbers, pool.submit(judge, arguments.nblocks, model, numbers, arguments.board))
                 for numbers in arguments.numbers.split(",") for model in asked]
        for name, numbers, task in tasks:
            try:
                row = task.result()
            except RuntimeError as error:
                print(f"FAILED {name} {numbers}: {error}")
                failed += 1
                continue
            known = KNOWN_MISSES.get((name, numbers))
            is_wrong = row["passed"] == (known is not None)
            failed += is_wrong
            drops.append(row["drop"])
            if arguments.table or is_wrong:
                verdict = "FAILED" if is_wrong else "known " if known else "ok    "
                peers = " ".join(f"{v:.4f}" for v in row["peers"])
                print(f"{verdict} {name:27} {numbers:6} {row['metric']:24} "
                      f"float {row['float']:.4f} integer {row['integer']:.4f} drop {row['drop']:+.2f}  snr {row['snr_db']:5.1f} dB  peers {peers}"
                      + (f"  float layers: {len(row['left'])}" if row["left"] else "")
                      + (f"  ({'holds again, though ' if is_wrong else ''}{known})" if known else ""))
    print(f"median drop {np.median(drops):+.3f}, worst {max(drops):+.3f}" if drops else "nothing measured")
    print(f"{len(drops) - failed if failed <= len(drops) else 0} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
