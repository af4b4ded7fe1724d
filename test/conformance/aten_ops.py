#!/usr/bin/env python3
"""Runs PyTorch operators (aten_cases.py) from files through emitted C++ on the host, and compares with PyTorch itself.

Each case is exported in three forms: by torch.export as the model calls its operators (export), after run_decompositions() in
core ATen (core), and by torch.jit.trace (trace). Many cases are put in one model, whose inputs and outputs are theirs one after the other, since compiling an emitted
program takes longer than all else; where such a model is refused or wrong, its cases run one by one.

A result is one of
    pass     every output agrees: floats within 1e-4 of the largest magnitude, all else exactly; dtype and shape too
    refused  exit code 3 and a diagnostic: not supported, and this is said
    wrong    an output differs
    crash    anything else
    export   PyTorch itself fails to export it

usage: aten_ops.py [--nblocks PATH] [--only REGEX] [--form export|core|trace] [--at-least N] [-j N] [--batch N] [--json FILE] [--keep DIR]
exit code: 0 if nothing is wrong or crashes, what must be refused is, and at least --at-least pass, else 1; 77 (skipped) without
           torch
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import warnings

try:
    import numpy as np
    import torch

    import aten_cases
    from program_under_test import find_nblocks
except ImportError as error:
    print(f"skipped: {error}; pip install torch==2.13.0 into an environment and run this with its python")
    sys.exit(77)

TIME_LIMIT_SECONDS = 300
FORMS = ("export", "core", "trace")
DTYPES = {torch.float32: "f32", torch.int64: "i64", torch.int32: "i32", torch.bool: "bool"}
EXPORTING = threading.Lock()  # torch.export keeps its state to itself in one thread at a time


class Batch(torch.nn.Module):
    """Several cases as one model."""

    def __init__(self, cases):
        super().__init__()
        self.cases = torch.nn.ModuleList(case.module for case in cases)
        self.counts = [len(case.inputs) for case in cases]

    def forward(self, *inputs):
        outputs, at = [], 0
        for module, count in zip(self.cases, self.counts):
            outputs += flat(module(*inputs[at:at + count]))
            at += count
        return tuple(outputs)


def flat(value):
    if isinstance(value, torch.Tensor):
        return [value]
    return [tensor for part in value for tensor in flat(part)] if isinstance(value, (tuple, list)) else []


def exported(cases, form, folder):
    """Writes a model and its inputs (in.npz); returns what each case gives in PyTorch, and what `nblocks run` is told."""
    module = Batch(cases).eval()
    inputs = [tensor for case in cases for tensor in case.inputs]
    folder.mkdir(parents=True, exist_ok=True)
    words = []
    with torch.no_grad():
        expected = [[tensor.numpy() for tensor in flat(case.module(*(t.clone() for t in case.inputs)))] for case in cases]
        if form == "trace":
            program = torch.jit.trace(module, tuple(t.clone() for t in inputs), check_trace=False)
            program.save(str(folder / "model.pt"))
            names = re.findall(r"(\w+): Tensor", program.code.split("->")[0])
            for name, tensor in zip(names, inputs):
                words += ["--input-shape", f"{name}={','.join(str(n) for n in tensor.shape)}:{DTYPES[tensor.dtype]}"]
        else:
            program = torch.export.export(module, tuple(inputs), strict=False)
            if form == "core":
                program = program.run_decompositions()
            torch.export.save(program, str(folder / "model.pt2"))
            names = program.graph_signature.user_inputs
    np.savez(folder / "in.npz", **{name: tensor.numpy() for name, tensor in zip(names, inputs)})
    return expected, [str(folder / ("model.pt" if form == "trace" else "model.pt2")), *words]


def difference(expected, got):
    """Why two arrays are not the same; empty if they are."""
    if expected.shape != got.shape:
        return f"shape {list(got.shape)}, expected {list(expected.shape)}"
    if expected.dtype != got.dtype:
        return f"dtype {got.dtype}, expected {expected.dtype}"
    if expected.dtype.kind != "f":
        return "" if np.array_equal(expected, got) else f"{got.ravel()[:8]}, expected {expected.ravel()[:8]}"
    special = ~np.isfinite(expected)
    if not np.array_equal(special, ~np.isfinite(got)) or not np.array_equal(expected[special], got[special], equal_nan=True):
        return f"{got.ravel()[:8]}, expected {expected.ravel()[:8]}"
    a, b = expected[~special].astype(np.float64), got[~special].astype(np.float64)
    worst, scale = (np.abs(a - b).max(), max(np.abs(a).max(), 1e-3)) if a.size else (0.0, 1.0)
    return "" if worst <= 1e-4 * scale else f"off by {worst:.3g} of {scale:.3g}"


def run(nblocks, folder, expected, words):
    """(state, why) of a model whose outputs are those of the cases in `expected`; `why` a list, one a case, if it ran."""
    command = [nblocks, "run", *words, "--board", "host", "--optimize", "O0", "--json", "--input", str(folder / "in.npz"),
               "--output", str(folder / "out")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=TIME_LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        return "crash", f"no end within {TIME_LIMIT_SECONDS} s"
    errors = [line.strip() for line in done.stderr.splitlines() if "error" in line]
    said = (errors or done.stderr.splitlines() or ["without a word"])[0][:300]
    if done.returncode == 3:
        return "refused", said
    if done.returncode != 0:
        return "crash", f"exit {done.returncode}: {said}"
    got = [np.load(output["file"]) for output in json.loads(done.stdout)["outputs"]]
    if len(got) != sum(len(case) for case in expected):
        return "crash", f"{len(got)} outputs, expected {sum(len(case) for case in expected)}"
    why, at = [], 0
    for case in expected:
        faults = [difference(e, g) for e, g in zip(case, got[at:at + len(case)])]
        why.append(next((f"output {i}: {fault}" for i, fault in enumerate(faults) if fault), ""))
        at += len(case)
    return "ran", why


def settled(cases, form, nblocks, folder, keeps):
    """[(case, form, state, why)] of some cases: all at once, or where that does not run, one by one."""
    try:
        with EXPORTING:
            expected, words = exported(cases, form, folder)
    except Exception as error:  # whatever torch.export raises
        if len(cases) == 1:
            return [(cases[0], form, "export", str(error).splitlines()[0][:200] if str(error) else repr(error))]
        state, why = "crash", ""
    else:
        state, why = run(nblocks, folder, expected, words)
        if not keeps:
            shutil.rmtree(folder, ignore_errors=True)
    if state == "ran":
        return [(case, form, "wrong" if fault else "pass", fault) for case, fault in zip(cases, why)]
    if len(cases) == 1:
        return [(cases[0], form, state, why)]
    half = max(1, len(cases) // 4)
    return [result for i in range(0, len(cases), half) for result in settled(cases[i:i + half], form, nblocks, folder / str(i), keeps)]


def table(results):
    counts = collections.defaultdict(collections.Counter)
    for case, _, state, _ in results:
        counts[case.name.split("/")[0]][state] += 1
    states = ("pass", "refused", "wrong", "crash", "export")
    lines = [f"{'operator':36} " + " ".join(f"{state:>8}" for state in states)]
    for name in sorted(counts):
        lines.append(f"{name:36} " + " ".join(f"{counts[name][state] or '.':>8}" for state in states))
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--nblocks", default=find_nblocks(), help="the program under test")
    parser.add_argument("--only", default="", help="regular expression on the case's name")
    parser.add_argument("--form", choices=FORMS, help="only this form")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--batch", type=int, default=24, help="cases a model")
    parser.add_argument("--json", help="write all results here")
    parser.add_argument("--keep", help="keep each model's files in this folder")
    parser.add_argument("--at-least", type=int, default=0, help="fail if fewer pass")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    started = time.monotonic()
    cases = [case for case in aten_cases.all_cases() if re.search(options.only, case.name)]
    plain = [case for case in cases if not case.refusal]
    batches = [plain[i:i + options.batch] for i in range(0, len(plain), options.batch)] + [[case] for case in cases if case.refusal]
    root = pathlib.Path(options.keep or tempfile.mkdtemp(prefix="aten_ops_"))
    results = []
    try:
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            waiting = [pool.submit(settled, batch, form, options.nblocks, root / form / str(i), bool(options.keep))
                       for form in FORMS if options.form in (None, form) for i, batch in enumerate(batches)]
            for future in waiting:
                results += future.result()
    finally:
        if not options.keep:
            shutil.rmtree(root, ignore_errors=True)
    print(table(results))
    is_bad = False
    for case, form, state, why in results:
        is_wanted = state in ("pass", "refused", "export")  # --at-least counts them
        if case.refusal:
            is_wanted = state == "pass" if form in case.passes_as else state == "refused" and case.refusal in why
        is_bad = is_bad or not is_wanted
        if state != "pass":
            print(f"{state}: {case.name} ({form}): {why}")
    counts = collections.Counter(state for case, _, state, _ in results if not case.refusal)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps([[case.name, form, state, why] for case, form, state, why in results], indent=1) + "\n")
    print(f"{counts['pass']} of {sum(counts.values())} pass, {counts['refused']} refused, {counts['wrong']} wrong, {counts['crash']} crash, "
          f"{counts['export']} not exported, in {time.monotonic() - started:.0f} s")
    return 1 if is_bad or counts["pass"] < options.at_least else 0


if __name__ == "__main__":
    sys.exit(main())
