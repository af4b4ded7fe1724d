"""Transformers as PyTorch's two ONNX exporters write them: the same numbers as PyTorch, the same blocks from both,
and no matrix of all scores.

Encoders of 256 steps, before and after normalization: outputs within 1e-4 of their range, no value with two axes of
the steps, scratch that grows with the steps and not their square, and an arena of at most 1.3 times the largest pair
of layer tensors that live at one time (those that a node reads or makes, or that are kept across it; views and
results in place are their operand). Then small networks of one attention each, in the ways that people write it.
Without PyTorch the test is skipped (exit code 77). Ends with "N passed, N failed".

usage: transformer_test.py NBLOCKS [--only TEXT]
"""

import argparse
import pathlib
import re
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
from torch.nn import functional

STEPS, WIDTH, HEADS, LAYERS, HIDDEN = 256, 128, 4, 4, 512


def encoder(norm_first):
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, HIDDEN, activation="gelu", batch_first=True, norm_first=norm_first)
    model = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
    for parameter in model.parameters():  # no two layers alike, no scale of 1, no bias of 0
        with torch.no_grad():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    return model


class Heads(nn.Module):
    """Attention of [1, steps, width] by `attend`, a function of q, k, v [1, heads, steps, depth]; k and v may have
    fewer heads than q."""

    def __init__(self, attend, shared=4):
        super().__init__()
        self.attend = attend
        self.q, self.k, self.v, self.o = (nn.Linear(32, n) for n in (32, 8 * shared, 8 * shared, 32))

    def forward(self, x):
        q, k, v = (layer(x).reshape(1, 20, -1, 8).transpose(1, 2) for layer in (self.q, self.k, self.v))
        return self.o(self.attend(q, k, v).transpose(1, 2).reshape(x.shape))


def written(q, k, v, mask=lambda scores: scores):
    return torch.softmax(mask(q @ k.transpose(-1, -2) / 8**0.5), -1) @ v


def causal(scores):
    return scores.masked_fill(torch.ones(20, 20).triu(1).bool(), float("-inf"))


def low_where_far(scores):
    distance = torch.arange(20)[:, None] - torch.arange(20)[None, :]
    return torch.where(distance.abs() < 4, scores, torch.tensor(torch.finfo(torch.float32).min))


def repeated(q, k, v):
    wide = [x[:, :, None].expand(1, 2, 2, 20, 8).reshape(1, 4, 20, 8) for x in (k, v)]
    return written(q, *wide)


def diagonal(scores, k):
    """Causal, and without the keys that look like padding; each query sees itself."""
    is_real = (k[:, :1, :, 0] > -0.3)[:, :, None] | torch.eye(20).bool()
    return scores + torch.where(is_real & torch.ones(20, 20).tril().bool(), 0.0, torch.finfo(torch.float32).min)


def padded(scores, k):
    """Causal, and without the keys that look like padding, but for the first."""
    is_real = (k[:, :1, :, 0] > -0.3)[:, :, None] | (torch.arange(20) == 0)
    return scores + torch.where(is_real & torch.ones(20, 20).tril().bool(), 0.0, torch.finfo(torch.float32).min)


LOWEST = torch.finfo(torch.float32).min


def real_keys(k):
    """Keys that do not look like padding, [1, 1, 1, keys]."""
    return (k[:, :1, :, 0] > -0.3)[:, :, None]


def some_queries(k):
    """Keys as above, for half of the queries; the others see none."""
    return real_keys(k) & (k[:, :1, :, 1] > 0)[..., None]


def lowered(scores, keep, low):
    return scores + (1.0 - keep.float()) * low


def inverted(scores, keep):
    """As Transformers does it: the lowest number where the inverse is not 0."""
    inverse = 1.0 - keep.expand(1, 1, 20, 20).float()
    return scores + inverse.masked_fill(inverse.to(torch.bool), LOWEST)


def causal_and_padded(scores, keep):
    """One addend of both, the lowest number once where both hide."""
    triangle = torch.full((20, 20), LOWEST).triu(1)[None, None]
    return scores + triangle.masked_fill(triangle + keep.long() == 0, LOWEST)


def squared(scores, keep):
    """As BERT of TensorFlow does it: a product of ones for the queries and the keys' mask."""
    return scores + (1.0 - torch.ones(1, 1, 20, 1) * keep.float()) * -10000.0


def turned(q, k, v):
    return torch.softmax((k @ q.transpose(-1, -2)).transpose(-1, -2) / 3, -1) @ v


def turned_causal(q, k, v):
    return torch.softmax(causal((k @ q.transpose(-1, -2)).transpose(-1, -2)) / 3, -1) @ v


sdpa = functional.scaled_dot_product_attention


def every_third(size):
    return torch.arange(size) % 3 != 1


ATTENTIONS = {
    "sdpa": (lambda q, k, v: sdpa(q, k, v), 4),
    "sdpa_causal": (lambda q, k, v: sdpa(q, k, v, is_causal=True), 4),
    "sdpa_boolean": (lambda q, k, v: sdpa(q, k, v, attn_mask=every_third(20)[None, :]), 4),
    "sdpa_added": (lambda q, k, v: sdpa(q, k, v, attn_mask=torch.arange(4.0)[:, None, None] * torch.ones(20, 20) / 9), 4),
    "sdpa_scale": (lambda q, k, v: sdpa(q, k, v, scale=0.25), 4),
    "sdpa_groups": (lambda q, k, v: sdpa(q, k, v, enable_gqa=True), 2),
    "written": (written, 4),
    "written_causal": (lambda q, k, v: written(q, k, v, causal), 4),
    "written_window": (lambda q, k, v: written(q, k, v, low_where_far), 4),
    "written_softcap": (lambda q, k, v: written(q, k, v, lambda s: 5 * torch.tanh(s / 5)), 4),
    "written_repeated": (repeated, 2),
    "written_padded": (lambda q, k, v: written(q, k, v, lambda s: padded(s, k)), 4),
    "written_lowered": (lambda q, k, v: written(q, k, v, lambda s: lowered(s, real_keys(k), -10000.0)), 4),
    "written_inverted": (lambda q, k, v: written(q, k, v, lambda s: inverted(s, real_keys(k))), 4),
    "written_both": (lambda q, k, v: written(q, k, v, lambda s: causal_and_padded(s, real_keys(k) | (torch.arange(20) == 0))), 4),
    "written_squared": (lambda q, k, v: written(q, k, v, lambda s: squared(s, real_keys(k))), 4),
    "written_filled": (lambda q, k, v: written(q, k, v, lambda s: s.masked_fill(~some_queries(k), -1e9)), 4),
    "written_blind": (lambda q, k, v: written(q, k, v, lambda s: lowered(s, some_queries(k), LOWEST)), 4),
    "written_blind_scores": (lambda q, k, v: written(q, k, v, lambda s: lowered(s, some_queries(k), -10000.0)), 4),
    "sdpa_computed": (lambda q, k, v: sdpa(q, k, v, attn_mask=real_keys(k)), 4),
    "sdpa_inverted": (lambda q, k, v: sdpa(q, k, v, attn_mask=(1.0 - real_keys(k).float()) * LOWEST), 4),
    "written_diagonal": (lambda q, k, v: written(q, k, v, lambda s: diagonal(s, k)), 4),
    "written_turned": (turned, 4),
    "written_turned_causal": (turned_causal, 4),
    "written_one_head": (lambda q, k, v: written(q, k, v), 1),
}


class RmsNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(32))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


class Written(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, x):
        return self.f(x)


def written_norm(x):
    mean = x.mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt((x - mean).pow(2).mean(-1, keepdim=True) + 1e-5)


def new_gelu(x):
    return 0.5 * x * (1.0 + torch.tanh(0.7978845608028654 * (x + 0.044715 * torch.pow(x, 3.0))))


# Name: model, the block that it must become.
SMALL = {name: (lambda f=f, n=n: Heads(f, n), "attention") for name, (f, n) in ATTENTIONS.items()}
SMALL |= {
    "rms_norm": (RmsNorm, "layer_norm"),
    "torch_rms_norm": (lambda: nn.RMSNorm(32), "layer_norm"),
    "written_norm": (lambda: Written(written_norm), "layer_norm"),
    "gelu": (nn.GELU, "gelu"),
    "gelu_tanh": (lambda: nn.GELU("tanh"), "gelu"),
    "new_gelu": (lambda: Written(new_gelu), "gelu"),
    "quick_gelu": (lambda: Written(lambda x: x * torch.sigmoid(1.702 * x)), "silu"),
    "silu": (nn.SiLU, "silu"),
}


# Masks that are no window and one number a key: the mask, one for all heads, is a matrix.
RUN_TIME_SQUARES = ("written_diagonal", "written_filled", "written_blind", "written_blind_scores")
# What the older exporter cannot write.
NEWER_ONLY = ("sdpa_groups", "torch_rms_norm")


class Planned:
    """A planned graph's text, as far as this test needs it."""

    def __init__(self, text):
        self.blocks, self.scratch, self.shapes, self.nodes, self.attentions = [], [], {}, [], []
        self.arena = int(re.search(r"^arena (\d+)", text, re.MULTILINE)[1])
        for line in text.splitlines():
            for value, dtype, shape, offset in re.findall(r'(%\d+) "(?:[^"\\]|\\.)*" : (\w+)\[([\d,]*)\](?: at (\d+))?', line):
                self.shapes[value] = (dtype, [int(n) for n in shape.split(",") if n], offset)
            if node := re.match(r"(%.*?) = (\w+)\((.*?)\)", line):
                self.blocks.append(node[2])
                self.nodes.append((re.findall(r"(%\d+) \"", node[1]), re.findall(r"%\d+", node[3])))
                if node[2] == "attention":
                    self.attentions.append(self.nodes[-1])
                self.scratch += [int(n) for n in re.findall(r" scratch (\d+)", line)]

    def added_masks(self):
        """Masks of attention that are floats worked out at run time."""
        masks = [operands[3] for _, operands in self.attentions if len(operands) > 3]
        return [v for v in masks if self.shapes[v][0] == "f32" and self.shapes[v][2]]

    def squares(self, steps):
        """Values made at run time that have two axes of the steps."""
        return [v for v, (_, shape, offset) in self.shapes.items() if offset and shape.count(steps) > 1]

    def largest_pair(self):
        """Bytes of the two largest tensors that live at one node."""
        bytes_of = {"i64": 8, "f32": 4, "i32": 4, "bool": 1}
        place = {v: (offset, bytes_of[dtype] * int(np.prod(shape))) for v, (dtype, shape, offset) in self.shapes.items() if offset}
        last = {v: i for i, (_, operands) in enumerate(self.nodes) for v in operands}
        made = {v: i for i, (results, _) in enumerate(self.nodes) for v in results}
        worst = 0
        for i in range(len(self.nodes)):
            live = {place[v] for v in place if made.get(v, -1) <= i <= last.get(v, len(self.nodes))}
            sizes = sorted((size for _, size in live), reverse=True)
            worst = max(worst, sum(sizes[:2]))
        return worst


def export(model, x, path, dynamo):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (x,), str(path), dynamo=dynamo, **({"verbose": False} if dynamo else {"opset_version": 17}))


def run(nblocks, model, x, work):
    """(planned graph, output) of a model file."""
    text = subprocess.run([nblocks, "analyze", model, "-b", "host", "--stop-after", "plan-memory"], capture_output=True,
                          text=True, timeout=300, check=True).stdout
    np.savez(work / "in.npz", in0=x.numpy())
    end = subprocess.run([nblocks, "run", model, "-b", "host", "-q", "--input", work / "in.npz", "--output", work],
                         capture_output=True, text=True, timeout=600)
    if end.returncode != 0:
        raise RuntimeError(end.stderr[:2000])
    return Planned(text), np.load(next(work.glob("out*.np[yz]")))


def faults_of(nblocks, name, build, x, block, work, exporters):
    """What is wrong with a model, and its planned graphs."""
    torch.manual_seed(3)
    model = build().eval()
    wanted = model(x).detach().numpy()
    faults, plans = [], []
    for exporter in exporters:
        folder = work / exporter
        folder.mkdir()
        export(model, x, folder / "model.onnx", exporter == "dynamo")
        plan, got = run(nblocks, folder / "model.onnx", x, folder)
        plans.append(plan)
        got = got if isinstance(got, np.ndarray) else got[got.files[0]]
        error = np.abs(got.reshape(wanted.shape) - wanted).max() / np.ptp(wanted)
        if not error <= 1e-4:
            faults.append(f"{folder.name}: differs by {error:.2g} of the range")
        if block not in plan.blocks:
            faults.append(f"{folder.name}: no {block}")
        square = [] if name in RUN_TIME_SQUARES else plan.squares(x.shape[1])
        if "softmax" in plan.blocks or square:
            faults.append(f"{folder.name}: values of all scores: {square}")
        if plan.added_masks():
            faults.append(f"{folder.name}: masks that are added: {plan.added_masks()}")
    if plans[0].blocks != plans[-1].blocks:
        faults.append("other blocks" + "".join(f"\n  {e}: {' '.join(p.blocks)}" for e, p in zip(exporters, plans, strict=True)))
    return faults, plans


def encoder_faults(plans):
    for plan in plans:
        pair = plan.largest_pair()
        yield plan.arena <= 1.3 * pair, f"an arena of {plan.arena} bytes, the largest pair {pair}"
        yield max(plan.scratch, default=0) <= 4 * 32 * STEPS, f"scratch of {max(plan.scratch, default=0)} bytes"
        for block, count in {"attention": LAYERS, "layer_norm": 2 * LAYERS, "gelu": LAYERS, "transpose": 0, "softmax": 0}.items():
            yield plan.blocks.count(block) == count, f"{plan.blocks.count(block)} {block}, not {count}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nblocks", type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    torch.manual_seed(7)
    cases = {f"encoder_{name}": (lambda first=first: encoder(first), torch.randn(1, STEPS, WIDTH), "attention")
             for name, first in (("norm_first", True), ("post_norm", False))}
    cases |= {name: (build, torch.randn(1, 20, 32), block) for name, (build, block) in SMALL.items()}
    passed = failed = 0
    for name, (build, x, block) in cases.items():
        if arguments.only not in name:
            continue
        with tempfile.TemporaryDirectory() as work:
            exporters = ("dynamo",) if name in NEWER_ONLY else ("dynamo", "legacy")
            faults, plans = faults_of(arguments.nblocks, name, build, x, block, pathlib.Path(work), exporters)
        if name.startswith("encoder"):
            faults += [text for is_right, text in encoder_faults(plans) if not is_right]
            print(f"{name}: arena {plans[0].arena}, largest pair {plans[0].largest_pair()}, scratch {max(plans[0].scratch)}")
        passed, failed = (passed, failed + 1) if faults else (passed + 1, failed)
        for fault in faults:
            print(f"FAILED {name}: {fault}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
