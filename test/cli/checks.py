"""What tests of the command line share: commands in a folder of their own, under limits of time and memory, and counts
of what does not hold.

A test is a function of Checks under @test; main() runs those of one file and ends with "N checks, N failed, N skipped".
"""
import argparse
import os
import pathlib
import resource
import subprocess
import tempfile
import time

import numpy as np
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
DIGITS, INT8 = EXAMPLES / "digits/digits.onnx", EXAMPLES / "digits/digits_int8.tflite"
LIMIT_SECONDS, LIMIT_BYTES = 10, 3 << 30
F32 = TensorProto.FLOAT
TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Skipped(Exception):
    pass


class Run:
    """One finished command."""

    def __init__(self, end, seconds):
        self.code, self.seconds = end.returncode, seconds
        self.out, self.err = (stream.decode("utf-8", "replace") for stream in (end.stdout, end.stderr))


class Checks:
    """Runs nblocks in a folder of its own and counts what does not hold."""

    def __init__(self, nblocks, folder):
        self.nblocks, self.folder, self.count, self.failures = nblocks, folder, 0, []
        self.is_sanitized = b"__asan_init" in pathlib.Path(nblocks).read_bytes()

    def path(self, name):
        return self.folder / name

    def check(self, holds, text):
        self.count += 1
        if not holds:
            self.failures.append(text)

    def run(self, *arguments, env=None, limit=True):
        def set_limit():
            if limit and not self.is_sanitized:  # shadow memory takes terabytes of addresses
                resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))

        start = time.monotonic()
        try:
            end = subprocess.run([self.nblocks, *map(str, arguments)], capture_output=True, env=env, cwd=self.folder,
                                 timeout=120, preexec_fn=set_limit)
        except subprocess.TimeoutExpired:
            self.check(False, f"{arguments}: no end in 120 s")
            return None
        return Run(end, time.monotonic() - start)

    def expect(self, code, kind, *arguments, says=(), env=None, seconds=LIMIT_SECONDS):
        """The command's exit code, the kind in its first error, and words in its text."""
        end = self.run(*arguments, env=env)
        if end is None:
            return None
        shown = " ".join(map(str, arguments))[-160:]
        first = next((line for line in end.err.splitlines() if line.startswith("error[")), "")
        self.check(end.code == code, f"{shown}: exit {end.code}, not {code}: {end.err[:300]!r}")
        if kind:
            self.check(first.startswith(f"error[{kind}]"), f"{shown}: says {first[:200]!r}, not {kind}")
        for word in says:
            self.check(word in end.err, f"{shown}: does not say {word!r}: {end.err[:600]!r}")
        self.check(end.seconds < seconds, f"{shown}: {end.seconds:.1f} s")
        self.check(len(end.err) < 200_000, f"{shown}: {len(end.err)} bytes of text")
        return end

    def write(self, name, content):
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def model(self, name, nodes, inputs, outputs, constants=()):
        graph = helper.make_graph(
            nodes, "g", [helper.make_tensor_value_info(n, t, s) for n, t, s in inputs],
            [helper.make_empty_tensor_value_info(n) for n in outputs],
            [c if isinstance(c, TensorProto) else numpy_helper.from_array(np.asarray(c[1]), c[0]) for c in constants])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
        return self.write(name, model.SerializeToString())

    def relu(self, name, shape, dtype=F32):
        return self.model(name, [helper.make_node("Relu", ["x"], ["y"])], [("x", dtype, shape)], ["y"])

    def only_files(self, folder, allowed=()):
        left = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()) if folder.exists() else []
        return [name for name in left if name not in allowed]


def main():
    """Runs the tests of the program's file; its exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("nblocks")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    count = failed = skipped = 0
    for function in TESTS:
        if arguments.only not in function.__name__:
            continue
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            checks = Checks(os.path.abspath(arguments.nblocks), pathlib.Path(folder))
            try:
                function(checks)
            except Skipped as why:
                print(f"skipped {function.__name__}: {why}")
                skipped += 1
        for failure in checks.failures:
            print(f"FAILED {function.__name__}: {failure}")
        count += checks.count
        failed += len(checks.failures)
        print(f"{function.__name__}: {checks.count} checks, {time.monotonic() - start:.1f} s", flush=True)
    print(f"{count} checks, {failed} failed, {skipped} skipped")
    return 1 if failed else 0
