"""Trains a Transformer encoder that finds faults of a circuit breaker in the vibration of its closing.

Run: python examples/switchgear/train.py [--size short|small]      (about 15 minutes on one thread; the others 7 and 3)
Needs: pip install torch==2.13.0 onnx onnxscript
Writes beside itself: switchgear.onnx, switchgear.pt2, switchgear_test.npz, switchgear_calibration.npz; of another size
switchgear_SIZE.pt2, which takes the same input. The data is synthesised, see operation.py.
"""
import argparse
import dataclasses
import pathlib
import sys

import numpy as np
import torch
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import onnx_export  # noqa: E402
import operation  # noqa: E402
import torch_formats  # noqa: E402

TRAIN, TEST, CALIBRATION = 14000, 700, 105
TEST_SEED = 3  # drawn once, when the task and the network stood as they are: its accuracy chose nothing
EPOCHS, BATCH, LEARNING_RATE = 9, 32, 0.0015


@dataclasses.dataclass
class Size:
    frames: int  # in a token
    width: int
    heads: int
    hidden: int
    layers: int


SIZES = {"full": Size(1, 96, 6, 256, 3), "short": Size(2, 96, 6, 256, 3), "small": Size(2, 64, 4, 128, 2)}


def waves(tokens, width):
    """(1, tokens, width): sines and cosines of the position, where the learned positions begin."""
    angles = torch.arange(tokens)[:, None] * 1000.0 ** (-torch.arange(0, width, 2) / width)
    return 0.5 * torch.stack([angles.sin(), angles.cos()], dim=2).reshape(1, tokens, width)


class SwitchgearEncoder(nn.Module):
    """(N, 176, 24) dB by frame and band to (N, 7) logits."""

    def __init__(self, size):
        super().__init__()
        self.tokens = operation.FRAMES // size.frames
        self.embed = nn.Linear(size.frames * operation.BANDS, size.width)
        self.position = nn.Parameter(waves(self.tokens, size.width))
        layer = nn.TransformerEncoderLayer(size.width, size.heads, size.hidden, dropout=0.0, activation="gelu",
                                           batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, size.layers, norm=nn.LayerNorm(size.width),
                                             enable_nested_tensor=False)
        self.dense = nn.Linear(size.width, len(operation.CLASSES))

    def forward(self, x):
        x = (x + 26) / 17  # mean and deviation of the training set
        if self.tokens != operation.FRAMES:
            x = x.reshape(-1, self.tokens, self.embed.in_features)
        x = self.encoder(self.embed(x) + self.position)
        return self.dense(x.mean(dim=1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", choices=SIZES, default="full")
    name = parser.parse_args().size
    onnx_export.start(seed=7)
    x_train, y_train = operation.spectrograms(TRAIN, seed=1)
    x, y = operation.spectrograms(TEST, seed=TEST_SEED)
    model = SwitchgearEncoder(SIZES[name])
    onnx_export.fit(model, x_train, y_train, EPOCHS, LEARNING_RATE, BATCH)
    out0 = torch_formats.outputs(model, x)
    print(f"train {TRAIN}, test {TEST}, parameters {torch_formats.parameters(model)}")
    print(f"test accuracy {onnx_export.accuracy(out0, y):.4f}")
    if name != "full":
        torch_formats.write_pt2(model, x[:1], HERE / f"switchgear_{name}.pt2")
        return
    torch_formats.write_pt2(model, x[:1], HERE / "switchgear.pt2")
    onnx_export.export(model, x[:1], HERE / "switchgear.onnx")
    # Whole decibels: two bytes hold them exactly.
    np.savez_compressed(HERE / "switchgear_test.npz", x=x.astype(np.float16), y=y, out0=out0)
    np.savez_compressed(HERE / "switchgear_calibration.npz", x=x_train[:CALIBRATION].astype(np.float16))


if __name__ == "__main__":
    main()
