"""`pip install .` in a fresh virtual environment without any framework, and what is there afterwards. The build folder of
the checkout, build/python, stays, so that later installs are short. Skipped where the package index is out of reach."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = """
import sys
import numpy as np
import neuralblocks as nb
digits = {digits!r}
test = np.load(digits + "/digits_test.npz")
program = nb.compile(digits + "/digits.onnx")
assert np.abs(program.run(test["x"]) - test["expected_float"]).max() < 1e-4
print(nb.__file__, "torch" in sys.modules)
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    end = subprocess.run([folder / "bin/pip", "install", ROOT], capture_output=True, text=True, timeout=2400)
    said = end.stdout + end.stderr
    if end.returncode and any(words in said for words in ("Failed to establish a new connection", "Name or service not known",
                                                          "Temporary failure in name resolution", "Max retries exceeded")):
        pytest.skip("the package index cannot be reached")
    assert end.returncode == 0, said[-4000:]
    return folder


def test_the_example(environment, tmp_path):
    code = EXAMPLE.format(digits=str(ROOT / "examples/digits"))
    end = subprocess.run([environment / "bin/python", "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert end.returncode == 0, end.stderr
    assert end.stdout.startswith(str(environment)) and end.stdout.endswith("False\n")


def test_it_needs_numpy_alone(environment):
    end = subprocess.run([environment / "bin/pip", "list", "--format=freeze"], capture_output=True, text=True, check=True)
    names = {line.partition("=")[0] for line in end.stdout.splitlines()} - {"pip", "setuptools"}
    assert {name.partition(" ")[0] for name in names} == {"neuralblocks", "numpy"}


def test_what_the_wheel_carries(environment):
    package = next(environment.glob("lib/python3*/site-packages/neuralblocks"))
    names = {p.name for p in package.iterdir()}
    assert {"__init__.py", "py.typed", "_native.pyi", "nblocks", "nblocks-image", "libnbcount.so"} <= names
    assert any(name.startswith("_native.") and name.endswith(".so") for name in names)


def test_the_command_line(environment, tmp_path):
    nblocks = environment / "bin/nblocks"
    end = subprocess.run([nblocks, "analyze", ROOT / "examples/digits/digits_int8.tflite"], capture_output=True, text=True)
    assert end.returncode == 0 and "depthwise" in end.stdout
    subprocess.run([nblocks, "generate", ROOT / "examples/mlp/mlp.onnx", "-o", tmp_path / "mlp"], check=True,
                   capture_output=True)
    assert list((tmp_path / "mlp/nb").rglob("*.h"))
    found = subprocess.run([nblocks, "doctor"], capture_output=True, text=True).stdout
    assert str(environment) in next(line for line in found.splitlines() if line.startswith("libnbcount.so"))
