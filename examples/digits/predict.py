"""Runs the float and the int8 digit classifier on the virtual stm32h735g-dk, on real digit images.

Prints predictions beside labels, accuracy, memory, instructions, and where the files are.
Needs build/release/nblocks (./build.sh) and numpy.
"""

import json
import pathlib
import subprocess
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BOARD = "stm32h735g-dk"


def main():
    labels = np.load(HERE / "digits_test.npz")["y"]
    for model in ["digits.onnx", "digits_int8.tflite"]:
        out = ROOT / "out" / model.replace(".", "_")
        command = [str(ROOT / "build" / "release" / "nblocks"), "run", str(HERE / model), "-b", BOARD, "--json", "-q",
                   "--input", str(HERE / "digits_test.npz"), "--output", str(out), "--save-build", str(out / "build")]
        end = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if end.returncode != 0:
            return end.returncode
        report = json.loads(end.stdout)
        (out / "report.json").write_text(end.stdout)
        predicted = np.load(report["outputs"][0]["file"]).reshape(len(labels), -1).argmax(axis=1)
        print(f"{model} on {BOARD} ({report['machine']} under QEMU)")
        print("  label      " + " ".join(str(y) for y in labels[:24]))
        print("  predicted  " + " ".join(str(y) for y in predicted[:24]))
        print(f"  accuracy {np.mean(predicted == labels):.4f} on {len(labels)} images")
        print(f"  instructions {report['instructions']:,} an image, flash {report['flash']['total_bytes']:,} bytes, "
              f"RAM {report['ram']['total_bytes']:,} bytes (arena {report['ram']['arena_bytes']:,})")
        for layer in report["layers"]:
            print(f"    {layer['name'][:28]:28} {layer['kernel']:36} {layer['instructions']:>10,}")
        print(f"  program, firmware and report in {out.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
