"""Runs the digit classifier built by hand and the emitted one on the same images: their bytes must be equal.

Also: the table of weights is what its script makes of the model, and the network compiles freestanding for every
compiler that is there.

usage: compare.py NBLOCKS BY_HAND
"""
import json
import pathlib
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
