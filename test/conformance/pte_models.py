"""ExecuTorch programs (.pte) of small PyTorch models through emitted C++ on the host: the same numbers as PyTorch, step by
step where the model keeps something; programs that cannot be compiled are refused for the right reason.

Without ExecuTorch the test is skipped (exit code 77). Ends with "N passed, N failed".

usage: pte_models.py NBLOCKS [--only TEXT] [--write FOLDER]     --write: the programs are left there
"""

import argparse
import copy
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np

try:
    import torch
    from executorch.exir import EdgeCompileConfig, ExecutorchBackendConfig, to_edge
    from executorch.exir.passes.init_mutable_pass import InitializedMutableBufferPass
except ImportError as missing:
    print(f"skipped: no {missing.name}")
    sys.exit(77)

from torch import nn
from torch.export import Dim, export

warnings.filterwarnings("ignore")
STEPS = 3
CASES = {}
KEEP = ["--keep-state"]


def case(**options):
    """A function that gives (module, inputs). Options: `dims`, `states`, `arguments`, `says` (a refusal), `quantize`,
    `methods`, `delegate`, `tolerance`."""
    def add(function):
        CASES[function.__name__] = (function, options)
        return function
    return add


class Of(nn.Module):
    """A function as a module."""

    def __init__(self, function, *parts):
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, *inputs):
        return self.function(*self.parts, *inputs)


def images(*shape):
    return (torch.randn(1, *shape),)


@case()
def elementwise():
    def f(x, y):
        z = torch.sigmoid(x) * y - torch.tanh(y) / (x.abs() + 1)
        return torch.clamp(z, -0.5, 0.7) + torch.where(x > y, x, y).pow(2), (x * y).neg().exp()
    return Of(f), (torch.randn(2, 3), torch.randn(2, 3))


@case()
def numbers():
    """Outs whose dtype is not the operands'."""
    return Of(lambda x: (x + 1, x.to(torch.float32) / 3, (x > 2).to(torch.int32) * 5)), (torch.arange(6).reshape(2, 3),)


@case()
def pieces():
    def f(x):
        a, b, c = x.split([1, 2, 3], 1)
        return torch.cat([c, a], 1)[:, 1:], b.transpose(0, 1).reshape(-1, 4).unsqueeze(0), x[:, ::2].squeeze(0)
    return Of(f), (torch.randn(2, 6),)


@case(arguments=KEEP)
def tied():
    """A copy keeps its contents when what it was copied from is written."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("kept", torch.zeros(1, 4))

        def forward(self, x):
            before = self.kept.clone()
            self.kept.copy_(x)
            return before * 2, self.kept + 1
    return Net(), (torch.randn(1, 4),)


@case()
def dense():
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3)), (torch.randn(1, 6),)


@case()
def convolutions():
    return nn.Sequential(nn.Conv2d(2, 4, 3, padding=1, stride=2), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3, groups=4),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)), images(2, 9, 8)


@case()
def channels_last():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2)).to(memory_format=torch.channels_last)
    return net, (torch.randn(1, 3, 8, 8).to(memory_format=torch.channels_last),)


@case()
def halves():
    """Weights of 16 bits under activations of 32."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(4, 3, dtype=torch.float16), requires_grad=False)

        def forward(self, x):
            return x * self.weight.to(torch.float32)
    return Net(), (torch.randn(4, 3),)


@case(states=["level", "last"], arguments=KEEP)
def state():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("level", torch.arange(4.0).reshape(1, 4))
            self.register_buffer("last", torch.ones(1, 4))

        def forward(self, x):
            change = x - self.last
            self.level.mul_(0.5).add_(x)
            self.last.copy_(x)
            return self.level + change
    return Net(), (torch.randn(1, 4),)


@case(arguments=KEEP)
def line():
    """A line of past steps that moves on by one, zero at first."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("line", torch.zeros(5, 3))

        def forward(self, x):
            self.line.copy_(torch.cat([self.line[1:], x]))
            return self.line * 2
    return Net(), (torch.randn(1, 3),)


@case(dims=(({0: Dim("n", min=2, max=16)},),), arguments=["--dim", "in0:0=4"])
def sizes():
    """A size that the program computes with."""
    return Of(lambda x: torch.relu(x.reshape(x.shape[0] * 2, -1)) + x.shape[0]), (torch.randn(4, 6),)


@case(dims=(({0: Dim("n", min=2, max=16)},),), says=["dynamic-shape", "up to [16,6]", "--dim in0:0=1"])
def sizes_unknown():
    return Of(lambda x: torch.relu(x)), (torch.randn(4, 6),)


@case(says=["unsupported-feature", "JumpFalseCall", "torch.where"])
def branches():
    return Of(lambda x: torch.cond(x.sum() > 0, lambda x: x + 1, lambda x: x - 1, [x])), (torch.randn(1, 4),)


@case(methods=["forward", "encode"])
def two_methods():
    return Of(lambda x: x * 2), (torch.randn(1, 4),)


@case(methods=["encode", "decode"], says=["unsupported-feature", "`encode`", "`decode`"])
def no_forward():
    return Of(lambda x: x * 2), (torch.randn(1, 4),)


@case(delegate=True, says=["unsupported-operator", "XnnpackBackend", "to_executorch"])
def delegate():
    return nn.Sequential(nn.Linear(4, 4), nn.ReLU()), (torch.randn(1, 4),)


@case(quantize=True)
def quantized():
    return nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(64, 3)), images(2, 8, 8)


def quantize(module, inputs):
    """int8 by PyTorch 2 Export, symmetric weights by channel."""
    import executorch.kernels.quantized  # noqa: F401, what its programs call
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import XNNPACKQuantizer, get_symmetric_quantization_config
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
    quantizer = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
    prepared = prepare_pt2e(export(module, inputs).module(), quantizer)
    for _ in range(16):
        prepared(*[torch.randn_like(x) for x in inputs])
    return convert_pt2e(prepared)


def program(module, inputs, options):
    exported = export(module, inputs, dynamic_shapes=options.get("dims"))
    if options.get("delegate"):
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower
        return to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()]).to_executorch().buffer
    what = {name: exported for name in options["methods"]} if "methods" in options else exported
    passes = [InitializedMutableBufferPass(options["states"])] if "states" in options else []
    edge = to_edge(what, compile_config=EdgeCompileConfig(_check_ir_validity=False))
    return edge.to_executorch(ExecutorchBackendConfig(passes=passes)).buffer


def check(nblocks, name, work, folder):
    """(is right, text)."""
    torch.manual_seed(sum(map(ord, name)))
    build, options = CASES[name]
    module, inputs = build()
    module.eval()
    for part in module.modules():
        if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)):
            part.running_mean.uniform_(-1, 1)
            part.running_var.uniform_(0.5, 2)
    if options.get("quantize"):
        module = quantize(module, inputs)
    path = folder / f"{name}.pte"
    path.write_bytes(program(copy.deepcopy(module), inputs, options))
    steps = [inputs] + [tuple(torch.randn_like(x) if x.is_floating_point() else x + 1 for x in inputs)
                        for _ in range(STEPS - 1)]
    np.savez(work / "in.npz", **{f"in{i}": np.stack([step[i].numpy() for step in steps]) for i in range(len(inputs))})
    end = subprocess.run([nblocks, "run", str(path), "-b", "host", "--json", "-q", "--input", str(work / "in.npz"), "--output",
                          str(work), *options.get("arguments", [])], capture_output=True, text=True, timeout=600)
    if "says" in options:
        missing = [word for word in options["says"] if word not in end.stdout + end.stderr]
        return end.returncode == 3 and not missing, f"exit {end.returncode}, not said: {missing}: {end.stderr.strip()[:600]}"
    if end.returncode != 0:
        return False, f"exit {end.returncode}: {end.stderr.strip()[:600]}"
    actual = [np.load(output["file"]) for output in json.loads(end.stdout)["outputs"]]
    with torch.no_grad():
        wanted = [module(*step) for step in steps]
    wanted = [one if isinstance(one, (tuple, list)) else (one,) for one in wanted]
    if len(actual) != len(wanted[0]):
        return False, f"{len(actual)} outputs, not {len(wanted[0])}"
    worst = 0.0
    for i, got in enumerate(actual):
        want = np.stack([one[i].numpy() for one in wanted])
        if got.size != want.size:
            return False, f"output {i}: {got.shape}, not {want.shape}"
        scale = max(1.0, float(np.abs(want).max()))
        levels = np.unique(want)
        step = float(np.diff(levels).min()) if options.get("quantize") and len(levels) > 1 else 0.0
        difference = float(np.abs(got.reshape(-1).astype(np.float64) - want.reshape(-1)).max())
        worst = max(worst, difference / max(1.01 * step, 1e-5 * scale))
    return worst <= 1, f"{worst:.3g} of what is allowed"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nblocks")
    parser.add_argument("--only", default="")
    parser.add_argument("--write")
    arguments = parser.parse_args()
    passed = failed = 0
    with tempfile.TemporaryDirectory() as work:
        folder = pathlib.Path(arguments.write or work)
        folder.mkdir(parents=True, exist_ok=True)
        for name in CASES:
            if arguments.only not in name:
                continue
            try:
                is_right, text = check(arguments.nblocks, name, pathlib.Path(work), folder)
            except Exception as error:  # what the exporter refuses is seen, not hidden
                is_right, text = False, f"{type(error).__name__}: {str(error)[:600]}"
            passed, failed = passed + is_right, failed + (not is_right)
            if not is_right:
                print(f"FAILED {name}: {text}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
