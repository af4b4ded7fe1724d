"""Calibration data that say nothing, options that do not fit, and models that cannot be quantized: each is said, before any
work is done.

usage: bad_quantize.py NBLOCKS [--only TEXT]
"""
import json
import re
import sys

import numpy as np
import onnx
from checks import DIGITS, EXAMPLES, INT8, main, test
from onnx import TensorProto, helper, numpy_helper

CLASSIFIER = EXAMPLES / "mlp/mlp.onnx"


def saved(c, name, array):
    np.savez(c.path(name), in0=array)
    return c.path(name)


def images(count=32):
    return np.random.default_rng(3).uniform(0, 1, (count, 1, 8, 8)).astype(np.float32)


def quantize(*arguments):
    return ("analyze", DIGITS, "--quantize", "int8", "--calibrate", *arguments)


@test
def options(c):
    c.expect(2, "usage", "analyze", DIGITS, "--quantize", "int8", says=["--quantize without --calibrate"])
    c.expect(2, "usage", "analyze", DIGITS, "--calibrate", "x.npz", says=["--calibrate without --quantize"])
    c.expect(2, None, "analyze", DIGITS, "--quantize", "int7", "--calibrate", "x.npz", says=["int8"])
    c.expect(2, "usage", "analyze", DIGITS, "--float-io", says=["--float-io"])
    c.expect(2, "usage", "analyze", DIGITS, "--layers", "node_linear=int16", says=["--layers without --quantize"])
    for layers, says in [("node_linear", "NAME=NUMBERS"), ("=int8", "NAME=NUMBERS"), ("node_linear=int9", "float32"),
                         ("node_liner=int16", "did you mean `node_linear`")]:
        c.expect(2, "usage", *quantize(saved(c, "x.npz", images()), "--layers", layers), says=[says])


@test
def files(c):
    c.expect(2, "file-unreadable", *quantize("absent.npz"), says=["absent.npz"])
    c.path("text.npz").write_text("no archive")
    c.expect(2, "input-mismatch", *quantize("text.npz"))
    c.expect(2, "input-mismatch", *quantize(saved(c, "wide.npz", np.zeros((4, 1, 8, 9), np.float32))), says=["[4,1,8,9]"])
    c.path("empty").mkdir()
    c.expect(2, "input-mismatch", *quantize("empty"), says=["no .npy"])
    for shape in ((0, 1, 8, 8), (0, 8, 8), (0,)):
        end = c.expect(2, "input-mismatch", *quantize(saved(c, "none.npz", np.zeros(shape, np.float32))), says=["no samples"])
        c.check("one more leading axis" not in end.err, f"advice that does not help: {end.err}")


@test
def values(c):
    for name, value, text in [("nan", np.nan, "nan"), ("inf", np.inf, "inf"), ("minus", -np.inf, "-inf")]:
        x = images()
        x[5, 0, 2, 3] = value
        c.expect(2, "bad-calibration", *quantize(saved(c, f"{name}.npz", x)),
                 says=["sample 5", text, "element 19", "(array `in0`)", f"--> {c.path(name)}.npz"])
    for value in (0, 0.25):
        c.expect(2, "bad-calibration", *quantize(saved(c, "flat.npz", np.full((9, 1, 8, 8), value, np.float32))),
                 says=["all elements of all 9 samples", str(value), f"--> {c.path('flat.npz')}"])
    c.path("parts").mkdir()
    for i in range(3):
        np.save(c.path("parts") / f"{i}.npy", x if i == 2 else images(4))
    c.expect(2, "bad-calibration", *quantize("parts"), says=["sample 5", "--> parts/2.npy"])
    end = c.run(*quantize(saved(c, "one.npz", images(3))))
    c.check(f"--> {c.path('one.npz')}" in end.err, f"few samples: of no file: {end.err[:300]}")


@test
def values_of_runs(c):
    """What no integer stands for is no input of an integer program; of a float program it is."""
    calibration = saved(c, "calibration.npz", images())
    for value, text in [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")]:
        x = images(4)
        x[2, 0, 2, 3] = value
        data = saved(c, "x.npz", x)
        says = ["array `in0`", text, "element 19 of sample 2", f"--> {data}"]
        c.expect(2, "input-mismatch", "run", DIGITS, "--quantize", "int8", "--calibrate", calibration, "-i", data, says=says)
        c.expect(2, "input-mismatch", "validate", DIGITS, "--quantize", "int8", "--calibrate", calibration, "-d", data,
                 says=["array `in0`", "sample 2"])
        c.expect(0, None, "run", DIGITS, "-i", data)


def attention(c, name, least):
    """Attention whose boolean mask puts `least` in place of scores."""
    rng = np.random.default_rng(7)
    weights = [(w, rng.normal(size=(16, 16)).astype(np.float32) / 4) for w in ("wq", "wk", "wv", "wo")]
    nodes = [helper.make_node("MatMul", ["x", "w" + n], [n], n) for n in "qkv"] + [
        helper.make_node("Transpose", ["k"], ["kt"], perm=[0, 2, 1]), helper.make_node("MatMul", ["q", "kt"], ["s"]),
        helper.make_node("Where", ["mask", "s", "least"], ["m"]), helper.make_node("Softmax", ["m"], ["p"]),
        helper.make_node("MatMul", ["p", "v"], ["a"], "mix"), helper.make_node("MatMul", ["a", "wo"], ["o"], "out"),
        helper.make_node("Add", ["o", "bias"], ["y"])]
    return c.model(name, nodes, [("x", TensorProto.FLOAT, [1, 8, 16]), ("mask", TensorProto.BOOL, [1, 1, 8])], ["y"],
                   [*weights, ("least", np.float32(least)), ("bias", rng.normal(size=16).astype(np.float32))])


@test
def masks_of_attention(c):
    """Masks that hide every key in every sample say nothing of attention; a sample with such a mask is none."""
    x = np.random.default_rng(8).normal(size=(20, 8, 16)).astype(np.float32)
    mask = np.zeros((20, 1, 8), bool)
    for least in (-np.inf, -1e9):
        model = attention(c, "attention.onnx", least)
        np.savez(c.path("none.npz"), x=x, in1=mask)
        c.expect(2, "bad-calibration", "analyze", model, "--quantize", "int8", "--calibrate", "none.npz",
                 says=["all 20 samples", "`mask` (array `in1`)", "`mix`", "--> none.npz"])
        some = mask.copy()
        some[3:] = True
        np.savez(c.path("some.npz"), x=x, mask=some)
        c.expect(0, None, "analyze", model, "--quantize", "int8", "--calibrate", "some.npz")


@test
def layers_of_their_own(c):
    """Blanks in --layers are none of names; layers that follow a float one say which."""
    model = attention(c, "attention.onnx", -1e9)
    rng = np.random.default_rng(9)
    np.savez(c.path("x.npz"), x=rng.normal(size=(20, 8, 16)).astype(np.float32), mask=rng.random((20, 1, 8)) < 0.9)
    ask = ("analyze", model, "--quantize", "int8", "--calibrate", "x.npz", "--stop-after", "fuse-qdq", "--layers")
    end = c.run(*ask, " q = float32 , out= int16")
    c.check(end.code == 0 and end.out == c.run(*ask, "q=float32,out=int16").out, f"blanks: {end.err[:300]}")
    c.check("it lies beside `q`, which was chosen to stay float" in end.err, f"no reason: {end.err}")
    c.check("between float layers" not in end.err, f"two reasons: {end.err}")
    end = c.run(*quantize(saved(c, "x.npz", images()), "--layers", "node_conv2d_1=float32,node_conv2d_2=float32"))
    c.check("MaxPool: it lies beside `node_conv2d_1` and 1 other layer, which were chosen" in end.err, f"of two: {end.err}")
    c.check("Conv: it lies" not in end.err, f"a chosen layer that lies beside one: {end.err}")


@test
def few(c):
    end = c.run(*quantize(saved(c, "few.npz", images(3))))
    c.check(end is not None and end.code == 0 and "note[few-samples]: 3 samples" in end.err, "3 samples: no note")
    end = c.run(*quantize(saved(c, "many.npz", images(40))))
    c.check(end is not None and end.code == 0 and "few-samples" not in end.err, "40 samples: a note")


@test
def folder(c):
    """A folder of .npy files is what one array of all is."""
    x = images(20)
    c.path("all").mkdir()
    for i, sample in enumerate(x):
        np.save(c.path("all") / f"{i:03}.npy", sample)
    texts = []
    for data in (c.path("all"), saved(c, "all.npz", x)):
        end = c.run("analyze", DIGITS, "--quantize", "int8", "--calibrate", data, "--stop-after", "fuse-activations")
        c.check(end is not None and end.code == 0, f"{data}: {end.err[:300] if end else 'no end'}")
        texts.append(end.out if end else str(data))
    c.check(texts[0] == texts[1], "a folder of samples gives other numbers than the same samples in an .npz")


@test
def models(c):
    c.expect(3, "unsupported-feature", "analyze", INT8, "--quantize", "int8", "--calibrate",
             saved(c, "int8.npz", np.random.default_rng(1).uniform(0, 1, (32, 1, 8, 8, 1)).astype(np.float32)),
             says=["no layer of the model computes in floats"])


@test
def one_layer(c):
    """A model of one layer without weights."""
    c.relu("relu.onnx", [1, 1, 8, 8])
    c.expect(0, None, "analyze", "relu.onnx", "--quantize", "int8", "--calibrate", saved(c, "x.npz", images()))


@test
def dead_channels(c):
    """A channel whose weights are nothing beside its bias becomes an integer layer's, too, and gives its bias."""
    rng = np.random.default_rng(6)
    weights = rng.normal(size=(8, 4)).astype(np.float32)
    weights[:, 2] *= 1e-20
    bias = np.array([0.1, -0.2, 0.5, 0], np.float32)
    c.model("dead.onnx", [helper.make_node("Gemm", ["x", "w", "b"], ["y"])], [("x", TensorProto.FLOAT, [1, 8])], ["y"],
            [("w", weights), ("b", bias)])
    x = rng.normal(size=(40, 8)).astype(np.float32)
    for numbers in ("int8", "int16"):
        end = c.run("run", "dead.onnx", "--quantize", numbers, "--calibrate", saved(c, "x.npz", x), "-i", "x.npz", "-o", "out",
                    "--dequantize")
        c.check(end is not None and end.code == 0 and "stays-float" not in end.err, f"{numbers}: {end.err[:300] if end else ''}")
        y = np.load(c.path("out/out0.npy")).reshape(40, 4)
        c.check(np.abs(y - (x @ weights + bias)).max() < 0.1, f"{numbers}: far from the float layer")
        c.check(np.abs(y[:, 2] - 0.5).max() < 0.04, f"{numbers}: the channel gives {y[0, 2]}")


@test
def account(c):
    """The report says of each value what was seen, what its integers reach, and what they cost: NumPy finds the same."""
    x = images(64)
    data = saved(c, "account.npz", x)
    end = c.run(*quantize(data), "--json")
    report = json.loads(end.out)
    rows = report["quantization"]
    first = rows[0]
    c.check(np.allclose(first["seen"], [x.min(), x.max()]), f"account: input seen as {first['seen']}")
    for row in rows:
        levels = np.array([-128, 127]) - row["zero_point"]
        c.check(np.allclose(row["reach"], levels * row["scale"], rtol=1e-5), f"account: {row}")
        c.check(row["reason"].startswith(row["observer"]), f"account: {row}")
    q = np.clip(np.rint(x / first["scale"]) + first["zero_point"], -128, 127)
    noise = ((q - first["zero_point"]) * first["scale"] - x)[::2]  # the report takes 32 samples, spread evenly
    c.check(abs(10 * np.log10((x[::2] ** 2).sum() / (noise**2).sum()) - first["snr_db"]) < 0.01, f"account: {first}")
    again = json.loads(c.run(*quantize(data), "--json").out)
    c.check(again == report, "account: another report of the same samples")
    c.check("what the integers stand for" in c.run(*quantize(data)).out, "account: no table")
    c.check("quantization" not in json.loads(c.run("analyze", DIGITS, "--json").out), "account: of a float model")


@test
def masks(c):
    """A value that reaches -3.4e38, as additive masks do, stays float; its layers say so, the others become integers."""
    nodes = [helper.make_node("Where", ["keep", "x", "least"], ["masked"]), helper.make_node("Softmax", ["masked"], ["shares"]),
             helper.make_node("MatMul", ["shares", "w"], ["y"])]
    graph = helper.make_graph(nodes, "masked", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8]),
                                                helper.make_tensor_value_info("keep", TensorProto.BOOL, [1, 8])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
                              [numpy_helper.from_array(np.float32(-3.4e38), "least"),
                               numpy_helper.from_array(np.random.default_rng(2).normal(size=(8, 3)).astype(np.float32), "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]), c.path("masked.onnx"))
    random = np.random.default_rng(4)
    np.savez(c.path("masked.npz"), x=random.normal(size=(40, 8)).astype(np.float32), keep=random.random((40, 8)) < 0.7)
    end = c.run("analyze", "masked.onnx", "--quantize", "int8", "--calibrate", "masked.npz")
    c.check(end is not None and end.code == 0 and "note[stays-float]" in end.err, f"masks: {end.err[:300] if end else ''}")
    c.check(end is not None and "i8[1,3]" in end.out, "masks: the dense layer behind stays float, too")


@test
def collapse(c):
    """What the second of two inputs adds is far below a step of the first's sum, and the first cancels out."""
    rng = np.random.default_rng(5)
    mixed = np.array([[1000.0, 1000.0], [1, -1]], np.float32)
    apart = np.array([[1, 0], [-1, 1e-3]], np.float32)
    nodes = [helper.make_node("MatMul", ["x", "mixed"], ["h"], "mix"),
             helper.make_node("Relu", ["h"], ["r"], "bend"),
             helper.make_node("MatMul", ["r", "apart"], ["y"], "part")]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
                              [numpy_helper.from_array(mixed, "mixed"), numpy_helper.from_array(apart, "apart")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), c.path("net.onnx"))
    data = saved(c, "x.npz", rng.uniform(0.5, 1, (64, 1, 2)).astype(np.float32))
    c.expect(0, None, "analyze", c.path("net.onnx"), "--quantize", "int8", "--calibrate", data, says=["accuracy-collapse", "dB", "`mix` dense", "--layers mix=int16"])



@test
def saturation(c):
    """int8 of log_softmax end at -16: where most of it lies beyond, that is said to be what makes the error."""
    rng = np.random.default_rng(12)
    weights = rng.normal(size=(8, 6)).astype(np.float32) * 20
    model = c.model("logs.onnx", [helper.make_node("MatMul", ["x", "w"], ["s"], "scores"),
                                  helper.make_node("LogSoftmax", ["s"], ["y"], "logs")],
                    [("x", TensorProto.FLOAT, [1, 8])], ["y"], [("w", weights)])
    x = rng.normal(size=(64, 1, 8)).astype(np.float32)
    data = saved(c, "x.npz", x)
    s = (x.reshape(64, 8) @ weights).astype(np.float64)
    y = s - s.max(1, keepdims=True)
    y -= np.log(np.exp(y).sum(1, keepdims=True))
    end = c.expect(0, None, "analyze", model, "--quantize", "int8", "--calibrate", data,
                   says=["accuracy-collapse", "`logs` log_softmax saturates", "-15.9375 to 0", "--layers logs=int16"])
    percent = int(re.search(r"and (\d+) % of its values lie outside", end.err).group(1))
    c.check(abs(percent - 100 * (y < -16).mean()) < 1, f"{percent} %, not {100 * (y < -16).mean()} %")
    rows = json.loads(c.run("analyze", model, "--quantize", "int8", "--calibrate", data, "--json").out)["quantization"]
    c.check(any(f"saturates, {percent} % of what was seen" in row["reason"] for row in rows), f"{rows}")
    end = c.run("analyze", model, "--quantize", "int16", "--calibrate", data)
    c.check(end.code == 0 and "saturates" not in end.out + end.err, f"int16 saturates: {end.err}")


if __name__ == "__main__":
    sys.exit(main())
