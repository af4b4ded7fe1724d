"""nblocks validate: its figures against NumPy and ONNX Runtime, what must hold of any model, gates, and bad input.

usage: validate_test.py NBLOCKS [--only NAME]
"""
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import onnx
import onnxruntime
from checks import DIGITS, EXAMPLES, INT8, ROOT, Skipped, main, test
from onnx import TensorProto, helper, numpy_helper

QDQ = EXAMPLES / "digits/digits_int8.onnx"
CORPUS = ROOT.parent / "shared/models/corpus"
TEST = np.load(EXAMPLES / "digits/digits_test.npz")
NAMES = ("rmse", "mae", "l2r", "mean", "std", "nse", "cos", "max_abs_error")


def judged_errors(found, expected):
    """The errors as NumPy has them, by their definitions."""
    f, y = (np.asarray(a, np.float64).reshape(-1) for a in (found, expected))
    e = f - y
    return {"rmse": np.sqrt(np.mean(e**2)), "mae": np.mean(np.abs(e)), "l2r": np.linalg.norm(e) / np.linalg.norm(y),
            "mean": np.mean(e), "std": np.std(e), "nse": 1 - np.sum(e**2) / np.sum((y - y.mean()) ** 2),
            "cos": f @ y / np.linalg.norm(f) / np.linalg.norm(y), "max_abs_error": np.max(np.abs(e))}


def judged_auc(scores, positive):
    """The share of pairs in order, each pair looked at."""
    p, n = np.asarray(scores)[positive][:, None], np.asarray(scores)[~positive][None, :]
    return float(np.mean((p > n) + 0.5 * (p == n)))


def judged_classes(scores, labels):
    decided = scores.argmax(1)
    confusion = np.zeros((scores.shape[1],) * 2, int)
    np.add.at(confusion, (labels, decided), 1)
    present = confusion.sum(1) > 0
    recalls = confusion.diagonal()[present] / confusion.sum(1)[present]
    if scores.shape[1] == 2:
        auc = judged_auc(scores[:, 1] - scores[:, 0], labels == 1)
    else:
        auc = np.mean([judged_auc(scores[:, c], labels == c) for c in range(scores.shape[1]) if 0 < (labels == c).sum() < len(labels)])
    return {"acc": np.mean(decided == labels), "balanced_accuracy": np.mean(recalls), "auc": auc}, confusion.tolist()


def onnx_outputs(path, x):
    """ONNX Runtime's, sample by sample."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options)
    (given,) = session.get_inputs()
    shape = [1 if not isinstance(n, int) else n for n in given.shape]
    return np.stack([session.run(None, {given.name: one.reshape(shape)})[0].reshape(-1) for one in x])


def report(c, *arguments, code=0):
    end = c.run("validate", *arguments, "--json")
    c.check(end.code == code, f"{arguments}: exit {end.code}, not {code}: {end.err[-400:]}")
    return json.loads(end.out)


def check_near(c, what, found, expected, relative=1e-6, absolute=1e-9):
    for name, value in expected.items():
        one = found[name]
        c.check(one is not None and np.isclose(one, value, rtol=relative, atol=absolute),
                f"{what}: {name} is {one}, judged {value}")


@test
def figures_of_a_classifier(c):
    """Outputs are those that `run` writes; every figure is NumPy's of them."""
    c.run("run", DIGITS, "-i", EXAMPLES / "digits/digits_test.npz", "-o", c.path("float"))
    c.run("run", INT8, "-i", EXAMPLES / "digits/digits_test.npz", "-o", c.path("int8"), "--dequantize")
    np.savez(c.path("nhwc.npz"), x=TEST["x"].transpose(0, 2, 3, 1), y=TEST["y"])
    program, reference = (np.load(c.path(f"{n}/out0.npy")).reshape(360, 10) for n in ("int8", "float"))
    found = report(c, INT8, "--reference", DIGITS, "-d", c.path("nhwc.npz"))
    c.check((found["samples"], found["board"], found["instructions"]) == (360, "host", None), "what ran")
    one = found["outputs"][0]
    c.check((one["rule"], one["targets"]) == ("argmax", "classes"), f"rule {one['rule']}")
    for row, outputs in (("program", program), ("reference", reference)):
        expected, confusion = judged_classes(outputs, TEST["y"])
        check_near(c, row, one[row], expected)
        c.check(one[row]["confusion"] == confusion, f"{row}: confusion {one[row]['confusion']}")
        c.check(one[row]["rmse"] is None, f"{row}: class indices have no errors")
    check_near(c, "X-cross", one["x_cross"], judged_errors(program, reference), 1e-5)
    c.check(np.isclose(one["x_cross"]["acc"], np.mean(program.argmax(1) == reference.argmax(1))), "agreement")
    metric = found["metric"]
    c.check((metric["name"], metric["program"]) == ("accuracy", one["program"]["acc"]), f"metric {metric}")


@test
def figures_of_targets_with_values(c):
    x, y = TEST["x"], TEST["y"]
    c.run("run", DIGITS, "-i", EXAMPLES / "digits/digits_test.npz", "-o", c.path("o"))
    outputs = np.load(c.path("o/out0.npy")).reshape(360, 10)
    hot = np.eye(10, dtype=np.float32)[y]
    np.savez(c.path("hot.npz"), x=x, y=hot)
    one = report(c, DIGITS, "-d", c.path("hot.npz"))["outputs"][0]
    check_near(c, "one-hot", one["program"], judged_errors(outputs, hot) | judged_classes(outputs, y)[0], 1e-5)
    real = TEST["expected_float"] * 2 + 1
    np.savez(c.path("real.npz"), x=x, y=real.astype(np.float32))
    for metric in ("mse", "mae", "nse", "cos"):
        found = report(c, DIGITS, "-d", c.path("real.npz"), "--metric", metric)
        one, expected = found["outputs"][0], judged_errors(outputs, real.astype(np.float32))
        check_near(c, "values", one["program"], expected, 1e-5)
        c.check(one["program"]["acc"] is None and one["rule"] == "", "values are no classes")
        value = expected["rmse"] ** 2 if metric == "mse" else expected[metric]
        c.check(np.isclose(found["metric"]["program"], value, rtol=1e-5), f"--metric {metric}: {found['metric']}")
    # Raw outputs of a quantized model are targets in its own integers.
    np.savez(c.path("raw.npz"), x=TEST["image"], y=TEST["expected_tflite"])
    one = report(c, INT8, "-d", c.path("raw.npz"))["outputs"][0]
    c.check(one["program"]["max_abs_error"] == 0 and one["program"]["cos"] == 1, "raw integers")


@test
def binary_outputs_and_thresholds(c):
    generator = np.random.default_rng(5)
    x = generator.normal(size=(80, 1)).astype(np.float32)
    y = (x[:, 0] + generator.normal(size=80) > 0).astype(np.int64)
    logit = c.model("logit.onnx", [helper.make_node("Mul", ["x", "k"], ["z"])], [("x", TensorProto.FLOAT, [1, 1])], ["z"],
                    [("k", np.float32(2))])
    chance = c.model("chance.onnx", [helper.make_node("Sigmoid", ["x"], ["p"])], [("x", TensorProto.FLOAT, [1, 1])], ["p"])
    np.savez(c.path("b.npz"), x=x, y=y)
    for model, threshold, scores in ((logit, 0, 2 * x[:, 0]), (chance, 0.5, 1 / (1 + np.exp(-x[:, 0])))):
        one = report(c, model, "-d", c.path("b.npz"))["outputs"][0]
        decided = scores > threshold
        c.check(one["rule"] == f"binary, 1 above {threshold}", one["rule"])
        recalls = [np.mean(decided[y == k] == k) for k in (0, 1)]
        check_near(c, model.name, one["program"], {"acc": np.mean(decided == y), "balanced_accuracy": np.mean(recalls),
                                                   "auc": judged_auc(scores, y == 1), **judged_errors(scores, y)}, 1e-5)
    one = report(c, chance, "-d", c.path("b.npz"), "--threshold", 0.8)["outputs"][0]
    c.check(np.isclose(one["program"]["acc"], np.mean((1 / (1 + np.exp(-x[:, 0])) > 0.8) == y)), "--threshold")
    # Ties count half.
    tied = c.model("tied.onnx", [helper.make_node("Sign", ["x"], ["s"])], [("x", TensorProto.FLOAT, [1, 1])], ["s"])
    one = report(c, tied, "-d", c.path("b.npz"), "--metric", "auc")["outputs"][0]
    check_near(c, "ties", one["program"], {"auc": judged_auc(np.sign(x[:, 0]), y == 1)})


@test
def an_autoencoder_is_judged_by_its_error(c):
    generator = np.random.default_rng(6)
    x = generator.normal(size=(60, 5)).astype(np.float32)
    y = generator.integers(0, 2, 60).astype(np.int8)
    x[y == 1] *= 2
    model = c.model("half.onnx", [helper.make_node("Tanh", ["x"], ["z"])], [("x", TensorProto.FLOAT, [1, 5])], ["z"])
    np.savez(c.path("a.npz"), x=x, y=y)
    found = report(c, model, "-d", c.path("a.npz"))
    scores = np.mean((np.tanh(x.astype(np.float64)) - x) ** 2, axis=1)
    c.check(found["metric"]["name"] == "auc", f"metric {found['metric']}")
    check_near(c, "auc", found["outputs"][0]["program"], {"auc": judged_auc(scores, y == 1)})
    one = report(c, model, "-d", c.path("a.npz"), "--labels", "x")["outputs"][0]
    check_near(c, "mse", one["program"], judged_errors(np.tanh(x), x), 1e-5)
    # A classifier all the same, if that is asked.
    one = report(c, model, "-d", c.path("a.npz"), "--metric", "accuracy")["outputs"][0]
    c.check(one["rule"] == "argmax" and one["program"]["acc"] is not None, f"as a classifier: {one['rule']}")


@test
def a_label_for_each_position(c):
    generator = np.random.default_rng(7)
    x = generator.normal(size=(9, 4, 6)).astype(np.float32)
    for axis, shape in ((2, (9, 4)), (1, (9, 6))):
        y = generator.integers(0, x.shape[axis], shape)
        model = c.model("each.onnx", [helper.make_node("Relu", ["x"], ["z"])], [("x", TensorProto.FLOAT, [1, 4, 6])], ["z"])
        np.savez(c.path("each.npz"), x=x, y=y)
        one = report(c, model, "-d", c.path("each.npz"))["outputs"][0]
        c.check(np.isclose(one["program"]["acc"], np.mean(np.maximum(x, 0).argmax(axis) == y)), f"axis {axis}: {one['program']['acc']}")


@test
def a_model_against_itself(c):
    """cos 1 and no error, on the host and on a board; integers are the same on both."""
    data = EXAMPLES / "digits/digits_test.npz"
    np.savez(c.path("raw.npz"), x=TEST["image"], y=TEST["y"])
    runs = [(DIGITS, data, []), (DIGITS, data, ["--reference", DIGITS]), (INT8, c.path("raw.npz"), ["--reference", INT8])]
    if shutil.which("qemu-system-arm") and shutil.which("arm-none-eabi-g++"):
        runs += [(INT8, c.path("raw.npz"), ["-b", board, "--samples", 6]) for board in ("cortex-m4f", "cortex-m0")]
    for model, file, options in runs:
        found = report(c, model, "-d", file, *options)
        row = found["outputs"][0]["x_cross"]
        c.check((row["cos"], row["rmse"], row["max_abs_error"], row["acc"], row["l2r"], row["nse"]) == (1, 0, 0, 1, 0, 1),
                f"{model.name} {options}: {row}")
        c.check(found["outputs"][0]["program"] == found["outputs"][0]["reference"], f"{options}: rows differ")
        c.check(found["is_own_reference"] == (options == []), f"{options}: own reference")
        if "-b" in options:
            c.check(found["instructions"] > 50_000 and found["samples"] == 6 and found["samples_given"] == 360, f"{options}")


def inner_values(path, x, names):
    """Tensors within an ONNX graph, by ONNX Runtime without optimisation."""
    model = onnx.load(str(path))
    known = {value.name for value in model.graph.output}
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names if name not in known)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    runs = [session.run(list(names), {session.get_inputs()[0].name: one[None]}) for one in x]
    return {name: np.stack([run[i] for run in runs]) for i, name in enumerate(names)}


@test
def layers_against_onnx_runtime(c):
    """Each layer's figures are those of the tensors that ONNX Runtime has there."""
    tensors = {"node_conv2d/conv2d": "relu", "node_conv2d_1": "relu_1", "node_max_pool2d": "max_pool2d", "node_conv2d_2": "relu_2",
               "node_linear/dense": "logits"}
    integers = {name: name if name == "logits" else name + "_DequantizeLinear_Output" for name in tensors.values()}
    x = TEST["x"][:40]
    np.savez(c.path("forty.npz"), x=x, y=TEST["y"][:40])
    found = report(c, QDQ, "--reference", DIGITS, "-d", c.path("forty.npz"))
    c.check(found["layer_samples"] == 40 and found["first_parting_layer"] is None, "samples of layers")
    c.check([layer["name"] for layer in found["layers"]] == list(tensors), f"layers {[x['name'] for x in found['layers']]}")
    floats, ours = inner_values(DIGITS, x, tensors.values()), inner_values(QDQ, x, integers.values())
    for layer in found["layers"]:
        name = tensors[layer["name"]]
        y, f = floats[name].astype(np.float64), ours[integers[name]].astype(np.float64)
        expected = judged_errors(f, y)
        snr = 10 * np.log10(np.sum(y**2) / np.sum((f - y) ** 2))
        c.check(np.isclose(layer["rmse"], expected["rmse"], rtol=0.01), f"{name}: rmse {layer['rmse']}, judged {expected['rmse']}")
        c.check(abs(layer["snr_db"] - snr) < 0.1, f"{name}: {layer['snr_db']} dB, judged {snr}")
        c.check(np.isclose(layer["cos"], expected["cos"], rtol=0, atol=1e-6), f"{name}: cos {layer['cos']}, judged {expected['cos']}")


@test
def the_layer_where_they_part(c):
    """A layer whose scale is made far too coarse is the one that is named, also by a gate's message."""
    model = onnx.load(str(QDQ))
    (scale,) = [t for t in model.graph.initializer if t.name == "relu_2_scale"]
    scale.CopyFrom(numpy_helper.from_array(np.float32(numpy_helper.to_array(scale) * 60), "relu_2_scale"))
    coarse = c.write("coarse.onnx", model.SerializeToString())
    data = EXAMPLES / "digits/digits_test.npz"
    found = report(c, coarse, "--reference", DIGITS, "-d", data, "--min-cos", 0.9999, code=6)
    c.check(found["first_parting_layer"] == "node_conv2d_2", f"parts at {found['first_parting_layer']}: {found['layers']}")
    c.check(found["layer_samples"] == 100, f"{found['layer_samples']} samples of layers")
    c.expect(6, "gate-failed", "validate", coarse, "--reference", DIGITS, "-d", data, "--min-cos", 0.9999, says=("`node_conv2d_2`",))
    end = c.run("validate", coarse, "--reference", DIGITS, "-d", data)
    c.check("they part at `node_conv2d_2`" in end.out, end.out[-600:])
    same = report(c, QDQ, "--reference", QDQ, "-d", data)
    c.check(same["layers"] and all(x["rmse"] == 0 and x["cos"] == 1 and x["snr_db"] is None for x in same["layers"]),
            f"layers of the same: {same['layers']}")
    c.check(same["first_parting_layer"] is None and same["unmatched_layers"] == 0, "the same model parts")


@test
def a_model_made_integers(c):
    """With --quantize the program is what `run` builds with it, and the reference is the model without."""
    data = EXAMPLES / "digits/digits_test.npz"
    np.savez(c.path("calibration.npz"), x=TEST["x"][:120])
    integers = ["--quantize", "int8", "--calibrate", c.path("calibration.npz")]
    c.run("run", DIGITS, *integers, "-i", data, "-o", c.path("int8"), "--dequantize")
    c.run("run", DIGITS, "-i", data, "-o", c.path("float"))
    program, reference = (np.load(c.path(f"{n}/out0.npy")).reshape(360, 10) for n in ("int8", "float"))
    found = report(c, DIGITS, *integers, "-d", data)
    one = found["outputs"][0]
    c.check(found["is_quantized_here"] and not found["is_own_reference"] and found["reference"] is None, "whose reference")
    check_near(c, "X-cross", one["x_cross"], judged_errors(program, reference), 1e-5)
    for row, outputs in (("program", program), ("reference", reference)):
        check_near(c, row, one[row], judged_classes(outputs, TEST["y"])[0])
    c.check(found["layers"] and all(layer["snr_db"] > 20 for layer in found["layers"]), f"layers {found['layers']}")


@test
def state_goes_on_in_both(c):
    """With --state samples are steps, also of a reference that calls its inputs and outputs otherwise."""
    def model(file, x, h, z, n):
        return c.model(file, [helper.make_node("Add", [x, h], ["s"]), helper.make_node("Tanh", ["s"], [z]),
                              helper.make_node("Mul", ["s", "k"], [n])],
                       [(x, TensorProto.FLOAT, [1, 3]), (h, TensorProto.FLOAT, [1, 3])], [z, n], [("k", np.float32(0.9))])

    one, other = model("one.onnx", "x", "h", "z", "n"), model("other.onnx", "in", "before", "out", "after")
    x = np.random.default_rng(9).normal(size=(30, 3)).astype(np.float32)
    h, expected = np.zeros(3), []
    for step in x:
        expected.append(np.tanh(step + h))
        h = (step + h) * np.float32(0.9)
    np.savez(c.path("steps.npz"), x=x, y=np.float32(expected))
    found = report(c, one, "--reference", other, "--state", "h=n", "-d", c.path("steps.npz"))
    output = found["outputs"][0]
    c.check(output["program"]["max_abs_error"] < 1e-6 and output["x_cross"]["rmse"] == 0, f"{output}")
    c.check(found["layers"] and all(layer["rmse"] == 0 for layer in found["layers"]), f"{found['layers']}")
    few = report(c, one, "--state", "h=n", "-d", c.path("steps.npz"), "--samples", 7)["outputs"][0]
    c.check(few["program"]["max_abs_error"] < 1e-6, f"the first steps: {few}")


@test
def the_first_samples(c):
    np.savez(c.path("few.npz"), x=TEST["x"][:50], y=TEST["y"][:50])
    whole = report(c, DIGITS, "-d", EXAMPLES / "digits/digits_test.npz", "--samples", 50)
    few = report(c, DIGITS, "-d", c.path("few.npz"))
    c.check(whole["outputs"] == few["outputs"], "--samples 50 is not the set of the first 50")
    end = c.run("validate", DIGITS, "-d", EXAMPLES / "digits/digits_test.npz", "--samples", 50)
    c.check("the first 50 of 360 samples" in end.out, end.out[:200])
    np.save(c.path("x.npy"), TEST["x"][:50])
    np.save(c.path("y.npy"), TEST["y"][:50])
    c.check(report(c, DIGITS, "-d", c.path("x.npy"), "--labels", c.path("y.npy"))["outputs"] == few["outputs"], ".npy files")
    alone = report(c, DIGITS, "-d", c.path("x.npy"))
    c.check(alone["metric"] is None and alone["outputs"][0]["program"] is None and alone["outputs"][0]["x_cross"]["cos"] == 1,
            "without targets")
    c.check("remark" in [d["kind"] for d in alone["diagnostics"]], "nobody says that there are no targets")


@test
def gates(c):
    data = EXAMPLES / "digits/digits_test.npz"
    np.savez(c.path("nhwc.npz"), x=TEST["x"].transpose(0, 2, 3, 1), y=TEST["y"])
    both = [INT8, "--reference", DIGITS, "-d", c.path("nhwc.npz")]
    row = report(c, *both)["outputs"][0]
    cross, acc = row["x_cross"], row["program"]["acc"]
    for option, value, sign in (("--min-acc", acc, -1), ("--min-cos", cross["cos"], -1), ("--max-rmse", cross["rmse"], 1),
                                ("--max-mae", cross["mae"], 1), ("--max-l2r", cross["l2r"], 1)):
        kept, missed = value + sign * 1e-6, value - sign * 1e-6
        if missed <= 1 or sign > 0:
            found = report(c, *both, option, missed, code=6)
            gate, said = found["gates"][0], [d for d in found["diagnostics"] if d["kind"] == "gate-failed"]
            c.check(not gate["is_kept"] and np.isclose(gate["value"], value) and gate["option"] == option, f"{gate}")
            c.check(len(said) == 1 and option in said[0]["message"] and said[0]["help"] and not found["ok"], f"{said}")
        found = report(c, *both, option, kept)
        c.check(found["gates"][0]["is_kept"] and found["ok"], f"{option} {kept}: {found['gates']}")
    end = c.expect(6, "gate-failed", "validate", *both, "--min-acc", 0.999, "--max-rmse", 1e-9, says=("--min-acc", "--max-rmse"))
    c.check("NOT KEPT" in end.out and "confusion" in end.out, "no report beside the failed gate")
    for option, value in (("--min-acc", 95), ("--min-acc", -0.1), ("--min-cos", 1.5), ("--max-rmse", -1), ("--max-l2r", "nan"),
                          ("--max-mae", "inf"), ("--min-acc", "much")):
        c.expect(2, "usage", "validate", DIGITS, "-d", data, option, value, says=(option,))
    c.expect(2, "usage", "validate", DIGITS, "-d", data, "--min-acc", 95, says=("0.95",))


@test
def before_anything_is_quantized(c):
    """What does not serve is said before calibration data are read: there are none."""
    np.savez(c.path("short.npz"), x=TEST["x"], y=TEST["y"][:5])
    np.savez(c.path("beyond.npz"), x=TEST["x"], y=TEST["y"] + 7)
    whole = EXAMPLES / "digits/digits_test.npz"
    for numbers in ("int8", "auto"):
        asked = ("validate", DIGITS, "--quantize", numbers, "--calibrate", "absent.npz")
        c.expect(2, "input-mismatch", *asked, "-d", c.path("short.npz"), says=["y"])
        c.expect(2, "input-mismatch", *asked, "-d", c.path("beyond.npz"), says=["y"])
        c.expect(2, "usage", *asked, "-d", whole, "--min-acc", "1.5", says=["--min-acc 1.5"])
        c.expect(2, "usage", *asked, "-d", whole, "--metric", "mse", says=["--metric mse"])
        c.expect(2, "usage", *asked, "-d", whole, "--threshold", "0.5", says=["--threshold"])
        c.expect(2, "file-unreadable", *asked, "-d", whole, says=["absent.npz"])
    c.expect(2, "input-mismatch", "run", DIGITS, "--quantize", "auto", "--calibrate", "absent.npz", "--data",
             c.path("short.npz"))
    c.expect(2, "input-mismatch", "explain", DIGITS, "node_conv2d", "--quantize", "int8", "--calibrate", "absent.npz", "--data",
             c.path("short.npz"))


@test
def outputs_that_are_no_numbers(c):
    """They are said, compare as nothing, and keep no gate; a class that is NaN is decided for, as NumPy does."""
    model = c.model("log.onnx", [helper.make_node("Log", ["x"], ["z"])], [("x", TensorProto.FLOAT, [1, 3])], ["z"])
    other = c.model("relu.onnx", [helper.make_node("Relu", ["x"], ["z"])], [("x", TensorProto.FLOAT, [1, 3])], ["z"])
    x = np.float32([[1, 2, 3], [1, -2, 3], [4, 2, 3]])
    np.savez(c.path("n.npz"), x=x, y=np.array([2, 1, 0]))
    found = report(c, model, "--reference", other, "-d", c.path("n.npz"), "--max-rmse", 1e9, "--min-cos", -1, code=6)
    row = found["outputs"][0]
    c.check(row["program"]["acc"] == 1, f"NaN is the largest: {row['program']['acc']}")
    c.check(row["x_cross"]["rmse"] is None and not any(gate["is_kept"] for gate in found["gates"]), f"{found['gates']}")
    c.check(any("1 value of the program's outputs is NaN" in d["message"] for d in found["diagnostics"]), f"{found['diagnostics']}")


@test
def an_interrupt_ends_it(c):
    """Ctrl-C while the program runs: exit code 130, and no process is left."""
    if not (shutil.which("qemu-system-arm") and shutil.which("arm-none-eabi-g++")):
        raise Skipped("qemu-system-arm or arm-none-eabi-g++ is not there")
    x = np.tile(TEST["x"], (100, 1, 1, 1))
    np.savez(c.path("long.npz"), x=x)
    child = subprocess.Popen([c.nblocks, "validate", str(DIGITS), "-d", str(c.path("long.npz")), "-b", "cortex-m4f"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(4)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=20)
    c.check(child.returncode == 130 and "error[interrupted]" in err, f"exit {child.returncode}: {out[:100]!r} {err[-200:]!r}")


@test
def bad_data(c):
    x, y = TEST["x"], TEST["y"]

    def refused(says, kind="input-mismatch", options=(), **arrays):
        np.savez(c.path("bad.npz"), **arrays)
        c.expect(2, kind, "validate", DIGITS, "-d", c.path("bad.npz"), *options, says=says)

    hole, steep = x.copy(), x.copy()
    hole[7, 0, 3, 3] = np.nan
    steep[2, 0, 0, 0] = steep[5, 0, 0, 0] = np.inf
    refused(("there are pixels, y",), pixels=x, y=y)
    refused(("has shape [360,9,9]",), x=np.zeros((360, 9, 9), np.float32), y=y)
    refused(("`y` has shape [359]", "360 samples"), x=x, y=y[:359])
    refused(("1 value that is NaN", "sample 7"), x=hole, y=y)
    refused(("2 values that are NaN or infinite", "sample 2"), x=steep, y=y)
    refused(("label 10 at sample 3", "0 to 9"), x=x, y=np.where(np.arange(360) == 3, 10, y))
    refused(("label -1 at sample 0",), x=x, y=np.where(np.arange(360) == 0, -1, y))
    refused(("is empty",), x=x[:0], y=y[:0])
    refused(("not whole",), x=x, y=y + 0.5)
    refused(("`y` holds NaN at sample 4",), x=x, y=np.where(np.arange(360) == 4, np.nan, y))
    refused(("has shape [360,3]",), x=x, y=np.zeros((360, 3), int))
    refused(("`what`", "x, y"), options=("--labels", "what"), x=x, y=y)
    refused(("class labels",), "usage", ("--metric", "mse"), x=x, y=y)
    refused(("real values",), "usage", ("--metric", "accuracy"), x=x, y=np.random.default_rng(1).normal(size=(360, 10)))
    refused(("real values",), "usage", ("--min-acc", "0.5"), x=x, y=np.random.default_rng(1).normal(size=(360, 10)))
    refused(("no `y`",), "usage", ("--metric", "auc"), x=x)
    refused(("no `y`",), "usage", ("--min-acc", "0.5"), x=x)
    refused(("all labels are 3",), "usage", ("--metric", "auc"), x=x, y=np.full(360, 3))
    refused(("did you mean `accuracy`",), "usage", ("--metric", "acuracy"), x=x, y=y)
    refused(("--threshold", "are not"), "usage", ("--threshold", "0.5"), x=x, y=y)
    refused(("--samples",), "usage", ("--samples", "0"), x=x, y=y)
    c.expect(2, "file-unreadable", "validate", DIGITS, "-d", c.path("absent.npz"))
    c.expect(2, "usage", "validate", DIGITS, "-d", c.write("data.csv", "1,2\n"))
    c.expect(2, "input-mismatch", "validate", DIGITS, "-d", c.write("cut.npz", (EXAMPLES / "digits/digits_test.npz").read_bytes()[:5000]))
    c.expect(2, "usage", "validate", DIGITS)
    np.savez(c.path("good.npz"), x=x, y=y)
    c.expect(2, "input-mismatch", "validate", DIGITS, "-d", c.path("good.npz"), "--reference", EXAMPLES / "mlp/mlp.onnx",
             says=("mlp.onnx",))
    c.expect(2, "file-unreadable", "validate", DIGITS, "-d", c.path("good.npz"), "--reference", c.path("absent.onnx"))
    c.expect(3, "unknown-format", "validate", DIGITS, "-d", c.path("good.npz"), "--reference", c.write("text.onnx", "hello\n"))


@test
def progress_is_for_terminals(c):
    """On a terminal the line shows and goes; elsewhere nothing of it is written."""
    arguments = [c.nblocks, "validate", str(DIGITS), "-d", str(EXAMPLES / "digits/digits_test.npz"), "--reference", str(DIGITS)]
    end = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
    c.check("\r" not in end.stderr + end.stdout and end.returncode == 0, f"a pipe gets {end.stderr[:200]!r}")
    for extra, shows in (([], True), (["--json"], False)):
        ours, theirs = pty.openpty()
        child = subprocess.Popen(arguments + extra, stdout=subprocess.PIPE, stderr=theirs)
        child.communicate(timeout=120)
        said = os.read(ours, 65536) if select.select([ours], [], [], 0.2)[0] else b""
        os.close(theirs)
        os.close(ours)
        c.check((b"\r" in said) == shows, f"{extra}: the terminal gets {said[:200]!r}")
        if shows:
            c.check(said.rstrip(b"\n").endswith(b"\r\x1b[K") or b"\r\x1b[K" in said, f"the line stays: {said[-80:]!r}")


CASES = [(EXAMPLES / "mlp/mlp.onnx", EXAMPLES / "mlp/mlp_test.npz"), (EXAMPLES / "bearing/bearing.onnx", EXAMPLES / "bearing/bearing_test.npz"),
         (EXAMPLES / "appliance/appliance.onnx", EXAMPLES / "appliance/appliance_test.npz"),
         (EXAMPLES / "room/room_gru.onnx", EXAMPLES / "room/room_gru_test.npz")]


def compare_with_onnx_runtime(c, model, data):
    """Accuracy or errors of the reference row are ONNX Runtime's outputs judged by NumPy."""
    arrays = np.load(data)
    outputs, y = onnx_outputs(model, arrays["x"]), arrays["y"]
    np.savez(c.path("set.npz"), x=arrays["x"], y=y)
    one = report(c, model, "-d", c.path("set.npz"))["outputs"][0]["program"]
    if y.dtype.kind in "iu" and y.size == len(y):
        expected, confusion = judged_classes(outputs, y)
        # A sample that lies on the edge between two classes may fall to either side.
        margin = np.sort(outputs, 1)[:, -1] - np.sort(outputs, 1)[:, -2]
        edges = np.sum(margin < 1e-5 * np.abs(outputs).max())
        check_near(c, data.parent.name, one, expected, absolute=1e-6 + edges / len(y) + 2e-4)
        c.check(edges > 0 or one["confusion"] == confusion, f"{data.parent.name}: confusion")
    else:
        check_near(c, data.parent.name, one, judged_errors(outputs, y), 1e-3, 1e-5)


@test
def examples_against_onnx_runtime(c):
    for model, data in CASES:
        compare_with_onnx_runtime(c, model, data)


@test
def corpus_against_onnx_runtime(c):
    names = ["lenet_mnist", "mlp_bcancer", "keras_mlp_wine", "mlp_diabetes", "dscnn_fsdd"]
    there = [CORPUS / name for name in names if (CORPUS / name / "test.npz").is_file()]
    if not there:
        raise Skipped("../shared/models/corpus is not there: " + ", ".join(names))
    for folder in there:
        compare_with_onnx_runtime(c, folder / "model.onnx", folder / "test.npz")


@test
def many_classes_are_not_printed(c):
    generator = np.random.default_rng(8)
    x, y = generator.normal(size=(40, 20)).astype(np.float32), generator.integers(0, 20, 40)
    model = c.model("wide.onnx", [helper.make_node("Neg", ["x"], ["z"])], [("x", TensorProto.FLOAT, [1, 20])], ["z"])
    np.savez(c.path("w.npz"), x=x, y=y)
    end = c.run("validate", model, "-d", c.path("w.npz"))
    c.check("confusion: of 20 classes, in --json" in end.out, end.out)
    expected, confusion = judged_classes(-x, y)
    one = report(c, model, "-d", c.path("w.npz"))["outputs"][0]["program"]
    check_near(c, "20 classes", one, expected)
    c.check(one["confusion"] == confusion, "confusion")


@test
def corpus_has_its_values(c):
    """The values that the corpus gives for its own test sets, in float and in LiteRT's int8."""
    wanted = [("lenet_mnist", "accuracy"), ("keras_mlp_wine", "accuracy"), ("prenorm_ecg", "balanced-accuracy"), ("ae_fc_ecg", "auc"),
              ("mlp_diabetes", "mse")]
    there = [(CORPUS / name, metric) for name, metric in wanted if (CORPUS / name / "test.npz").is_file()]
    if not there:
        raise Skipped("../shared/models/corpus is not there: " + ", ".join(name for name, _ in wanted))
    for folder, metric in there:
        meta = json.loads((folder / "meta.json").read_text())
        found = report(c, folder / "model_int8.tflite", "--reference", folder / "model.tflite", "-d", folder / "test.npz",
                       "--metric", metric)["metric"]
        for row, key in (("reference", "value_float"), ("program", "value_int8_litert")):
            c.check(abs(found[row] - meta[key]) <= (0.0006 if row == "reference" else 0.01), f"{folder.name}: {row} {found[row]}, {meta[key]} stored")


if __name__ == "__main__":
    sys.exit(main())
