"""Trains a small CNN on scikit-learn's digits and writes it as float ONNX, int8 ONNX and int8 TFLite.

Run: python examples/digits/train.py     (about 10 s on one thread; the data is in scikit-learn)
Needs: pip install torch==2.13.0 scikit-learn onnx onnxscript onnxruntime flatbuffers tflite
       pip install --pre tflite-micro    (reference outputs of the .tflite file)
Writes beside itself: digits.onnx, digits_int8.onnx, digits_int8.tflite, digits_test.npz.
"""
import pathlib
import sys
import tempfile

import numpy as np
import torch
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType
from onnxruntime.quantization import quantize_static
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import onnx_export  # noqa: E402
import tflite_file  # noqa: E402

CALIBRATION_SAMPLES = 200


class DigitsCnn(nn.Module):
    """(N, 1, 8, 8) pixels in [0, 1] to (N, 10) logits."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.depthwise = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.dense = nn.Linear(16 * 4 * 4, 10)

    def forward(self, x):
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        x = self.pool(x)
        x = torch.relu(self.depthwise(x))
        return self.dense(torch.flatten(x, 1))


class Calibration(CalibrationDataReader):
    """Hands the calibration images to ONNX Runtime one by one."""

    def __init__(self, x):
        self.rows = iter(x)

    def get_next(self):
        row = next(self.rows, None)
        return None if row is None else {"x": row[None]}


def write_int8_onnx(float_path, path, calibration):
    """QDQ form: int8 activations (asymmetric, min-max), int8 weights with one scale an output channel."""
    with tempfile.TemporaryDirectory() as folder:
        draft = pathlib.Path(folder) / "draft.onnx"
        quantize_static(str(float_path), str(draft), Calibration(calibration), quant_format=QuantFormat.QDQ,
                        per_channel=True, activation_type=QuantType.QInt8, weight_type=QuantType.QInt8,
                        calibrate_method=CalibrationMethod.MinMax)
        onnx_export.write_clean(onnx_export.onnx.load(draft), path)


def write_int8_tflite(model, path, calibration):
    """The same network in NHWC, calibrated on the same images; int8 input "image", int8 output "logits"."""
    with torch.no_grad():
        x = torch.from_numpy(calibration)
        conv1 = torch.relu(model.conv1(x))
        conv2 = torch.relu(model.conv2(conv1))
        depthwise = torch.relu(model.depthwise(model.pool(conv2)))
        logits = model.dense(torch.flatten(depthwise, 1))
    weights = {name: value.detach().numpy() for name, value in model.named_parameters()}
    # Weights OHWI, depthwise 1HWC; the dense layer's columns follow the NHWC order of the flattened image.
    dense = weights["dense.weight"].reshape(10, 16, 4, 4).transpose(0, 2, 3, 1).reshape(10, 256)
    file = tflite_file.Int8Model("image", (1, 8, 8, 1), tflite_file.activation_range(x.numpy()))
    file.conv2d("conv1", weights["conv1.weight"].transpose(0, 2, 3, 1), weights["conv1.bias"],
                tflite_file.activation_range(conv1.numpy()))
    file.conv2d("conv2", weights["conv2.weight"].transpose(0, 2, 3, 1), weights["conv2.bias"],
                tflite_file.activation_range(conv2.numpy()))
    file.max_pool("pool")
    file.depthwise_conv2d("depthwise", weights["depthwise.weight"].transpose(1, 2, 3, 0),
                          weights["depthwise.bias"], tflite_file.activation_range(depthwise.numpy()))
    file.flatten("flatten")
    file.dense("logits", dense, weights["dense.bias"], tflite_file.activation_range(logits.numpy()))
    path.write_bytes(file.finish("digits CNN, int8"))


def main():
    onnx_export.start(seed=7)
    digits = load_digits()
    x = (digits.images / 16.0).astype(np.float32)[:, None]  # pixels 0..16 to [0, 1], outside the model
    y = digits.target.astype(np.int64)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=360, stratify=y, random_state=0)

    model = DigitsCnn()
    onnx_export.fit(model, x_train, y_train, epochs=40, learning_rate=0.005)

    float_path, int8_path, tflite_path = (HERE / name for name in
                                          ("digits.onnx", "digits_int8.onnx", "digits_int8.tflite"))
    onnx_export.export(model, x_test[:1], float_path)
    calibration = x_train[:CALIBRATION_SAMPLES]
    write_int8_onnx(float_path, int8_path, calibration)
    write_int8_tflite(model, tflite_path, calibration)

    image, expected_tflite = tflite_file.run_tflite(tflite_path, x_test.transpose(0, 2, 3, 1))
    results = {"expected_float": onnx_export.run_onnx(float_path, x_test),
               "expected_int8": onnx_export.run_onnx(int8_path, x_test), "expected_tflite": expected_tflite}
    np.savez_compressed(HERE / "digits_test.npz", x=x_test, y=y_test, image=image, **results)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"train {len(x_train)}, test {len(x_test)}, parameters {parameters}")
    for name, logits in results.items():
        print(f"{name}: test accuracy {onnx_export.accuracy(logits, y_test):.4f}")


if __name__ == "__main__":
    main()
