"""LSTM, GRU and RNN as ONNX states them, for forms that the backend tests of `onnx` leave out.

cases(): as own_cases.cases(). Outputs are those of the formulas here, in float64.
"""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

FUNCTIONS = {
    "Sigmoid": lambda x, a, b: 1 / (1 + np.exp(-x)), "Tanh": lambda x, a, b: np.tanh(x),
    "Relu": lambda x, a, b: np.maximum(x, 0), "LeakyRelu": lambda x, a, b: np.where(x < 0, a * x, x),
    "ThresholdedRelu": lambda x, a, b: np.where(x > a, x, 0), "ScaledTanh": lambda x, a, b: a * np.tanh(b * x),
    "HardSigmoid": lambda x, a, b: np.clip(a * x + b, 0, 1), "Elu": lambda x, a, b: np.where(x < 0, a * np.expm1(x), x),
    "Softsign": lambda x, a, b: x / (1 + np.abs(x)), "Softplus": lambda x, a, b: np.log1p(np.exp(x)),
    "Affine": lambda x, a, b: a * x + b,
}
TAKES = {"LeakyRelu": 1, "ThresholdedRelu": 1, "Elu": 1, "ScaledTanh": 2, "HardSigmoid": 2, "Affine": 2}
STANDARD = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def functions(operator, directions, attributes):
    """Of each direction in turn; alpha and beta go to those functions that take them, in order."""
    names = attributes.get("activations", STANDARD[operator] * directions)
    alphas, betas = list(attributes.get("activation_alpha", [])), list(attributes.get("activation_beta", []))
    found = []
    for name in names:
        a = alphas.pop(0) if TAKES.get(name, 0) >= 1 else 0
        b = betas.pop(0) if TAKES.get(name, 0) >= 2 else 0
        found.append(lambda x, f=FUNCTIONS[name], a=a, b=b: f(x, a, b))
    count = len(STANDARD[operator])
    return [found[d * count:(d + 1) * count] for d in range(directions)]


def step(operator, f, clip, attributes, x, h, c, w, r, b, p):
    """The next h and c of one sample."""
    size = len(h)
    bw, br = b[:len(b) // 2], b[len(b) // 2:]
    if operator == "RNN":
        return f[0](clip(w @ x + r @ h + bw + br)), c
    of_x, of_h = w @ x + bw, r @ h + br
    if operator == "GRU":
        z, reset = (f[0](clip(of_x[k * size:(k + 1) * size] + of_h[k * size:(k + 1) * size])) for k in (0, 1))
        last = slice(2 * size, None)
        hidden = reset * of_h[last] if attributes.get("linear_before_reset") else r[last] @ (reset * h) + br[last]
        return (1 - z) * f[1](clip(of_x[last] + hidden)) + z * h, c
    gates = (of_x + of_h).reshape(4, size)
    i = f[0](clip(gates[0] + p[:size] * c))
    forget = 1 - i if attributes.get("input_forget") else f[0](clip(gates[2] + p[2 * size:] * c))
    c = forget * c + i * f[1](clip(gates[3]))
    return f[0](clip(gates[1] + p[size:2 * size] * c)) * f[2](c), c


def evaluate(operator, attributes, x, w, r, b, lengths=None, h0=None, c0=None, p=None):
    """Y, Y_h and Y_c in the layout of the attributes."""
    batch_first = attributes.get("layout", 0) == 1
    x = np.swapaxes(x, 0, 1) if batch_first else x
    steps, samples, _ = x.shape
    directions, size = r.shape[0], r.shape[2]
    direction = attributes.get("direction", "forward")
    state = (directions, samples, size)

    def initial(given):
        if given is None:
            return np.zeros(state)
        return (np.swapaxes(given, 0, 1) if batch_first else given).astype(np.float64)
    h, c = initial(h0), initial(c0)
    y = np.zeros((steps, *state))
    limit = attributes.get("clip", np.inf)
    p = np.zeros((directions, 3 * size)) if p is None else p
    for d, f in enumerate(functions(operator, directions, attributes)):
        for n in range(samples):
            length = steps if lengths is None else int(lengths[n])
            for t in reversed(range(length)) if direction == "reverse" or d == 1 else range(length):
                h[d, n], c[d, n] = step(operator, f, lambda v: np.clip(v, -limit, limit), attributes,
                                        x[t, n].astype(np.float64), h[d, n], c[d, n], w[d], r[d], b[d], p[d])
                y[t, d, n] = h[d, n]
    y = np.transpose(y, (2, 0, 1, 3)) if batch_first else y
    return [a.astype(np.float32) for a in (y, *(np.swapaxes(s, 0, 1) if batch_first else s for s in (h, c)))]


def cases(model_of):
    random = np.random.default_rng(7)

    def floats(*shape):
        return (0.5 * random.standard_normal(shape)).astype(np.float32)

    def one(name, operator, steps=7, samples=3, inputs=4, units=5, lengths=None, has_states=False, has_peephole=False,
            is_constant=True, is_constant_lengths=False, wanted=3, **attributes):
        directions = 2 if attributes.get("direction") == "bidirectional" else 1
        rows = GATES[operator] * units
        batch_first = attributes.get("layout", 0) == 1
        state = (samples, directions, units) if batch_first else (directions, samples, units)
        x = floats(samples, steps, inputs) if batch_first else floats(steps, samples, inputs)
        weights = [floats(directions, rows, inputs), floats(directions, rows, units), floats(directions, 2 * rows)]
        counts = np.array(lengths, np.int32) if lengths is not None else None
        states = [floats(*state) for _ in range((2 if operator == "LSTM" else 1) * has_states)]
        peephole = floats(directions, 3 * units) if has_peephole else None
        outputs = evaluate(operator, attributes, x, *weights, counts, *(states or [None]),
                           **({"p": peephole} if has_peephole else {}))
        results = dict(zip(("y", "y_h", "y_c")[:3 if operator == "LSTM" else 2][:wanted], outputs))
        arrays = {"x": x, **dict(zip("wrb", weights)), **({"n": counts} if counts is not None else {}),
                  **dict(zip(("h0", "c0"), states)), **({"p": peephole} if has_peephole else {})}
        names = ["x", "w", "r", "b", "n", "h0", "c0", "p"]
        names = [key if key in arrays else "" for key in names]
        while names[-1] == "":
            names.pop()
        constants = [k for k in ("w", "r", "b", "p") if is_constant and k in arrays]
        constants += ["n"] if is_constant_lengths else []
        fed = {k: v for k, v in arrays.items() if k not in constants}
        node = helper.make_node(operator, names, list(results), hidden_size=units, **attributes)
        model = model_of(name, [node], fed, {k: TensorProto.FLOAT for k in results}, 22)
        for key in constants:
            model.graph.initializer.append(numpy_helper.from_array(arrays[key], key))
        return name, model, fed, list(results.values())

    both = {"direction": "bidirectional"}
    for after in (0, 1):
        yield one(f"gru_bidirectional_lengths_{after}", "GRU", lengths=[7, 2, 4], has_states=True,
                  linear_before_reset=after, **both)
        yield one(f"gru_layout_{after}", "GRU", layout=1, has_states=True, linear_before_reset=after, **both)
        yield one(f"gru_reverse_clip_{after}", "GRU", direction="reverse", clip=0.4, linear_before_reset=after, units=9)
        yield one(f"gru_activations_{after}", "GRU", linear_before_reset=after, **both,
                  activations=["HardSigmoid", "ScaledTanh", "Sigmoid", "Softsign"],
                  activation_alpha=[0.25, 0.9], activation_beta=[0.4, 0.8])
        yield one(f"gru_weights_at_run_time_{after}", "GRU", lengths=[7, 2, 4], is_constant=False,
                  linear_before_reset=after, **both)
    yield one("gru_last_only", "GRU", samples=1, units=8, is_constant_lengths=True, lengths=[7])
    yield one("lstm_bidirectional_lengths", "LSTM", lengths=[3, 7, 1], has_states=True, has_peephole=True, **both)
    yield one("lstm_layout", "LSTM", layout=1, has_states=True, **both)
    yield one("lstm_coupled_clip", "LSTM", clip=0.4, input_forget=1, direction="reverse")
    yield one("lstm_activations", "LSTM", activations=["Sigmoid", "LeakyRelu", "Elu"], activation_alpha=[0.1, 0.7])
    yield one("lstm_weights_at_run_time", "LSTM", is_constant=False, has_peephole=True, lengths=[1, 7, 5], **both)
    yield one("rnn_bidirectional_lengths", "RNN", lengths=[3, 7, 1], has_states=True, **both)
    yield one("rnn_layout", "RNN", layout=1, has_states=True, direction="reverse")
    yield one("rnn_activations", "RNN", activations=["Affine", "ThresholdedRelu"], activation_alpha=[0.5, 0.2],
              activation_beta=[0.1], **both)
    yield one("rnn_clip", "RNN", clip=0.3, activations=["Softplus"], units=8, wanted=1)
    yield one("rnn_weights_at_run_time", "RNN", is_constant=False, has_states=True, **both)

    # Two layers, the first in both directions.
    x, w, r, b = floats(6, 2, 4), floats(2, 15, 4), floats(2, 15, 5), floats(2, 30)
    w2, r2, b2 = floats(1, 12, 10), floats(1, 12, 3), floats(1, 24)
    first = evaluate("GRU", {**both, "linear_before_reset": 1}, x, w, r, b)[0]
    between = np.transpose(first, (0, 2, 1, 3)).reshape(6, 2, 10)
    outputs = evaluate("LSTM", {}, between, w2, r2, b2)
    nodes = [helper.make_node("GRU", ["x", "w", "r", "b"], ["y1"], hidden_size=5, linear_before_reset=1, **both),
             helper.make_node("Transpose", ["y1"], ["t1"], perm=[0, 2, 1, 3]),
             helper.make_node("Reshape", ["t1", "shape"], ["x2"]),
             helper.make_node("LSTM", ["x2", "w2", "r2", "b2"], ["y", "y_h", "y_c"], hidden_size=3)]
    model = model_of("stacked", nodes, {"x": x}, dict.fromkeys(("y", "y_h", "y_c"), TensorProto.FLOAT), 22)
    for key, array in {"w": w, "r": r, "b": b, "w2": w2, "r2": r2, "b2": b2,
                       "shape": np.array([6, 2, 10], np.int64)}.items():
        model.graph.initializer.append(numpy_helper.from_array(array, key))
    yield "recurrent_stacked", model, {"x": x}, outputs
