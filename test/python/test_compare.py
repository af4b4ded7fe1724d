"""`neuralblocks.compare`: the rows of the command line, whoever runs the programs."""

import concurrent.futures
import json
import os
import pathlib
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest

import neuralblocks as nb
from neuralblocks import _compare

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples/digits"
INT8 = DIGITS / "digits_int8.tflite"
COMMAND = pathlib.Path(nb.__file__).with_name("nblocks")
BOARDS = ["rpi-pico", "nucleo-l4r5zi", "nucleo-h743zi2", "nucleo-f446re"]
pytestmark = pytest.mark.skipif(not (shutil.which("arm-none-eabi-g++") and shutil.which("qemu-system-arm")),
                                reason="no cross compiler or no QEMU for Arm")


class Counting:
    """An executor with nothing but `submit`, whose tasks and results travel as pickles."""

    def __init__(self):
        self.results = []

    def submit(self, function, *arguments):
        function, arguments = pickle.loads(pickle.dumps((function, arguments)))
        self.results.append(pickle.loads(pickle.dumps(function(*arguments))))
        future = concurrent.futures.Future()
        future.set_result(self.results[-1])
        return future


@pytest.fixture(scope="module")
def plain():
    return nb.compare(INT8, BOARDS)


def test_rows_are_those_of_the_command_line(plain):
    end = subprocess.run([COMMAND, "compare", INT8, "--boards", ",".join(BOARDS), "--json", "-q"], capture_output=True)
    assert [row.report for row in plain.rows] == json.loads(end.stdout)["rows"]
    assert [row.board for row in plain.rows] == BOARDS
    row = plain.rows[1]
    assert row.fits and row.cycles.low < row.cycles.typical < row.cycles.high
    assert row.energy_uj.typical > 0 and row.price is None and "price" in row.blanks
    assert "nucleo-l4r5zi" in str(plain) and str(plain).count("\n") == len(BOARDS)
    assert any(row.is_on_front for row in plain.rows)


def test_an_executor_does_the_work(plain, tmp_path):
    executor = Counting()
    assert nb.compare(INT8, BOARDS, executor=executor, resume=tmp_path).rows == plain.rows
    assert len(executor.results) == 3  # a task is a core
    assert sorted(name for result in executor.results for name in result) == sorted(path.name for path in tmp_path.iterdir())
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert nb.compare(INT8, BOARDS, resume=tmp_path).rows == plain.rows
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == times


@pytest.mark.parametrize("kind", [concurrent.futures.ThreadPoolExecutor, concurrent.futures.ProcessPoolExecutor])
def test_executors_of_python(plain, kind):
    with kind(2) as executor:
        assert nb.compare(INT8, BOARDS, executor=executor).rows == plain.rows


def test_formats_files_and_conditions(tmp_path):
    held = np.load(DIGITS / "digits_test.npz")
    asked = dict(quantize=["int8", "float32"], calibrate=held["x"][:32], what_if={"clock": "48MHz", "cache": "off"},
                 period="10s")
    executor = Counting()
    rows = nb.compare(DIGITS / "digits.onnx", ["rpi-pico", "cc2340r5"], executor=executor, **asked).rows
    assert all(executor.results) and len(executor.results) == 2
    assert rows == nb.compare(DIGITS / "digits.onnx", ["rpi-pico", "cc2340r5"], **asked).rows
    assert [row.format for row in rows] == ["int8", "int8", "float32", "float32"]
    assert rows[1].average_mw.typical > 0


def test_errors_are_those_of_the_package(tmp_path):
    small = tmp_path / "small.toml"
    small.write_text('name = "small"\ntitle = "s"\nvendor = "v"\npart = "p"\ncore = "cortex-m0"\nsource = "s"\n'
                     '[[memory]]\nname = "bank"\nkind = "flash"\nsize_kib = 2\n[[memory]]\nname = "sram"\nkind = "ram"\n'
                     'size_kib = 2\n')
    for executor in (None, Counting()):
        with pytest.raises(nb.UsageError, match="nucleo-l4r5zi"):
            nb.compare(INT8, ["nucleo-l4r5zj"], executor=executor)
        with pytest.raises(nb.UsageError, match="what-if"):
            nb.compare(INT8, BOARDS, executor=executor, what_if={"clock": "fast"})
        with pytest.raises(nb.DoesNotFit, match="none of the boards") as caught:
            nb.compare(INT8, [small], executor=executor)
        assert caught.value.report["rows"][0]["misfits"]
    with pytest.raises(nb.UsageError):
        nb.compare(3)


def test_dask():
    pytest.importorskip("distributed", reason="no dask[distributed]")
    environment = dict(os.environ, PYTHONPATH=str(pathlib.Path(nb.__file__).parents[1]))
    end = subprocess.run([sys.executable, ROOT / "examples/dask_compare.py", INT8, "--boards", ",".join(BOARDS)],
                         capture_output=True, text=True, env=environment, timeout=300)
    assert end.returncode == 0, end.stderr[-2000:]
    assert f"{len(BOARDS)} boards, {len(BOARDS)} fit; by 2 workers" in end.stdout
    assert "\n".join(end.stdout.splitlines()[:-1]) == str(nb.compare(INT8, BOARDS))


def test_tasks_bring_all_that_workers_need():
    task = _compare._task(INT8, ["rpi-pico"], [], None, "")
    assert task.files == {INT8.name: INT8.read_bytes()} and not any("/" in word for word in task.options)
