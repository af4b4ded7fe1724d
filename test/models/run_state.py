"""State: models that keep values from step to step, on the host and on one virtual board.

--stream: T steps of a streamed model give what the model gives for the whole sequence, step by step or at the end.
--state: an input and an output as one state give what feeding the output back gives. Refusals name what they refuse.
Models are made here; those of ../shared/models run, too, where that folder exists. Ends with "N passed, N failed".

usage: run_state.py NBLOCKS
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "models"
BOARD = "cortex-m4f"
STEPS, FEATURES, UNITS, CLASSES = 9, 5, 7, 4


class Counts:
    passed = failed = 0

    def check(self, name, is_right, text=""):
        self.passed += is_right
        self.failed += not is_right
        if not is_right:
            print(f"FAILED {name} {text}", flush=True)


def run(nblocks, model, inputs, *options, board="host"):
    """(exit code, outputs, report or error text)."""
    with tempfile.TemporaryDirectory() as work:
        np.savez(f"{work}/in.npz", **{f"in{i}": x for i, x in enumerate(inputs)})
        command = [nblocks, "run", str(model), "-b", board, "--json", "--input", f"{work}/in.npz", "--output", work]
        end = subprocess.run([*command, *options], capture_output=True, text=True, timeout=600)
        if end.returncode != 0:
            return end.returncode, [], end.stderr
        report = json.loads(end.stdout)
        return 0, [np.load(o["file"]) for o in report["outputs"]], report


def save(folder, name, nodes, inputs, outputs, constants):
    """An ONNX file; inputs and outputs are (name, shape), float unless a dtype follows."""
    def info(name, shape, dtype=TensorProto.FLOAT):
        return helper.make_tensor_value_info(name, dtype, shape)
    graph = helper.make_graph(nodes, name, [info(*i) for i in inputs], [info(*o) for o in outputs],
                              [numpy_helper.from_array(value, key) for key, value in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    path = pathlib.Path(folder) / f"{name}.onnx"
    onnx.save(model, path)
    return path


def recurrent(kind, name, rng, features):
    """Constants of one layer with UNITS units."""
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
    def constant(*shape):
        return (rng.standard_normal(shape) * 0.6).astype(np.float32)
    return {name + "_w": constant(1, gates * UNITS, features), name + "_r": constant(1, gates * UNITS, UNITS),
            name + "_b": constant(1, 2 * gates * UNITS)}


def sequence_model(folder, kind, is_last, has_first):
    """Two layers over a sequence [T,1,I], a norm between them, a classifier on each step or on the last."""
    rng = np.random.default_rng(len(kind) + 2 * is_last)
    constants = {**recurrent(kind, "a", rng, FEATURES), **recurrent(kind, "b", rng, UNITS),
                 "axis1": np.array([1]), "scale": rng.standard_normal(UNITS).astype(np.float32),
                 "shift": rng.standard_normal(UNITS).astype(np.float32), "last": np.array(STEPS - 1),
                 "first": rng.standard_normal((1, 1, UNITS)).astype(np.float32),
                 "w": rng.standard_normal((UNITS, CLASSES)).astype(np.float32),
                 "twice": np.full((1, 1, UNITS), 2, np.float32)}
    outputs_a = ["ya", "ha"]
    first = ["", "first"] if has_first else []
    nodes = [helper.make_node(kind, ["x", "a_w", "a_r", "a_b", *first], outputs_a, "layer_a", hidden_size=UNITS),
             helper.make_node("Squeeze", ["ya", "axis1"], ["sa"]),
             helper.make_node("LayerNormalization", ["sa", "scale", "shift"], ["na"], "norm"),
             helper.make_node("Mul", ["na", "twice"], ["ma"]),
             helper.make_node(kind, ["ma", "b_w", "b_r", "b_b"], ["yb", "hb"], "layer_b", hidden_size=UNITS,
                              **({"linear_before_reset": 1} if kind == "GRU" else {})),
             helper.make_node("Squeeze", ["yb", "axis1"], ["sb"])]
    if is_last:
        nodes.append(helper.make_node("Gather", ["sb", "last"], ["gb"], axis=0))
    nodes += [helper.make_node("MatMul", ["gb" if is_last else "sb", "w"], ["z"]),
              helper.make_node("Softmax", ["z"], ["y"], axis=-1)]
    used = {name for node in nodes for name in node.input}
    shape = [1, CLASSES] if is_last else [STEPS, 1, CLASSES]
    return save(folder, f"{kind.lower()}_{is_last:d}{has_first:d}", nodes, [("x", [STEPS, 1, FEATURES])], [("y", shape)],
                {key: value for key, value in constants.items() if key in used})


def check_streams(nblocks, folder, counts):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((STEPS, 1, FEATURES)).astype(np.float32)
    for kind in ("LSTM", "GRU", "RNN"):
        for is_last, has_first in ((False, True), (True, False)):
            model = sequence_model(folder, kind, is_last, has_first)
            _, whole, _ = run(nblocks, model, [x])
            for board in ("host", BOARD):
                code, outputs, text = run(nblocks, model, [x[:, None]], "--stream", "x:0", board=board)
                name = f"{model.stem} streamed on {board}"
                if code != 0:
                    counts.check(name, False, text)
                    continue
                states = 2 if kind == "LSTM" else 1
                counts.check(name + ": state", text["ram"]["state_bytes"] == 2 * states * 32)
                steps = outputs[0].reshape(STEPS, CLASSES)
                wanted = whole[0].reshape(-1, CLASSES)
                worst = float(np.max(np.abs(steps[-len(wanted):] - wanted)))
                counts.check(name, worst <= 1e-6, f"largest difference {worst}")


def check_convolutions(nblocks, folder, counts):
    """Causal convolutions over time, dilated and by channel, padded by themselves or by a layer before."""
    rng = np.random.default_rng(5)
    def constant(*shape):
        return (rng.standard_normal(shape) * 0.5).astype(np.float32)
    model = save(folder, "causal",
                 [helper.make_node("Pad", ["x", "pads"], ["p"], "pad"),
                  helper.make_node("Conv", ["p", "a", "ab"], ["ya"], "conv_a"),
                  helper.make_node("Relu", ["ya"], ["ra"]),
                  helper.make_node("Conv", ["ra", "b"], ["yb"], "conv_b", dilations=[3], pads=[6, 0], group=2),
                  helper.make_node("Add", ["ra", "yb"], ["s"]),
                  helper.make_node("Conv", ["s", "c"], ["yc"], "conv_c", pads=[1, 0], group=8),
                  helper.make_node("Tanh", ["yc"], ["y"])],
                 [("x", [1, FEATURES, 20])], [("y", [1, 8, 20])],
                 {"pads": np.array([0, 0, 2, 0, 0, 0]), "a": constant(8, FEATURES, 3), "ab": constant(8),
                  "b": constant(8, 4, 3), "c": constant(8, 1, 2)})
    x = rng.standard_normal((1, FEATURES, 20)).astype(np.float32)
    _, whole, _ = run(nblocks, model, [x])
    for board in ("host", BOARD):
        code, outputs, text = run(nblocks, model, [x.transpose(2, 0, 1)[..., None]], "--stream", "x:2", board=board)
        name = f"causal convolutions streamed on {board}"
        if code != 0:
            counts.check(name, False, text)
            continue
        worst = float(np.max(np.abs(outputs[0].reshape(20, 8) - whole[0][0].T)))
        counts.check(name, worst <= 1e-6, f"largest difference {worst}")
        counts.check(name + ": state", text["ram"]["state_bytes"] == 48 + 192 + 32, str(text["ram"]))


def check_pairs(nblocks, folder, counts):
    """One step of an LSTM with h and c as inputs and outputs, against the layer over the sequence."""
    rng = np.random.default_rng(2)
    constants = recurrent("LSTM", "a", rng, FEATURES)
    x = rng.standard_normal((STEPS, 1, FEATURES)).astype(np.float32)
    h, c = (rng.standard_normal((1, 1, UNITS)).astype(np.float32) for _ in range(2))
    for first in (False, True):
        whole = save(folder, "whole", [helper.make_node("LSTM", ["x", "a_w", "a_r", "a_b", "", "h", "c"], ["y"], "layer",
                                                        hidden_size=UNITS)],
                     [("x", [STEPS, 1, FEATURES])], [("y", [STEPS, 1, 1, UNITS])],
                     {**constants, "h": h * first, "c": c * first})
        _, wanted, _ = run(nblocks, whole, [x])
        step = save(folder, "step", [helper.make_node("LSTM", ["x", "a_w", "a_r", "a_b", "", "h", "c"], ["y", "hn", "cn"],
                                                      "layer", hidden_size=UNITS)],
                    [("x", [1, 1, FEATURES]), ("h", [1, 1, UNITS]), ("c", [1, 1, UNITS])],
                    [("y", [1, 1, 1, UNITS]), ("hn", [1, 1, UNITS]), ("cn", [1, 1, UNITS])], constants)
        options = ["--state", "h=hn", "--state", "c=cn"]
        if first:
            np.save(f"{folder}/h.npy", h)
            np.save(f"{folder}/c.npy", c)
            options += ["--freeze", f"h={folder}/h.npy", "--freeze", f"c={folder}/c.npy"]
        for board in ("host", BOARD):
            code, outputs, text = run(nblocks, step, [x[:, None]], *options, board=board)
            is_right = code == 0 and len(outputs) == 1 and float(
                np.max(np.abs(outputs[0].reshape(-1) - wanted[0].reshape(-1)))) <= 1e-6
            counts.check(f"state pairs, first contents {first}, on {board}", is_right, "" if code == 0 else text)


def check_cache(nblocks, folder, counts):
    """A cache of fixed size that each step updates at a position, as decoders with a static cache have it; and two
    states that change places."""
    rng = np.random.default_rng(3)
    length, width = 6, 3
    keys = rng.standard_normal((length, 1, width)).astype(np.float32)
    model = save(folder, "cache",
                 [helper.make_node("Reshape", ["position", "index_shape"], ["index"]),
                  helper.make_node("ScatterND", ["past", "index", "key"], ["present"], "update"),
                  helper.make_node("ReduceSum", ["present", "axes"], ["sum"], keepdims=0)],
                 [("key", [1, width]), ("position", [1], TensorProto.INT64), ("past", [length, width])],
                 [("present", [length, width]), ("sum", [width])],
                 {"index_shape": np.array([1, 1]), "axes": np.array([0])})
    wanted = np.cumsum(keys[:, 0], axis=0)
    for board in ("host", BOARD):
        code, outputs, text = run(nblocks, model, [keys, np.arange(length)[:, None]], "--state", "past=present", board=board)
        is_right = code == 0 and np.allclose(outputs[0], wanted, atol=1e-6)
        counts.check(f"static cache on {board}", is_right, "" if code == 0 else text)
        if code == 0:
            counts.check(f"static cache on {board}: updated where it lies",
                         text["ram"]["arena_bytes"] < 2 * 80 + 80, str(text["ram"]))
    swap = save(folder, "swap", [helper.make_node("Identity", ["b"], ["an"]), helper.make_node("Add", ["a", "x"], ["bn"]),
                                 helper.make_node("Sub", ["a", "b"], ["y"])],
                [("x", [2]), ("a", [2]), ("b", [2])], [("y", [2]), ("an", [2]), ("bn", [2])], {})
    x = rng.standard_normal((STEPS, 2)).astype(np.float32)
    a, b, wanted = np.zeros(2, np.float32), np.zeros(2, np.float32), []
    for value in x:
        wanted.append(a - b)
        a, b = b, a + value
    code, outputs, text = run(nblocks, swap, [x], "--state", "a=an", "--state", "b=bn")
    counts.check("states that change places", code == 0 and np.array_equal(outputs[0], np.array(wanted)),
                 "" if code == 0 else text)


def check_refusals(nblocks, folder, counts):
    rng = np.random.default_rng(4)
    constants = recurrent("LSTM", "a", rng, FEATURES)
    both = {key: np.concatenate([value, value]) for key, value in constants.items()}
    x, y = ("x", [STEPS, 1, FEATURES]), [STEPS, 1, FEATURES]
    models = {
        "backwards": save(folder, "backwards", [helper.make_node("LSTM", ["x", "a_w", "a_r", "a_b"], ["y"], "two_ways",
                                                                 hidden_size=UNITS, direction="bidirectional")],
                          [x], [("y", [STEPS, 2, 1, UNITS])], both),
        "mean": save(folder, "mean", [helper.make_node("ReduceMean", ["x", "axes"], ["y"], "mean_layer", keepdims=0)], [x],
                     [("y", [1, FEATURES])], {"axes": np.array([0])}),
        "flat": save(folder, "flat", [helper.make_node("Reshape", ["x", "shape"], ["y"], "flat_layer")], [x],
                     [("y", [1, STEPS * FEATURES])], {"shape": np.array([1, STEPS * FEATURES])}),
        "positions": save(folder, "positions", [helper.make_node("Add", ["x", "p"], ["y"], "place_layer")], [x], [("y", y)],
                          {"p": rng.standard_normal((STEPS, 1, 1)).astype(np.float32)}),
        "ahead": save(folder, "ahead", [helper.make_node("Conv", ["x", "w"], ["y"], "conv_layer", pads=[1, 1])],
                      [("x", [1, 2, 9])], [("y", [1, 2, 9])], {"w": rng.standard_normal((2, 2, 3)).astype(np.float32)}),
        "grows": save(folder, "grows", [helper.make_node("Concat", ["past", "x"], ["present"], "cat", axis=1),
                                        helper.make_node("Neg", ["x"], ["y"])],
                      [("past", [1, 4, 3]), ("x", [1, 1, 3])], [("present", [1, 5, 3]), ("y", [1, 1, 3])], {}),
    }
    cases = [("backwards", ["--stream", "x:0"], 3, "not-streamable", "two_ways"),
             ("mean", ["--stream", "x:0"], 3, "not-streamable", "mean_layer"),
             ("flat", ["--stream", "x:0"], 3, "not-streamable", "flat_layer"),
             ("positions", ["--stream", "x:0"], 3, "not-streamable", "place_layer"),
             ("ahead", ["--stream", "x:2"], 3, "not-streamable", "conv_layer"),
             ("mean", ["--stream", "z"], 2, "usage", "inputs: x"),
             ("mean", ["--stream", "x:7"], 2, "usage", "axis 7"),
             ("mean", ["--state", "x=z"], 2, "usage", "outputs: y"),
             ("mean", ["--state", "x=y"], 2, "state-mismatch", "f32[1,5]"),
             ("grows", ["--state", "past=present"], 2, "state-mismatch", "grows along axis 1"),
             ("positions", ["--state", "x=y"], 2, "usage", "without an output")]
    for name, options, code, kind, text in cases:
        end = subprocess.run([nblocks, "analyze", models[name], "-b", "host", *options], capture_output=True, text=True)
        counts.check(f"refusal of {name} {' '.join(options)}",
                     end.returncode == code and f"[{kind}]" in end.stderr and text in end.stderr, end.stderr)


def check_tflite(nblocks, folder, counts):
    """The LSTM layer as TensorFlow writes it, whose file has states already: streamed, they carry on."""
    sys.path.insert(0, str(ROOT / "test" / "conformance"))
    try:
        from tflite_recurrent import lstm
    except ImportError as error:
        print(f"skipped: {error}")
        return
    for dtype in (np.float32, np.int8, np.int16):
        for time_major in (False, True):
            rng = np.random.default_rng(13)  # 3 samples of 5 steps
            model = lstm(rng, dtype, time_major=time_major)
            path = pathlib.Path(folder) / "lstm.tflite"
            path.write_bytes(model.bytes())
            shape = model.inputs[0].shape
            x = (rng.standard_normal(shape) if dtype == np.float32 else rng.integers(-100, 100, shape)).astype(dtype)
            axis = 0 if time_major else 1
            _, whole, _ = run(nblocks, path, [x])
            code, outputs, text = run(nblocks, path, [np.expand_dims(np.moveaxis(x, axis, 0), axis + 1)], "--stream",
                                      f"in0:{axis}")
            name = f"lstm.tflite {np.dtype(dtype).name}, time major {time_major}"
            if code != 0:
                counts.check(name, False, text)
                continue
            steps = np.moveaxis(outputs[0].reshape(shape[axis], *whole[0].shape[:axis], 1, *whole[0].shape[axis + 1:]),
                                0, axis).reshape(whole[0].shape)
            worst = float(np.max(np.abs(steps.astype(np.float64) - whole[0])))
            counts.check(name, worst <= (1e-6 if dtype == np.float32 else 0), f"largest difference {worst}")


def check_shared(nblocks, folder, counts):
    """Recorded models: a step with explicit states, sequences of which every second step counts, a file's own states."""
    corpus = SHARED / "corpus"
    data = np.load(corpus / "lstm_stream_ett" / "io.npz")
    for name in ("model.onnx", "model.tflite", "model_int8_qdq.onnx"):
        wanted = np.load(corpus / "lstm_stream_ett" / "io_int8.npz")["qdq_out0"] if "qdq" in name else data["out0"]
        for board in ("host", BOARD):
            code, outputs, text = run(nblocks, corpus / "lstm_stream_ett" / name, [data["in0"]], "--state", "in1=out1",
                                      "--state", "in2=out2", board=board)
            worst = float(np.max(np.abs(outputs[0] - wanted))) if code == 0 else text
            counts.check(f"lstm_stream_ett/{name} on {board}", code == 0 and worst <= 1e-5, str(worst))
    for name in ("lstm_har", "rnn_har"):
        data = np.load(corpus / name / "io.npz")
        steps = data["in0"][0, 0, ::2]
        for board in ("host", BOARD):
            code, outputs, text = run(nblocks, corpus / name / "model.onnx", [steps[:, None, None]], "--stream", "in0",
                                      board=board)
            worst = float(np.max(np.abs(outputs[0][-1] - data["out0"][0]))) if code == 0 else text
            counts.check(f"{name} streamed on {board}", code == 0 and worst <= 1e-5, str(worst))
    end = subprocess.run([nblocks, "analyze", SHARED / "tflite" / "trained_lstm" / "model.tflite", "--stream", "in0"],
                         capture_output=True, text=True)
    counts.check("trained_lstm flattens time", end.returncode == 3 and "joins time" in end.stderr, end.stderr)


def main():
    nblocks = sys.argv[1]
    counts = Counts()
    with tempfile.TemporaryDirectory() as folder:
        check_streams(nblocks, folder, counts)
        check_convolutions(nblocks, folder, counts)
        check_tflite(nblocks, folder, counts)
        check_pairs(nblocks, folder, counts)
        check_cache(nblocks, folder, counts)
        check_refusals(nblocks, folder, counts)
        if SHARED.is_dir():
            check_shared(nblocks, folder, counts)
        else:
            print("skipped: ../shared/models is not there")
    print(f"{counts.passed} passed, {counts.failed} failed")
    return 1 if counts.failed else 0


if __name__ == "__main__":
    sys.exit(main())
