"""Trains a Transformer encoder that finds arcing and bouncing contacts in the current, and writes it in all formats.

Run: python examples/arc_fault/train.py     (about 2 minutes on one thread; the data is synthesised, see contact.py)
Needs: pip install torch==2.13.0 onnx onnxscript onnxruntime
Writes beside itself: arc_fault.onnx, arc_fault.pt2, arc_fault.pt, arc_fault_test.npz.
"""
import pathlib
import sys

import torch
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import contact  # noqa: E402
import onnx_export  # noqa: E402
import torch_formats  # noqa: E402

WIDTH = 24


class ArcEncoder(nn.Module):
    """(N, 16, 16) amperes, a token each half wave, to (N, 3) logits."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(contact.SAMPLES, WIDTH)
        self.position = nn.Parameter(0.02 * torch.randn(1, contact.HALF_WAVES, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, nhead=4, dim_feedforward=48, dropout=0.0, activation="gelu",
                                           batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2, norm=nn.LayerNorm(WIDTH), enable_nested_tensor=False)
        self.dense = nn.Linear(WIDTH, len(contact.CLASSES))

    def forward(self, x):
        x = x / (x.abs().amax(dim=(1, 2), keepdim=True) + 0.05)
        x = self.encoder(self.embed(x) + self.position)
        return self.dense(x.mean(dim=1))


def main():
    onnx_export.start(seed=7)
    torch_formats.train_classifier(ArcEncoder(), contact.half_waves(9000, seed=1), contact.half_waves(1800, seed=2),
                                   HERE / "arc_fault", kept=120, epochs=30, learning_rate=0.004)


if __name__ == "__main__":
    main()
