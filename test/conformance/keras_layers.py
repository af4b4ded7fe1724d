"""Keras layers through emitted C++ on the host, against Keras' own predictions: every layer of keras_cases.py, saved as
.keras and as .h5, with random weights.

Many cases are one model with an output each, so that few programs are compiled. The .h5 file must give the graph that
the .keras file gives, text for text. Outputs must agree within 2e-5 of the largest magnitude. Models of Keras 2
(package tf_keras) follow, which have other configurations and weights under other names.

Needs keras with TensorFlow; without, exits with 77 (skipped). --python PATH runs it in another Python if that exists.

usage: keras_layers.py NBLOCKS [--python PATH] [--only REGEX] [--batch N] [--keep FOLDER] [-v]
exit code: 0 if no case is wrong, refused or fails to compile
"""

import argparse
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import traceback

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # it refuses output_padding

SAMPLES = 3
TOLERANCE = 2e-5
# What .h5 files of Keras 3 do not hold: calls of keras.ops lose the module that tells them from layers.
NOT_IN_H5 = re.compile(r"^(op_index)$")


def samples_of(inputs, rng):
    import numpy as np

    arrays = []
    for spec in inputs:
        if isinstance(spec[0], tuple):
            shape, low, high = spec
            arrays.append(rng.integers(low, high, (SAMPLES, *shape)).astype(np.int32))
        else:
            arrays.append(rng.normal(0, 1, (SAMPLES, *spec)).astype(np.float32))
    return arrays


def randomize(model, rng):
    """Weights that no layer would compute the same result with by chance."""
    import numpy as np

    for variable in model.weights:
        if "seed" in (path := getattr(variable, "path", None) or variable.name):
            continue
        scale = 0.5 if "kernel" in path else 0.3
        values = rng.normal(0, scale, tuple(variable.shape))
        if "variance" in path:
            values = np.abs(values) + 0.5
        elif re.search(r"gamma|scale|vector_u", path):
            values = values + 1
        variable.assign(values.astype(str(variable.dtype).removeprefix("<dtype: '").removesuffix("'>")))


def flat(values):
    if isinstance(values, dict):
        return [v for key in sorted(values) for v in flat(values[key])]
    if isinstance(values, (list, tuple)):
        return [v for value in values for v in flat(value)]
    return [values]


def run(nblocks, path, arrays, folder, *options):
    """Outputs of all samples, or a text."""
    import json

    import numpy as np

    np.savez(folder / "in.npz", **{f"in{i}": a[:, None] for i, a in enumerate(arrays)})
    end = subprocess.run([nblocks, "run", str(path), "-b", "host", "--json", "-q", "--input", str(folder / "in.npz"), "--output", str(folder), *options],
                         capture_output=True, text=True, timeout=900)
    if end.returncode != 0:
        return f"exit {end.returncode}: {end.stderr.strip()[:3000]}"
    return [np.load(o["file"]) for o in json.loads(end.stdout)["outputs"]]


def graph_text(nblocks, path):
    out = path.with_suffix(".txt")
    end = subprocess.run([nblocks, "analyze", str(path), "-q", "-b", "host", "--stop-after", "read", "-o", str(out)],
                         capture_output=True, text=True, timeout=300)
    if end.returncode != 0:
        return f"exit {end.returncode}: {end.stderr.strip()[:2000]}"
    constants = next((p for p in out.parent.iterdir() if p.name.startswith(out.stem) and p.suffix == ".bin"), None)
    # .h5 files name some classes otherwise.
    return re.sub(r' from "[^"]*"', "", out.read_text()) + (hashlib.sha256(constants.read_bytes()).hexdigest() if constants else "")


def difference(got, wanted):
    """None if they agree."""
    import numpy as np

    wanted = np.asarray(wanted)
    if got.size != wanted.size:
        return f"shape {got.shape} instead of {wanted.shape}"
    a, b = got.reshape(-1).astype(np.float64), wanted.reshape(-1).astype(np.float64)
    worst = float(np.max(np.abs(a - b), initial=0.0))
    limit = TOLERANCE * max(1.0, float(np.max(np.abs(b), initial=0.0)))
    return None if worst <= limit else f"differs by {worst:.3g} of {limit:.3g}"


class Results:
    def __init__(self, is_verbose):
        self.counts, self.is_verbose = {"pass": 0, "wrong": 0, "refused": 0, "error": 0}, is_verbose

    def add(self, name, result, detail=""):
        self.counts[result] += 1
        if self.is_verbose or result != "pass":
            print(f"{result:8} {name} {detail}", flush=True)


def check_batch(nblocks, cases, rng, results, folder):
    """One model of several cases; split in two where a part of it is refused, so that each is judged."""
    import keras

    inputs, arrays, outputs, owners = [], [], [], []
    for name, build, specs in cases:
        mine = samples_of(specs, rng)
        tensors = [keras.Input(a.shape[1:], dtype=str(a.dtype), name=f"{name}_in{i}") for i, a in enumerate(mine)]
        try:
            made = flat(build(*tensors))
        except Exception as error:  # a version of Keras without the layer or attribute
            results.add(name, "error", f"Keras: {str(error)[:300]}")
            continue
        inputs += tensors
        arrays += mine
        outputs += made
        owners += [name] * len(made)
    if not outputs:
        return
    model = keras.Model(inputs, outputs)
    randomize(model, rng)
    path = folder / "model.keras"
    model.save(path)
    try:
        wanted = flat(model(arrays, training=False))
        got = run(nblocks, path, arrays, folder)
    except Exception as error:
        got = f"Keras: {str(error)[:600]}"
    if isinstance(got, str):
        if len(cases) == 1:
            results.add(cases[0][0], "refused" if got.startswith("exit 3") else "error", got)
            return
        half = len(cases) // 2
        check_batch(nblocks, cases[:half], rng, results, folder)
        check_batch(nblocks, cases[half:], rng, results, folder)
        return
    faults = {}
    for name, a, w in zip(owners, got, wanted, strict=True):
        fault = difference(a, w)
        faults[name] = faults.get(name) or fault
    for name, fault in faults.items():
        results.add(name, "wrong" if fault else "pass", fault or "")


def check_h5(nblocks, cases, rng, results, folder):
    """The graph of the .h5 file is that of the .keras file."""
    import keras

    inputs, outputs = [], []
    for name, build, specs in cases:
        tensors = [keras.Input(a.shape[1:], dtype=str(a.dtype), name=f"{name}_in{i}") for i, a in enumerate(samples_of(specs, rng))]
        try:
            outputs += flat(build(*tensors))
        except Exception:
            continue  # said by check_batch
        inputs += tensors
    model = keras.Model(inputs, outputs)
    randomize(model, rng)
    texts = []
    for suffix in (".keras", ".h5"):
        model.save(folder / f"model{suffix}")
        texts.append(graph_text(nblocks, folder / f"model{suffix}"))
    label = f"h5 of {cases[0][0]} .. {cases[-1][0]}"
    if texts[0] == texts[1] and not texts[0].startswith("exit"):
        return results.add(label, "pass")
    if len(cases) > 1:
        half = len(cases) // 2
        check_h5(nblocks, cases[:half], rng, results, folder)
        check_h5(nblocks, cases[half:], rng, results, folder)
        return None
    first = next((f"{a!r} / {b!r}" for a, b in zip(*(t.splitlines() for t in texts)) if a != b), texts[1])
    return results.add(label, "wrong", first[:600])


def check_model(nblocks, name, model, arrays, results, folder, suffix):
    """A model by itself, in one format."""
    path = folder / f"model{suffix}"
    model.save(path)
    got = run(nblocks, path, arrays, folder)
    if isinstance(got, str):
        return results.add(name + suffix, "refused" if got.startswith("exit 3") else "error", got)
    faults = [difference(a, w) for a, w in zip(got, flat(model(arrays if len(arrays) > 1 else arrays[0], training=False)), strict=True)]
    fault = next((f for f in faults if f), None)
    return results.add(name + suffix, "wrong" if fault else "pass", fault or "")


def check_stateful(nblocks, rng, results, folder):
    """A stateful layer carries on where the sample before ended, as the program's state does."""
    import keras
    import numpy as np

    model = keras.Sequential([keras.Input(batch_shape=(1, 4, 3)), keras.layers.LSTM(5, stateful=True, return_sequences=True),
                              keras.layers.GRU(4, stateful=True)])
    randomize(model, rng)
    for layer in model.layers:
        layer.reset_states()
    x = rng.normal(0, 1, (SAMPLES, 4, 3)).astype(np.float32)
    model.save(folder / "model.keras")
    wanted = np.stack([np.asarray(model(sample[None])) for sample in x])
    got = run(nblocks, folder / "model.keras", [x], folder, "--keep-state")
    fault = got if isinstance(got, str) else difference(got[0], wanted)
    results.add("stateful", "wrong" if fault else "pass", fault or "")


def keras_2_models():
    """(name, model, input shapes) of tf_keras."""
    import tf_keras
    from tf_keras import layers as L

    S = tf_keras.Sequential
    yield "k2_cnn", S([L.Conv2D(4, 3, activation="relu", input_shape=(8, 7, 2)), L.BatchNormalization(), L.DepthwiseConv2D(2),
                       L.LeakyReLU(0.1), L.SeparableConv2D(5, 2), L.PReLU(shared_axes=[1, 2]), L.MaxPooling2D(2), L.Flatten(),
                       L.Dense(4, activation="softmax")]), [(8, 7, 2)]
    yield "k2_lstm", S([tf_keras.Input((6, 3)), L.LSTM(4, return_sequences=True, recurrent_activation="hard_sigmoid"),
                        L.Bidirectional(L.GRU(3, return_sequences=True)), L.GRU(3, reset_after=False), L.Dense(2)]), [(6, 3)]
    a, b = tf_keras.Input((5, 4)), tf_keras.Input((4,))
    inner = S([tf_keras.Input((4,)), L.Dense(6, activation="gelu"), L.LayerNormalization(), L.Dense(4)])
    shared = L.Dense(4, activation="hard_sigmoid")
    y, h, c = L.LSTM(4, return_state=True, return_sequences=True)(a, initial_state=[b, shared(b)])
    z = L.MultiHeadAttention(2, 3)(y, a)
    out = L.Concatenate()([inner(h), shared(c), L.GlobalAveragePooling1D()(z), L.Average()([b, h])])
    yield "k2_functional", tf_keras.Model([a, b], [L.Dense(3)(out), L.ThresholdedReLU(0.4)(out)]), [(5, 4), (4,)]
    yield "k2_cells", S([tf_keras.Input((5, 3)), L.RNN([L.LSTMCell(4), L.GRUCell(3)], return_sequences=True),
                         L.TimeDistributed(L.Dense(2, activation="elu")), L.Conv1D(3, 2, padding="causal"), L.GlobalMaxPooling1D()]), [(5, 3)]


def check_keras_2(nblocks, only, rng, results, folder):
    import numpy as np

    try:
        models = list(keras_2_models())
    except ImportError as missing:
        print(f"skipped: Keras 2: {missing}")
        return
    for name, model, shapes in models:
        if not re.search(only, name):
            continue
        randomize(model, rng)
        arrays = [rng.normal(0, 1, (SAMPLES, *shape)).astype(np.float32) for shape in shapes]
        for suffix in (".h5", ".keras"):
            check_model(nblocks, name, model, arrays, results, folder, suffix)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nblocks")
    parser.add_argument("--python")
    parser.add_argument("--only", default="")
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("-v", action="store_true")
    arguments = parser.parse_args()
    if arguments.python and pathlib.Path(arguments.python).is_file():
        others = [a for i, a in enumerate(sys.argv[1:]) if a != "--python" and (i == 0 or sys.argv[i] != "--python")]
        os.execv(arguments.python, [arguments.python, __file__, *others])
    try:
        import numpy as np

        import keras_cases
    except ImportError as missing:
        print(f"skipped: {missing}")
        return 77
    results = Results(arguments.v)
    rng = np.random.default_rng(5)
    cases = [c for c in keras_cases.CASES if re.search(arguments.only, c[0])]
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or pathlib.Path(temporary)
        for i in range(0, len(cases), arguments.batch):
            try:
                check_batch(arguments.nblocks, cases[i:i + arguments.batch], rng, results, folder)
            except Exception:
                results.add(f"{cases[i][0]} ..", "error", traceback.format_exc())
        in_h5 = [c for c in cases if not NOT_IN_H5.match(c[0])]
        for i in range(0, len(in_h5), arguments.batch):
            try:
                check_h5(arguments.nblocks, in_h5[i:i + arguments.batch], rng, results, folder)
            except Exception:
                results.add(f"h5 {in_h5[i][0]} ..", "error", traceback.format_exc())
        if re.search(arguments.only, "stateful"):
            check_stateful(arguments.nblocks, rng, results, folder)
        check_keras_2(arguments.nblocks, arguments.only, rng, results, folder)
    print(", ".join(f"{n} {result}" for result, n in results.counts.items()))
    return 0 if results.counts["pass"] and sum(results.counts.values()) == results.counts["pass"] else 1


if __name__ == "__main__":
    sys.exit(main())
