"""Trains an LSTM or a GRU that forecasts a room's temperature one hour ahead, and writes it in all formats.

Run: python examples/room/train.py [--cell lstm|gru]
     (about 60 s on one thread; the data is synthesised, see climate.py)
Needs: pip install torch==2.13.0 onnx onnxscript onnxruntime
Writes beside itself: room_lstm.onnx, room_lstm.pt2, room_lstm.pt, room_lstm_test.npz (or room_gru...).
"""
import argparse
import pathlib
import sys

import torch
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import climate  # noqa: E402
import onnx_export  # noqa: E402
import torch_formats  # noqa: E402


class RoomForecast(nn.Module):
    """(N, 24, 6) features as climate.FEATURES to (N, 1) deg C in an hour: the last temperature and a learned change."""

    def __init__(self, cell, x):
        super().__init__()
        self.register_buffer("mean", x.mean((0, 1)))
        self.register_buffer("scale", 1 / x.std((0, 1)))
        self.recurrent = {"lstm": nn.LSTM, "gru": nn.GRU}[cell](x.shape[2], 24, batch_first=True)
        self.dense = nn.Linear(24, 1)

    def forward(self, x):
        states, _ = self.recurrent((x - self.mean) * self.scale)
        return x[:, -1, :1] + self.dense(states[:, -1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cell", choices=["lstm", "gru"], default="lstm")
    cell = parser.parse_args().cell
    onnx_export.start(seed=7)
    x_train, y_train = climate.windows(8000, seed=1)
    x_test, y_test = climate.windows(2000, seed=2)
    model = RoomForecast(cell, torch.from_numpy(x_train))
    onnx_export.fit(model, x_train, y_train, epochs=25, learning_rate=0.01, loss=nn.functional.mse_loss)

    print(f"train {len(x_train)}, test {len(x_test)}, parameters {torch_formats.parameters(model)}")
    print(f"test RMSE {climate.rmse(torch_formats.outputs(model, x_test), y_test):.3f} K; "
          f"as now: {climate.rmse(x_test[:, -1, :1], y_test):.3f} K; "
          f"linear: {climate.linear_rmse(x_train, y_train, x_test, y_test):.3f} K")
    forecast = torch_formats.write(model, x_test[:150], y_test[:150], HERE / f"room_{cell}", "room_degc")
    print(f"of the {len(forecast)} samples in room_{cell}_test.npz {climate.rmse(forecast, y_test[:150]):.3f} K")


if __name__ == "__main__":
    main()
