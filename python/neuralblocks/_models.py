"""Whatever a user calls a model, as a file that the compiler reads.

PyTorch and Keras are recognised by the modules that are loaded already; only a TensorFlow SavedModel imports something,
TensorFlow, since nothing else reads it.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import os
import pathlib
import re
import sys
import tempfile
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping

from ._diagnostics import Diagnostic, diagnostic, fail, refuse
from ._dtypes import OUR_NAME


@dataclass
class ModelFile:
    """A model as a file. `label` is what messages call it; `folder` keeps a temporary file alive; `input_types` are (name,
    dtype, shape) of inputs whose shapes the file does not carry."""

    path: pathlib.Path
    label: str
    messages: list[Diagnostic] = field(default_factory=list)
    input_types: list[tuple[str, str, list[int]]] = field(default_factory=list)
    folder: tempfile.TemporaryDirectory[str] | None = None


def as_file(model: Any, example_inputs: Any, name: str | None) -> ModelFile:
    """The model as a file, exported to a temporary one if it is a live object. Errors: usage (no model at all, or
    example_inputs missing), unsupported-feature (the framework itself refuses to export), tool-missing."""
    if isinstance(model, (str, os.PathLike)):
        path = pathlib.Path(model)
        if (path / "saved_model.pb").is_file():
            return _of_saved_model(path, name)
        return ModelFile(path, str(path), input_types=_types_by_name(example_inputs, str(path)))
    torch = sys.modules.get("torch")
    if torch is not None:
        if isinstance(model, torch.jit.ScriptModule):
            return _of_script(torch, model, example_inputs, name)
        exported = getattr(sys.modules.get("torch.export"), "ExportedProgram", None)
        if exported is not None and isinstance(model, exported):
            return _of_exported(torch, model, name or "model")
        if isinstance(model, torch.nn.Module):
            return _of_exported(torch, _exported(torch, model, example_inputs), name or type(model).__qualname__)
    for keras in ("keras", "tf_keras"):
        kind = getattr(sys.modules.get(keras), "Model", None)
        if kind is not None and isinstance(model, kind):
            return _of_keras(model, example_inputs, name)
    refuse("usage", f"a {type(model).__module__}.{type(model).__qualname__} is no model",
           help="give a path, a torch.nn.Module, an ExportedProgram, a ScriptModule or a Keras model")


def _saved(model: Any, name: str | None, suffix: str, save: Any, what: str) -> ModelFile:
    """A temporary file that `save` writes; it is named as the model, for that is the program's name in C."""
    kind = type(model).__qualname__.rpartition(".")[2]
    original = getattr(model, "original_name", None)  # a ScriptModule's class, before it was compiled
    kind = original if isinstance(original, str) else kind
    stem = re.sub(r"\W+", "_", (name or kind).rpartition(".")[2]).lower().strip("_") or "model"
    folder = tempfile.TemporaryDirectory(prefix="neuralblocks-")
    path = pathlib.Path(folder.name) / (stem + suffix)
    try:
        save(path)
    except Exception as error:
        folder.cleanup()
        _refused(what, model, error)
    return ModelFile(path, f"the live {type(model).__module__.partition('.')[0]} model {name or kind}", folder=folder)


def _refused(what: str, model: Any, error: Exception, help: str = "") -> None:
    """Raises what a framework's own refusal means here, with its words."""
    lines = [line.rstrip() for line in str(error).strip().splitlines() if line.strip()]
    said = diagnostic("unsupported-feature", f"{what} refuses the model: {type(error).__name__}",
                      file=type(model).__qualname__, notes=lines[:20], help=help)
    try:
        fail([said])
    except Exception as ours:
        raise ours from error


def _tensors(torch: Any, given: Any) -> Any:
    """Examples as tensors of the CPU, in the containers that they came in; other values stay."""
    if isinstance(given, (tuple, list)):
        return type(given)(_tensors(torch, one) for one in given)
    if isinstance(given, Mapping):
        return {key: _tensors(torch, one) for key, one in given.items()}
    if isinstance(given, torch.Tensor):
        return given.detach().cpu()
    if type(given).__module__ == "numpy":
        return torch.as_tensor(given)
    return given


def _of_exported(torch: Any, program: Any, name: str) -> ModelFile:
    return _saved(program, name, ".pt2", lambda path: torch.export.save(program, str(path)), "torch.export.save")


@contextlib.contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """The module in evaluation mode; afterwards every part is as it was."""
    was = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in was:
            part.training = training


def _exported(torch: Any, module: Any, example_inputs: Any) -> Any:
    """torch.export's program of a module."""
    if example_inputs is None:
        refuse("usage", f"example_inputs is needed to export the module {type(module).__qualname__}",
               help="give a tensor, a tuple of them, or a dict by argument name; their sizes become the program's")
    importlib.import_module("torch.export")  # a part of what is loaded, but not always loaded with it
    if any(tensor.device.type != "cpu" for tensor in [*module.parameters(), *module.buffers()]):
        module = copy.deepcopy(module).cpu()
    given = _tensors(torch, example_inputs)
    arguments = () if isinstance(given, dict) else tuple(given) if isinstance(given, (tuple, list)) else (given,)
    keywords = given if isinstance(given, dict) else None
    try:
        with torch.no_grad(), _evaluating(module):
            return torch.export.export(module, arguments, keywords)
    except Exception as error:
        _refused("torch.export.export", module, error,
                 help="what it says is about the module's own code; torch.jit.trace may take it: give what it returns")


def _of_script(torch: Any, module: Any, example_inputs: Any, name: str | None) -> ModelFile:
    """A ScriptModule, saved as it is; shapes are the examples', or those that it was traced with."""
    if example_inputs is None:
        example_inputs = {}
    elif not isinstance(example_inputs, Mapping):
        arguments = [argument.name for argument in module.forward.schema.arguments[1:]]
        if len(set(arguments)) < len(arguments):  # of `forward(self, *x)`: the code names each
            arguments = re.findall(r"(\w+): ", module.code.partition(") ->")[0].partition("(self")[2])
        given = example_inputs if isinstance(example_inputs, (tuple, list)) else (example_inputs,)
        if len(given) > len(arguments):
            refuse("usage", f"{len(given)} example_inputs for {len(arguments)} arguments: {', '.join(arguments)}")
        example_inputs = dict(zip(arguments, given))
    types = _types_by_name(example_inputs, "")
    file = _saved(module, name, ".pt", lambda path: torch.jit.save(module, str(path)), "torch.jit.save")
    file.input_types = types
    return file


def _types_by_name(given: Any, label: str) -> list[tuple[str, str, list[int]]]:
    """(name, dtype, shape) of examples by argument name; parts of tuples are `name.0`, `name.1`."""
    if given is None:
        return []
    if not isinstance(given, Mapping):
        refuse("usage", "example_inputs of a file must say which input each is", file=label,
               help="give a dict by the names of the arguments of `forward`")
    types = []
    for name, value in given.items():
        if isinstance(value, tuple):
            types += _types_by_name({f"{name}.{i}": part for i, part in enumerate(value)}, label)
        else:
            types.append((str(name), *_type_of(value)))
    return types


def _type_of(value: Any) -> tuple[str, list[int]]:
    dtype = getattr(value, "dtype", None)
    if dtype is None:
        from ._arrays import to_numpy

        value = to_numpy(value)
        dtype = "float32" if value.dtype.kind == "f" else value.dtype  # of numbers that Python wrote
    theirs = str(dtype).rpartition(".")[2]
    if theirs not in OUR_NAME:
        refuse("usage", f"example_inputs: {theirs} is no dtype that a model takes")
    return OUR_NAME[theirs], [int(size) for size in value.shape]


def _of_keras(model: Any, example_inputs: Any, name: str | None) -> ModelFile:
    if not getattr(model, "built", True):
        if example_inputs is None:
            refuse("usage", f"the Keras model {model.name} has no input shape yet",
                   help="call it once, or give example_inputs")
        model(*example_inputs) if isinstance(example_inputs, tuple) else model(example_inputs)
    return _saved(model, name or model.name, ".keras", lambda path: model.save(str(path)), "keras.Model.save")


def _of_saved_model(path: pathlib.Path, name: str | None) -> ModelFile:
    """A SavedModel by way of TensorFlow's converter to TensorFlow Lite, in floats."""
    try:
        import tensorflow
    except ImportError as error:
        said = diagnostic("tool-missing", "a SavedModel is read by TensorFlow, which is not installed", file=str(path),
                          help="pip install tensorflow, or save the Keras model as .keras")
        try:
            fail([said])
        except Exception as ours:
            raise ours from error

    def save(to: pathlib.Path) -> None:
        converter = tensorflow.lite.TFLiteConverter.from_saved_model(str(path))
        to.write_bytes(converter.convert())

    file = _saved(path, name or path.name, ".tflite", save, "tensorflow.lite.TFLiteConverter")
    file.label = str(path)
    file.messages.append(diagnostic("remark", f"the SavedModel was converted by TensorFlow {tensorflow.__version__} "
                                    "to TensorFlow Lite, in floats", file=str(path)))
    return file
