"""The table that cases of PyTorch operators are put in, and tensors for them."""

import torch
from torch import nn


def floats(*shape):
    return torch.randn(shape)


def positive(*shape):
    return torch.rand(shape) + 0.1


def integers(below, *shape, dtype=torch.int64):
    """From 0 to below - 1."""
    return torch.randint(0, below, shape, dtype=dtype)


def bools(*shape):
    return torch.rand(shape) < 0.5


class Function(nn.Module):
    """A function as a module, so that it can be exported."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        held = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
        held += getattr(function, "__defaults__", None) or ()
        self.held = nn.ModuleList(value for value in held if isinstance(value, nn.Module))

    def forward(self, *inputs):
        return self.function(*inputs)


class Case:
    def __init__(self, name, module, inputs, refusal, passes_as):
        self.name, self.module, self.inputs, self.refusal, self.passes_as = name, module, inputs, refusal, passes_as


class Table:
    def __init__(self):
        self.cases = []

    def add(self, name, what, *inputs, refusal="", passes_as=()):
        """`refusal`: the case must be refused, with this in the message, but in the forms `passes_as`."""
        assert all(case.name != name for case in self.cases), name
        module = what if isinstance(what, nn.Module) else Function(what)
        self.cases.append(Case(name, module.eval(), inputs, refusal, passes_as))
