#!/usr/bin/env python3
"""What counting costs: processor time of QEMU with the plugin against plain QEMU, by what is counted.

    bench/timing/plugin_cost.py NBLOCKS ELF... --boards B,B [--from SYMBOL --to SYMBOL] [--runs N]

Medians of N runs in turn (default 9), user time. counts: translation blocks alone. edges: what follows what.
caches: all that `nblocks time` asks for, with the caches of the board.
"""
import argparse
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile

# Stands for QEMU once, and keeps how it was called and the files that the plugin reads.
KEEP = """#!/bin/sh
printf '%s\\n' "$@" > "{kept}/arguments"
cp nb_*.txt "{kept}/" 2> /dev/null
exec "{qemu}" "$@"
"""


def asked_of_qemu(nblocks, firmware, board, passage, folder):
    """QEMU's arguments when nblocks times the firmware; what the plugin reads lies in the folder then."""
    wrappers = folder / "bin"
    wrappers.mkdir(exist_ok=True)
    for name in ("qemu-system-arm", "qemu-system-riscv32"):
        wrapper = wrappers / name
        wrapper.write_text(KEEP.format(kept=folder, qemu=shutil.which(name)), encoding="utf-8")
        wrapper.chmod(0o755)
    done = subprocess.run([nblocks, "time", firmware, "-b", board, *passage, "-q"], capture_output=True, text=True,
                          check=False, env={**os.environ, "PATH": f"{wrappers}:{os.environ['PATH']}"})
    if done.returncode != 0:
        sys.exit(f"{firmware} on {board}: {done.stderr[:400]}")
    return (folder / "arguments").read_text(encoding="utf-8").splitlines()


def seconds(command, folder):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nblocks")
    parser.add_argument("firmware", nargs="+")
    parser.add_argument("--boards", required=True)
    parser.add_argument("--from", dest="begin")
    parser.add_argument("--to", dest="end")
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    nblocks = str(pathlib.Path(options.nblocks).resolve())
    passage = [word for name, value in (("--from", options.begin), ("--to", options.end)) if value
               for word in (name, value)]
    print(f"{'firmware':28} {'board':18} plain s  counts   edges  caches   times plain")
    worst = dict.fromkeys(("counts", "edges", "caches"), 0.0)
    for firmware in map(pathlib.Path, options.firmware):
        name = firmware.parent.name if firmware.stem == "firmware" else firmware.stem
        for board in options.boards.split(","):
            with tempfile.TemporaryDirectory() as kept:
                folder = pathlib.Path(kept)
                arguments = asked_of_qemu(nblocks, firmware, board, passage, folder)
                at = arguments.index("-plugin")
                before, plugin, behind = arguments[:at], arguments[at + 1], arguments[at + 2:]
                qemu = shutil.which("qemu-system-riscv32" if "virt" in before else "qemu-system-arm")
                alone = plugin.partition(",")[0] + ",out=nb_counts.txt"
                ways = {"plain": [], "counts": ["-plugin", alone], "edges": ["-plugin", alone + ",edges=1"],
                        "caches": ["-plugin", plugin]}
                times = {way: [] for way in ways}
                for _ in range(options.runs):
                    for way, words in ways.items():
                        times[way].append(seconds([qemu, *before, *words, *behind], folder))
            plain = statistics.median(times["plain"])
            ratios = {way: statistics.median(times[way]) / plain for way in worst}
            worst = {way: max(worst[way], ratio) for way, ratio in ratios.items()}
            print(f"{name:28.28} {board:18.18} {plain:7.3f}" + "".join(f" {ratio:7.2f}" for ratio in ratios.values()),
                  flush=True)
    print("worst: " + ", ".join(f"{way} {ratio:.2f}" for way, ratio in worst.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
