"""Data in and out: what users hand over as NumPy arrays, and those as the native module takes them."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

import numpy as np

from ._diagnostics import refuse


def to_numpy(x: Any) -> np.ndarray:
    """A tensor of PyTorch, TensorFlow or Keras, an array, or nested lists as an array; bfloat16 becomes float32."""
    if type(x).__module__.partition(".")[0] == "torch" or hasattr(x, "detach"):
        x = x.detach().cpu()
        if str(x.dtype) == "torch.bfloat16":
            x = x.float()
        return x.numpy()
    if not isinstance(x, np.ndarray) and callable(getattr(x, "numpy", None)):
        x = x.numpy()
    array = np.asarray(x)
    if array.dtype.name == "bfloat16":
        array = array.astype(np.float32)
    if array.dtype.kind not in "fiub":
        refuse("input-mismatch", f"an input of NumPy's dtype {array.dtype} holds no numbers that a model takes",
               help="give one array an input, of floats, integers or bools")
    return array


def packed(name: str, array: np.ndarray) -> tuple[str, str, list[int], bytes]:
    """An array for the native module: little-endian, row by row."""
    array = np.asarray(array, dtype=array.dtype.newbyteorder("<"))
    return name, array.dtype.str, list(array.shape), array.tobytes()


def unpacked(descr: str, shape: Sequence[int], data: bytes, dtype: str) -> np.ndarray:
    """The native module's array; bfloat16, which NumPy lacks, as float32."""
    array = np.frombuffer(data, dtype=np.dtype(descr)).reshape(shape)
    if dtype == "bfloat16":
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array.copy()


def named_arrays(x: Any, names: Sequence[str], what: str) -> dict[str, np.ndarray]:
    """What a user gave for the inputs or outputs `names`, by name: a mapping, one array, or as many as there are. `what`
    is "input" or "output"."""
    if isinstance(x, Mapping):
        unknown = [str(key) for key in x if key not in names]
        missing = [name for name in names if name not in x]
        if unknown or missing:
            refuse("input-mismatch", "the arrays are named " + (", ".join(map(str, x)) or "nothing") + f", the {what}s " +
                   ", ".join(names))
        return {name: to_numpy(x[name]) for name in names}
    if len(names) == 1:
        if isinstance(x, tuple) and len(x) == 1:
            x = x[0]
        return {names[0]: to_numpy(x)}
    if not isinstance(x, (tuple, list)) or len(x) != len(names):
        given = f"{len(x)} arrays" if isinstance(x, (tuple, list)) else "one array"
        refuse("input-mismatch", f"{given} for {len(names)} {what}s: {', '.join(names)}",
               help="give a tuple of arrays in this order, or a dict by name")
    return {name: to_numpy(one) for name, one in zip(names, x)}
