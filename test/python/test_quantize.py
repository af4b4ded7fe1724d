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


def test_pictures(integer, tmp_path):
    pixels = np.rint(X[:, 0] * 255).astype(np.uint8)
    for i, picture in enumerate(pixels):
        (tmp_path / f"{i:03}.pgm").write_bytes(f"P5 {picture.shape[1]} {picture.shape[0]} 255\n".encode() + picture.tobytes())
    found = nb.compile(DIGITS, quantize="int8", calibrate=tmp_path)
    same = nb.compile(DIGITS, quantize="int8", calibrate=(pixels / np.float32(255))[:, None])
    assert found.report["quantization"] == same.report["quantization"]
    moved = nb.compile(DIGITS, quantize="int8", calibrate=tmp_path, image_scale=1 / 127.5, image_mean=[1.0], image_std=1)
    assert moved.inputs[0].scale != found.inputs[0].scale
    with pytest.raises(nb.UsageError, match="image-std"):
        nb.compile(DIGITS, quantize="int8", calibrate=tmp_path, image_std=0)


def test_float_ends():
    program = nb.compile(DIGITS, quantize="int16", calibrate=X, float_io=True)
    assert program.inputs[0].dtype == "float32" and program.outputs[0].dtype == "float32"
    real = nb.compile(DIGITS).run(X)
    assert np.abs(program.run(X) - real).max() < 0.02 * np.abs(real).max()


def test_layers():
    program = nb.compile(DIGITS, quantize="int8", calibrate=X, layers={"node_conv2d_1": "int16", "node_lin*": "float32"})
    outputs = {layer.name.split("/")[0]: layer.output for layer in program.layers}
    assert outputs["node_conv2d_1"].startswith("i16") and outputs["node_conv2d"].startswith("i8")
    assert program.outputs[0].dtype == "float32"


def test_auto():
    """The choice is that of the report, on every board."""
    x, y = TEST["x"].astype(np.float32), TEST["y"]
    program = nb.compile(DIGITS, board="cortex-m3", quantize="auto", calibrate=X, test=(x, y), max_drop=1.0)
    formats = program.report["formats"]
    chosen = formats["choices"][formats["chosen"]]
    assert chosen["fits"] and chosen["drop_points"] <= 1.0 and chosen["instructions"] > 0
    fixed = nb.compile(DIGITS, board="cortex-m3", quantize="int8", calibrate=X, layers=chosen["layers"])
    assert [layer.output for layer in fixed.layers] == [layer.output for layer in program.layers]
    found = program.run(x, board="host")
    assert np.array_equal(found, fixed.run(x, board="host"))
    assert abs((found.argmax(-1).ravel() == y).mean() - chosen["value"]) < 1e-9
    with pytest.raises(nb.GateFailed, match="loses"):
        nb.compile(DIGITS, quantize="auto", calibrate=X, test=(x, y), max_drop=-5.0)


def test_requantize():
    int8 = ROOT / "examples/digits/digits_int8.tflite"
    x = TEST["x"].astype(np.float32).reshape(-1, 8, 8, 1)
    exact, fast = nb.compile(int8).run(x), nb.compile(int8, requantize="fast").run(x)
    assert 0 < (exact != fast).sum() < 0.1 * exact.size and np.abs(exact.astype(int) - fast).max() <= 2


@pytest.mark.parametrize("options, kind, text", [
    ({"layers": {"a": "int8"}}, nb.UsageError, "without `quantize`"),
    ({"quantize": "int8", "calibrate": X, "layers": {"node_linear": "int7"}}, nb.UsageError, "int7"),
    ({"quantize": "int8", "calibrate": X, "layers": {"node_lin": "int8"}}, nb.UsageError, "node_lin"),
    ({"quantize": "int8", "calibrate": X, "test": (X, X)}, nb.UsageError, "auto"),
    ({"quantize": "auto", "calibrate": X}, nb.UsageError, "test"),
    ({"quantize": "auto", "calibrate": X, "test": (X, TEST["y"][:64]), "max_drop": float("nan")}, nb.UsageError, "max_drop"),
    ({"quantize": "auto", "calibrate": X, "test": (X, TEST["y"][:64]), "metric": "speed"}, nb.UsageError, "speed"),
    ({"quantize": "auto", "calibrate": X, "test": (X, TEST["y"][:7])}, nb.UsageError, "7"),
    ({"requantize": "slow"}, nb.UsageError, "slow"),
    ({"requantize": "fast"}, nb.UsageError, "this one is float"),
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
