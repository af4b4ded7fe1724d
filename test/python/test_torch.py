"""Live models of PyTorch in one call: the numbers of the framework. Skipped without it."""

import pathlib
import sys

import numpy as np
import pytest

import neuralblocks as nb

torch = pytest.importorskip("torch", reason="no torch")
from torch import nn  # noqa: E402


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.5)
        self.out = nn.Linear(4 * 16, 5)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        x = nn.functional.max_pool2d(x, 2)
        return self.out(self.drop(x.flatten(1)))


class TwoInputs(nn.Module):
    def forward(self, a, b, scale: float = 2.0):
        return a * scale + b, a - b


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    module = Net()
    module.norm.running_mean.uniform_(-1, 1)
    module.norm.running_var.uniform_(0.5, 2)
    return module.train()


def expected(module, *arguments):
    was = module.training
    with torch.no_grad():
        y = module.eval()(*arguments)
    module.train(was)
    return y


def test_live_module(net):
    x = torch.randn(16, 1, 8, 8)
    program = nb.compile(net, x[:1])
    assert net.training and net.drop.training  # as it was
    assert program.name == "net" and program.inputs[0].shape == (1, 1, 8, 8)
    np.testing.assert_allclose(program.run(x), expected(net, x).numpy(), atol=1e-5)
    found = program.validate(x, expected(net, x))
    assert found.max_abs_error < 1e-5 and found.acc == 1


def test_exported_program(net):
    x = torch.randn(3, 1, 8, 8)
    program = nb.compile(torch.export.export(net.eval(), (x[:1],)), board="cortex-m4f", name="digits")
    net.train()
    assert program.name == "digits" and program.report["fits"]
    np.testing.assert_allclose(program.run(x, board="host"), expected(net, x).numpy(), atol=1e-5)


def test_inputs_by_name_and_several_outputs():
    a, b = torch.randn(2, 3), torch.randn(2, 3)
    program = nb.compile(TwoInputs(), {"a": a, "b": b})
    assert [spec.name for spec in program.inputs] == ["a", "b"]
    got = program.run({"a": a, "b": b.numpy()})
    assert isinstance(got, tuple)
    for one, wanted in zip(got, TwoInputs()(a, b)):
        np.testing.assert_allclose(one, wanted.numpy(), atol=1e-6)
    with pytest.raises(nb.UsageError, match="2 inputs"):
        program.run(a)


def test_script_modules(net, tmp_path):
    x = torch.randn(4, 1, 8, 8)
    net.eval()
    traced, scripted = torch.jit.trace(net, x[:1]), torch.jit.script(net)
    net.train()
    for module in (traced, scripted):
        program = nb.compile(module, x[:1])
        assert program.name == "net"
        np.testing.assert_allclose(program.run(x), expected(net, x).numpy(), atol=1e-5)
    traced.save(str(tmp_path / "net.pt"))
    program = nb.compile(tmp_path / "net.pt", {"x": x[:1]})
    np.testing.assert_allclose(program.run(x), expected(net, x).numpy(), atol=1e-5)
    assert nb.compile(traced).inputs[0].shape == (1, 1, 8, 8)  # as its example
    with pytest.raises(nb.CompileError, match="has no shape"):
        nb.compile(scripted)
    with pytest.raises(nb.UsageError, match="which input"):
        nb.compile(tmp_path / "net.pt", x[:1])


def test_example_inputs_are_needed(net):
    with pytest.raises(nb.UsageError, match="example_inputs"):
        nb.compile(net)


def test_what_torch_export_refuses():
    class Branches(nn.Module):
        def forward(self, x):
            return x + 1 if x.sum() > 0 else x - 1

    with pytest.raises(nb.UnsupportedModel, match="torch.export.export refuses") as raised:
        nb.compile(Branches(), torch.ones(1, 2))
    assert raised.value.diagnostics[0].notes and raised.value.__cause__ is not None


def test_an_error_names_the_line_of_the_source():
    class Strange(nn.Module):
        def forward(self, x):
            return torch.linalg.eigvalsh(x @ x.T)  # this line

    with pytest.raises(nb.CompileError) as raised:
        nb.compile(Strange(), torch.ones(3, 3))
    assert pathlib.Path(__file__).name in str(raised.value), str(raised.value)
    assert "linalg" in str(raised.value)


def test_nothing_else_is_loaded(net):
    assert "tensorflow" not in sys.modules and "keras" not in sys.modules


class Ring(nn.Module):
    """The mean of the last three inputs, in a buffer that each call writes."""

    def __init__(self):
        super().__init__()
        self.register_buffer("last", torch.zeros(3, 4))

    def forward(self, x):
        self.last[1:] = self.last[:2].clone()
        self.last[:1] = x
        return self.last.mean(0)


@pytest.mark.parametrize("form", ["exported", "traced", "scripted"])
def test_buffers_that_forward_writes_are_state(form):
    x = torch.randn(5, 1, 4)
    module = Ring().eval()
    if form == "traced":
        module = torch.jit.trace(module, (x[0],), check_trace=False)
        module.last.zero_()
    elif form == "scripted":
        module = torch.jit.script(module)
    program = nb.compile(module, (x[0],), name="ring")
    model = Ring().eval()
    wanted = np.stack([model(step).numpy() for step in x])
    np.testing.assert_allclose(program.run(x, keep_state=True).reshape(wanted.shape), wanted, atol=1e-6)


def test_expected_values_in_another_order_are_refused():
    class Turned(nn.Module):
        def forward(self, x):
            return x.reshape(1, 2, 3).transpose(0, 1) * 2  # the batch is axis 1

    program = nb.compile(Turned(), (torch.zeros(1, 6),))
    x = torch.randn(5, 6)
    y = (x.reshape(5, 2, 3).transpose(0, 1) * 2).numpy()
    with pytest.raises(nb.UsageError, match="shape"):
        program.validate(x, y)
    assert program.validate(x, y.transpose(1, 0, 2)).max_abs_error < 1e-6
