"""Trained networks to small, readable C++ for microcontrollers, in one call.

    import neuralblocks as nb
    program = nb.compile("model.tflite", board="cortex-m4f")
    program.report["ram_total_bytes_estimated"]
    outputs = program.run(x)          # on the virtual board
    program.export("out/model")       # the C++ project

Models may also be live objects of PyTorch or Keras: `compile` recognises them and this package imports neither.
"""

from __future__ import annotations

import json as _json
from typing import Any

from . import _native
from ._compare import BoardRow, Comparison, Estimate, compare
from ._diagnostics import (
    CompileError,
    Diagnostic,
    DoesNotFit,
    GateFailed,
    InternalError,
    ToolMissing,
    UnsupportedModel,
    UsageError,
)
from ._program import Layer, Program, TensorSpec, compile
from ._validate import LayerErrors, OutputErrors, Validation

version: str = _native.version
__version__ = version


def boards() -> list[dict[str, Any]]:
    """The boards that `compile` takes, as `nblocks boards --json` lists them: name, title, vendor, part, core,
    clock_hz, memories (name, kind, address, size_bytes, wait_states, ...), caches, powers, prices and sources.
    What is not known is None. `compile` refuses those that are there for their data (`data_only`)."""
    found: list[dict[str, Any]] = _json.loads(_native.boards())
    return found


def blocks() -> list[dict[str, Any]]:
    """The operators that programs are made of, as `nblocks blocks --json` lists them."""
    found: list[dict[str, Any]] = _json.loads(_native.blocks())
    return found


__all__ = [
    "BoardRow",
    "Comparison",
    "CompileError",
    "Diagnostic",
    "DoesNotFit",
    "Estimate",
    "GateFailed",
    "InternalError",
    "Layer",
    "LayerErrors",
    "OutputErrors",
    "Program",
    "TensorSpec",
    "ToolMissing",
    "UnsupportedModel",
    "UsageError",
    "Validation",
    "blocks",
    "boards",
    "compare",
    "compile",
    "version",
]
