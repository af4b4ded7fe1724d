"""Outputs against what they should be."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class OutputErrors:
    """One output against its expected values, over all samples; named as ST's tools name them.

    With e = output - expected: max_abs_error, max |e|; rmse, root of the mean of e squared; mae, mean |e|; l2r, |e| /
    |expected| (Euclidean norms over all values); mean and std of e; nse, 1 - sum(e^2) / sum((expected - its mean)^2)
    (Nash-Sutcliffe efficiency); cos, the cosine between both. None where only labels were given, or a norm is zero.
    acc: the share of samples whose largest value stands at the label, or where the expected one's does; None if a sample
    is not one axis of several values.
    """

    name: str
    acc: float | None = None
    max_abs_error: float | None = None
    rmse: float | None = None
    mae: float | None = None
    l2r: float | None = None
    mean: float | None = None
    std: float | None = None
    nse: float | None = None
    cos: float | None = None


@dataclass(frozen=True)
class Validation:
    """How a program's outputs compare, on `board` (its name), one row an output in the model's order."""

    board: str
    samples: int
    outputs: tuple[OutputErrors, ...]

    @property
    def acc(self) -> float | None:
        """Of the first output."""
        return self.outputs[0].acc

    @property
    def max_abs_error(self) -> float | None:
        """The largest of all outputs; None if only labels were given."""
        return max((o.max_abs_error for o in self.outputs if o.max_abs_error is not None), default=None)

    def __str__(self) -> str:
        names = [f.name for f in fields(OutputErrors)]
        rows = [names] + [[_cell(getattr(o, name)) for name in names] for o in self.outputs]
        widths = [max(len(row[i]) for row in rows) for i in range(len(names))]
        table = "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows)
        return f"{self.samples} samples on {self.board}\n{table}"


def _cell(value: object) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def is_labels(expected: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether `expected` is one integer a sample for an output of several values a sample; `shape` begins with the
    number of samples."""
    values = 1
    for size in shape[1:]:
        values *= size
    return expected.dtype.kind in "iu" and expected.size == shape[0] and values > 1


def has_values_of(expected: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether `expected` holds the values of an output of `shape`, which begins with the number of samples, in the same
    order: the axes agree, those of one aside, or all values of a sample lie behind its index."""
    values = 1
    for size in shape[1:]:
        values *= size
    if expected.shape == (shape[0], values):
        return True
    return [n for n in expected.shape if n != 1] == [n for n in shape if n != 1]


def _has_scores(shape: tuple[int, ...]) -> bool:
    """Whether a sample is one axis of several values, beside axes of one."""
    return sum(size > 1 for size in shape[1:]) == 1


def compare(name: str, output: np.ndarray, expected: np.ndarray) -> OutputErrors:
    """`output` [samples, ...] against `expected`, one label a sample or values of the same number."""
    import numpy as np

    samples = output.shape[0]
    scores = output.reshape(samples, -1)
    if is_labels(expected, output.shape):
        return OutputErrors(name, acc=float(np.mean(scores.argmax(1) == expected.reshape(-1))))
    p, y = output.astype(np.float64).reshape(-1), expected.astype(np.float64).reshape(-1)
    e = p - y
    square, spread = float(e @ e), float(np.sum((y - y.mean()) ** 2))
    norm_y, norm_p = float(np.sqrt(y @ y)), float(np.sqrt(p @ p))
    acc = None
    if _has_scores(output.shape):
        acc = float(np.mean(scores.argmax(1) == expected.reshape(samples, -1).argmax(1)))
    return OutputErrors(
        name,
        acc=acc,
        max_abs_error=float(np.max(np.abs(e))),
        rmse=float(np.sqrt(np.mean(e * e))),
        mae=float(np.mean(np.abs(e))),
        l2r=float(np.sqrt(square)) / norm_y if norm_y > 0 else None,
        mean=float(e.mean()),
        std=float(e.std()),
        nse=1 - square / spread if spread > 0 else None,
        cos=float(p @ y) / (norm_p * norm_y) if norm_p > 0 and norm_y > 0 else None,
    )
