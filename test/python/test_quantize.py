"""compile(quantize=): calibration samples in all their forms give one program, whose errors are those of the command line."""

import pathlib

import numpy as np
import pytest

import neuralblocks as nb

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples/digits/digits.onnx"
TEST = np.load(ROOT / "examples/digits/digits_test.npz")
X = TEST["x"][:64].astype(np.float32)


@pytest.fixture(scope="module")
def integer():
    return nb.compile(DIGITS, quantize="int8", calibrate=X)


def test_is_integer_and_accurate(integer):
    assert integer.inputs[0].dtype == "int8" and integer.outputs[0].dtype == "int8"
    assert all("f32" not in layer.output for layer in integer.layers)
    x, y = TEST["x"].astype(np.float32), TEST["y"]
    real = nb.compile(DIGITS).run(x).argmax(-1).ravel()
    found = integer.run(x).argmax(-1).ravel()
    assert (found == y).mean() >= (real == y).mean() - 0.005


def test_forms_of_samples(integer, tmp_path):
    np.savez(tmp_path / "x.npz", x=X)
    np.save(tmp_path / "x.npy", X)
    batches = [(X[i : i + 10], np.zeros(10)) for i in range(0, len(X), 10)]
    name = integer.inputs[0].name
    for samples in (tmp_path / "x.npz", str(tmp_path / "x.npy"), {name: X}, (X,), batches, iter(batches),
                    [{name: X[:30]}, {name: X[30:]}]):
        assert nb.compile(DIGITS, quantize="int8", calibrate=samples).report == integer.report


def test_float_ends():
    program = nb.compile(DIGITS, quantize="int16", calibrate=X, float_io=True)
    assert program.inputs[0].dtype == "float32" and program.outputs[0].dtype == "float32"
    real = nb.compile(DIGITS).run(X)
    assert np.abs(program.run(X) - real).max() < 0.02 * np.abs(real).max()


@pytest.mark.parametrize("options, kind, text", [
    ({"quantize": "int8"}, nb.UsageError, "without `calibrate`"),
    ({"calibrate": X}, nb.UsageError, "without `quantize`"),
    ({"quantize": "int4", "calibrate": X}, nb.UsageError, "int4"),
    ({"quantize": "int8", "calibrate": 3}, nb.UsageError, "int"),
    ({"quantize": "int8", "calibrate": []}, nb.UsageError, "no batches"),
    ({"quantize": "int8", "calibrate": np.zeros_like(X)}, nb.UsageError, "all elements"),
    ({"quantize": "int8", "calibrate": X[..., :7]}, nb.UsageError, "shape"),
])
def test_refuses(options, kind, text):
    with pytest.raises(kind, match=text):
        nb.compile(DIGITS, **options)
