"""Calibration samples of `compile`, whatever they are given as."""

from __future__ import annotations

import os
from typing import Any, Iterable, Mapping

from ._diagnostics import refuse

NUMBERS = ("int8", "int16")


def calibrated(label: str, quantize: str | None, calibrate: Any, float_io: bool) -> dict[str, Any]:
    """The fields of what is asked that quantization needs. Errors: usage, input-mismatch."""
    if quantize is None:
        if calibrate is not None or float_io:
            refuse("usage", f"`{'calibrate' if calibrate is not None else 'float_io'}` without `quantize`", file=label)
        return {}
    if quantize not in NUMBERS:
        refuse("usage", f"quantize is {quantize!r}", file=label, help="it is " + " or ".join(map(repr, NUMBERS)))
    if calibrate is None:
        refuse("usage", "`quantize` without `calibrate`", file=label,
               help="give samples of the model's inputs: an array, a path or a DataLoader")
    fields: dict[str, Any] = {"quantize": quantize, "has_float_ends": float_io}
    if isinstance(calibrate, (str, os.PathLike)):
        return {**fields, "calibration": os.fspath(calibrate)}
    from ._arrays import packed

    return {**fields, "samples": [packed(name, array) for name, array in _arrays(calibrate).items()]}


def _arrays(calibrate: Any) -> dict[str, Any]:
    """By input name, or as in0, in1, ..."""
    import numpy as np

    from ._arrays import to_numpy

    if isinstance(calibrate, Mapping):
        return {str(name): to_numpy(array) for name, array in calibrate.items()}
    if isinstance(calibrate, tuple):
        return {f"in{i}": to_numpy(array) for i, array in enumerate(calibrate)}
    if hasattr(calibrate, "shape"):
        return {"in0": to_numpy(calibrate)}
    if not isinstance(calibrate, Iterable):
        refuse("usage", f"calibrate is a {type(calibrate).__name__}",
               help="give an array, a dict of arrays, a path, or an iterable of batches")
    parts: dict[str, list[Any]] = {}
    for batch in calibrate:
        if isinstance(batch, (tuple, list)):  # of inputs and labels
            batch = batch[0]
        named = batch if isinstance(batch, Mapping) else {"in0": batch}
        for name, array in named.items():
            parts.setdefault(str(name), []).append(to_numpy(array))
    if not parts:
        refuse("input-mismatch", "calibrate has no batches")
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}
