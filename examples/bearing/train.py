"""Trains a 2-D CNN that finds damage of a ball bearing in spectra of its vibration, and writes it in all formats.

Run: python examples/bearing/train.py       (about 90 s on one thread; the data is synthesised, see vibration.py)
Needs: pip install torch==2.13.0 onnx onnxscript onnxruntime
Writes beside itself: bearing.onnx, bearing.pt2, bearing.pt, bearing_test.npz.
"""
import pathlib
import sys

import torch
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import onnx_export  # noqa: E402
import torch_formats  # noqa: E402
import vibration  # noqa: E402


class BearingCnn(nn.Module):
    """(N, 1, 64, 15) dB by frame and band to (N, 4) logits. The first batch normalization scales the dB."""

    def __init__(self):
        super().__init__()
        self.scale = nn.BatchNorm2d(1)
        self.conv1 = nn.Conv2d(1, 8, (7, 3), padding=(3, 1))
        self.conv2 = nn.Conv2d(8, 16, (9, 3), stride=(2, 1), padding=(4, 1))
        self.conv3 = nn.Conv2d(16, 16, (9, 3), padding=(4, 1))
        self.pool = nn.MaxPool2d((1, 2))
        self.dense = nn.Linear(16 * 3, len(vibration.CLASSES))

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(self.scale(x))))
        x = self.pool(torch.relu(self.conv2(x)))
        x = torch.relu(self.conv3(x))
        x = nn.functional.avg_pool2d(x, (32, 1))
        return self.dense(torch.flatten(x, 1))


def main():
    onnx_export.start(seed=7)
    x_train, y_train = vibration.spectra(6000, seed=1)
    x_test, y_test = vibration.spectra(2000, seed=2)
    torch_formats.train_classifier(BearingCnn(), (x_train[:, None], y_train), (x_test[:, None], y_test),
                                   HERE / "bearing", kept=60, epochs=14, learning_rate=0.005)


if __name__ == "__main__":
    main()
