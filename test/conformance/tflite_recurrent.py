"""Cases of tflite_cases.py: recurrent layers, as operators and as loops."""

import numpy as np

from tflite_builder import Model
from tflite_scales import quantization


def lstm(rng, dtype, time_major=False, clip=0.0):
    m = Model()
    n, t, i, h = int(rng.integers(1, 4)), int(rng.integers(1, 6)), int(rng.integers(1, 20)), int(rng.integers(1, 20))
    x = m.input((t, n, i) if time_major else (n, t, i), dtype, *quantization(rng, dtype, 0.01, 0.03))
    h_q = {np.float32: (None, 0), np.int8: (float(rng.uniform(0.004, 0.01)), int(rng.integers(-20, 20))),
           np.int16: (1 / 32768, 0)}[dtype]
    w_q = [0.02 * float(rng.uniform(0.3, 1)) / np.sqrt(i + h) if h_q[0] else None for _ in range(8)]
    weights = [m.constant(rng.integers(-127, 128, (h, i if k < 4 else h)) if h_q[0] else
                          rng.standard_normal((h, i if k < 4 else h)), np.int8 if h_q[0] else np.float32, w_q[k])
               for k in range(8)]
    biases = []
    for k in range(4):
        if h_q[0]:
            biases.append(m.constant(rng.integers(-3000, 3000, h), np.int32 if dtype == np.int8 else np.int64,
                                     float(np.float32(x.scale * w_q[k]))))
        else:
            biases.append(m.constant(rng.standard_normal(h), np.float32))
    state_h = m.tensor((n, h), dtype, *h_q, is_variable=True)
    state_c = m.tensor((n, h), np.int16 if h_q[0] else np.float32, 2.0 ** -int(rng.integers(9, 13)) if h_q[0] else None, 0,
                       is_variable=True)
    y = m.output((*x.shape[:2], h), dtype, *h_q)
    operands = [x, *weights, None, None, None, *biases, None, None, state_h, state_c, None, None, None, None]
    m.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, [y], ("UnidirectionalSequenceLSTMOptions", dict(
        fusedActivationFunction=4, timeMajor=time_major, cellClip=clip)), version=3)
    return m


def float_direction(m, rng, gates, i, h):
    """Weights of x, weights of h and biases of a layer's direction, `gates` of each."""
    def floats(*shape):
        return m.constant(0.5 * rng.standard_normal(shape), np.float32)
    return ([floats(h, i) for _ in range(gates)] + [floats(h, h) for _ in range(gates)],
            [floats(h) for _ in range(gates)])


def sequence_rnn(rng, dtype, time_major=False, both=False, merge=False, activation=4):
    m = Model()
    m.judge = "litert"
    n, t, i, h = int(rng.integers(1, 4)), int(rng.integers(1, 6)), int(rng.integers(1, 20)), int(rng.integers(1, 20))
    x = m.input((t, n, i) if time_major else (n, t, i), dtype)
    operands = [x]
    for _ in range(1 + both):
        weights, biases = float_direction(m, rng, 1, i, h)
        operands += [*weights, *biases, m.tensor((n, h), dtype, is_variable=True)]
    outputs = [m.output((*x.shape[:2], h * (1 + merge)), dtype) for _ in range(1 + (both and not merge))]
    name = ("BI" if both else "UNI") + "DIRECTIONAL_SEQUENCE_RNN"
    options = dict(timeMajor=time_major, fusedActivationFunction=activation)
    if both:
        operands += [None] * 3
        options["mergeOutputs"] = merge
    m.operator(name, operands, outputs, ("BidirectionalSequenceRNNOptions" if both else "SequenceRNNOptions", options))
    return m


def both_lstm(rng, dtype, time_major=False, merge=True, clip=0.0):
    m = Model()
    m.judge = "litert"
    n, t, i, h = int(rng.integers(1, 4)), int(rng.integers(1, 6)), int(rng.integers(1, 20)), int(rng.integers(1, 20))
    if merge and not time_major:
        n = 1  # LiteRT strides through the states by rows of the merged output, beyond their end
    x = m.input((t, n, i) if time_major else (n, t, i), dtype)
    operands = [x]
    for _ in range(2):
        weights, biases = float_direction(m, rng, 4, i, h)
        operands += [*weights, None, None, None, *biases, None, None]
    operands += [m.tensor((n, h), dtype, is_variable=True) for _ in range(4)] + [None] * 9
    outputs = [m.output((*x.shape[:2], h * (1 + merge)), dtype) for _ in range(1 if merge else 2)]
    m.operator("BIDIRECTIONAL_SEQUENCE_LSTM", operands, outputs, ("BidirectionalSequenceLSTMOptions", dict(
        fusedActivationFunction=4, timeMajor=time_major, cellClip=clip, mergeOutputs=merge)))
    return m


def while_gru(rng, dtype, keeps=None, units=6):
    """A GRU as Keras writes it: counters, x by its rows, h, and the list of outputs."""
    m = Model()
    steps, inputs = 5, 4
    rows = steps if keeps else 1
    x = m.input((steps, 1, inputs), dtype)
    carried = [((), np.int32), ((rows, 1, units), dtype), ((1, units), dtype), ((steps, 1, inputs), dtype)]

    def floats(*shape):
        return m.constant(0.5 * rng.standard_normal(shape), dtype)

    def value(shape, operator, operands, options=None):
        out = m.tensor(shape, dtype)
        m.operator(operator, operands, [out], options)
        return out

    def ints(values):
        return m.constant(np.array(values), np.int32)

    with m.subgraph(carried) as (condition, (count, *_)):
        m.operator("LESS", [count, ints(steps)], [m.output((), np.bool_)], ("LessOptions", {}))
    with m.subgraph(carried) as (body, (count, list_before, h, whole)):
        x_t = value((1, inputs), "GATHER", [whole, count], ("GatherOptions", dict(axis=0)))
        dense = ("FullyConnectedOptions", {})
        of_x = value((1, 3 * units), "FULLY_CONNECTED", [x_t, floats(3 * units, inputs), floats(3 * units)], dense)
        of_h = value((1, 3 * units), "FULLY_CONNECTED", [h, floats(3 * units, units), floats(3 * units)], dense)
        parts = []
        for of in (of_x, of_h):
            parts.append([m.tensor((1, units), dtype) for _ in range(3)])
            m.operator("SPLIT", [ints(-1), of], parts[-1], ("SplitOptions", dict(numSplits=3)))
        add, sub, mul = (lambda a, b, n=n, o=o: value((1, units), n, [a, b], (o, {}))
                         for n, o in (("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions")))
        z = value((1, units), "LOGISTIC", [add(parts[0][0], parts[1][0])])
        r = value((1, units), "LOGISTIC", [add(parts[0][1], parts[1][1])])
        n = value((1, units), "TANH", [add(parts[0][2], mul(r, parts[1][2]))])
        kept, fresh = mul(z, h), mul(sub(m.constant(1.0, dtype), z), n)
        m.operator("ADD", [count, ints(1)], [m.output((), np.int32)], ("AddOptions", {}))
        next_list, next_h = m.output((rows, 1, units), dtype), m.output((1, units), dtype)
        m.operator("ADD", [kept, fresh], [next_h], ("AddOptions", {}))
        row = value((1, 1, units), "RESHAPE", [next_h, ints([1, 1, units])]) if keeps else next_list

        def index(first):
            of = m.tensor((3,), np.int32)
            m.operator("PACK", [first, ints(0), ints(0)], [of], ("PackOptions", dict(valuesCount=3)))
            return of

        if not keeps:
            m.operator("RESHAPE", [next_h, ints([1, 1, units])], [row])
        elif keeps == "update":
            m.operator("DYNAMIC_UPDATE_SLICE", [list_before, row, index(count)], [next_list])
        else:  # the rows before, the new one, the rows behind: shapes that change with each step
            m.judge = "litert"
            after = m.tensor((), np.int32)
            m.operator("ADD", [count, ints(1)], [after], ("AddOptions", {}))
            sizes = m.tensor((3,), np.int32)
            m.operator("PACK", [count, ints(1), ints(units)], [sizes], ("PackOptions", dict(valuesCount=3)))
            pieces = [m.tensor((1, 1, units), dtype, dynamic=0) for _ in range(2)]
            m.operator("SLICE", [list_before, ints([0, 0, 0]), sizes], pieces[:1], ("SliceOptions", {}))
            m.operator("SLICE", [list_before, index(after), ints([-1, -1, -1])], pieces[1:], ("SliceOptions", {}))
            m.operator("CONCATENATION", [pieces[0], row, pieces[1]], [next_list], ("ConcatenationOptions", dict(axis=0)))
        m.graph.outputs.append(whole.index)
    results = [m.tensor((), np.int32), m.output((rows, 1, units), dtype), m.output((1, units), dtype),
               m.tensor((steps, 1, inputs), dtype)]
    zeros = [m.constant(np.zeros(shape), dtype) for shape in ((rows, 1, units), (1, units))]
    m.operator("WHILE", [ints(0), *zeros, x], results,
               ("WhileOptions", dict(condSubgraphIndex=condition, bodySubgraphIndex=body)))
    return m


def while_small(rng, dtype):
    """Doubles x until it is 10 or more: how often is known only at run time."""
    m = Model()
    x = m.input((), dtype)
    x.range = (1, 3)
    with m.subgraph([((), dtype)]) as (condition, (before,)):
        m.operator("LESS", [before, m.constant(10.0, dtype)], [m.output((), np.bool_)], ("LessOptions", {}))
    with m.subgraph([((), dtype)]) as (body, (before,)):
        m.operator("MUL", [before, m.constant(2.0, dtype)], [m.output((), dtype)], ("MulOptions", {}))
    m.operator("WHILE", [x], [m.output((), dtype)],
               ("WhileOptions", dict(condSubgraphIndex=condition, bodySubgraphIndex=body)))
    return m
