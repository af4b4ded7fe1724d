"""The package without any framework: what it imports, reports, outputs, errors, projects."""

import json
import os
import pathlib
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import neuralblocks as nb

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples/digits"
TEST = np.load(DIGITS / "digits_test.npz")
COMMAND = pathlib.Path(nb.__file__).with_name("nblocks")
has_arm = pytest.mark.skipif(not (shutil.which("arm-none-eabi-g++") and shutil.which("qemu-system-arm")),
                             reason="no cross compiler or no QEMU for Arm")


@pytest.fixture(scope="module")
def digits():
    return nb.compile(DIGITS / "digits.onnx")


@pytest.fixture(scope="module")
def digits_int8():
    return nb.compile(DIGITS / "digits_int8.tflite", board="cortex-m4f")


def python(code, **environment):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ, **environment),
                          timeout=300)


def test_import_brings_no_framework():
    end = python("import sys, neuralblocks as nb; nb.compile(sys.argv[1] if sys.argv[1:] else "
                 f"{str(DIGITS / 'digits.onnx')!r}); print(*sorted({{m.partition('.')[0] for m in sys.modules}}))")
    assert end.returncode == 0, end.stderr
    loaded = end.stdout.split()
    assert "neuralblocks" in loaded
    assert not {"torch", "tensorflow", "keras", "jax", "onnx", "numpy"} & set(loaded)


def test_report_is_the_command_lines(digits_int8):
    end = subprocess.run([COMMAND, "analyze", DIGITS / "digits_int8.tflite", "-b", "cortex-m4f", "--json"],
                         capture_output=True, text=True)
    assert digits_int8.report == json.loads(end.stdout)
    assert [layer.name for layer in digits_int8.layers] == [row["name"] for row in digits_int8.report["layers"]]
    assert digits_int8.layers[0].block == "conv2d" and digits_int8.layers[0].macs == 4608


def test_specs(digits, digits_int8):
    assert (digits.inputs[0].shape, digits.inputs[0].dtype, digits.inputs[0].scale) == ((1, 1, 8, 8), "float32", None)
    assert (digits_int8.inputs[0].shape, digits_int8.inputs[0].dtype) == ((1, 8, 8, 1), "int8")
    assert digits_int8.outputs[0].scale > 0
    assert (digits.board, digits_int8.board, digits.name) == ("host", "cortex-m4f", "digits")


def test_outputs_on_the_host(digits):
    y = digits.run(TEST["x"])
    assert y.shape == (360, 10) and y.dtype == np.float32
    np.testing.assert_allclose(y, TEST["expected_float"], atol=1e-4)
    one = digits.run(TEST["x"][:1])
    assert one.shape == (1, 10)
    np.testing.assert_array_equal(one, y[:1])


def test_forms_of_samples(digits):
    x = TEST["x"][:5]
    y = digits.run(x)
    many = digits.run(x[:, None])
    assert many.shape == (5, 1, 10) and np.array_equal(many[:, 0], y)
    assert digits.run(x[:1][None]).shape == (1, 1, 10)
    for given in (x.tolist(), x.astype(np.float64), (x,), {digits.inputs[0].name: x}, np.asfortranarray(x), x.astype(">f4")):
        np.testing.assert_array_equal(digits.run(given), y)


def test_integers_of_the_tflite_model_on_the_host(digits_int8):
    y = digits_int8.run(TEST["image"], board="host")
    assert y.dtype == np.int8 and np.array_equal(y, TEST["expected_tflite"])
    real = digits_int8.run(TEST["image"], board="host", dequantize=True)
    spec = digits_int8.outputs[0]
    np.testing.assert_allclose(real, (y.astype(np.float32) - spec.zero_point) * spec.scale, rtol=1e-6)


@has_arm
def test_virtual_board(digits_int8):
    y = digits_int8.run(TEST["image"][:8])
    assert np.array_equal(y, TEST["expected_tflite"][:8])
    report = digits_int8.measure()
    assert report["board"] == "cortex-m4f" and report["instructions"] > 50_000
    assert report["ram"]["stack_bytes"] > 0 and sum(row["instructions"] for row in report["layers"]) > 0
    assert np.array_equal(digits_int8.run(TEST["image"][:2], board="cortex-m55"), TEST["expected_tflite"][:2])


def test_second_run_builds_nothing():
    end = python(f"import neuralblocks as nb; p = nb.compile({str(DIGITS / 'digits.onnx')!r}); import numpy as np; "
                 "x = np.zeros((1, 1, 8, 8)); p.run(x); import os; os.environ['PATH'] = '/nowhere'; p.run(x)")
    assert end.returncode == 0, end.stderr


def test_validate(digits, digits_int8):
    found = digits.validate(TEST["x"], TEST["expected_float"])
    assert (found.samples, found.board, len(found.outputs)) == (360, "host", 1)
    one = found.outputs[0]
    assert one.max_abs_error < 1e-4 and one.rmse <= one.max_abs_error and one.cos > 0.999999 and one.nse > 0.9999
    assert one.acc == 1.0 and one.l2r < 1e-5 and abs(one.mean) < 1e-5 and one.std < 1e-5
    labels = digits.validate(TEST["x"], TEST["y"])
    assert labels.acc > 0.9 and labels.max_abs_error is None
    one = labels.outputs[0]
    assert sum(map(sum, one.confusion)) == 360 and sum(one.confusion[k][k] for k in range(10)) == round(one.acc * 360)
    assert 0.9 < one.balanced_accuracy < 1 and 0.99 < one.auc <= 1 and "confusion" not in str(labels)
    with pytest.raises(nb.UsageError, match="label 10"):
        digits.validate(TEST["x"], TEST["y"] + 1)
    off = digits.validate(TEST["x"], TEST["expected_float"] + 1).outputs[0]
    assert off.max_abs_error == pytest.approx(1, abs=1e-4) and off.mean == pytest.approx(-1, abs=1e-4)
    assert "acc" in str(found) and "360 samples" in str(found)
    raw = digits_int8.validate(TEST["image"], TEST["expected_tflite"], board="host").outputs[0]
    assert raw.max_abs_error == 0 and raw.acc == 1
    spec = digits_int8.outputs[0]
    real = (TEST["expected_tflite"].astype(np.float32) - spec.zero_point) * spec.scale
    assert digits_int8.validate(TEST["image"], real, board="host").max_abs_error < 1e-6
    with pytest.raises(nb.UsageError, match="`y` has shape"):
        digits.validate(TEST["x"], TEST["expected_float"][:7])


def test_validate_against_a_reference(digits):
    quantized = nb.compile(DIGITS / "digits_int8.onnx")
    found = quantized.validate(TEST["x"], TEST["y"], reference=digits)
    program, reference, cross = found.outputs[0], found.reference[0], found.cross[0]
    assert program.acc > 0.95 and reference.acc > 0.95 and 0.999 < cross.cos < 1 and cross.rmse > 0
    assert program.acc == quantized.validate(TEST["x"], TEST["y"]).acc and reference.acc == digits.validate(TEST["x"], TEST["y"]).acc
    y = [p.run(TEST["x"]) for p in (quantized, digits)]
    assert cross.max_abs_error == pytest.approx(np.abs(y[0] - y[1]).max(), rel=1e-6)
    assert len(found.layers) >= 4 and all(30 < layer.snr_db < 60 for layer in found.layers)
    assert found.first_parting_layer is None and "X-cross" in str(found)
    alone = quantized.validate(TEST["x"][:9], reference=digits)
    assert alone.outputs[0].acc is None and alone.cross[0].cos > 0.999
    with pytest.raises(nb.UsageError, match="nothing to compare"):
        digits.validate(TEST["x"])
    with pytest.raises(nb.UsageError, match="reference"):
        digits.validate(TEST["x"], reference=nb.compile(ROOT / "examples/mlp/mlp.onnx"))


def test_export_is_the_command_lines_project(digits_int8, tmp_path):
    folder = digits_int8.export(tmp_path / "a")
    subprocess.run([COMMAND, "generate", DIGITS / "digits_int8.tflite", "-b", "cortex-m4f", "-o", tmp_path / "b", "-q"],
                   check=True, capture_output=True)
    names = sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    assert pathlib.Path("README.md") in names and pathlib.Path("CMakeLists.txt") in names
    assert names == sorted(p.relative_to(tmp_path / "b") for p in (tmp_path / "b").rglob("*") if p.is_file())
    for name in names:
        assert (folder / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_texts_for_people(digits_int8):
    assert "digits_int8 for cortex-m4f" in repr(digits_int8)
    page = digits_int8._repr_html_()
    assert page.count("<tr>") == 1 + len(digits_int8.layers) and "depthwise" in page


def test_catalogues():
    assert {"host", "cortex-m4f"} <= {board["name"] for board in nb.boards()}
    assert "conv2d" in {block["name"] for block in nb.blocks()}
    assert nb.version == nb.__version__ and nb.version.count(".") == 2


def test_unknown_board_and_file(tmp_path):
    with pytest.raises(nb.UsageError) as raised:
        nb.compile(DIGITS / "digits.onnx", board="cortex-m4")
    assert raised.value.diagnostics[0].kind == "unknown-board" and raised.value.exit_code == 2
    with pytest.raises(nb.CompileError) as raised:
        nb.compile(tmp_path / "absent.onnx")
    assert raised.value.diagnostics[0].kind == "file-unreadable"
    assert str(raised.value).startswith("error[file-unreadable]: ")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"nothing of the kind")
    with pytest.raises(nb.UnsupportedModel) as raised:
        nb.compile(broken)
    found = raised.value.diagnostics[0]
    assert found.kind == "unknown-format" and str(broken) in found.file and found.help
    again = pickle.loads(pickle.dumps(raised.value))
    assert str(again) == str(raised.value) and again.diagnostics == raised.value.diagnostics
    end = subprocess.run([COMMAND, "analyze", broken], capture_output=True, text=True, env=dict(os.environ, NO_COLOR="1"))
    assert end.stderr.rstrip("\n") == str(raised.value)


def test_no_model_at_all():
    with pytest.raises(nb.UsageError, match="is no model"):
        nb.compile(42)


def test_does_not_fit(tmp_path):
    board = tmp_path / "tiny.toml"
    text = (ROOT / "src/target/boards/cortex-m4f.toml").read_text()
    lines = ["size_kib = 2" if line.startswith("size_kib") else line for line in text.splitlines()]
    board.write_text("\n".join(lines) + "\n")
    with pytest.raises(nb.DoesNotFit) as raised:
        nb.compile(DIGITS / "digits.onnx", board=board)
    assert raised.value.exit_code == 4 and raised.value.report["fits"] is False
    assert "more than" in str(raised.value)


def test_bad_data(digits):
    for x in (np.zeros((1, 2, 3), np.float32), {"nobody": TEST["x"]}, np.array(["text"]), None):
        with pytest.raises(nb.UsageError) as raised:
            digits.run(x)
        assert raised.value.diagnostics[0].kind == "input-mismatch"
    with pytest.raises(nb.UsageError, match="optimize"):
        digits.run(TEST["x"][:1], optimize="fast")


def test_missing_compiler():
    end = python(f"import neuralblocks as nb; p = nb.compile({str(DIGITS / 'digits.onnx')!r})\n"
                 "try: p.run([[[[0.0] * 8] * 8]])\nexcept nb.ToolMissing as e: print(e.exit_code, e.diagnostics[-1].help)",
                 PATH="/nowhere")
    assert end.stdout.startswith("5 apt-get install"), end.stdout + end.stderr


def test_options(tmp_path):
    frozen = TEST["x"][:1]
    np.save(tmp_path / "x.npy", frozen)
    name = nb.compile(DIGITS / "digits.onnx").inputs[0].name
    for value in (frozen, tmp_path / "x.npy"):
        program = nb.compile(DIGITS / "digits.onnx", freeze={name: value}, name="still")
        assert program.inputs == () and program.name == "still"
        np.testing.assert_allclose(program.run(), TEST["expected_float"][:1], atol=1e-4)
    with pytest.raises(nb.UsageError, match="dims"):
        nb.compile(DIGITS / "digits.onnx", dims={"batch": 0})
    with pytest.raises(nb.UsageError):
        nb.compile(DIGITS / "digits.onnx", state={"nobody": "nothing"})


def test_threads_share_a_program(digits):
    found = {}

    def work(i):
        found[i] = digits.run(TEST["x"][i : i + 1])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = digits.run(TEST["x"][:6])
    for i in range(6):
        np.testing.assert_array_equal(found[i][0], whole[i])


def test_interrupt_ends_a_build_and_the_tool(tmp_path):
    """A compiler that never ends is killed when Ctrl-C arrives, and Python sees a KeyboardInterrupt."""
    slow = tmp_path / "g++"
    slow.write_text(f"#!/bin/sh\necho $$ >{tmp_path}/pid\nexec sleep 300\n")
    slow.chmod(0o755)
    code = (f"import neuralblocks as nb\np = nb.compile({str(DIGITS / 'digits.onnx')!r})\n"
            "try: p.run([[[[0.0] * 8] * 8]])\nexcept KeyboardInterrupt: print('stopped')")
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
                             env=dict(os.environ, PATH=f"{tmp_path}:/bin:/usr/bin"))
    deadline = time.monotonic() + 60
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
        assert time.monotonic() < deadline and child.poll() is None
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=60)
    assert out == "stopped\n"
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_command():
    end = subprocess.run([sys.executable, "-m", "neuralblocks._command", "--version"], capture_output=True, text=True)
    assert (end.returncode, end.stdout) == (0, f"nblocks {nb.version}\n")
