"""Trains a small MLP with batch normalization on the breast cancer data and writes it in all formats.

Run: python examples/mlp/train.py        (about 10 s on one thread; the data is in scikit-learn)
Needs: pip install torch==2.13.0 scikit-learn onnx onnxscript onnxruntime
Writes beside itself: mlp.onnx (symbolic batch), mlp.pt2, mlp.pt, mlp_test.npz.
"""
import pathlib
import sys

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import onnx_export  # noqa: E402
import torch_formats  # noqa: E402


def build():
    """(N, 30) raw measurements to (N, 2) logits; the first layer scales the measurements."""
    return nn.Sequential(nn.BatchNorm1d(30), nn.Linear(30, 24), nn.ReLU(), nn.BatchNorm1d(24),
                         nn.Linear(24, 12), nn.BatchNorm1d(12), nn.Tanh(), nn.Linear(12, 2))


def main():
    onnx_export.start(seed=7)
    x, y = load_breast_cancer(return_X_y=True)
    x, y = x.astype(np.float32), y.astype(np.int64)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=143, stratify=y, random_state=0)

    model = build()
    onnx_export.fit(model, x_train, y_train, epochs=30, learning_rate=0.005)

    onnx_export.export(model, x_test[:2], HERE / "mlp.onnx", dynamic_batch=True)
    logits = onnx_export.run_onnx(HERE / "mlp.onnx", x_test)
    torch_formats.write_pt2(model, x_test[:1], HERE / "mlp.pt2")
    torch_formats.write_traced(model, x_test[:1], HERE / "mlp.pt")
    np.savez_compressed(HERE / "mlp_test.npz", x=x_test, y=y_test, expected_float=logits,
                        out0=torch_formats.outputs(model, x_test))
    print(f"train {len(x_train)}, test {len(x_test)}, parameters {torch_formats.parameters(model)}")
    print(f"expected_float: test accuracy {onnx_export.accuracy(logits, y_test):.4f}")


if __name__ == "__main__":
    main()
