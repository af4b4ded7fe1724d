"""Trains a 1-D CNN that tells from the current which appliance was switched on, and writes it in all formats.

Run: python examples/appliance/train.py     (about 90 s on one thread; the data is synthesised, see waveforms.py)
Needs: pip install torch==2.13.0 onnx onnxscript onnxruntime
Writes beside itself: appliance.onnx, appliance.pt2, appliance.pt, appliance_test.npz.
"""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import onnx_export  # noqa: E402
import torch_formats  # noqa: E402
import waveforms  # noqa: E402
from network import ApplianceCnn  # noqa: E402


def main():
    onnx_export.start(seed=7)
    torch_formats.train_classifier(ApplianceCnn(), waveforms.currents(6000, seed=1), waveforms.currents(1800, seed=2),
                                   HERE / "appliance", kept=180, epochs=30, learning_rate=0.005)


if __name__ == "__main__":
    main()
