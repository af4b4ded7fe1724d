"""Trains a small LSTM that tells how strongly a noisy oscillation is damped and writes it as float ONNX.

The signal is the free response of a mass on a spring with a viscous damper, sampled at 100 Hz for 0.64 s:
    x(t) = A exp(-zeta w t) cos(w sqrt(1 - zeta^2) t + phi) + n(t),  w = 2 pi f
    A in [0.5, 1.5], f in [3, 8] Hz, phi in [0, 2 pi), all uniform; n(t) white Gaussian noise, sigma = 0.2
The class is the range of damping ratio zeta (uniform in it): 0: 0.005..0.02, 1: 0.05..0.10, 2: 0.20..0.40.

Run: python examples/lstm/train.py       (about 15 s on one thread; the data is computed)
Needs: pip install torch==2.13.0 onnx onnxscript onnxruntime
Writes beside itself: lstm.onnx, lstm_test.npz.
"""
import pathlib
import sys

import numpy as np
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import onnx_export  # noqa: E402

SAMPLE_RATE_HZ = 100
STEPS = 64
NOISE_SIGMA = 0.2
DAMPING_RATIO = np.array([[0.005, 0.02], [0.05, 0.10], [0.20, 0.40]])


def oscillations(count, seed):
    """(count, STEPS, 1) float32 signals and their (count) int64 classes, equally many of each class."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % len(DAMPING_RATIO)
    low, high = DAMPING_RATIO[labels].T[:, :, None]
    zeta = low + (high - low) * random.random((count, 1))
    amplitude = random.uniform(0.5, 1.5, (count, 1))
    omega = 2 * np.pi * random.uniform(3, 8, (count, 1))
    phase = random.uniform(0, 2 * np.pi, (count, 1))
    t = np.arange(STEPS) / SAMPLE_RATE_HZ
    signal = amplitude * np.exp(-zeta * omega * t) * np.cos(omega * np.sqrt(1 - zeta**2) * t + phase)
    signal += NOISE_SIGMA * random.standard_normal(signal.shape)
    return signal[:, :, None].astype(np.float32), labels.astype(np.int64)


class DampingLstm(nn.Module):
    """(N, STEPS, 1) signal to (N, 3) logits from the hidden state after the last step."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 20, batch_first=True)
        self.dense = nn.Linear(20, len(DAMPING_RATIO))

    def forward(self, x):
        states, _ = self.lstm(x)
        return self.dense(states[:, -1])


def main():
    onnx_export.start(seed=7)
    x_train, y_train = oscillations(3000, seed=1)
    x_test, y_test = oscillations(300, seed=2)

    model = DampingLstm()
    onnx_export.fit(model, x_train, y_train, epochs=40, learning_rate=0.01)

    onnx_export.export(model, x_test[:1], HERE / "lstm.onnx")
    logits = onnx_export.run_onnx(HERE / "lstm.onnx", x_test)
    np.savez_compressed(HERE / "lstm_test.npz", x=x_test, y=y_test, expected_float=logits)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"train {len(x_train)}, test {len(x_test)}, parameters {parameters}")
    print(f"expected_float: test accuracy {onnx_export.accuracy(logits, y_test):.4f}")


if __name__ == "__main__":
    main()
