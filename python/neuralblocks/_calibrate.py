"""What `compile` is asked of quantization: calibration samples whatever they are given as, formats, a test set."""

from __future__ import annotations

import math
import os
from typing import Any, Iterable, Mapping

from . import _native
from ._diagnostics import refuse

NUMBERS = ("int8", "int16", "auto")
FORMATS = ("int8", "int16", "float32")


def quantize_asked(
    label: str,
    quantize: str | None,
    calibrate: Any,
    float_io: bool,
    layers: Mapping[str, str] | None,
    test: tuple[Any, Any] | None,
    max_drop: float,
    metric: str,
) -> _native.Quantize:
    """As the native module takes it. Errors: usage, input-mismatch."""
    asked = _native.Quantize()
    if quantize is None:
        for name, value in [("calibrate", calibrate), ("float_io", float_io or None), ("layers", layers), ("test", test)]:
            if value is not None:
                refuse("usage", f"`{name}` without `quantize`", file=label)
        return asked
    if quantize not in NUMBERS:
        refuse("usage", f"quantize is {quantize!r}", file=label, help="it is " + " or ".join(map(repr, NUMBERS)))
    if calibrate is None:
        refuse("usage", "`quantize` without `calibrate`", file=label,
               help="give samples of the model's inputs: an array, a path or a DataLoader")
    asked.numbers, asked.has_float_ends = quantize, bool(float_io)
    for name, numbers in (layers or {}).items():
        if numbers not in FORMATS:
            refuse("usage", f"layers: `{name}` is {numbers!r}", file=label, help="it is " + " or ".join(map(repr, FORMATS)))
    asked.layers = [(str(name), numbers) for name, numbers in (layers or {}).items()]
    if isinstance(calibrate, (str, os.PathLike)):
        asked.calibration = os.fspath(calibrate)
    else:
        asked.samples = _packed(_arrays(calibrate))
    if quantize == "auto":
        _take_test(asked, label, test, max_drop, metric)
    elif test is not None:
        refuse("usage", "`test` is for quantize=\"auto\"", file=label)
    return asked


def _take_test(asked: _native.Quantize, label: str, test: tuple[Any, Any] | None, max_drop: float, metric: str) -> None:
    if not isinstance(test, tuple) or len(test) != 2:
        refuse("usage", "quantize=\"auto\" without test=(x, y)", file=label,
               help="a loss of accuracy is measured on inputs and what the outputs should be")
    if not math.isfinite(max_drop):
        refuse("usage", f"max_drop is {max_drop!r}, not a number of points", file=label)
    x, y = test
    asked.test_inputs = _packed(_arrays(x))
    asked.test_targets = _packed({"y": y} if hasattr(y, "shape") or isinstance(y, list) else _arrays(y))
    asked.metric, asked.max_drop = metric, float(max_drop)


def keep_formats(asked: _native.Quantize, formats: dict[str, Any]) -> None:
    """Fixes what `auto` chose."""
    asked.numbers = "int8"
    asked.layers = list(formats["choices"][formats["chosen"]]["layers"].items())


def _packed(arrays: Mapping[str, Any]) -> list[tuple[str, str, list[int], bytes]]:
    from ._arrays import packed, to_numpy

    return [packed(name, to_numpy(array)) for name, array in arrays.items()]


def pixels(scale: str | float | None, mean: Any, std: Any) -> tuple[str, list[float], list[float]]:
    """What pictures become, as the native module takes it."""

    def numbers(given: Any) -> list[float]:
        if given is None:
            return []
        return [float(x) for x in given] if isinstance(given, Iterable) else [float(given)]

    return ("" if scale is None else str(scale)), numbers(mean), numbers(std)


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
        if isinstance(batch, (tuple, list)):  # of inputs and, last, labels
            inputs = batch[:-1] or batch
            named = {f"in{i}": one for i, one in enumerate(inputs)} if not isinstance(inputs[0], Mapping) else inputs[0]
        else:
            named = batch if isinstance(batch, Mapping) else {"in0": batch}
        for name, array in named.items():
            parts.setdefault(str(name), []).append(to_numpy(array))
    if not parts:
        refuse("input-mismatch", "calibrate has no batches")
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}
