"""Trains a 1-D CNN that tells from the current which appliance was switched on, and writes it in all formats.

Run: python examples/appliance/train.py     (about 90 s on one thread; the data is synthesised, see waveforms.py)
Needs: pip install torch==2.13.0 onnx onnxscript onnxruntime
Writes beside itself: appliance.onnx, appliance.pt2, appliance.pt, appliance_test.npz.
"""
import pathlib
import sys

import torch
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import onnx_export  # noqa: E402
import torch_formats  # noqa: E402
import waveforms  # noqa: E402


def convolution(inputs, outputs, width):
    return nn.Sequential(nn.Conv1d(inputs, outputs, width, stride=2, padding=width // 2, bias=False),
                         nn.BatchNorm1d(outputs), nn.ReLU())


class ApplianceCnn(nn.Module):
    """(N, 1, 160) amperes to (N, 6) logits; the current is first divided by its effective value."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(convolution(1, 8, 7), convolution(8, 16, 5), convolution(16, 24, 5))
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.dense = nn.Linear(24, len(waveforms.CLASSES))

    def forward(self, x):
        x = x / torch.sqrt(torch.mean(x * x, dim=2, keepdim=True) + 1e-6)
        return self.dense(torch.flatten(self.pool(self.features(x)), 1))


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
