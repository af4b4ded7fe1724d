#!/usr/bin/env python3
"""Structured mutants of model files: each is compiled, or refused with a reason.

Every mutant is one of the project's own models, or of ../shared/models/corpus where that is there, with one to three
faults that keep the file readable (mutate_onnx.py, mutate_tflite.py): an attribute out of range, an operand renamed, a
scale of zero, a node gone. It goes through

    nblocks generate MUTANT --board BOARD --output FOLDER --json

within 10 s and 3 GiB. What may come of it:
    accepted   exit 0, and the emitted code compiles without a warning (-fsyntax-only -Wall -Wextra -Werror)
    refused    exit 3 (2: a file beside the model cannot be read, 4: it does not fit the board), an error that says why and
               names the layer where one is at fault, and no output folder
Everything else is a failure: a signal, another exit code, no end, a folder half written, code that does not compile.

Of the accepted ONNX mutants, a part (--compare-every) also runs with `nblocks run --board host`, beside ONNX Runtime where
that is installed and takes the model; the outputs must agree. See differences() for what counts as agreement.

usage: mutate_models.py NBLOCKS [--count N] [--seed N] [--jobs N] [--node-tests] [--only INDEX] [--keep FOLDER]
Ends with "N mutants: A accepted and compiled, R refused, F failed"; exit code 1 if any failed.
"""
import argparse
import collections
import concurrent.futures
import functools
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
from onnx import helper

import flat_tree
import mutate_onnx
import mutate_tflite

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared/models/corpus"
MAX_MODEL_BYTES = 110_000
LIMIT_SECONDS, LIMIT_BYTES = 10, 3 << 30
COMPILERS = {"host": "g++", "cortex-m4f": "arm-none-eabi-g++"}
FLAGS = ["-fsyntax-only", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fno-exceptions", "-fno-rtti"]
CORE_FLAGS = {"host": [], "cortex-m4f": ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]}
# Errors that some layer is at fault for: they name it.
LAYER_KINDS = {"unsupported-operator", "shape-mismatch", "dtype-mismatch", "attribute-out-of-range", "no-kernel"}


def sources(with_node_tests):
    """[(name, format, bytes)] in a fixed order."""
    files = sorted((ROOT / "examples").glob("*/*.onnx")) + sorted((ROOT / "examples").glob("*/*.tflite"))
    found = [(f.name, f.suffix[1:], f.read_bytes()) for f in files]
    for kind in ("onnx", "tflite"):
        folder = ROOT / "test/fuzz/corpus" / kind
        found += [(f"{kind}/{f.name}", kind, f.read_bytes()) for f in sorted(folder.iterdir())]
    if SHARED.is_dir():
        for file in sorted(SHARED.glob("*/*.onnx")) + sorted(SHARED.glob("*/*.tflite")):
            if file.stat().st_size <= MAX_MODEL_BYTES:
                found.append((f"{file.parent.name}/{file.name}", file.suffix[1:], file.read_bytes()))
    if with_node_tests:
        from onnx.backend.test.loader import load_model_tests
        cases = sorted(load_model_tests(kind="node"), key=lambda case: case.name)
        found += [(case.name, "onnx", case.model.SerializeToString()) for case in cases]
    return found


def mutant(source, r):
    """(bytes, what was done)"""
    name, kind, data = source
    done = []
    if kind == "onnx":
        model = onnx.ModelProto()
        model.ParseFromString(data)
        changes, change_all = mutate_onnx.CHANGES, model
    else:
        model = flat_tree.read(data)
        changes, change_all = mutate_tflite.CHANGES, model
    wanted = r.choice((1, 1, 1, 1, 1, 2, 2, 3))
    for _ in range(50):
        if len(done) == wanted:
            break
        try:
            said = r.choice(changes)(r, change_all)
        except (KeyError, IndexError, ValueError, TypeError, AttributeError):  # what an earlier fault took away
            continue
        if said:
            done.append(said)
    try:
        return (model.SerializeToString() if kind == "onnx" else flat_tree.write(model)), done
    except (ValueError, TypeError, OverflowError):  # no file can say it
        return None, done


class Verdict:
    def __init__(self, index, name, done):
        self.index, self.name, self.done = index, name, done
        self.state, self.why, self.compared, self.kinds = "refused", "", "", []

    def fail(self, why):
        self.state, self.why = "failed", why
        return self


def limited(command, seconds, limit_memory=True, **kwargs):
    def set_limits():
        if limit_memory:
            resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))

    return subprocess.run(command, capture_output=True, timeout=seconds, preexec_fn=set_limits, **kwargs)


def judge(options, index, source, folder):
    r = random.Random(f"{options.seed}/{index}")
    data, done = mutant(source, r)
    verdict = Verdict(index, source[0], done)
    if data is None or not done:
        verdict.state = "none"
        return verdict
    board = "cortex-m4f" if r.random() < 0.15 and shutil.which(COMPILERS["cortex-m4f"]) else "host"
    model, out = folder / f"mutant.{source[1]}", folder / "out"
    model.write_bytes(data)
    command = [options.nblocks, "generate", str(model), "-b", board, "-o", str(out), "--json"]
    try:
        end = limited(command, options.seconds, not options.sanitized)
    except subprocess.TimeoutExpired:
        return verdict.fail(f"no end in {options.seconds} s")
    text = end.stderr.decode("utf-8", "replace")
    if end.returncode < 0 or b"Sanitizer" in end.stderr or b"runtime error" in end.stderr:
        return verdict.fail(f"exit {end.returncode}: {text[-2000:]}")
    try:
        report = json.loads(end.stdout)
    except ValueError:
        return verdict.fail(f"exit {end.returncode}, no JSON: {end.stdout[:200]!r} {text[-500:]}")
    errors = [d for d in report["diagnostics"] if d["severity"] == "error"]
    verdict.kinds = [d["kind"] for d in errors]
    if end.returncode == 0:
        verdict.state = "accepted"
        units = [str(f) for f in out.rglob("*.cc")]
        end = subprocess.run([COMPILERS[board], *FLAGS, *CORE_FLAGS[board], f"-I{out}", f"-I{out}/include", *units],
                             capture_output=True, timeout=120)
        if end.returncode != 0:
            return verdict.fail("does not compile: " + end.stderr.decode("utf-8", "replace")[:1500])
        if source[1] == "onnx" and options.compare_every and index % options.compare_every == 0:
            compare(options, verdict, data, model, folder)
        return verdict
    said = "; ".join(f"{d['kind']}: {d['message']} [{d['layer']}]" for d in errors)
    verdict.why = said
    if end.returncode not in (2, 3, 4) or (end.returncode == 2 and verdict.kinds[:1] != ["file-unreadable"]):
        return verdict.fail(f"exit {end.returncode}: {said}")
    if not errors:
        return verdict.fail("refused without a reason")
    if out.exists():
        return verdict.fail(f"files are left after: {said}")
    for d in errors:
        if d["kind"] in LAYER_KINDS and not d["layer"]:
            return verdict.fail(f"names no layer: {said}")
        if len(d["message"]) > 2000:
            return verdict.fail(f"a message of {len(d['message'])} characters")
    return verdict


# --- beside ONNX Runtime ---

@functools.cache
def onnx_runtime():
    try:
        import onnxruntime
        onnxruntime.set_default_logger_severity(4)
        return onnxruntime
    except ImportError:
        return None


def inputs_of(model, seed):
    """Made-up values for each input by name; None if an element type has no array."""
    random_numbers = np.random.default_rng(seed)
    initializers = {t.name for t in model.graph.initializer}
    arrays = {}
    for value in model.graph.input:
        if value.name in initializers:
            continue
        kind = value.type.tensor_type
        dtype = helper.tensor_dtype_to_np_dtype(kind.elem_type)
        shape = [d.dim_value if d.HasField("dim_value") and d.dim_value >= 0 else 1 for d in kind.shape.dim]
        if dtype.kind == "f":
            arrays[value.name] = random_numbers.uniform(-1, 1, shape).astype(dtype)
        elif dtype.kind in "iu":
            arrays[value.name] = random_numbers.integers(0, 3, shape).astype(dtype)
        elif dtype.kind == "b":
            arrays[value.name] = random_numbers.integers(0, 2, shape).astype(bool)
        else:
            return None
    return arrays


def runtime_outputs(data, arrays, folder):
    """What ONNX Runtime computes, in a process of its own, since a hostile model may end it; None if it refuses."""
    runtime = onnx_runtime()
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(30)
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 2)
            settings = runtime.SessionOptions()
            settings.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
            settings.intra_op_num_threads = settings.inter_op_num_threads = 1
            session = runtime.InferenceSession(data, settings, providers=["CPUExecutionProvider"])
            for i, output in enumerate(session.run(None, arrays)):
                np.save(folder / f"ort{i}.npy", output)
            os._exit(0)
        except BaseException as error:
            (folder / "ort.txt").write_text(str(error))
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if status != 0:
        return None
    return [np.load(folder / f"ort{i}.npy", allow_pickle=True) for i in range(len(list(folder.glob("ort*.npy"))))]


def has_halves(model):
    """Whether float16 is computed somewhere: ONNX Runtime rounds each value to it, emitted code only what leaves it."""
    halves = (onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)
    return (any(v.type.tensor_type.elem_type in halves for v in (*model.graph.input, *model.graph.output)) or
            any(t.data_type in halves for t in model.graph.initializer) or
            any(a.name == "to" and a.i in halves for n in model.graph.node for a in n.attribute))


def is_quantized(model):
    return any(n.op_type.startswith(("QuantizeLinear", "QLinear", "DynamicQuantize")) for n in model.graph.node)


def differences(model, ours, theirs):
    """Where outputs disagree. Floats: 1e-3 of a value and 1e-4 of the largest, since sums are added up in another order; 4e-3
    of the largest with float16 inside, 3e-2 in a quantized model, where a value on the edge of two integers goes either way.
    Integers and booleans are equal, in a quantized model within 2. A NaN is a NaN. A half that the model declares no output
    of may come as a float."""
    portion = 3e-2 if is_quantized(model) else 4e-3 if has_halves(model) else 1e-4
    if len(ours) != len(theirs):
        return f"{len(ours)} outputs, not {len(theirs)}"
    for i, (a, b) in enumerate(zip(ours, theirs)):
        if b.dtype == np.float16 and model.graph.output[i].type.tensor_type.elem_type == 0:
            b = b.astype(a.dtype)
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"output {i} is {a.dtype}{list(a.shape)}, not {b.dtype}{list(b.shape)}"
        if a.dtype.kind == "f":
            finite = np.abs(b[np.isfinite(b)])
            largest = float(finite.max()) if finite.size else 0.0
            wrong = ~np.isclose(a, b, rtol=1e-3, atol=portion * largest + 1e-6, equal_nan=True)
        elif a.dtype.kind in "iu" and is_quantized(model):
            wrong = np.abs(a.astype(np.float64) - b.astype(np.float64)) > 2
        else:
            wrong = a != b
        if wrong.any():
            return (f"output {i}: {int(wrong.sum())} of {a.size} elements differ: {a[wrong].reshape(-1)[:4]}, "
                    f"not {b[wrong].reshape(-1)[:4]}")
    return ""


def is_finite_inside(model, arrays, folder):
    """Whether no value on the way is infinite or NaN: what comparisons, conversions and maxima make of those, ONNX leaves
    open."""
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    outputs = {o.name for o in shown.graph.output}
    for name in {o for n in shown.graph.node for o in n.output if o} - outputs:
        shown.graph.output.append(helper.make_empty_tensor_value_info(name))
    (folder / "inside").mkdir()
    values = runtime_outputs(shown.SerializeToString(), arrays, folder / "inside")
    return values is None or all(np.isfinite(v).all() for v in values if v.dtype.kind == "f")


def compare(options, verdict, data, model, folder):
    if onnx_runtime() is None:
        return
    proto = onnx.ModelProto()
    proto.ParseFromString(data)
    try:
        arrays = inputs_of(proto, verdict.index)
    except (KeyError, ValueError, TypeError):
        arrays = None
    if arrays is None:
        return
    theirs = runtime_outputs(data, arrays, folder)
    if theirs is None:
        why = folder / "ort.txt"
        verdict.compared = "refused there: " + (why.read_text()[:300] if why.exists() else "it died")
        return
    np.savez(folder / "in.npz", **{f"in{i}": a for i, a in enumerate(arrays.values())})
    command = [options.nblocks, "run", str(model), "-b", "host", "-O", "O0", "-o", str(folder / "ours"), "--json"]
    if arrays:
        command += ["-i", str(folder / "in.npz")]
    try:
        end = subprocess.run(command, capture_output=True, timeout=120)
    except subprocess.TimeoutExpired:
        verdict.fail("compiles, and does not end in 120 s")
        return
    if end.returncode != 0:
        verdict.fail(f"compiles and does not run: exit {end.returncode}: {end.stderr.decode('utf-8', 'replace')[-800:]}")
        return
    files = [folder / "ours" / f"out{i}.npy" for i in range(len(list((folder / "ours").glob("out*.npy"))))]
    different = differences(proto, [np.load(f) for f in files], theirs)
    verdict.compared = "same"
    if different and not is_finite_inside(proto, arrays, folder):
        verdict.compared = "not finite inside"
    elif different:
        verdict.compared = "different"
        verdict.fail(f"ONNX Runtime gives another answer: {different}")


def work(options, found, index):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        source = found[random.Random(f"{options.seed}/source/{index}").randrange(len(found))]
        verdict = judge(options, index, source, folder)
        if options.keep and (verdict.state == "failed" or options.only is not None):
            kept = pathlib.Path(options.keep) / str(index)
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(folder, kept)
    return verdict


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nblocks")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="index of the first mutant")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--compare-every", type=int, default=1, help="0: never")
    parser.add_argument("--node-tests", action="store_true", help="also mutants of the node tests of the package onnx")
    parser.add_argument("--sanitized", action="store_true", help="nblocks has sanitizers: more time, no limit of memory")
    parser.add_argument("--only", type=int)
    parser.add_argument("--keep", help="folder for the mutants that fail")
    parser.add_argument("--list", action="store_true", help="print every verdict")
    options = parser.parse_args()
    options.nblocks = os.path.abspath(options.nblocks)
    options.seconds = 100 if options.sanitized else LIMIT_SECONDS
    found = sources(options.node_tests)
    start = time.monotonic()
    indices = [options.only] if options.only is not None else range(options.first, options.first + options.count)
    states, kinds, compared = collections.Counter(), collections.Counter(), collections.Counter()
    onnx_runtime()
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        for verdict in pool.map(functools.partial(work, options, found), indices, chunksize=4):
            states[verdict.state] += 1
            kinds.update(set(verdict.kinds))
            compared[verdict.compared.split(":")[0]] += 1
            if verdict.state == "failed" or options.list or options.only is not None:
                print(f"{verdict.state} {verdict.index} {verdict.name}: {'; '.join(verdict.done)}\n    {verdict.why}"
                      + (f"\n    {verdict.compared}" if verdict.compared else ""), flush=True)
    print("refusals: " + ", ".join(f"{kind} {n}" for kind, n in kinds.most_common()))
    print(f"beside ONNX Runtime: {compared['same'] + compared['different']} compared, {compared['different']} differ, "
          f"{compared['not finite inside']} not finite inside, {compared['refused there']} that it refuses")
    print(f"{sum(states.values()) - states['none']} mutants: {states['accepted']} accepted and compiled, "
          f"{states['refused']} refused, {states['failed']} failed ({time.monotonic() - start:.0f} s)")
    return 1 if states["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
