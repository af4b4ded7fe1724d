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
    x_train, y_train = waveforms.currents(6000, seed=1)
    x_test, y_test = waveforms.currents(1800, seed=2)
    model = ApplianceCnn()
    onnx_export.fit(model, x_train, y_train, epochs=30, learning_rate=0.005)

    accuracy = onnx_export.accuracy(torch_formats.outputs(model, x_test), y_test)
    print(f"train {len(x_train)}, test {len(x_test)}, parameters {torch_formats.parameters(model)}")
    print(f"test accuracy {accuracy:.4f}")
    logits = torch_formats.write(model, x_test[:180], y_test[:180], HERE / "appliance")
    print(f"of the {len(logits)} samples in appliance_test.npz {onnx_export.accuracy(logits, y_test[:180]):.4f}")


if __name__ == "__main__":
    main()
