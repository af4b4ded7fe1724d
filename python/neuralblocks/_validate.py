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
class LayerErrors:
    """The output of one layer against the same one of the reference. snr_db, 10 log10 of the power of the reference's
    values over that of the error, is None where there is no error, or nothing but zeros."""

    name: str
    block: str
    output: str
    rmse: float
    cos: float | None
    snr_db: float | None


@dataclass(frozen=True)
class Validation:
    """How a program's outputs compare, on `board` (its name), one row an output in the model's order: `outputs` are the
    program's against `y`. With a reference, `reference` has its outputs against `y`, `cross` the program's against the
    reference's, `layers` those that both have, over the first samples, and `first_parting_layer` names the first whose
    error is above a tenth of its values."""

    board: str
    samples: int
    outputs: tuple[OutputErrors, ...]
    reference: tuple[OutputErrors, ...] = ()
    cross: tuple[OutputErrors, ...] = ()
    layers: tuple[LayerErrors, ...] = ()
    first_parting_layer: str | None = None

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
        rows = [["", *names]]
        for what, outputs in (("program", self.outputs), ("reference", self.reference), ("X-cross", self.cross)):
            rows += [[what] + [_cell(getattr(o, name)) for name in names] for o in outputs]
        if not self.cross:
            rows = [row[1:] for row in rows]
        widths = [max(map(len, column)) for column in zip(*rows)]
        table = "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows)
        return f"{self.samples} samples on {self.board}\n{table}"


def validation_of(report: dict[str, Any]) -> Validation:
    """The native module's report."""

    def rows(key: str) -> tuple[OutputErrors, ...]:
        return tuple(_errors(output["name"], output[key]) for output in report["outputs"])

    has_reference = all(output["x_cross"] is not None for output in report["outputs"])
    return Validation(report["board"], report["samples"], rows("program"), rows("reference") if has_reference else (),
                      rows("x_cross") if has_reference else (), tuple(LayerErrors(**layer) for layer in report["layers"]),
                      report["first_parting_layer"])


def _errors(name: str, scores: dict[str, Any] | None) -> OutputErrors:
    scores = dict(scores or {})
    confusion = scores.pop("confusion", None)
    return OutputErrors(name, confusion=confusion and tuple(map(tuple, confusion)), **scores)


def _cell(value: object) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
