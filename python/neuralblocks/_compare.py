"""Models on many boards: `nblocks compare`, on this computer or on any executor's workers."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import tempfile
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Sequence

from . import _native
from ._calibrate import _arrays
from ._diagnostics import Diagnostic, diagnostic, fail, refuse
from ._models import as_file

_COMMAND = pathlib.Path(__file__).with_name("nblocks")
_CORE = re.compile(r'^\s*core\s*=\s*"([^"]*)"', re.MULTILINE)


@dataclass(frozen=True)
class Estimate:
    """What is expected, and between what it lies nine times in ten."""

    low: float
    typical: float
    high: float


@dataclass(frozen=True)
class BoardRow:
    """One program on one board. None is what is not known: `blanks` has the reason by column ("cycles", "latency",
    "energy", "price", "duty"). `misfits` name memory, what, needed_bytes, free_bytes and excess_bytes; `price` has low,
    typical, high, currency, quantity, date and whose it is. `report` is the row of `nblocks compare --json`."""

    file: str
    model: str
    format: str | None
    board: str
    core: str
    fits: bool
    misfits: tuple[dict[str, Any], ...]
    flash_bytes: int | None
    ram_bytes: int | None
    instructions: int | None
    cycles: Estimate | None
    latency_ms: Estimate | None
    energy_uj: Estimate | None
    price: dict[str, Any] | None
    average_mw: Estimate | None
    battery_days: Estimate | None
    is_on_front: bool
    blanks: dict[str, str]
    report: dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """All rows, by model, then format, then board; `messages` is what was said."""

    rows: tuple[BoardRow, ...]
    messages: tuple[Diagnostic, ...] = ()

    def __str__(self) -> str:
        lines = [["", "model", "format", "board", "flash", "RAM", "cycles", "ms", "uJ", "price"]]
        for row in self.rows:
            price = row.price or {}
            amount = price.get("typical") or "-".join(f"{price[end]:g}" for end in ("low", "high") if price.get(end))
            excess = sum(one["excess_bytes"] for one in row.misfits)
            lines.append(["*" if row.is_on_front else "", row.model, row.format or "", row.board, _count(row.flash_bytes),
                          _count(row.ram_bytes), _count(row.cycles and round(row.cycles.typical)) if row.fits else
                          f"{excess:,} bytes too many", _span(row.latency_ms), _span(row.energy_uj),
                          f"{amount} {price['currency']}" if price else ""])
        widths = [max(map(len, column)) for column in zip(*lines)]
        return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths)) for line in lines)


@dataclass(frozen=True)
class _Task:
    """One program for boards of one core, with all that a worker needs: options, and files by their names."""

    options: tuple[str, ...]
    boards: tuple[str, ...]
    files: dict[str, bytes]


def compare(
    model: Any,
    boards: Iterable[str | os.PathLike[str]] | None = None,
    *,
    executor: Any = None,
    example_inputs: Any = None,
    quantize: str | Sequence[str] = (),
    calibrate: Any = None,
    dims: Mapping[str, int] | None = None,
    state: Mapping[str, str] | None = None,
    stream: Sequence[str] = (),
    what_if: Mapping[str, Any] | None = None,
    period: str | None = None,
    battery: str | None = None,
    prices: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    timeout: float = 600.0,
) -> Comparison:
    """Says on which boards a model fits, and what an inference costs there (docs/compare.md).

    model: as `compile` takes it, or a list of such; example_inputs as there.
    boards: names of `boards()`, or paths of .toml files; None: all that programs are built for.
    executor: where programs are built and run: any concurrent.futures executor, or one with its `submit`, such as a Dask
        client's `get_executor()`. A task is one program for one core and brings the model along; workers need this package
        and the compilers. What a worker cannot do, or did with other compilers than this computer's, is done here. None:
        threads of this computer.
    quantize: "int8", "int16" or "float32", or several of them; with `calibrate` as `compile` takes it.
    what_if: other conditions than the boards': {"clock": "96MHz", "wait_states": 5, "cache": "off", "prefetch": "off"}.
    period, battery: "10s", "CR2450": average power, and days that the battery lasts.
    prices: a file of your own prices (docs/add-a-board.md).
    resume: a folder where runs are kept, and found again.
    jobs, timeout: programs that run at a time; seconds that one may run.

    Raises as `compile`; DoesNotFit if a model fits none of the boards.
    """
    with tempfile.TemporaryDirectory(prefix="neuralblocks-") as temporary:
        files = [as_file(one, example_inputs, None) for one in (model if isinstance(model, (list, tuple)) else [model])]
        names = None if boards is None else [os.fspath(board) for board in boards]
        options = ["--timeout", str(timeout)]
        for flag, given in (("--dim", dims), ("--state", state)):
            options += [word for key, value in (given or {}).items() for word in (flag, f"{key}={value}")]
        options += [word for one in ([stream] if isinstance(stream, str) else stream) for word in ("--stream", one)]
        for name, dtype, shape in {str(one): one for file in files for one in file.input_types}.values():
            options += ["--input-shape", f"{name}={','.join(map(str, shape))}:{dtype}"]
        if what_if:
            options += ["--what-if", ",".join(f"{key}={value}" for key, value in what_if.items())]
        formats = [quantize] if isinstance(quantize, str) else list(quantize)
        samples = _samples(calibrate, temporary)
        folder = pathlib.Path(resume) if resume is not None else pathlib.Path(temporary) / "runs"
        if executor is not None:
            folder.mkdir(parents=True, exist_ok=True)
            tasks = [_task(file.path, group, options, one, samples) for file in files for one in formats or [None]
                     for group in _groups(names)]
            for future in [executor.submit(_run, task) for task in tasks]:
                for name, content in future.result().items():
                    (folder / name).write_bytes(content)
        words = [*options, "--resume", str(folder)]
        for flag, value in (("--boards", names and ",".join(names)), ("--quantize", ",".join(formats)),
                            ("--calibrate", samples), ("--period", period), ("--battery", battery),
                            ("--prices", prices and os.fspath(prices)), ("--jobs", jobs and str(jobs))):
            if value:
                words += [flag, str(value)]
        report = _answer(*[str(file.path) for file in files], *words)
    messages = [diagnostic(one["kind"], one["message"], file=one["file"], notes=one["notes"], help=one["help"])
                for one in report.get("diagnostics", [])]
    if not report.get("ok"):
        fail(messages, report)
    said = [one for file in files for one in file.messages]
    return Comparison(tuple(map(_row, report["rows"])), (*said, *messages))


def _answer(*words: str, folder: str | None = None) -> dict[str, Any]:
    """The JSON of `nblocks compare`."""
    end = subprocess.run([str(_COMMAND), "compare", *words, "--json", "-q"], capture_output=True, text=True, cwd=folder)
    try:
        answer: dict[str, Any] = json.loads(end.stdout)
    except ValueError:
        refuse("internal", f"nblocks ended with status {end.returncode}", notes=end.stderr.splitlines()[:20])
    return answer


def _samples(calibrate: Any, temporary: str) -> str:
    """The path of calibration samples; arrays become a file."""
    if calibrate is None:
        return ""
    if isinstance(calibrate, (str, os.PathLike)):
        return os.path.abspath(calibrate)
    import numpy as np

    path = os.path.join(temporary, "samples.npz")
    np.savez(path, **_arrays(calibrate))
    return path


def _groups(names: Sequence[str] | None) -> list[list[str]]:
    """Boards by core. One that there is none of is left to the comparison itself, which says so."""
    known = {board["name"]: board for board in json.loads(_native.boards())}
    if names is None:
        names = [name for name, board in known.items()
                 if not board["data_only"] and not board.get("virtual") and name != "host"]
    groups: dict[str, list[str]] = {}
    for name in names:
        core = known.get(name.lower(), {}).get("core")
        if name.endswith(".toml") and os.path.isfile(name):
            found = _CORE.search(pathlib.Path(name).read_text(errors="replace"))
            core = found and found[1]
        if core and name.lower() != "host":
            groups.setdefault(core, []).append(name)
    return list(groups.values())


def _task(model: pathlib.Path, boards: list[str], options: list[str], format: str | None, samples: str) -> _Task:
    model = pathlib.Path(model)
    files = {model.name: model.read_bytes() if model.is_file() else b""}
    words = list(options)
    if format:
        words += ["--quantize", format]
    if format and samples and format != "float32":
        words += ["--calibrate", samples]  # a folder must be where the workers find it, too
        if os.path.isfile(samples):
            files["samples" + pathlib.Path(samples).suffix] = pathlib.Path(samples).read_bytes()
            words[-1] = "samples" + pathlib.Path(samples).suffix
    names = []
    for board in boards:
        names.append(board)
        if board.endswith(".toml"):
            names[-1] = f"board{len(files)}.toml"
            files[names[-1]] = pathlib.Path(board).read_bytes()
    return _Task((model.name, *words), tuple(names), files)


def _run(task: _Task) -> dict[str, bytes]:
    """On a worker: the runs that the task needs, as files of a folder to resume from. None where it fails: the comparison
    then does it itself, and says why."""
    with tempfile.TemporaryDirectory(prefix="neuralblocks-") as folder:
        for name, content in task.files.items():
            pathlib.Path(folder, name).write_bytes(content)
        try:
            _answer(*task.options, "--boards", ",".join(task.boards), "--resume", "runs", "-j", "1", folder=folder)
        except Exception:
            return {}
        return {path.name: path.read_bytes() for path in sorted(pathlib.Path(folder, "runs").glob("*.json"))}


def _estimate(row: Mapping[str, Any], stem: str) -> Estimate | None:
    typical = row[f"{stem}_estimated"]
    return None if typical is None else Estimate(row[f"{stem}_low"], typical, row[f"{stem}_high"])


def _row(row: dict[str, Any]) -> BoardRow:
    duty = (row["cost_basis"] or {}).get("duty_cycle") or {}
    average, days = (one and Estimate(**one) for one in (duty.get("average_mw"), duty.get("battery_days")))
    return BoardRow(row["file"], row["model"], row["format"], row["board"], row["core"], row["fits"],
                    tuple(row["misfits"]), row["flash"]["total_bytes"], row["ram"]["total_bytes"], row["instructions"],
                    _estimate(row, "cycles"), _estimate(row, "latency_ms"), _estimate(row, "energy_uj"), row["price"],
                    average, days, row["is_on_front"], row["blanks"], row)


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _span(value: Estimate | None) -> str:
    return "" if value is None else f"{value.typical:.4g} ({value.low:.4g}-{value.high:.4g})"
