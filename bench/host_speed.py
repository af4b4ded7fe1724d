"""Host speed of emitted float programs beside LiteRT's built-in kernels: one thread, the same models, one run.

Needs ../shared/models/tflite and the package ai-edge-litert. The best of several runs counts on both sides; inputs are
zeros. Exit code 1 when a program is slower than LiteRT.

usage: host_speed.py [NBLOCKS] [--only TEXT]
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

from ai_edge_litert.interpreter import Interpreter, OpResolverType

ROOT = pathlib.Path(__file__).resolve().parents[1]
MODELS = ROOT.parent / "shared" / "models" / "tflite"
RUNS = {"kws_ref_model_float32": 60, "pretrainedResnet": 30, "vww_96_float": 30, "ad01_fp32": 300}
ROUNDS = 3
MAIN = """#include <cstdio>
#include <ctime>
#include "m.h"
alignas(64) static unsigned char arena[M_ARENA_BYTES];
int main() {
  double best = 1e9;
  m_reset(arena);
  for (int run = 0; run < RUNS; ++run) {
    timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    m_run(arena);
    clock_gettime(CLOCK_MONOTONIC, &b);
    const double us = (b.tv_sec - a.tv_sec) * 1e6 + (b.tv_nsec - a.tv_nsec) / 1e3;
    if (us < best) best = us;
  }
  std::printf("%f", best);
}
"""


def build(nblocks, model, folder, runs):
    """The program that times the emitted code; prints microseconds."""
    subprocess.run([nblocks, "generate", model, "-b", "host", "-o", folder / "m", "--name", "m", "-q"], check=True,
                   capture_output=True)
    (folder / "main.cc").write_text(MAIN)
    subprocess.run(["c++", "-std=c++17", "-O3", "-ffp-contract=off", f"-DRUNS={runs}", f"-I{folder}/m/include",
                    f"-I{folder}/m/src", f"-I{folder}/m", folder / "main.cc", folder / "m/src/m.cc", "-o", folder / "time"],
                   check=True)
    return folder / "time"


def litert_us(interpreter, runs):
    best = float("inf")
    for _ in range(runs):
        start = time.perf_counter()
        interpreter.invoke()
        best = min(best, time.perf_counter() - start)
    return best * 1e6


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nblocks", nargs="?", default=ROOT / "build/release/nblocks")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    slower = 0
    print("| model | nblocks, us | LiteRT, us | ratio |\n|---|---|---|---|")
    for name, runs in RUNS.items():
        if arguments.only not in name:
            continue
        model = MODELS / name / "model.tflite"
        with tempfile.TemporaryDirectory() as work:
            program = build(arguments.nblocks, model, pathlib.Path(work), runs)
            interpreter = Interpreter(str(model), num_threads=1,
                                      experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
            interpreter.allocate_tensors()
            ours = theirs = float("inf")
            for _ in range(ROUNDS):
                ours = min(ours, float(subprocess.run([program], capture_output=True, text=True, check=True).stdout))
                theirs = min(theirs, litert_us(interpreter, runs))
        print(f"| {name} | {ours:.0f} | {theirs:.0f} | {ours / theirs:.2f} |", flush=True)
        slower += ours > theirs
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
