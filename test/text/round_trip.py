"""Graph text of every phase prints, parses and prints again as the same bytes, for every model at hand.

Models are those of examples/ and, where they are, of ../shared/models. Compilation goes on from the text to the
same planned graph. Ends with "N passed, N failed".

usage: round_trip.py NBLOCKS [--only TEXT] [--every-pass]
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "models"
LAST = "plan-memory"


def analyze(nblocks, model, stop_after, output, start=None):
    """Writes the graph's text; whether that went well."""
    command = [nblocks, "analyze", str(model), "-q", "-b", "cortex-m4f", "--stop-after", stop_after, "-o", str(output)]
    end = subprocess.run(command + (["--from", start] if start else []), capture_output=True, text=True, timeout=120)
    return end.returncode == 0, end.stderr


def check(nblocks, model, passes, is_every, folder):
    """What went wrong with a model, or nothing. Models that do not compile are not judged here."""
    whole = folder / "whole.txt"
    if not analyze(nblocks, model, LAST, whole)[0]:
        return ""
    for name in passes:
        first, again, resumed = folder / "first.txt", folder / "again.txt", folder / "resumed.txt"
        done, error = analyze(nblocks, model, name, first)
        if not done:
            return f"after {name}: {error[:300]}"
        # No pass of the line needs the graph as it is printed here: reading and printing is all that happens.
        done, error = analyze(nblocks, first, "read", again)
        if not done:
            return f"parsing the text after {name}: {error[:300]}"
        texts = [path.read_text().replace(path.stem + ".bin", "") for path in (first, again)]
        if texts[0] != texts[1] or first.with_suffix(".bin").read_bytes() != again.with_suffix(".bin").read_bytes():
            return f"the text after {name} changes when parsed and printed"
        if name == LAST:
            continue
        following = passes[passes.index(name) + 1] if is_every and name != "read" else None
        done, error = analyze(nblocks, first, LAST, resumed, following)
        if not done:
            return f"going on after {name}: {error[:300]}"
        texts = [path.read_text().replace(path.stem + ".bin", "") for path in (whole, resumed)]
        if texts[0] != texts[1]:
            return f"going on from the text after {name} gives another program"
    return ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nblocks")
    parser.add_argument("--only", default="")
    parser.add_argument("--every-pass", action="store_true")
    arguments = parser.parse_args()
    listed = subprocess.run([arguments.nblocks, "explain", "passes"], capture_output=True, text=True, check=True)
    passes = ["read"] + [line.split()[0] for line in listed.stdout.splitlines() if "->" in line]
    if not arguments.every_pass:
        passes = ["read", "fuse-qdq", LAST]
    passed = failed = 0
    models = sorted((ROOT / "examples").glob("*/*.onnx")) + sorted((ROOT / "examples").glob("*/*.tflite"))
    for folder in ("tflite", "corpus"):
        for suffix in ("onnx", "tflite"):
            models += sorted((SHARED / folder).glob(f"*/*.{suffix}")) if SHARED.is_dir() else []
    for model in models:
        if arguments.only not in str(model):
            continue
        with tempfile.TemporaryDirectory() as folder:
            why = check(arguments.nblocks, model, passes, arguments.every_pass, pathlib.Path(folder))
        passed += not why
        failed += bool(why)
        if why:
            print(f"FAILED {model}: {why}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
