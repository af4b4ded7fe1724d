"""A compiled model: what it needs, what it computes, its C++."""

from __future__ import annotations

import dataclasses
import html
import json
import os
import pathlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Mapping, Sequence

from . import _native
from ._calibrate import keep_formats, pixels, quantize_asked
from ._diagnostics import Diagnostic, fail, parsed, refuse
from ._dtypes import NUMPY_NAME
from ._models import ModelFile, as_file
from ._validate import Validation, validation_of

if TYPE_CHECKING:
    import numpy as np

HOST = "host"


@dataclass(frozen=True)
class TensorSpec:
    """An input or output: its name, shape, dtype (NumPy's name of it, "float32"), and of a quantized one scale and
    zero point: real value = (integer - zero_point) * scale. An input of unlike channels has scales and zero_points
    instead, one an index of the axis."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None = None
    zero_point: int | None = None
    scales: tuple[float, ...] | None = None
    zero_points: tuple[int, ...] | None = None
    axis: int | None = None


@dataclass(frozen=True)
class Layer:
    """One layer: its name in the model, the block and kernel that compute it, its output ("i8[1,8,8,8]"),
    multiply-accumulates, parameters, and bytes of weights and scratch memory."""

    name: str
    block: str
    kernel: str
    output: str
    macs: int
    params: int
    weights_bytes: int
    scratch_bytes: int


@dataclass(frozen=True)
class _Asked:
    """What `compile` was asked, as the native module takes it."""

    name: str
    dims: list[tuple[str, int]]
    frozen: list[tuple[str, str, list[int], bytes]]
    states: list[str]
    streams: list[str]
    quantize: _native.Quantize = dataclasses.field(default_factory=_native.Quantize)
    may_change_outputs: bool = False
    pixels: tuple[str, list[float], list[float]] = ("", [], [])


def compile(
    model: Any,
    example_inputs: Any = None,
    board: str | os.PathLike[str] | None = None,
    *,
    dims: Mapping[str, int] | None = None,
    freeze: Mapping[str, Any] | None = None,
    state: Mapping[str, str] | None = None,
    stream: str | Sequence[str] | Mapping[str, int] | None = None,
    name: str | None = None,
    quantize: str | None = None,
    calibrate: Any = None,
    float_io: bool = False,
    layers: Mapping[str, str] | None = None,
    test: tuple[Any, Any] | None = None,
    max_drop: float = 0.5,
    metric: str = "auto",
    requantize: str | None = None,
    image_scale: str | float | None = None,
    image_mean: float | Sequence[float] | None = None,
    image_std: float | Sequence[float] | None = None,
) -> Program:
    """Compiles a model.

    model: a path to a file of any format that `nblocks` reads, or to the folder of a TensorFlow SavedModel; or a live
        torch.nn.Module, torch.export.ExportedProgram, torch.jit.ScriptModule or Keras model.
    example_inputs: for a torch.nn.Module or ScriptModule, what its forward takes: a tensor, a tuple of them or a dict by
        argument name; for the path of a TorchScript file a dict. Their shapes, the batch included, become the program's;
        values do not matter.
    board: a name of `boards()` or the path of a .toml file; None: this computer ("host").
    dims: sizes of symbolic dimensions, by name (`--dim`).
    freeze: inputs compiled as constants: arrays, or paths of .npy files, by input name (`--freeze`).
    state: inputs kept between steps: the output that is the next value, by input name (`--state`).
    stream: one time step a call of a model over a sequence: the input, or its axis of time by name (`--stream`).
    name: the program's name in C; otherwise the file's, or the class's.
    quantize: "int8" or "int16" (activations of 16, weights of 8 bits): integers for a float model (`--quantize`); or
        "auto": each layer int8, int16 or float32, as `max_drop` and the board allow. `report["formats"]` says what was
        tried.
    calibrate: samples of the model's inputs for `quantize`: a path (.npz, .npy, a folder of .npy or of pictures), an
        array, a dict of arrays by input name, or an iterable of batches such as a torch DataLoader, whose tuples begin
        with the input.
    float_io: with `quantize`, inputs and outputs of the program stay float (`--float-io`).
    layers: with `quantize`, "int8", "int16" or "float32" by the names of layers, or patterns of them, that get others
        (`--layers`).
    test: with quantize="auto", inputs and what the outputs should be, as `Program.validate` takes them.
    max_drop: with quantize="auto", points that may be lost on `test`: hundredths of an accuracy, tenths of an error.
    metric: with quantize="auto", what counts: "accuracy", "mse", ... (`--metric`); "auto": what fits the targets.
    requantize: "fast": a quantized model's sums are rounded once, not as its own runtime does (`--requantize`).
    image_scale, image_mean, image_std: what the model takes of calibration's pictures, (pixel * scale - mean) / std, one
        for all channels or one each; "1/255", 0 and 1 if left out (`--image-scale`, ...).

    Raises UsageError, UnsupportedModel, DoesNotFit, ToolMissing, GateFailed or InternalError, all of them
    CompileError.
    """
    file = as_file(model, example_inputs, name)
    asked = _asked(file, dims, freeze, state, stream, name)
    if requantize not in (None, "fast"):
        refuse("usage", f"requantize is {requantize!r}", file=file.label, help="it is 'fast' or None")
    if requantize and quantize:
        refuse("usage", "`requantize` with `quantize`", file=file.label)
    how = quantize_asked(file.label, quantize, calibrate, float_io, layers, test, max_drop, metric)
    asked = dataclasses.replace(asked, quantize=how, may_change_outputs=requantize is not None,
                                pixels=pixels(image_scale, image_mean, image_std))
    return Program(file, asked, os.fspath(board) if board else HOST)


def _asked(
    file: ModelFile,
    dims: Mapping[str, int] | None,
    freeze: Mapping[str, Any] | None,
    state: Mapping[str, str] | None,
    stream: str | Sequence[str] | Mapping[str, int] | None,
    name: str | None,
) -> _Asked:
    sizes = []
    for key, size in (dims or {}).items():
        if not isinstance(size, int) or not 1 <= size <= 1 << 30:
            refuse("usage", f"dims: `{key}` is {size!r}, not a number from 1 to 2^30", file=file.label)
        sizes.append((str(key), size))
    if isinstance(stream, str):
        streams = [stream]
    elif isinstance(stream, Mapping):
        streams = [f"{key}:{axis}" for key, axis in stream.items()]
    else:
        streams = list(stream or ())
    return _Asked(name or "", sizes, [_frozen(key, value) for key, value in (freeze or {}).items()],
                  [f"{key}={output}" for key, output in (state or {}).items()], streams)


def _frozen(key: str, value: Any) -> tuple[str, str, list[int], bytes]:
    import numpy as np

    from ._arrays import packed, to_numpy

    if isinstance(value, (str, os.PathLike)):
        try:
            value = np.load(value, allow_pickle=False)
        except OSError as error:
            refuse("file-unreadable", f"`{os.fspath(value)}`: {error.strerror or error}")
        except ValueError as error:
            refuse("input-mismatch", f"`{os.fspath(value)}` is no .npy file: {error}")
    return packed(str(key), to_numpy(value))


class Program:
    """A compiled model. Made by `compile`; immutable, but that builds are kept for further runs."""

    def __init__(self, file: ModelFile, asked: _Asked, board: str):
        self._file, self._asked = file, asked
        self._models: dict[str, _native.Model] = {}
        self._runners: dict[tuple[str, bool, str], _native.Runner] = {}
        self._model, said = self._compile(board)
        report, all_said = self._model.analysis()
        self.report: dict[str, Any] = json.loads(report)
        if "formats" in self.report:  # chosen once: the same program on every board
            keep_formats(asked.quantize, self.report["formats"])
        """What `nblocks analyze --json` prints: macs, params, weights_bytes, arena_bytes, ram_total_bytes_estimated,
        inputs, outputs, memory_map, layers and more; sizes in bytes."""
        self.messages: tuple[Diagnostic, ...] = (*file.messages, *said)
        """What the compiler had to say: notes and warnings, in order."""
        self._board = board
        if not self.report["ok"]:
            fail(self._relabelled(all_said), self.report)

    @property
    def name(self) -> str:
        """The program's name in C."""
        return str(self.report["model"])

    @property
    def board(self) -> str:
        """The board that it was compiled for; "host" is this computer."""
        return str(self.report["board"])

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers in the order of execution."""
        names = [f.name for f in dataclasses.fields(Layer)]
        return tuple(Layer(**{name: row[name] for name in names}) for row in self.report["layers"])

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The inputs in the model's order."""
        return tuple(_spec(one) for one in self.report["inputs"])

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The outputs in the model's order."""
        return tuple(_spec(one) for one in self.report["outputs"])

    def run(
        self,
        x: Any = None,
        board: str | os.PathLike[str] | None = None,
        *,
        dequantize: bool = False,
        keep_state: bool | None = None,
        optimize: str = "",
        timeout: float = 600.0,
    ) -> np.ndarray | tuple[np.ndarray, ...]:
        """Runs the program and returns its output, or a tuple of them if it has several. The first run on a board builds
        it, later ones do not.

        x: an array for one input; a tuple in the inputs' order or a dict by name for several. An array has the input's
            shape S, or is N samples: [N, S...], or [N, S[1], ...] where S[0] is 1. Floats for a quantized input are
            quantized with its scale; other dtypes are converted if no value is lost.
        board: where to run, if not on the program's own board: a virtual one, or "host".
        dequantize: quantized outputs as float32 rather than as integers.
        keep_state: whether state carries on from sample to sample; None: only if `state` or `stream` was asked.
        optimize: "O0" to "O3" or "Os"; empty: the board's.
        timeout: seconds that the program may run.

        Outputs have the model's shape. N samples [N, S...] give [N, output...]; N samples along a batch axis of 1 give
        outputs along theirs, as the framework would.
        Raises UsageError (an input does not fit the model), ToolMissing (no compiler or QEMU), DoesNotFit,
        InternalError (the program faulted or did not end in time).
        """
        self._check_given(x)
        arrays, _ = self._run(x, board, dequantize, keep_state, optimize, timeout)
        return arrays[0] if len(arrays) == 1 else tuple(arrays)

    def measure(
        self,
        x: Any = None,
        board: str | os.PathLike[str] | None = None,
        *,
        keep_state: bool | None = None,
        optimize: str = "",
        timeout: float = 600.0,
    ) -> dict[str, Any]:
        """Runs as `run` does and returns what `nblocks run --json` prints: exact instructions of the first sample, of it
        all and by layer, flash and RAM in bytes with the measured stack. Without `x` one sample of made-up bytes is
        run. On the host nothing is counted."""
        return self._run(x, board, False, keep_state, optimize, timeout)[1]

    def validate(
        self,
        x: Any,
        y: Any = None,
        board: str | os.PathLike[str] | None = None,
        *,
        reference: Program | None = None,
        keep_state: bool | None = None,
        optimize: str = "",
        timeout: float = 600.0,
    ) -> Validation:
        """Runs `x` as `run` does and compares the outputs with `y`, what they should be: arrays as `run` returns them, or
        labels (an integer a sample of an output of several values, or one for each position beside its axis of
        classes). A quantized output is compared as real values; integers of its own dtype and shape are taken as
        quantized too. `reference`: a program of the same model, in floats as a rule, that runs on the host; both are
        compared with `y`, with each other, and layer by layer. Without `y` only with each other. Raises as `run`;
        UsageError if `y` or the reference does not fit."""
        from ._arrays import named_arrays, packed

        self._check_given(x)
        if y is None and reference is None:
            refuse("usage", "nothing to compare the outputs with", help="give `y`, `reference` or both")
        expected = {} if y is None else named_arrays(y, [spec.name for spec in self.outputs], "output")
        arrays = named_arrays(x, [spec.name for spec in self.inputs], "input")
        runner = self._runner(board, keep_state, optimize)
        other = None if reference is None else reference._runner(HOST, keep_state, "")
        answer, said = runner.validate([packed(name, array) for name, array in arrays.items()],
                                       [packed(name, array) for name, array in expected.items()], other, timeout)
        if answer is None:
            fail(self._relabelled(said))
        return validation_of(json.loads(answer))

    def export(self, folder: str | os.PathLike[str], board: str | os.PathLike[str] | None = None) -> pathlib.Path:
        """Writes the C++ project, as `nblocks generate` does: the C API, one call a layer, weights, the blocks' headers,
        README.md and CMakeLists.txt. Returns the folder; it is made if need be. `board`: if not the program's own.
        Raises DoesNotFit, and UsageError if the folder cannot be written."""
        model = self._model_for(board)
        _, said = model.write_project(os.fspath(folder))
        self._raise_errors(said)
        return pathlib.Path(folder)

    def _compile(self, board: str) -> tuple[_native.Model, list[Diagnostic]]:
        if board not in self._models:
            asked = self._asked
            model, text = _native.compile(os.fspath(self._file.path), board, asked.name, asked.dims, asked.frozen,
                                          asked.states, asked.streams, self._file.input_types, asked.quantize,
                                          asked.may_change_outputs, asked.pixels)
            said = self._relabelled(text)
            if model is None:
                fail(said)
            self._models[board] = model
            return model, said
        return self._models[board], []

    def _model_for(self, board: str | os.PathLike[str] | None) -> _native.Model:
        return self._model if board is None else self._compile(os.fspath(board))[0]

    def _run(
        self, x: Any, board: str | os.PathLike[str] | None, dequantize: bool, keep_state: bool | None, optimize: str,
        timeout: float,
    ) -> tuple[list[np.ndarray], dict[str, Any]]:
        from ._arrays import named_arrays, packed, unpacked

        inputs = self.inputs
        arrays = {} if x is None else named_arrays(x, [spec.name for spec in inputs], "input")
        runner = self._runner(board, keep_state, optimize)
        given = None if not arrays else [packed(name, array) for name, array in arrays.items()]
        answer, said = runner.run(given, dequantize, timeout)
        if answer is None:
            fail(self._relabelled(said))
        report = json.loads(answer[1])
        form = _form(inputs[0].shape, arrays[inputs[0].name].shape) if arrays else "one"
        found = []
        for spec, (descr, shape, data) in zip(self.outputs, answer[0]):
            array = unpacked(descr, shape, data, spec.dtype)
            if form == "batch" and spec.shape[:1] == (1,):
                array = array.reshape((report["samples"], *spec.shape[1:]))
            elif form == "many":
                array = array.reshape((report["samples"], *spec.shape))
            found.append(array)
        return found, report

    def _runner(
        self, board: str | os.PathLike[str] | None, keep_state: bool | None, optimize: str
    ) -> _native.Runner:
        """The program built for the board; built once."""
        if optimize not in ("", "O0", "O1", "O2", "O3", "Os"):
            refuse("usage", f"optimize is `{optimize}`, not O0, O1, O2, O3 or Os")
        if keep_state is None:
            keep_state = bool(self._asked.states or self._asked.streams)
        where = os.fspath(board) if board is not None else self._board
        key = (where, keep_state, optimize)
        if key not in self._runners:
            runner, said = _native.build(self._model_for(board), optimize, keep_state)
            if runner is None:
                fail(self._relabelled(said))
            self._runners[key] = runner
        return self._runners[key]

    def _check_given(self, x: Any) -> None:
        if x is None and self.inputs:
            refuse("input-mismatch", "no data for " + ", ".join(f"`{spec.name}`" for spec in self.inputs),
                   help="give `x`; `measure` runs made-up data")

    def _relabelled(self, text: str) -> list[Diagnostic]:
        """The native module's diagnostics, with a live model's temporary file called by what it is."""
        said = parsed(text)
        if self._file.folder is None:
            return said
        path, label = os.fspath(self._file.path), self._file.label
        return [dataclasses.replace(d, file=d.file.replace(path, label), text=d.text.replace(path, label)) for d in said]

    def _raise_errors(self, text: str) -> None:
        said = self._relabelled(text)
        if any(d.severity == "error" for d in said):
            fail(said)

    def __repr__(self) -> str:
        r = self.report
        return (f"<neuralblocks.Program {self.name} for {self.board}: {len(r['layers'])} layers, {r['macs']:,} macc, "
                f"weights {r['weights_bytes']:,} bytes, activations {r['arena_bytes']:,} bytes>")

    def _repr_html_(self) -> str:
        r = self.report
        rows = "".join(_row("td", (i, x.name, x.block, x.output, f"{x.macs:,}", f"{x.params:,}"))
                       for i, x in enumerate(self.layers))
        totals = (f"macc {r['macs']:,} · params {r['params']:,} · weights {r['weights_bytes']:,} bytes · activations "
                  f"{r['arena_bytes']:,} bytes")
        return (f"<table><caption>{html.escape(self.name)} for {html.escape(self.board)}</caption><thead>"
                f"{_row('th', ('#', 'layer', 'block', 'output', 'macc', 'params'))}</thead><tbody>{rows}</tbody></table>"
                f"<p>{totals}</p>")


def _row(tag: str, cells: Sequence[object]) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"


def _form(spec: tuple[int, ...], given: tuple[int, ...]) -> str:
    """How an array holds samples of an input: "one", "many" (a leading axis of them), "batch" (along its own)."""
    if given == spec:
        return "one"
    return "many" if len(given) == len(spec) + 1 else "batch"


def _spec(one: dict[str, Any]) -> TensorSpec:
    return TensorSpec(one["name"], tuple(one["shape"]), NUMPY_NAME[one["dtype"]], one.get("scale"),
                      one.get("zero_point"), tuple(one["scales"]) if "scales" in one else None,
                      tuple(one["zero_points"]) if "zero_points" in one else None, one.get("axis"))
