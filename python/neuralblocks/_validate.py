"""Outputs against what they should be."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class OutputErrors:
    """One output against its expected values, over all samples; named as ST's tools name them, defined as `nblocks
    validate` defines them (docs/validate.md).

    With e = output - expected: max_abs_error, max |e|; rmse, root of the mean of e squared; mae, mean |e|; l2r, |e| /
    |expected| (Euclidean norms over all values); mean and std of e; nse, 1 - sum(e^2) / sum((expected - its mean)^2)
    (Nash-Sutcliffe efficiency); cos, the cosine between both. None where only labels were given, or a norm is zero.
    acc: the share of samples, or of positions, whose largest value stands at the label, or where the expected one's does;
    of targets that are 0 or 1 for each value, the share on the right side of a threshold; else None. Of labels also
    balanced_accuracy, auc and the confusion matrix (a row a label, a column a decision).
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
    balanced_accuracy: float | None = None
    auc: float | None = None
    confusion: tuple[tuple[int, ...], ...] | None = None


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
        names = [f.name for f in fields(OutputErrors) if f.name != "confusion"]
        rows = [names] + [[_cell(getattr(o, name)) for name in names] for o in self.outputs]
        widths = [max(len(row[i]) for row in rows) for i in range(len(names))]
        table = "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows)
        return f"{self.samples} samples on {self.board}\n{table}"


def validation_of(report: dict[str, Any]) -> Validation:
    """The native module's report."""
    rows = []
    for output in report["outputs"]:
        scores = dict(output["program"])
        confusion = scores.pop("confusion")
        rows.append(OutputErrors(output["name"], confusion=confusion and tuple(map(tuple, confusion)), **scores))
    return Validation(report["board"], report["samples"], tuple(rows))


def _cell(value: object) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
