"""report.html in Debian's Chromium: makes reports of every verb, and one of 200 layers whose names are hostile, and has
page_test.mjs look at each. Pictures and PDFs stay in the folder that --keep names. 77: no browser, or no driver for it.

usage: page_test.py NBLOCKS [--keep FOLDER]
"""
import argparse
import copy
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import onnx

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import time_test

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
DIGITS, MLP = ROOT / "examples/digits/digits_int8.tflite", ROOT / "examples/mlp/mlp.onnx"
BOARD = ["--board", "nucleo-l4r5zi"]
HOSTILE = ["</script><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "\u202egnorw si siht\u202c \u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd",
           "encoder/" * 40 + "norm", "x" * 2000, "<!--", "&amp;lt;&#60;", "\u0627\u0644\u0637\u0628\u0642\u0629/conv", "a.b.c/d", ""]
WHOLE = {"history", "run", "large", "compare", "validate"}  # looked at in each language, theme and width
PRICES = """currency = "EUR"
[[price]]
part = "nucleo-l4r5zi"
amount = { typical = 14.2 }
quantity = 1
date = "2026-11"
[[price]]
part = "nucleo-l4r5zi"
amount = { typical = 9.1 }
quantity = 1000
date = "2026-11"
[[price]]
part = "rpi-pico"
amount = { typical = 4.5 }
quantity = 1
date = "2026-11"
[[price]]
part = "rpi-pico"
amount = { typical = 3.25 }
quantity = 5000
date = "2026-11"
"""


def missing():
    """Why the page cannot be looked at here; empty if it can."""
    os.environ["PATH"] += os.pathsep + str(ROOT / ".venv/bin")  # a node that came from PyPI
    if not shutil.which("node"):
        return "node is not on PATH"
    if not (HERE / "node_modules/playwright-core").is_dir():
        return "playwright-core is not installed (npm ci --prefix test/page)"
    if not shutil.which("chromium"):
        return "chromium is not installed (apt-get install chromium)"
    if not shutil.which("arm-none-eabi-g++") or not shutil.which("qemu-system-arm"):
        return "the Arm compiler or QEMU is not installed"
    return ""


class Maker:
    def __init__(self, nblocks, folder):
        self.nblocks, self.folder, self.pages = nblocks, folder, []

    def page(self, name, *words, code=0):
        """The report of a command as a page and as JSON."""
        page = self.folder / f"{name}.html"
        end = subprocess.run([self.nblocks, *map(str, words), "--report", page, "--report", page.with_suffix(".json"), "-q"],
                             capture_output=True, text=True, timeout=600)
        if end.returncode != code:
            raise SystemExit(f"{name}: exit {end.returncode}\n{end.stderr}")
        self.pages.append(page)
        return json.loads(page.with_suffix(".json").read_text())

    def drawn(self, name, report):
        kept, page = self.folder / f"{name}.json", self.folder / f"{name}.html"
        kept.write_text(json.dumps(report))
        subprocess.run([self.nblocks, "report", kept, "-o", page, "-q"], check=True)
        self.pages.append(page)


def large(report):
    """The report of a run with 200 layers, and names that are not meant well."""
    report = copy.deepcopy(report)
    layers, rows = report["layers"], report["memory_map"]
    report["layers"], report["memory_map"] = [], []
    for i in range(200):
        layer = copy.deepcopy(layers[i % len(layers)])
        layer["name"] = HOSTILE[i] if i < len(HOSTILE) else f"encoder/{i // 8}/{layer['name']}_{i}"
        layer["path"] = [layer["name"]] if i < len(HOSTILE) else ["encoder", str(i // 8), f"{layer['block']}_{i}"]
        for key in ("macs", "cycles_estimated", "instructions"):
            layer[key] = layer[key] * (i % 7 + 1)
        layer["cycles_share"] = layer["cycles_estimated"] / 1e7
        report["layers"].append(layer)
        row = copy.deepcopy(rows[i % len(rows)])
        row.update(name=layer["name"], first_layer=i - 1, last_layer=i + 1)
        report["memory_map"].append(row)
    report["model"] = report["report"]["files"][0]["file"] = "</script>" + HOSTILE[2]
    report["diagnostics"].append({"kind": "remark", "severity": "warning", "message": HOSTILE[0], "layer": HOSTILE[2], "notes": [HOSTILE[4]],
                                  "help": HOSTILE[1], "file": "", "line": ""})
    return report


def small_board(scratch):
    """A board whose RAM is too small for any model."""
    text = (ROOT / "src/target/boards/nucleo-f030r8.toml").read_text()
    path = scratch / "small.toml"
    path.write_text(re.sub(r'(name = "sram"(?:\n(?!\[).*)*?\nsize_kib = )\d+', r"\g<1>1", text))
    return path


def advice(run):
    """A report of the form of `advise`, from the figures of a run: seven answers, one that is out."""
    sentence = lambda text: {"en": text, "fr": text + " (fr)"}
    figures = {key: run[key] for key in ("flash", "ram", "fits") }
    def entry(i, **more):
        times = {f"{stem}_{end}": run[f"{stem}_{end}"] * (i + 1) for stem in ("latency_ms", "energy_uj") for end in ("estimated", "low", "high")}
        return {**figures, **times, "board": f"board-{i}", "base_board": f"board-{i}", "title": sentence(f"int8 on `board-{i}`"), "format": i % 2, "format_name": "int8",
                "steps": [sentence(f"quantize {i}"), sentence("put weights outside")], "command": f"nblocks generate x.onnx --board board-{i}", "way": "inside", "blanks": {},
                "price": 9.5 / (i + 1), "slowdown_ms": None, "breaches": [], "misfits": [], "external": [], "parts": [], "is_on_front": i < 3, "prefer": "time",
                "on_board": {"samples": 270, "samples_equal_to_host": 270, "value": 0.9851851} if i < 2 else None, **more}
    section = {"limits": {"max_latency_ms": 75, "max_price": 5.5, "max_drop_points": None, "reserve_ram_bytes": 65536, "reserve_flash_bytes": 0}, "currency": "EUR",
               "metric": "accuracy", "samples": 270, "volume": 1000, "data": "x.npz",
               "formats": [{"name": "int8", "value": 0.98765, "value_low": 0.97, "value_high": 0.99, "drop_points": 0.1}, {"name": "int16", "value": None, "value_low": None, "value_high": None}],
               "ranked": [entry(i) for i in range(7)], "others": [entry(8, breaches=[{"bound": "max-price", "limit": 5.5, "value": 7.25}]),
                                                                  entry(9, fits=False, misfits=[{"memory": "sram", "excess_bytes": 4321}])],
               "ruled_out": [{"reason": "max-price", "count": 1, "alone": 1, "text": sentence("1 misses --max-price")}],
               "relaxations": [{"moves": [{"bound": "max-price", "from": 5.5, "to": 7.25}], "board": "board-8", "text": sentence("with --max-price 7.25EUR")}], "summary": [sentence("7 of 9 ways keep all limits")]}
    return {"schema_version": 1, "ok": True, "exit_code": 0, "diagnostics": [], "model": "x", "advice": section, "report": {**run["report"], "verb": "advise"}}


def make(maker, scratch):
    run = maker.page("run", "run", DIGITS, *BOARD)
    maker.drawn("large", large(run))
    (scratch / "prices.toml").write_text(PRICES)
    maker.page("compare", "compare", DIGITS, "--boards", "nucleo-l4r5zi,rpi-pico,rpi-pico2,nucleo-f446re,apollo3-evb,nucleo-f030r8",
               "--prices", scratch / "prices.toml", "--period", "10s", "--battery", "CR2450")
    boards = ["--boards", "nucleo-l4r5zi,rpi-pico,rpi-pico2"]
    maker.page("history_rows", "compare", DIGITS, *boards, "--what-if", "clock=64MHz", "--against", maker.folder / "compare.json")
    maker.page("fast", "run", DIGITS, "--board", "nucleo-h743zi2")
    maker.page("history", "compare", maker.folder / "fast.json", "--against", maker.folder / "run.json", "--max-larger", "0%", code=6)
    maker.page("history_same", "compare", maker.folder / "run.json", "--against", maker.folder / "run.json")
    shape = [d.dim_value for d in onnx.load(MLP).graph.input[0].type.tensor_type.shape.dim]
    x = np.random.default_rng(1).random((32, *shape[1:]), np.float32)
    np.savez(scratch / "x.npz", x=x, y=np.arange(32) % 2)
    quantize = ["--quantize", "int8", "--calibrate", scratch / "x.npz"]
    validated = maker.page("validate", "validate", MLP, *BOARD, *quantize, "--data", scratch / "x.npz")
    maker.page("analyze", "analyze", MLP, *quantize)
    maker.page("formats", "run", MLP, *BOARD, "--quantize", "auto", "--calibrate", scratch / "x.npz", "--max-drop", "100")
    maker.page("quantized", "run", MLP, *BOARD, *quantize)
    maker.page("host", "run", MLP)
    maker.page("explain", "explain", MLP, validated["layers"][0]["name"], *BOARD, *quantize)
    maker.page("explain_all", "explain", MLP, *BOARD, *quantize)
    (scratch / "firmware.c").write_text(time_test.FIRMWARE)
    (scratch / "board.ld").write_text(time_test.SCRIPT)
    subprocess.run(["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-O1", "-nostdlib", "-ffreestanding", "-T", "board.ld", "firmware.c",
                    "-o", "firmware.elf"], cwd=scratch, check=True)
    maker.page("time", "time", scratch / "firmware.elf", *BOARD, "--from", "loop", "--to", "sweep")
    maker.page("misfit", "run", DIGITS, "--board", small_board(scratch), code=4)
    maker.drawn("advice", advice(run))
    maker.page("failed", "run", scratch / "none.onnx", code=2)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nblocks", type=pathlib.Path)
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--only", help="names of pages, with commas between")
    options = parser.parse_args()
    if why := missing():
        print("skipped: " + why)
        return 77
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or pathlib.Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        maker = Maker(options.nblocks.resolve(), folder.resolve())
        make(maker, pathlib.Path(scratch))
        pages = [page for page in maker.pages if not options.only or page.stem in options.only.split(",")]
        words = [f"{page}+" if page.stem in WHOLE else str(page) for page in pages]
        return subprocess.run(["node", HERE / "page_test.mjs", shutil.which("chromium"), folder, *words]).returncode


if __name__ == "__main__":
    sys.exit(main())
