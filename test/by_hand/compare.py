"""Runs the digit classifier built by hand and the emitted one on the same images: their bytes must be equal.

Also: the table of weights is what its script makes of the model; the network compiles freestanding for every compiler
that is there; and the code that docs/by-hand.md and README.md show is that of the example and of emitted programs.

usage: compare.py NBLOCKS BY_HAND
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIGITS, BY_HAND = ROOT / "examples" / "digits", ROOT / "examples" / "by_hand"
COMPILERS = [["g++"], ["clang++"], ["arm-none-eabi-g++", "-mthumb", "-mcpu=cortex-m4"],
             ["riscv64-unknown-elf-g++", "-march=rv32imc", "-mabi=ilp32", "-misa-spec=2.2"]]
FLAGS = ["-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fno-exceptions", "-fno-rtti"]


def generated(nblocks, board, folder):
    """The source that `nblocks generate` writes for the digit classifier."""
    subprocess.run([nblocks, "generate", DIGITS / "digits_int8.tflite", "-b", board, "-q", "-o", f"{folder}/{board}"],
                   check=True, stdout=subprocess.DEVNULL)
    return pathlib.Path(f"{folder}/{board}/src/digits_int8.cc").read_text()


def check_page(page, sources):
    """Every line of C++ that the page shows stands in one of the sources, but for the numbers of values."""
    def plain(line):
        return re.sub(r"%\d+", "%", line.strip())

    known = {plain(line) for source in sources for line in source.splitlines()}
    shown = "".join((ROOT / page).read_text().split("```cpp\n")[i].split("```")[0]
                    for i in range(1, (ROOT / page).read_text().count("```cpp\n") + 1))
    for line in shown.splitlines():
        assert plain(line) in known | {""}, f"{page} shows a line that is not there: {line}"


def main():
    nblocks, by_hand = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        table = pathlib.Path(folder) / "weights.h"
        subprocess.run([sys.executable, BY_HAND / "weights.py", table], check=True)
        assert table.read_text() == (BY_HAND / "weights.h").read_text(), "weights.h is not what weights.py makes"

        for compiler in COMPILERS:
            if shutil.which(compiler[0]) is None:
                print(f"skipped {compiler[0]}: not on PATH")
                continue
            subprocess.run([*compiler, *FLAGS, f"-I{ROOT}", "-c", BY_HAND / "digits.cc", "-o", f"{folder}/digits.o"],
                           check=True)

        check_page("docs/by-hand.md", [(BY_HAND / "digits.cc").read_text(), generated(nblocks, "rv32imc", folder)])
        check_page("README.md", [generated(nblocks, "stm32h735g-dk", folder)])

        images = np.load(DIGITS / "digits_test.npz")["image"]
        hand = subprocess.run([by_hand], input=images.tobytes(), stdout=subprocess.PIPE, check=True).stdout
        np.save(f"{folder}/image.npy", images)
        run = subprocess.run([nblocks, "run", DIGITS / "digits_int8.tflite", "-b", "host", "-q", "--json", "--input",
                              f"{folder}/image.npy", "--output", folder], check=True, stdout=subprocess.PIPE)
        emitted = np.load(json.loads(run.stdout)["outputs"][0]["file"]).tobytes()
        assert hand == emitted, "the logits by hand and those of the emitted program differ"
        print(f"{len(images)} images, {len(hand)} bytes: equal")


if __name__ == "__main__":
    main()
