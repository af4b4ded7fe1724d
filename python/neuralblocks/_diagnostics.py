"""What was said about a model, and the exceptions that carry it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NoReturn, Sequence

from . import _native


@dataclass(frozen=True)
class Diagnostic:
    """One thing said; `str()` is the text that the command line prints.

    kind: its name, which `nblocks explain KIND` explains; severity: "note", "warning" or "error"; message: what was
    observed; file, layer, line: where, as far as known (a file, the layer's name in the model, the node as graph text);
    notes: more of it, such as the line of PyTorch source that the layer comes from; help: what to do; exit_code: of the
    command line, 0 unless it is an error.
    """

    kind: str
    severity: str
    message: str
    file: str
    layer: str
    line: str
    notes: tuple[str, ...]
    help: str
    exit_code: int
    text: str

    def __str__(self) -> str:
        return self.text.rstrip("\n")


class CompileError(Exception):
    """Something failed; `diagnostics` says what, errors and notes in order, and `str()` shows the errors as the command
    line does. Its subclasses tell the reasons apart; `exit_code` is the command line's."""

    def __init__(self, diagnostics: Sequence[Diagnostic], report: dict[str, Any] | None = None):
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        self.report: dict[str, Any] | None = report
        errors = [d for d in self.diagnostics if d.severity == "error"]
        self.exit_code: int = errors[0].exit_code if errors else 1
        super().__init__("\n".join(str(d) for d in errors or self.diagnostics))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.diagnostics, self.report)


class UsageError(CompileError, ValueError):
    """A file, a board, an option or input data is not what the call takes (exit code 2)."""


class UnsupportedModel(CompileError):
    """The model is broken, of an unknown format, or needs what is not supported (exit code 3)."""


class DoesNotFit(CompileError):
    """The program needs more memory than the board has (exit code 4). `report` is what `Program.report` would be, if the
    model was compiled that far."""


class ToolMissing(CompileError):
    """A compiler, a virtual machine or a Python package is not installed (exit code 5); `help` says how to get it."""


class GateFailed(CompileError):
    """No formats of quantize="auto" that fit keep `max_drop` (exit code 6); the message has the best."""


class InternalError(CompileError):
    """A defect: of this package, or of the program that was built (exit code 1)."""


_BY_EXIT_CODE = {1: InternalError, 2: UsageError, 3: UnsupportedModel, 4: DoesNotFit, 5: ToolMissing, 6: GateFailed}


def parsed(text: str) -> list[Diagnostic]:
    """The native module's diagnostics."""
    return [_of(one) for one in json.loads(text)]


def _of(one: dict[str, Any]) -> Diagnostic:
    return Diagnostic(**{**one, "notes": tuple(one["notes"])})


def diagnostic(kind: str, message: str, *, file: str = "", notes: Sequence[str] = (), help: str = "") -> Diagnostic:
    """One of the package's own; `kind` as in `nblocks explain`."""
    return _of(json.loads(_native.diagnostic(kind, message, file, list(notes), help)))


def fail(diagnostics: Sequence[Diagnostic], report: dict[str, Any] | None = None) -> NoReturn:
    """Raises the exception that the first error asks for."""
    code = next((d.exit_code for d in diagnostics if d.severity == "error"), 1)
    if code == 130:
        raise KeyboardInterrupt
    raise _BY_EXIT_CODE.get(code, CompileError)(diagnostics, report)


def refuse(kind: str, message: str, *, file: str = "", notes: Sequence[str] = (), help: str = "") -> NoReturn:
    """Raises with one diagnostic of the package's own."""
    fail([diagnostic(kind, message, file=file, notes=notes, help=help)])
