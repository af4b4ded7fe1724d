"""The command line as scripts see it: exit codes, JSON on stdout and talk on stderr, files written or not.

usage: cli_test.py NBLOCKS
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIGITS, MLP = ROOT / "examples/digits/digits_int8.tflite", ROOT / "examples/mlp/mlp.onnx"


def nblocks(*words, path=None):
    environment = dict(os.environ, NO_COLOR="1", **({"PATH": path} if path is not None else {}))
    return subprocess.run([NBLOCKS, *map(str, words)], capture_output=True, text=True, env=environment, timeout=300)


class CommandLine(unittest.TestCase):
    def fails(self, code, kind, *words, path=None):
        """The verb ends with the code, names the kind, prints nothing on stdout, and says the same under --json."""
        end = nblocks(*words, path=path)
        self.assertEqual((end.returncode, end.stdout), (code, ""), end.stderr)
        self.assertIn(f"error[{kind}]: ", end.stderr)
        self.assertIn(f"see: nblocks explain {kind}", end.stderr)
        end = nblocks(*words, "--json", path=path)
        report = json.loads(end.stdout)
        self.assertEqual((end.returncode, report["ok"], report["exit_code"]), (code, False, code))
        self.assertIn(kind, [d["kind"] for d in report["diagnostics"]])
        return report

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.out = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def test_usage(self):
        for words in ([], ["analyse"], ["analyze"], ["run", DIGITS, "-O", "O9"], ["analyze", DIGITS, "--nothing"]):
            end = nblocks(*words)
            self.assertEqual((end.returncode, end.stdout), (2, ""), words)
        report = self.fails(2, "unknown-board", "analyze", DIGITS, "-b", "cortex-m4")
        self.assertEqual(report["diagnostics"][0]["help"], "did you mean `cortex-m4f`?")
        self.fails(2, "file-unreadable", "analyze", self.out / "nothing.onnx")
        self.fails(2, "usage", "blocks", "conv2")
        self.fails(2, "usage", "analyze", MLP, "--dim", "batch")
        self.fails(2, "input-mismatch", "run", DIGITS, "-i", ROOT / "examples/mlp/mlp_test.npz")

    def test_models_that_are_none(self):
        whole = DIGITS.read_bytes()
        for name, content, kind in [("empty.tflite", b"", "unknown-format"), ("text.onnx", b"hello\n", "unknown-format"),
                                    ("cut.tflite", whole[:2000], "malformed-file"),
                                    ("cut.onnx", MLP.read_bytes()[:3000], "malformed-file")]:
            (self.out / name).write_bytes(content)
            self.fails(3, kind, "generate", self.out / name, "-o", self.out / "program")
            self.assertFalse((self.out / "program").exists(), "half a program was written")

    def test_a_board_too_small(self):
        board = (ROOT / "src/target/boards/nucleo-g0b1re.toml").read_text()
        (self.out / "tiny.toml").write_text(board.replace("size_kib = 144", "size_kib = 3").replace("size_kib = 512", "size_kib = 4"))
        report = self.fails(4, "does-not-fit", "generate", DIGITS, "-b", self.out / "tiny.toml", "-o", self.out / "program")
        self.assertIn("bytes", report["diagnostics"][0]["message"])
        end = nblocks("analyze", DIGITS, "-b", self.out / "tiny.toml", "--json")
        report = json.loads(end.stdout)
        self.assertEqual((end.returncode, report["fits"], len(report["layers"])), (4, False, 6))

    def test_boards(self):
        listed = nblocks("boards").stdout
        self.assertEqual(listed, nblocks("boards", "list").stdout)
        self.assertEqual(nblocks("boards", "rpi-pico").stdout, nblocks("boards", "show", "RPI-PICO").stdout)
        self.assertEqual(len(listed.splitlines()), len(json.loads(nblocks("boards", "--json").stdout)) + 2)
        memories = json.loads(nblocks("boards", "memories", "--json").stdout)
        self.assertGreaterEqual(len(memories), 8)
        self.assertIn("400", nblocks("boards", "memories", memories[-1]["name"]).stdout + nblocks("boards", "memories").stdout)
        # Every file of the catalogue, from the folder and from within, is good.
        files = sorted((ROOT / "src/target").glob("*/*.toml"))
        end = nblocks("boards", "check", *files)
        self.assertEqual((end.returncode, end.stdout.count(": ok, ")), (0, len(files)), end.stderr)
        self.assertEqual(nblocks("boards", "check").stdout.count(": ok, "), len(files))
        for words in (["chek", "x.toml"], ["new", "b"], ["new", "B c", "--like", "rpi-pico"], ["list", "rpi-pico"]):
            self.fails(2, "usage", "boards", *words)
        self.fails(2, "unknown-board", "boards", "rpi-pcio")
        self.fails(2, "unknown-board", "boards", "show", "rpi-pcio")
        self.fails(2, "unknown-board", "boards", "memories", "w25q129jv")
        self.fails(2, "unknown-board", "analyze", DIGITS, "-b", "esp32-s3-devkitc-1")
        self.fails(2, "file-unreadable", "boards", "check", self.out / "none.toml")

    def test_a_board_of_ones_own(self):
        mine = self.out / "mine.toml"
        self.assertEqual(nblocks("boards", "new", "mine", "--like", "nucleo-f411re", "-o", mine).returncode, 0)
        self.fails(2, "file-unwritable", "boards", "new", "mine", "--like", "nucleo-f411re", "-o", mine)
        report = json.loads(nblocks("boards", "check", mine, "--json").stdout)[0]
        self.assertEqual(report["blank"], ["power", "price"])
        self.assertIn("memory.flash", report["sources_still_copied"])
        self.assertEqual(nblocks("analyze", DIGITS, "-b", mine).returncode, 0)
        text = mine.read_text()
        for old, new, line, rule in [("size_kib = 512", "size_kib = 0", "size_kib = 512", "integer in"),
                                     ("core = ", "kore = ", "core = ", "has only the keys"),
                                     ("0x20000000", "0x08000000", None, "do not overlap")]:
            mine.write_text(text.replace(old, new))
            report = self.fails(2, "bad-board", "boards", "check", mine)
            first = report["diagnostics"][0]
            if line is not None:
                at = next(i for i, each in enumerate(text.splitlines(), 1) if each.startswith(line))
                self.assertEqual(first["file"], f"{mine}:{at}")
            self.assertRegex(first["file"], r":\d+$")
            self.assertIn(rule, first["notes"][0])
        prices = self.out / "prices.toml"
        prices.write_text('currency = "EUR"\n[[price]]\npart = "STM32F411RET6"\namount = { typical = 4.5 }\n'
                          'date = "2026-11"\n[[price]]\npart = "STM32F411RTE6"\namount = { low = 1 }\ndate = "2026"\n')
        end = nblocks("boards", "--prices", prices)
        self.assertRegex(end.stdout, r"nucleo-f411re .* 4\.5 EUR ")
        self.assertIn("stm32f411ret6", end.stderr)
        self.assertEqual(nblocks("boards", "check", prices).returncode, 0)
        prices.write_text(prices.read_text().replace("2026-11", "soon"))
        self.fails(2, "bad-board", "boards", "--prices", prices)

    def test_missing_tools(self):
        report = self.fails(5, "tool-missing", "run", DIGITS, "-b", "cortex-m4f", path="/nonexistent")
        self.assertIn("apt-get install", report["diagnostics"][-1]["help"])
        self.assertEqual(nblocks("doctor", path="/nonexistent").returncode, 5)
        self.assertEqual(nblocks("analyze", DIGITS, path="/nonexistent").returncode, 0)

    def test_reports(self):
        report = json.loads(nblocks("analyze", MLP, "--json").stdout)
        self.assertEqual((report["ok"], report["fits"], report["diagnostics"][0]["kind"]), (True, True, "assumed-batch"))
        names = [layer["name"] for layer in report["layers"]]
        self.assertEqual(len(names), len(set(names)), "two layers have one name")
        end = nblocks("run", DIGITS, "-b", "host", "--json", "-q", "-o", self.out / "o")
        report = json.loads(end.stdout)
        self.assertEqual(end.stderr, "")
        for key in ["model", "board", "core", "macs", "flash", "ram", "fits", "instructions", "layers", "outputs"]:
            self.assertIn(key, report)
        self.assertEqual({"weights_bytes", "far_bytes", "code_bytes", "total_bytes"}, set(report["flash"]))
        self.assertLessEqual({"arena_bytes", "stack_bytes", "static_bytes", "total_bytes"}, set(report["ram"]))
        self.assertEqual((report["macs"], report["fits"], report["instructions"]), (83200, None, None))
        analysis = json.loads(nblocks("analyze", DIGITS, "-b", "host", "--json").stdout)
        self.assertEqual(analysis["weights_bytes"], report["flash"]["weights_bytes"], "packed weights")
        self.assertEqual(report["outputs"][0]["shape"], [1, 10])
        self.assertTrue(pathlib.Path(report["outputs"][0]["file"]).is_file())

    def test_same_bytes(self):
        for name in ["a", "b"]:
            self.assertEqual(nblocks("generate", DIGITS, "-o", self.out / name, "-q").returncode, 0)
        files = sorted(p.relative_to(self.out / "a") for p in (self.out / "a").rglob("*") if p.is_file())
        self.assertIn(pathlib.Path("README.md"), files)
        for file in files:
            self.assertEqual((self.out / "a" / file).read_bytes(), (self.out / "b" / file).read_bytes(), file)

    def test_graph_text(self):
        text = self.out / "g.txt"
        self.assertEqual(nblocks("analyze", DIGITS, "--stop-after", "fuse-activations", "-o", text).returncode, 0)
        whole = nblocks("analyze", DIGITS, "--stop-after", "plan-memory").stdout
        rest = nblocks("analyze", text, "--stop-after", "plan-memory").stdout
        strip = [line for line in whole.splitlines() if not line.startswith("constants ")]
        self.assertEqual(len(strip), len(rest.splitlines()) - 1)

    def test_documentation(self):
        topics = [line.split()[0] for line in nblocks("explain").stdout.splitlines()[2:]]
        self.assertIn("does-not-fit", topics)
        for topic in topics + ["passes", "conv2d"]:
            self.assertEqual(nblocks("explain", topic).returncode, 0, topic)
        for verb in ["analyze", "generate", "run", "validate", "boards", "blocks", "explain", "doctor"]:
            self.assertEqual(nblocks(verb, "--help").returncode, 0)
        self.assertGreaterEqual(len(json.loads(nblocks("boards", "--json").stdout)), 20)
        self.assertEqual(json.loads(nblocks("blocks", "conv2d", "--json").stdout)["name"], "conv2d")


if __name__ == "__main__":
    NBLOCKS = os.path.abspath(sys.argv.pop(1))
    unittest.main()
