"""Recurrent networks as PyTorch's two ONNX exporters write them, whole layers and loops over cells: the same numbers as
PyTorch, and one recurrent block a layer and direction that is walked, with nothing beside but what moves elements.

Without PyTorch the test is skipped (exit code 77). Ends with "N passed, N failed".

usage: recurrent_test.py NBLOCKS [--only TEXT]
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np

try:
    import torch
    import onnxscript  # noqa: F401, what the newer exporter needs
except ImportError as missing:
    print(f"skipped: no {missing.name}")
    sys.exit(77)

from torch import nn

STEPS, INPUTS, UNITS = 7, 3, 8
MOVING = {"reshape", "slice", "gather", "transpose", "concat"}


class Cells(nn.Module):
    """Layers of cells, walked step by step."""

    def __init__(self, cell, layers=1):
        super().__init__()
        self.cells = nn.ModuleList(cell(INPUTS if i == 0 else UNITS, UNITS) for i in range(layers))
        self.has_c = cell is nn.LSTMCell

    def forward(self, x):
        states = [(torch.zeros(1, UNITS),) * (2 if self.has_c else 1) for _ in self.cells]
        rows = []
        for t in range(STEPS):
            row = x[:, t]
            for i, cell in enumerate(self.cells):
                states[i] = cell(row, states[i]) if self.has_c else (cell(row, *states[i]),)
                row = states[i][0]
            rows.append(row)
        return torch.stack(rows, 1)


class Layer(nn.Module):
    """A layer of PyTorch; its output of each step, or the last one."""

    def __init__(self, layer, last=False, **options):
        super().__init__()
        self.layer, self.last = layer(INPUTS, UNITS, batch_first=True, **options), last

    def forward(self, x):
        y = self.layer(x)[0]
        return y[:, -1] if self.last else y


class Stream(nn.Module):
    """A few steps from states that are inputs to states that are outputs."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer(INPUTS, UNITS, batch_first=True)

    def forward(self, x, *states):
        y, after = self.layer(x, states if len(states) == 2 else states[0])
        return (y, *(after if len(states) == 2 else (after,)))


class Written(nn.Module):
    """Gated recurrent units in other words: of x and h side by side, both gates as one, reset before the product, and
    `mixes` for the next h."""

    def __init__(self, mixes):
        super().__init__()
        self.mixes = mixes
        self.gates, self.fresh = nn.Linear(INPUTS + UNITS, 2 * UNITS), nn.Linear(INPUTS + UNITS, UNITS)

    def forward(self, x):
        h = torch.zeros(1, UNITS)
        rows = []
        for t in reversed(range(STEPS)):
            z, r = torch.sigmoid(self.gates(torch.cat([x[:, t], h], 1))).chunk(2, 1)
            n = torch.tanh(self.fresh(torch.cat([x[:, t], r * h], 1)))
            h = self.mixes(z, h, n)
            rows.append(h)
        return torch.stack(rows, 1)


class Peephole(nn.Module):
    """A gate that sees the cell: no block, but the same numbers."""

    def __init__(self):
        super().__init__()
        self.x, self.h = nn.Linear(INPUTS, 4 * UNITS), nn.Linear(UNITS, 4 * UNITS)
        self.peephole = nn.Parameter(torch.randn(UNITS))

    def forward(self, x):
        h, c = torch.zeros(1, UNITS), torch.zeros(1, UNITS)
        for t in range(STEPS):
            i, f, g, o = (self.x(x[:, t]) + self.h(h)).chunk(4, 1)
            c = torch.sigmoid(f + self.peephole * c) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return h


# Name: model, how many of which block it must become, shapes of its inputs.
SEQUENCE = [(1, STEPS, INPUTS)]
STATE = (1, 1, UNITS)
CASES = {}
for block, layer, cell in (("lstm", nn.LSTM, nn.LSTMCell), ("gru", nn.GRU, nn.GRUCell), ("rnn", nn.RNN, nn.RNNCell)):
    states = [STATE] * (2 if block == "lstm" else 1)
    CASES |= {
        f"{block}_cells": (lambda c=cell: Cells(c), {block: 1}, SEQUENCE),
        f"{block}_cells_of_two_layers": (lambda c=cell: Cells(c, 2), {block: 2}, SEQUENCE),
        f"{block}_layer": (lambda k=layer: Layer(k), {block: 1}, SEQUENCE),
        f"{block}_without_bias": (lambda k=layer: Layer(k, bias=False), {block: 1}, SEQUENCE),
        f"{block}_two_layers_last": (lambda k=layer: Layer(k, last=True, num_layers=2), {block: 2}, SEQUENCE),
        f"{block}_both_ways": (lambda k=layer: Layer(k, bidirectional=True), {block: None}, SEQUENCE),
        f"{block}_stream": (lambda k=layer: Stream(k), {block: 1}, [(1, 4, INPUTS), *states]),
    }
    if block != "rnn":  # which is a dense layer in one step
        CASES[f"{block}_one_step"] = (lambda k=layer: Stream(k), {block: 1}, [(1, 1, INPUTS), *states])
CASES |= {
    "rnn_relu": (lambda: Layer(nn.RNN, nonlinearity="relu"), {"rnn": 1}, SEQUENCE),
    "gru_written": (lambda: Written(lambda z, h, n: z * h + (1 - z) * n), {"gru": 1}, SEQUENCE),
    "gru_update_of_the_new": (lambda: Written(lambda z, h, n: (1 - z) * h + z * n), {"gru": 1}, SEQUENCE),
    "gru_difference": (lambda: Written(lambda z, h, n: h + z * (n - h)), {"gru": 1}, SEQUENCE),
    "lstm_peephole": (Peephole, {}, SEQUENCE),
}


def check(nblocks, folder, model, wanted, shapes, is_new):
    """What is wrong, or None."""
    inputs = [torch.randn(shape) for shape in shapes]
    path = pathlib.Path(folder) / "model.onnx"
    names = [f"in{i}" for i in range(len(inputs))]
    if is_new:
        torch.onnx.export(model, tuple(inputs), str(path), dynamo=True, verbose=False, external_data=False, input_names=names)
    else:
        torch.onnx.export(model, tuple(inputs), str(path), dynamo=False, input_names=names)
    expected = model(*inputs)
    expected = [e.detach().numpy() for e in (expected if isinstance(expected, tuple) else (expected,))]
    np.savez(path.with_name("in.npz"), **{name: x.numpy() for name, x in zip(names, inputs)})
    end = subprocess.run([nblocks, "run", str(path), "-b", "host", "--json", "-q", "--input", str(path.with_name("in.npz")),
                          "--output", folder], capture_output=True, text=True, timeout=300)
    if end.returncode != 0:
        return f"exit {end.returncode}: {end.stderr[:400]}"
    report = json.loads(end.stdout)
    for k, (output, e) in enumerate(zip(report["outputs"], expected, strict=True)):
        difference = np.max(np.abs(np.load(output["file"]).reshape(-1) - e.reshape(-1)))
        if not difference <= 1e-5:
            return f"output {k} differs by {difference}"
    blocks = collections.Counter(layer["block"] for layer in report["layers"])
    for block, count in wanted.items():
        if blocks[block] != (count or blocks[block] or 1) or set(blocks) - MOVING - {block}:
            return f"its layers are {dict(blocks)}"
    if not wanted and {"lstm", "gru", "rnn"} & set(blocks):
        return f"its layers are {dict(blocks)}, none of which is it"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nblocks")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    passed = failed = 0
    for name, (make, wanted, shapes) in CASES.items():
        for is_new in (True, False):
            if arguments.only not in name:
                continue
            torch.manual_seed(1)
            with tempfile.TemporaryDirectory() as folder:
                wrong = check(arguments.nblocks, folder, make().eval(), wanted, shapes, is_new)
            passed += wrong is None
            failed += wrong is not None
            if wrong:
                print(f"FAILED {name}, {'newer' if is_new else 'older'} exporter: {wrong}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
