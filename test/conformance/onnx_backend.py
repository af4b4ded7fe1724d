#!/usr/bin/env python3
"""Runs the ONNX backend tests of the PyPI package `onnx` through emitted C++ on the host.

Each test in scope (scope.csv) is written as a model file and put through

    nblocks run MODEL --board host --input in.npz --output DIR --json

that is: read, compile, emit, build with the host's compiler (-O0, which takes a fifth of -O2's time; --optimize
sets another), run. Its outputs are compared as the package's own runner compares them (the test's rtol and atol;
1e-3 and 1e-7 unless it sets others).

A result is one of
    pass     every output of every data set agrees
    refused  exit code 3 and a diagnostic: the model is not supported, and this is said
    wrong    an output differs in value, dtype, shape or number; or the program computes nothing at run time
             although its outputs depend on the elements of data inputs (constants must not stand for kernels)
    compile  the emitted program does not compile
    crash    nblocks or the program dies by a signal, runs into the time limit, or ends with another code

Only the inputs that scope.csv lists as shape inputs are frozen; all others reach the program at run time.

Beside them run the cases of own_cases.py, all of which must pass.

scope.csv (suite, test, shape_inputs) lists the tests that a static compiler for tensors can do: inputs and
outputs are float32, int64, int32, int8, uint8 or bool tensors, no training operators, no random numbers, no
output whose size depends on data. shape_inputs are those inputs of the model, joined by |, that determine a
shape, an axis or a count.

usage: onnx_backend.py [--nblocks PATH] [--only REGEX] [--at-least N] [-j N] [--json FILE] [--keep DIR] [--list]
exit code: 0 if nothing is wrong, crashes or fails to compile and at least --at-least tests pass, else 1;
           77 (skipped) if the package `onnx` is not installed
"""

import argparse
import collections
import concurrent.futures
import csv
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import types
import warnings

try:
    import numpy as np
    import onnx
    from onnx import numpy_helper
    from onnx.reference import ReferenceEvaluator

    import own_cases
    from program_under_test import find_nblocks
except ImportError as error:
    print(f"skipped: {error}; ./setup.sh installs onnx and numpy into .venv")
    sys.exit(77)

HERE = pathlib.Path(__file__).resolve().parent
STATES = ("pass", "refused", "wrong", "compile", "crash")
SUITES = ("node", "simple", "pytorch-operator", "pytorch-converted")
OWN = "own"
TIME_LIMIT_SECONDS = 120
EXPECTED_ONNX = "1.23.2"
# Blocks that move no element: a program of these alone may hide frozen results.
COPIES = ("identity", "reshape")


def read_scope():
    with open(HERE / "scope.csv", newline="", encoding="utf-8") as file:
        return {(row["suite"], row["test"]): [n for n in row["shape_inputs"].split("|") if n]
                for row in csv.DictReader(file)}


def with_expanded(scope):
    """The scope with the shape inputs of operators' tests also in those that write the same operator out (*_expanded), and
    the trip count of test_loop11: what a user freezes to compile them."""
    frozen = dict(scope)
    for (suite, name), inputs in scope.items():
        if name.endswith("_expanded") and not inputs:
            frozen[suite, name] = scope.get((suite, name.removesuffix("_expanded")), [])
    frozen["node", "test_loop11"] = ["trip_count", "cond"]
    return frozen


def load_cases(scope, only, beyond):
    """Yields (suite, case) of the tests in scope and then our own, or of those beyond it, in a stable order."""
    from onnx.backend.test.loader import load_model_tests

    for suite in SUITES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cases = load_model_tests(kind=suite)
        for case in sorted(cases, key=lambda c: c.name):
            if ((suite, case.name) in scope) != beyond and re.search(only, f"{suite}/{case.name}"):
                yield suite, case
    for name, model, inputs, expected in own_cases.cases():
        if not beyond and re.search(only, f"{OWN}/{name}"):
            expected = expected or ReferenceEvaluator(model).run(None, inputs)
            yield OWN, types.SimpleNamespace(name=name, model=model, model_dir=None, rtol=1e-3, atol=1e-5,
                                             data_sets=[(list(inputs.values()), expected)])


def read_data_sets(case):
    """[(inputs, outputs)] as arrays."""
    if case.data_sets is not None:
        return [([as_array(a) for a in i], [as_array(a) for a in o]) for i, o in case.data_sets]
    sets = []
    for folder in sorted(pathlib.Path(case.model_dir).glob("test_data_set_*")):
        def tensors(kind):
            files = sorted(folder.glob(f"{kind}_*.pb"), key=lambda f: int(f.stem.split("_")[1]))
            return [load_array(f) for f in files]
        sets.append((tensors("input"), tensors("output")))
    return sets


def load_array(file):
    """The tensor in a file; None for a sequence or an optional value."""
    try:
        return numpy_helper.to_array(onnx.load_tensor(file))
    except Exception:  # protobuf's DecodeError, which has no public name
        return None


def as_array(value):
    if isinstance(value, (list, dict)) or value is None:
        return None
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


def raw(array):
    """Element types that .npy does not know as the unsigned integers of their bits, strings as nothing."""
    if array.dtype.kind in "biuf":
        return array
    return array.view(f"u{array.dtype.itemsize}") if array.dtype.kind == "V" else np.zeros(array.shape, np.uint8)


class Job:
    """One test, ready to run in a folder of its own."""

    def __init__(self, suite, case, frozen, folder):
        self.suite, self.name, self.rtol, self.atol = suite, case.name, case.rtol, case.atol
        self.folder = folder
        folder.mkdir(parents=True)
        self.model = folder / "model.onnx"
        if case.model is not None:
            onnx.save(case.model, self.model)
            model = case.model
        else:
            shutil.copy(os.path.join(case.model_dir, "model.onnx"), self.model)
            model = onnx.load(self.model)
        self.operator = case_operator(model)
        initializers = {tensor.name for tensor in model.graph.initializer}
        self.input_names = [i.name for i in model.graph.input if i.name not in initializers]
        self.output_names = [o.name for o in model.graph.output]
        self.sets = []
        filled = set()
        for number, (inputs, outputs) in enumerate(read_data_sets(case)):
            here = folder / f"set{number}"
            here.mkdir()
            arrays = {name: raw(array) for name, array in zip(self.input_names, inputs) if array is not None}
            freeze = []
            for name in list(arrays) if frozen is None else frozen:
                if name in arrays:
                    path = here / f"frozen{len(freeze)}.npy"
                    np.save(path, arrays.pop(name))
                    freeze += ["--freeze", f"{name}={path}"]
            np.savez(here / "in.npz", **arrays)
            filled.update(name for name, array in arrays.items() if array.size > 0)  # the frozen ones are gone
            for k, array in enumerate(outputs):
                if array is not None and array.dtype != object:
                    np.save(here / f"expected{k}.npy", raw(array), allow_pickle=False)
            self.sets.append((here, freeze, len(arrays), len(outputs)))
        self.needs_kernels = depends_on(model.graph, filled)


def depends_on(graph, names):
    """Whether an output depends on the elements (not only the shapes) of the named values."""
    tainted = set(names)
    for node in graph.node:
        reads = list(node.input)
        if node.op_type in ("Shape", "Size", "EyeLike"):
            reads = []
        elif node.op_type == "CastLike":
            reads = reads[:1]
        inner = [a.g for a in node.attribute if a.type == onnx.AttributeProto.GRAPH]
        if tainted.intersection(reads) or any(depends_on(g, tainted) for g in inner):
            tainted.update(name for name in node.output if name)
    return any(output.name in tainted for output in graph.output)


def case_operator(model):
    """The operator that a test is about, for the table: the one of a node test, else what there is most of."""
    counts = collections.Counter(node.op_type for node in model.graph.node)
    return counts.most_common(1)[0][0] if counts else "(none)"


def compare(expected, path, rtol, atol):
    """Why the output in `path` is not `expected`; empty if it is."""
    if not path.is_file():
        return f"no output file {path.name}"
    got = np.load(path, allow_pickle=False)
    if got.shape != expected.shape:
        return f"shape {list(got.shape)}, expected {list(expected.shape)}"
    if got.dtype != expected.dtype:
        return f"dtype {got.dtype}, expected {expected.dtype}"
    if expected.dtype == np.float64:  # computed in single precision, as a remark says
        with np.errstate(over="ignore"):
            expected = expected.astype(np.float32).astype(np.float64)
    try:
        np.testing.assert_allclose(got, expected, rtol=rtol, atol=atol)
    except AssertionError as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        return "; ".join(line.strip() for line in lines[1:4])
    return ""


def follows_inputs(job, number, nblocks, flags):
    """Whether the program's outputs change when the elements of all its inputs do."""
    here, freeze, _, output_count = job.sets[number]
    with np.load(here / "in.npz") as arrays:
        changed = {name: ~a if a.dtype == bool else a + a.dtype.type(1) for name, a in arrays.items()}
    np.savez(here / "changed.npz", **changed)
    out = here / "changed"
    command = [nblocks, "run", str(job.model), "--output", str(out), "--json", *flags, *freeze,
               "--input", str(here / "changed.npz")]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=TIME_LIMIT_SECONDS)
    if done.returncode != 0:
        return False
    files = [pathlib.Path(output["file"]) for output in json.loads(done.stdout)["outputs"]]
    return any(not np.array_equal(np.load(here / f"expected{k}.npy"), np.load(file)) for k, file in enumerate(files))


def run_set(job, number, nblocks, flags):
    here, freeze, data_inputs, output_count = job.sets[number]
    out = here / "out"
    out.mkdir(exist_ok=True)
    command = [nblocks, "run", str(job.model), "--output", str(out), "--json", *flags, *freeze]
    if data_inputs:
        command += ["--input", str(here / "in.npz")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=TIME_LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        return "crash", f"no end within {TIME_LIMIT_SECONDS} s", 0
    said = first_error(done.stderr)
    if done.returncode == 3:
        return ("refused", said, 0) if said else ("crash", "exit 3 without a word", 0)
    if done.returncode != 0:
        state = "compile" if "build-failed" in done.stderr else "crash"
        return state, f"exit {done.returncode}: {said}", 0
    try:
        report = json.loads(done.stdout)
        files = [pathlib.Path(output["file"]) for output in report["outputs"]]
        kernels = sum(layer["block"] not in COPIES for layer in report["layers"])
    except (ValueError, KeyError, TypeError) as error:
        return "crash", f"the JSON report cannot be read: {error!r}", 0
    if len(files) != output_count:
        return "wrong", f"{len(files)} outputs, expected {output_count}", kernels
    for k, file in enumerate(files):
        expected = here / f"expected{k}.npy"
        if not expected.is_file():
            return "wrong", f"output {job.output_names[k]} cannot be a tensor", kernels
        why = compare(np.load(expected, allow_pickle=False), file, job.rtol, job.atol)
        if why:
            return "wrong", f"output {job.output_names[k]}: {why}", kernels
    if kernels == 0 and job.needs_kernels and not follows_inputs(job, number, nblocks, flags):
        return "wrong", "nothing is left to compute at run time although there are data inputs", 0
    return "pass", "", kernels


def first_error(text):
    """The first error of rendered diagnostics in one line; sanitizers' reports count, too."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for i, line in enumerate(lines):
        if re.search(r"\berror\b|ERROR: |runtime error", line):
            return " ".join(lines[i:i + 2])[:300]
    return lines[0][:300] if lines else ""


def run_job(job, nblocks, flags, keeps):
    started = time.monotonic()
    state, why, kernels = "wrong", "the test has no data", 0
    for number in range(len(job.sets)):
        state, why, kernels = run_set(job, number, nblocks, flags)
        if state != "pass":
            break
    if not keeps:
        shutil.rmtree(job.folder, ignore_errors=True)
    return {"suite": job.suite, "test": job.name, "operator": job.operator, "state": state, "why": why,
            "layers": kernels, "seconds": round(time.monotonic() - started, 3)}


def table(results):
    rows = collections.defaultdict(collections.Counter)
    for result in results:
        rows[result["operator"]][result["state"]] += 1
    width = max([8] + [len(name) for name in rows])
    lines = [f"{'operator':<{width}} " + " ".join(f"{state:>8}" for state in STATES) + "    total"]
    for name in sorted(rows):
        lines.append(f"{name:<{width}} " + " ".join(f"{rows[name][state] or '.':>8}" for state in STATES) +
                     f" {sum(rows[name].values()):>8}")
    suites = collections.defaultdict(collections.Counter)
    for result in results:
        suites[result["suite"]][result["state"]] += 1
    lines.append("")
    for name in [s for s in (*SUITES, "all", OWN) if s in suites or s == "all"]:
        counts = suites[name] if name != "all" else sum((suites[s] for s in SUITES), collections.Counter())
        lines.append(f"{name:<{width}} " + " ".join(f"{counts[state]:>8}" for state in STATES) +
                     f" {sum(counts.values()):>8}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--nblocks", default=find_nblocks(), help="the program under test")
    parser.add_argument("--only", default="", help="regular expression on suite/test")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", help="write all results here")
    parser.add_argument("--keep", help="keep each test's files in this folder")
    parser.add_argument("--list", action="store_true", help="print the tests and end")
    parser.add_argument("--beyond", action="store_true",
                        help="run the tests that are not in scope instead: each must pass or be refused")
    parser.add_argument("--freeze-expanded", action="store_true",
                        help="freeze shape inputs also in *_expanded tests and test_loop11 (docs/onnx.md)")
    parser.add_argument("--references", action="store_true",
                        help="freeze all inputs: judges the blocks' references, by which constants are folded")
    parser.add_argument("--at-least", type=int, default=0, help="fail if fewer tests pass")
    parser.add_argument("--board", default="host", help="where the program runs: host, or a virtual board")
    parser.add_argument("--optimize", default="O0", help="of the emitted code: O0 O1 O2 O3 Os")
    parser.add_argument("--flag", action="append", default=[], help="hand a flag to nblocks run: --flag=--sanitize")
    options = parser.parse_args()

    if onnx.__version__ != EXPECTED_ONNX:
        print(f"skipped: onnx {onnx.__version__} is installed, scope.csv is of {EXPECTED_ONNX}")
        return 77
    flags = ["--board", options.board, "--optimize", options.optimize, *options.flag]
    started = time.monotonic()
    scope = with_expanded(read_scope()) if options.freeze_expanded else read_scope()
    cases = load_cases(scope, options.only, options.beyond)
    if options.list:
        for suite, case in cases:
            print(f"{suite}/{case.name}")
        return 0
    root = pathlib.Path(options.keep or tempfile.mkdtemp(prefix="onnx_backend_"))
    results, waiting = [], set()
    shows_progress = sys.stderr.isatty()

    def collect(done):
        for future in done:
            results.append(future.result())
            if shows_progress:
                print(f"\r{len(results)} done", end="", file=sys.stderr)

    try:
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for suite, case in cases:
                folder = root / suite / case.name
                shutil.rmtree(folder, ignore_errors=True)
                job = Job(suite, case, None if options.references else scope.get((suite, case.name), []),
                          folder)
                waiting.add(pool.submit(run_job, job, options.nblocks, flags, bool(options.keep)))
                if len(waiting) >= 4 * options.jobs:  # bounds the files on disk
                    done, waiting = concurrent.futures.wait(waiting, return_when="FIRST_COMPLETED")
                    collect(done)
            collect(concurrent.futures.wait(waiting)[0])
    finally:
        if not options.keep:
            shutil.rmtree(root, ignore_errors=True)
    if shows_progress:
        print(file=sys.stderr)

    results.sort(key=lambda r: ((*SUITES, OWN).index(r["suite"]), r["test"]))
    own = [result for result in results if result["suite"] == OWN]
    counts = collections.Counter(r["state"] for r in results if r["suite"] != OWN)
    if options.json:
        summary = {"onnx": onnx.__version__, "nblocks": options.nblocks, "counts": {s: counts[s] for s in STATES},
                   "seconds": round(time.monotonic() - started, 1), "results": results}
        pathlib.Path(options.json).write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    print(table(results))
    for result in results:
        if result["state"] in ("wrong", "compile", "crash") or (result["suite"] == OWN and result["state"] != "pass"):
            print(f"{result['state']}: {result['suite']}/{result['test']}: {result['why']}")
    own_passes = sum(result["state"] == "pass" for result in own)
    print(f"{counts['pass']} of {len(results) - len(own)} pass, {counts['refused']} refused, "
          f"{counts['wrong'] + counts['compile'] + counts['crash']} fail, in {time.monotonic() - started:.0f} s; "
          f"own cases: {own_passes} of {len(own)} pass")
    is_bad = counts["wrong"] + counts["compile"] + counts["crash"] > 0 or own_passes < len(own)
    return 1 if is_bad or counts["pass"] < options.at_least else 0


if __name__ == "__main__":
    sys.exit(main())
