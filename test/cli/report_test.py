"""--report: what a report holds beside a verb's JSON, traces, the page as a file, kept reports, and what is refused.
test/page has the page in a browser.

usage: report_test.py NBLOCKS
"""
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIGITS, MLP = ROOT / "examples/digits/digits_int8.tflite", ROOT / "examples/mlp/mlp.onnx"
BOARD = ["--board", "nucleo-l4r5zi"]
NBLOCKS = None


def nblocks(*words, cwd=None):
    end = subprocess.run([NBLOCKS, *map(str, words)], capture_output=True, text=True, cwd=cwd, timeout=300)
    return end.returncode, end.stdout, end.stderr


def has_page():
    """Whether the program was built with the page (NB_REPORT_PAGE); without it says so."""
    return "built without the page" not in nblocks("analyze", MLP, "--report", "/proc/none/r.html")[2]


def sentences(value):
    """All objects of both languages in a report."""
    if isinstance(value, dict):
        if set(value) == {"en", "fr"}:
            yield value
        else:
            for one in value.values():
                yield from sentences(one)
    elif isinstance(value, list):
        for one in value:
            yield from sentences(one)


def hostile_model(path):
    """One dense layer a name that a page must not take for anything but text."""
    names = ["</script><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "\u202egnorw\u202c \u05e9\u05dc\u05d5\u05dd", "a" * 2000, "<!--", "&amp;lt;"]
    nodes, constants, last = [], [], "x"
    for i, name in enumerate(names):
        constants.append(helper.make_tensor(f"w{i}", TensorProto.FLOAT, [4, 4], np.eye(4, dtype=np.float32).flatten()))
        nodes.append(helper.make_node("MatMul", [last, f"w{i}"], [f"m{i}"], name=name))
        nodes.append(helper.make_node("Tanh", [f"m{i}"], [f"t{i}"], name=f"tanh{i}"))
        last = f"t{i}"
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4])
    graph = helper.make_graph(nodes, "hostile", [value("x")], [value(last)], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return names


class Reports(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.at = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def report(self, *words, code=0):
        path = self.at / "r.json"
        path.unlink(missing_ok=True)
        ended, _, said = nblocks(*words, "--report", path)
        self.assertEqual(ended, code, said)
        return json.loads(path.read_text())

    def refused(self, kind, *words):
        code, out, said = nblocks(*words)
        self.assertIn(f"error[{kind}]", said)
        self.assertEqual(list(self.at.glob("*.part*")), [])
        return said

    def test_run(self):
        path, page = self.at / "run.json", self.at / "run.html"
        words = ["run", DIGITS, *BOARD, "--json", "--report", path]
        words += ["--report", page] if has_page() else []
        code, out, _ = nblocks(*words)
        self.assertEqual(code, 0)
        printed, kept = json.loads(out), json.loads(path.read_text())
        section = kept.pop("report")
        printed.pop("wall_seconds")
        self.assertEqual(kept, printed)
        self.assertEqual(section["schema"], {"name": "nblocks-report", "version": 1, "readable_by": 1})
        self.assertEqual(section["command"], f"nblocks run {DIGITS} --board nucleo-l4r5zi")
        self.assertEqual(section["verb"], "run")
        self.assertEqual({"name": "--board", "values": ["nucleo-l4r5zi"]}, section["options"][0])
        self.assertEqual(section["files"], [{"role": "model", "file": str(DIGITS), "format": "TFLite", "size_bytes": DIGITS.stat().st_size,
                                             "sha256": hashlib.sha256(DIGITS.read_bytes()).hexdigest()}])
        self.assertEqual([tool["name"] for tool in section["tools"]], ["arm-none-eabi-g++", "qemu-system-arm"])
        self.assertTrue(all(tool["version"] for tool in section["tools"]))
        self.assertEqual([step["station"] for step in section["steps"]],
                         ["read", "simplify", "select-kernels", "plan-memory", "build", "run", "time"])
        for name in ("results", "limitations", "recommendations"):
            self.assertTrue(section[name], name)
        found = list(sentences({"report": section, **kept}))
        self.assertGreater(len(found), 20)
        for one in found:
            self.assertTrue(one["en"] and one["fr"])
            self.assertNotRegex(one["en"] + one["fr"], r"\{\d\}")
        self.assertLess(sum(one["en"] == one["fr"] for one in found), 2)
        # Two runs give the same bytes, and the page is the one that the kept report gives.
        files = [file for file in (path, page) if file.exists()]
        first = [file.read_bytes() for file in files]
        nblocks(*words)
        self.assertEqual(first, [file.read_bytes() for file in files])
        if not has_page():
            self.refused("usage", "analyze", MLP, "--report", page)
            return
        again = self.at / "again.html"
        self.assertEqual(nblocks("report", path, "-o", again)[0], 0)
        self.assertEqual(again.read_bytes(), page.read_bytes())

    def test_figures_agree(self):
        found = self.report("run", DIGITS, *BOARD)
        layers = found["layers"]
        self.assertEqual(sum(layer["macs"] for layer in layers), found["macs"])
        self.assertAlmostEqual(sum(layer["cycles_share"] for layer in layers), 1, delta=0.1)
        for layer in layers:
            self.assertAlmostEqual(layer["cycles_share"], layer["cycles_estimated"] / found["cycles_estimated"], delta=1e-4)
            if layer["macs"]:
                self.assertAlmostEqual(layer["cycles_per_mac"] * layer["macs"] / layer["cycles_estimated"], 1, delta=1e-3)
            touched = layer["input_bytes"] + layer["output_bytes"] + layer["weights_bytes"]
            self.assertAlmostEqual(layer["macs_per_byte"], layer["macs"] / touched, delta=1e-6)
        memories = {memory["name"]: memory for memory in found["memories"]}
        self.assertEqual(sum(memory["used_bytes"] for memory in memories.values()),
                         found["flash"]["total_bytes"] + found["ram"]["total_bytes"])
        self.assertTrue(all(0 <= row["offset_bytes"] <= found["ram"]["arena_bytes"] - row["size_bytes"] for row in found["memory_map"]))

    def test_traces(self):
        paths = [self.at / name for name in ("r.json", "r.speedscope.json", "r.trace.json")]
        code, _, said = nblocks("run", MLP, *BOARD, *[word for path in paths for word in ("--report", path)])
        self.assertEqual(code, 0, said)
        report, scope, trace = (json.loads(path.read_text()) for path in paths)
        profile = scope["profiles"][0]
        self.assertEqual(profile["unit"], "microseconds")
        self.assertAlmostEqual(profile["endValue"], report["latency_ms_estimated"] * 1e3, delta=report["latency_ms_estimated"])
        stack, last = [], 0
        for event in profile["events"]:
            self.assertGreaterEqual(event["at"], last)
            last = event["at"]
            if event["type"] == "O":
                stack.append(event["frame"])
            else:
                self.assertEqual(stack.pop(), event["frame"])
        self.assertEqual(stack, [])
        spans = [event for event in trace["traceEvents"] if event.get("cat") == "layer"]
        self.assertEqual([span["name"] for span in spans if span["args"]], [layer["name"] for layer in report["layers"]])
        self.assertAlmostEqual(sum(span["dur"] for span in spans), profile["endValue"], delta=1e-6)
        kept = self.at / "kept.trace.json"
        self.assertEqual(nblocks("report", paths[0], "-o", kept)[0], 0)
        self.assertEqual(kept.read_bytes(), paths[2].read_bytes())

    def test_other_verbs(self):
        found = self.report("analyze", MLP, *BOARD)
        self.assertEqual(found["report"]["tools"], [])
        self.assertIn("accuracy", found["report"]["blanks"])
        found = self.report("run", MLP)
        self.assertEqual(set(found["report"]["blanks"]), {"fits", "flash", "ram", "latency", "energy", "accuracy"})
        found = self.report("generate", MLP, *BOARD, "-o", self.at / "out")
        self.assertIn("emit", [step["station"] for step in found["report"]["steps"]])
        found = self.report("compare", DIGITS, "--boards", "nucleo-l4r5zi,rpi-pico,rpi-pico2")
        self.assertEqual(found["currency"], "USD")
        self.assertEqual(found["programs"][0]["boards"], 3)
        self.assertEqual(found["programs"][0]["boards_that_fit"], sum(row["fits"] for row in found["rows"]))
        self.assertEqual([tool["name"] for tool in found["report"]["tools"]], ["arm-none-eabi-g++", "qemu-system-arm"])
        x = np.random.default_rng(1).random((24, 4), np.float32)
        onnx_model = onnx.load(MLP)
        shape = [d.dim_value for d in onnx_model.graph.input[0].type.tensor_type.shape.dim]
        x = np.random.default_rng(1).random((24, *shape[1:]), np.float32)
        np.savez(self.at / "x.npz", x=x, y=np.arange(24) % 2)
        quantize = ["--quantize", "int8", "--calibrate", self.at / "x.npz"]
        found = self.report("validate", MLP, *BOARD, *quantize, "--data", self.at / "x.npz")
        self.assertTrue(found["fits"])
        self.assertEqual({file["role"] for file in found["report"]["files"]}, {"model", "data", "calibration"})
        self.assertIn("quantize", [step["station"] for step in found["report"]["steps"]])
        self.assertGreater(found["ram"]["stack_bytes"], 0)
        run = self.report("run", MLP, *BOARD, *quantize)
        self.assertLessEqual({layer["name"] for layer in run["layers"] if layer["macs"]}, {value["layer"] for value in run["quantization"]})
        layer = found["layers"][0]["name"]
        found = self.report("explain", MLP, layer, *BOARD, *quantize)
        self.assertEqual(found["layer"]["name"], layer)
        self.assertEqual([tool["name"] for tool in found["report"]["tools"]], ["arm-none-eabi-g++", "qemu-system-arm"])

    def test_what_does_not_fit(self):
        board = self.at / "small.toml"
        text = (ROOT / "src/target/boards/nucleo-f030r8.toml").read_text()
        board.write_text(text.replace('size_kib = 8\n', 'size_kib = 1\n'))
        found = self.report("run", DIGITS, "--board", board, code=4)
        self.assertEqual((found["ok"], found["fits"], found["diagnostics"][-1]["kind"]), (False, False, "does-not-fit"))
        self.assertTrue(any(memory["used_bytes"] > memory["size_bytes"] for memory in found["memories"]))
        self.assertEqual(set(found["report"]["blanks"]), {"latency", "energy", "accuracy"})
        self.assertIn("board", {file["role"] for file in found["report"]["files"]})

    def test_failure_is_reported(self):
        found = self.report("run", ROOT / "examples/room/no_such.onnx", code=2)
        self.assertFalse(found["ok"])
        self.assertEqual(found["diagnostics"][0]["kind"], "file-unreadable")
        self.assertEqual(found["report"]["files"], [])

    def test_hostile_names(self):
        names = hostile_model(self.at / "h.onnx")
        page = self.at / "h.html"
        if not has_page():
            self.skipTest("built without the page")
        found = self.report("run", self.at / "h.onnx", *BOARD)
        self.assertEqual(nblocks("report", self.at / "r.json", "-o", page)[0], 0)
        text = page.read_text()
        embedded = re.search(r'<script type="application/json" id="report">(.*?)</script>', text, re.DOTALL)[1]
        self.assertEqual(json.loads(embedded), found)
        self.assertNotIn("<", embedded)
        self.assertEqual(text.count("<script"), 2)
        shown = json.dumps(found, ensure_ascii=False)
        self.assertIn("alert(1)", shown)
        self.assertIn("\u05e9\u05dc\u05d5\u05dd", shown)
        self.assertEqual(len(names), 6)

    def test_refusals(self):
        said = self.refused("usage", "analyze", MLP, "--report", self.at / "r.pdf")
        self.assertIn(".html", said)
        said = self.refused("usage", "analyze", MLP, "--report", self.at / "r.trace.json")
        self.assertIn("nblocks run", said)
        self.refused("usage", "run", MLP, "--report", self.at / "r.speedscope.json")
        self.refused("usage", "explain", "does-not-fit", "--report", self.at / "r.json")
        self.refused("file-unwritable", "analyze", MLP, "--report", "/proc/none/r.json")
        if has_page():
            self.refused("file-unwritable", "analyze", MLP, "--report", "/proc/none/r.html")
        (self.at / "folder.json").mkdir()
        self.refused("file-unwritable", "analyze", MLP, "--report", self.at / "folder.json")
        self.assertEqual([path.name for path in self.at.iterdir()], ["folder.json"])

    def test_kept_reports(self):
        self.report("analyze", MLP, *BOARD)
        old = self.at / "r.json"
        document = json.loads(old.read_text())
        self.refused("file-unreadable", "report", self.at / "none.json", "-o", self.at / "x.json")
        self.refused("usage", "report", old, "-o", self.at / "x.svg")
        self.refused("usage", "report", old, "-o", self.at / "x.trace.json")
        for schema, is_read in (({"version": 2, "readable_by": 1}, True), ({"version": 2, "readable_by": 2}, False),
                                ({"version": 0, "readable_by": 0}, False)):
            document["report"]["schema"].update(schema)
            (self.at / "other.json").write_text(json.dumps(document))
            words = ["report", self.at / "other.json", "-o", self.at / "x.json"]
            if is_read:
                self.assertEqual(nblocks(*words)[0], 0)
            else:
                said = self.refused("bad-report", *words)
                self.assertIn(f"has schema {schema['version']}", said)
                self.assertIn("this version reads 1", said)
        for text in ("", "[1]", "{\"ok\": true}", old.read_text()[:500], "\x00\xff"):
            (self.at / "other.json").write_text(text)
            self.refused("bad-report", "report", self.at / "other.json", "-o", self.at / "x.json")
        _, out, _ = nblocks("analyze", MLP, "--json")
        (self.at / "other.json").write_text(out)
        self.assertIn("--report FILE.json", self.refused("bad-report", "report", self.at / "other.json", "-o", self.at / "x.json"))


if __name__ == "__main__":
    NBLOCKS = sys.argv.pop(1)
    unittest.main()
