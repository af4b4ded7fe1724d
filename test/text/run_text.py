"""Text tests of passes: a graph or a model before, the graph's text after.

A case is a folder-less pair test/text/NAME.in.txt and NAME.out.txt. The first lines of the .in.txt are comments:
  # pass: NAME            the pass that is run alone; or
  # stop-after: NAME      all passes up to it
  # board: NAME           (cortex-m4f if absent)
  # model: PATH           instead of graph text below, from the project's root
  # options: WORDS        more options of the command
The .out.txt holds what `nblocks analyze` prints on stdout, and then its notes and errors, each line behind "! ".
`--bless` writes what is printed now. Ends with "N passed, N failed".

usage: run_text.py NBLOCKS [--only TEXT] [--bless]
"""

import argparse
import difflib
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def printed(nblocks, case):
    """The text that a case gives now."""
    options = dict(re.findall(r"^# ([a-z-]+): (.+)$", case.read_text(), re.MULTILINE))
    model = ROOT / options["model"] if "model" in options else case
    command = [nblocks, "analyze", os.path.relpath(model, HERE), "-b", options.get("board", "cortex-m4f")]
    if "pass" in options:
        command += ["--from", options["pass"], "--stop-after", options["pass"]]
    else:
        command += ["--stop-after", options["stop-after"]]
    command += options.get("options", "").split()
    end = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=HERE)
    return end.stdout + "".join(f"! {line}\n" for line in end.stderr.splitlines())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nblocks")
    parser.add_argument("--only", default="")
    parser.add_argument("--bless", action="store_true")
    arguments = parser.parse_args()
    passed = failed = 0
    nblocks = os.path.abspath(arguments.nblocks)
    for case in sorted(HERE.glob("*.in.txt")):
        if arguments.only not in case.name:
            continue
        wanted_file = case.with_name(case.name.replace(".in.txt", ".out.txt"))
        wanted = wanted_file.read_text() if wanted_file.exists() else ""
        text = printed(nblocks, case)
        if arguments.bless:
            wanted_file.write_text(text)
        if text == wanted or arguments.bless:
            passed += 1
            continue
        failed += 1
        print(f"FAILED {case.name}")
        sys.stdout.writelines(difflib.unified_diff(wanted.splitlines(True), text.splitlines(True), wanted_file.name, "printed"))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
