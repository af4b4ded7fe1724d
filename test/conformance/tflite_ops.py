"""Single .tflite operators through emitted C++ on the host, against the TensorFlow Lite Micro interpreter.

Each case is a model of one operator with random shapes, scales and attributes, written by tflite_builder.py. Integer
outputs must be equal byte for byte, float outputs within 1e-5 of the largest magnitude. Where TensorFlow Lite Micro
lacks the operator or type, LiteRT's reference kernels judge (marked `litert`).

Exits with 77 (skipped) where the package tflite-micro is not installed.

usage: tflite_ops.py NBLOCKS [--only REGEX] [--rounds N] [--seed N] [-v]
exit code: 0 if no case is wrong, crashes or fails to compile; refusals are printed and count as failures unless
KNOWN_REFUSALS names them
"""

import argparse
import json
import multiprocessing
import pathlib
import re
import subprocess
import sys
import tempfile
import zlib

try:
    import numpy as np
    from tflite_micro.python.tflite_micro import runtime

    import tflite_builder
    import tflite_cases
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

SAMPLES = 6
# Cases that nblocks refuses with exit code 3, by name, and why.
KNOWN_REFUSALS = {
    "while_small_f32": "a number of steps that depends on data",
    "softmax_to_i16_i8": "int8 in, int16 out",
    "l2_normalization_i8": "float only",
    "cumsum_i8": "float only",
}


def run_tflm(content, samples):
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=1 << 20)
    outputs = []
    for sample in samples:
        interpreter.reset()
        for i, array in enumerate(sample):
            interpreter.set_input(array, i)
        interpreter.invoke()
        outputs.append([interpreter.get_output(i).copy() for i in range(len(interpreter_outputs(content)))])
    return outputs


def interpreter_outputs(content):
    model = tflite_builder.schema.ModelT.InitFromObj(tflite_builder.schema.Model.GetRootAsModel(content, 0))
    return model.subgraphs[0].outputs


def run_litert(content, samples):
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    outputs = []
    for sample in samples:
        interpreter.reset_all_variables()
        for detail, array in zip(interpreter.get_input_details(), sample):
            interpreter.set_tensor(detail["index"], array)
        interpreter.invoke()
        outputs.append([interpreter.get_tensor(d["index"]).copy() for d in interpreter.get_output_details()])
    return outputs


def in_child(run, content, samples):
    """Outputs, or None: an interpreter that lacks a kernel raises, or ends the process."""
    reader, writer = multiprocessing.Pipe(duplex=False)

    def child():
        try:
            writer.send(run(content, samples))
        except Exception:
            writer.send(None)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    writer.close()
    try:
        outputs = reader.recv()
    except EOFError:
        outputs = None
    process.join()
    return outputs


def expected_outputs(content, samples, only):
    """(judge, outputs of each sample); judge None if nobody takes the model."""
    for judge, run in (("tflm", run_tflm), ("litert", run_litert)):
        if only not in (None, judge):
            continue
        outputs = in_child(run, content, samples)
        if outputs is not None:
            return judge, outputs
    return None, "no interpreter takes it"


def random_samples(model, rng):
    def array(t):
        if t.dtype == np.float32:
            return rng.uniform(*getattr(t, "range", (-3, 3)), t.shape).astype(np.float32)
        if t.dtype == np.bool_:
            return rng.integers(0, 2, t.shape).astype(np.bool_)
        low, high = getattr(t, "range", (np.iinfo(t.dtype).min, np.iinfo(t.dtype).max))
        if t.dtype.itemsize > 2 and not hasattr(t, "range"):
            low, high = -1000, 1000
        return rng.integers(low, high + 1, t.shape).astype(t.dtype)

    return [[array(t) for t in model.inputs] for _ in range(SAMPLES)]


def compare(got, expected):
    """None if they agree, else what differs."""
    wrong = 0
    for k, values in enumerate(got):
        wanted = np.stack([sample[k] for sample in expected])
        if values.size != wanted.size or values.dtype != wanted.dtype:
            return f"output {k} is {values.dtype}{values.shape}, expected {wanted.dtype}{wanted.shape}"
        a, b = values.reshape(-1), wanted.reshape(-1)
        if a.dtype.kind == "f":
            scale = max(1e-30, float(np.nanmax(np.abs(np.where(np.isfinite(b), b, 0)), initial=0)))
            same = (np.abs(a.astype(np.float64) - b) <= 1e-5 * scale) | (np.isnan(a) & np.isnan(b)) | (a == b)
        else:
            same = a == b
        if not same.all():
            i = int(np.argmax(~same))
            wrong += 1
            return (f"output {k}: {int((~same).sum())} of {a.size} differ, largest by "
                    f"{np.nanmax(np.abs(a.astype(np.float64) - b)):.4g}, first at {i}: {a[i]} for {b[i]}")
    return None


def run_case(nblocks, model, rng, folder):
    """(result, detail): pass, refused, wrong, crash or unjudged."""
    content = model.bytes()
    samples = random_samples(model, rng)
    judge, expected = expected_outputs(content, samples, model.judge)
    if judge is None:
        return "unjudged", expected
    path = pathlib.Path(folder) / "model.tflite"
    path.write_bytes(content)
    arrays = {f"in{i}": np.stack([sample[i] for sample in samples]) for i in range(len(model.inputs))}
    np.savez(pathlib.Path(folder) / "in.npz", **arrays)
    command = [nblocks, "run", str(path), "-b", "host", "--json", "-q", "--input", str(pathlib.Path(folder) / "in.npz"),
               "--output", folder]
    end = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if end.returncode == 3:
        return "refused", end.stderr.strip().split("\n")[0]
    if end.returncode != 0:
        return "crash", f"exit {end.returncode}: {end.stderr.strip()[:600]}"
    outputs = [np.load(o["file"]) for o in json.loads(end.stdout)["outputs"]]
    difference = compare(outputs, expected)
    return ("pass", judge) if difference is None else ("wrong", f"({judge}) {difference}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nblocks")
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=1, help="random variants of each case")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-v", action="store_true", help="print every result")
    arguments = parser.parse_args()
    counts = {}
    is_bad = False
    for name, make in tflite_cases.all_cases():
        if not re.search(arguments.only, name):
            continue
        for k in range(arguments.rounds):
            rng = np.random.default_rng([zlib.crc32(name.encode()), arguments.seed + k])
            model = make(rng)
            with tempfile.TemporaryDirectory() as folder:
                result, detail = run_case(arguments.nblocks, model, rng, folder)
            if result == "refused" and name in KNOWN_REFUSALS:
                result, detail = "known", KNOWN_REFUSALS[name]
            counts[result] = counts.get(result, 0) + 1
            is_bad = is_bad or result in ("wrong", "crash", "refused")
            if arguments.v or result not in ("pass", "known"):
                print(f"{result:8} {name} seed {arguments.seed + k}: {detail}")
                sys.stdout.flush()
    print(", ".join(f"{n} {result}" for result, n in sorted(counts.items())))
    return 1 if is_bad else 0


if __name__ == "__main__":
    sys.exit(main())
