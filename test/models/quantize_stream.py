"""One step of an LSTM with its state, in integers, over a long series: errors must not build up.

The model is ../shared/models/corpus/lstm_stream_ett, which predicts the next step of 7 standardised channels. The series
is synthesised: channel k at step t is the sum of a daily wave (period 24), a weekly one (period 168) and a slow
first-order noise, with phases and shares of its own, brought to mean 0 and deviation 1. Its first 300 steps calibrate,
with the state carried on from step to step; on the last 300 the error of the int8 program (the mean square of
prediction - next step) is at most 1.1 times that of the float program. Both programs keep their states themselves
(--state). Without the folder everything is skipped.

usage: quantize_stream.py NBLOCKS [--numbers int8]
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT.parent / "shared" / "models" / "corpus" / "lstm_stream_ett" / "model.onnx"
STEPS, CHANNELS, WORST = 300, 7, 1.10


def series(steps, seed):
    random = np.random.default_rng(seed)
    t = np.arange(steps)[:, None]
    phases, shares = random.uniform(0, 2 * np.pi, (2, CHANNELS)), random.uniform(0.3, 1, (3, CHANNELS))
    noise = np.zeros((steps, CHANNELS))
    for i in range(1, steps):
        noise[i] = 0.9 * noise[i - 1] + 0.25 * random.standard_normal(CHANNELS)
    x = (shares[0] * np.sin(2 * np.pi * t / 24 + phases[0]) + 0.5 * shares[1] * np.sin(2 * np.pi * t / 168 + phases[1])
         + 0.5 * shares[2] * noise)
    return ((x - x.mean(0)) / x.std(0)).astype(np.float32)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nblocks")
    parser.add_argument("--numbers", default="int8")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    if not MODEL.exists():
        print(f"skipped: there is no {MODEL}")
        return 77
    described = json.loads(subprocess.run([arguments.nblocks, "analyze", MODEL, "--json"], capture_output=True,
                                          text=True, check=True).stdout)
    inputs, outputs = ([each["name"] for each in described[key]] for key in ("inputs", "outputs"))
    states = [f"{a}={b}" for a, b in zip(inputs[1:], outputs[1:])]
    failed = 0
    for seed in range(arguments.seeds):
        x = series(2 * STEPS + 1, seed)
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            errors = {}
            np.savez(folder / "first.npz", **{inputs[0]: x[:STEPS].reshape(STEPS, 1, 1, CHANNELS)})
            np.savez(folder / "all.npz", **{inputs[0]: x[:-1].reshape(2 * STEPS, 1, 1, CHANNELS)})
            for name, options in (("float", []),
                                  ("integer", ["--quantize", arguments.numbers, "--calibrate", folder / "first.npz"])):
                command = [arguments.nblocks, "run", MODEL, "-i", folder / "all.npz", "-o", folder / name, "--dequantize", "-q"]
                for state in states:
                    command += ["--state", state]
                subprocess.run([*command, *options], check=True, capture_output=True)
                out = np.load(folder / name / "out0.npy").reshape(2 * STEPS, CHANNELS)
                errors[name] = float(np.mean((out[STEPS:] - x[STEPS + 1:]) ** 2))
        ratio = errors["integer"] / errors["float"]
        holds = ratio <= WORST
        failed += not holds
        print(f"{'ok    ' if holds else 'FAILED'} seed {seed}: float {errors['float']:.4f} {arguments.numbers} "
              f"{errors['integer']:.4f}, {ratio:.3f} times")
    print(f"{arguments.seeds - failed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
