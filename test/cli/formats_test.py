"""--quantize auto, `explain MODEL LAYER` and --requantize: what they say is what the programs do that they speak of.

usage: formats_test.py NBLOCKS
"""
import json
import re
import signal
import subprocess
import sys
import time

import numpy as np
from checks import DIGITS, EXAMPLES, F32, INT8, main, test
from onnx import helper

MLP = EXAMPLES / "mlp/mlp.onnx"
BOARD = "cortex-m4f"
BOARD_OF_FLASH = """
name = "%s"
title = "a part with little flash"
vendor = "test"
part = "test"
core = "cortex-m4f"
source = "test"
[[memory]]
name = "bank"
kind = "flash"
address = 0x00000000
size_kib = %d
[[memory]]
name = "sram"
kind = "ram"
address = 0x20000000
size_kib = 64
"""


def measured(c, *arguments, **more):
    """An expectation of a command that builds and runs programs."""
    return c.expect(*arguments, **more, seconds=120)


def data(c, example, samples=64):
    """Calibration samples and the labelled set of an example, as files."""
    held = np.load(f"{example.with_suffix('')}_test.npz")
    np.savez(c.path("calibration.npz"), in0=held["x"][:samples])
    np.savez(c.path("test.npz"), x=held["x"], y=held["y"])
    return c.path("calibration.npz"), c.path("test.npz"), held


def auto(c, example, *more):
    calibration, labelled, _ = data(c, example)
    return ("--quantize", "auto", "--calibrate", calibration, "--data", labelled, *more)


def accuracy(c, example, held, layers, calibration):
    """Of the program that `run` builds with these layers."""
    arguments = ["--quantize", "int8", "--calibrate", calibration, *(["--layers", layers] if layers else [])]
    measured(c, 0, None, "run", example, *arguments, "-i", c.path("test.npz"), "-o", c.path("out"), "--dequantize", "-q")
    out = np.load(c.path("out") / "out0.npy")
    return float((out.reshape(len(out), -1).argmax(1) == held["y"].reshape(-1)).mean())


@test
def the_frontier_is_measured(c):
    calibration, _, held = data(c, MLP)
    report = json.loads(measured(c, 0, None, "run", MLP, *auto(c, MLP), "-i", calibration, "-b", BOARD, "--json").out)
    formats = report["formats"]
    choices = formats["choices"]
    c.check([choice["layers_option"] for choice in choices[:3]] == ["*=float32", "", "*=int16"], f"{choices}")
    c.check(formats["metric"] == "accuracy" and formats["board"] == BOARD, f"{formats['metric']} on {formats['board']}")
    for choice in choices:
        c.check(abs(choice["drop_points"] - 100 * (choices[0]["value"] - choice["value"])) < 1e-9, f"drop of {choice}")
    chosen = choices[formats["chosen"]]
    c.check(chosen["fits"] and chosen["drop_points"] <= 0.5, f"{chosen}")
    # What was chosen is what was run.
    c.check(report["instructions"] == chosen["instructions"], f"not what ran: {chosen}")
    c.check(report["flash"]["total_bytes"] == chosen["flash"]["total_bytes"], f"not what ran: {chosen}")
    kept = [one for one in choices if one["drop_points"] <= 0.5 and one["fits"]]
    c.check(chosen["cycles_estimated"] <= 1.02 * min(one["cycles_estimated"] for one in kept), f"not the cheapest: {chosen}")
    c.check(abs(report["cycles_estimated"] - chosen["cycles_estimated"]) < 1, f"other cycles than those that ran: {chosen}")
    for choice in choices:
        if choice["layers"] != {"*": "float32"}:
            c.check(abs(accuracy(c, MLP, held, choice["layers_option"], calibration) - choice["value"]) < 1e-9, f"{choice}")
    plain = json.loads(measured(c, 0, None, "run", MLP, "-i", calibration, "-b", BOARD, "--json").out)
    c.check(plain["instructions"] == choices[0]["instructions"], f"not the float model: {choices[0]}")
    # No layer of the frontier is dominated by another.
    figures = [(one["drop_points"], one["flash"]["total_bytes"], one["ram"]["total_bytes"], one["cycles_estimated"])
               for one in choices]
    for choice, own in zip(choices, figures):
        beaten = any(other != own and all(a <= b for a, b in zip(other, own)) for other in figures)
        c.check(choice["is_on_front"] == (not beaten), f"{choice}")


@test
def layers_become_more_precise(c):
    """int8 throughout loses too much of this model: layers are kept more precise, those that cause it first."""
    formats = json.loads(measured(c, 0, None, "analyze", MLP, *auto(c, MLP, "--max-drop", "2"), "-b", "cortex-m3",
                                  "--json").out)["formats"]
    mixed = [one for one in formats["choices"]
             if "*" not in one["layers"] and 0 < len(one["layers"]) < len(formats["layers"])]
    c.check(mixed, f"no mixture: {formats['choices']}")
    said = measured(c, 0, None, "analyze", MLP, *auto(c, MLP, "--max-drop", "2"), "-b", "cortex-m3").out
    shares = re.findall(r" in \w+: int8 of it makes (\S+).* of the outputs' error and takes [\d,]+ cycles, \w+ [\d,]+", said)
    chosen = formats["choices"][formats["chosen"]]["layers"]
    c.check(len(shares) == (0 if "*" in chosen else len(chosen)) and "0" not in shares, f"reasons: {said}")


@test
def milliseconds_decide(c):
    """Of a board whose memories make the core wait, what has fewest instructions need not be the fastest."""
    calibration, _, _ = data(c, DIGITS)
    board = ("-b", "nucleo-l4r5zi")
    report = json.loads(measured(c, 0, None, "run", DIGITS, *auto(c, DIGITS), "-i", calibration, *board, "--json").out)
    choices = report["formats"]["choices"]
    floats, bytes_ = choices[:2]
    c.check(floats["instructions"] < bytes_["instructions"] and floats["latency_ms_estimated"] > 1.2 * bytes_["latency_ms_estimated"],
            f"the example shows nothing any more: {floats} {bytes_}")
    chosen = choices[report["formats"]["chosen"]]
    c.check(chosen["name"] != "float32" and chosen["latency_ms_estimated"] <=
            1.02 * min(one["latency_ms_estimated"] for one in choices if one["drop_points"] <= 0.5), f"{chosen}")
    c.check(abs(report["latency_ms_estimated"] / chosen["latency_ms_estimated"] - 1) < 1e-5, f"other time than what ran: {chosen}")
    for layer in report["formats"]["layers"]:
        c.check(all(layer[numbers]["cycles_estimated"] > 0 for numbers in ("int8", "int16", "float32")), f"{layer}")
    slow = json.loads(measured(c, 0, None, "run", DIGITS, *auto(c, DIGITS), "-i", calibration, *board, "--what-if", "clock=4MHz",
                               "--json").out)
    for one, other in zip(choices[:3], slow["formats"]["choices"]):
        c.check(other["latency_ms_estimated"] > 5 * one["latency_ms_estimated"] and
                other["cycles_estimated"] < one["cycles_estimated"], f"{other} at 4 MHz, {one} at the highest clock")
    table = measured(c, 0, None, "analyze", DIGITS, *auto(c, DIGITS), *board).out
    c.check(re.search(r"instructions +ms\n", table), table)


@test
def layers_that_are_given_stay(c):
    formats = json.loads(measured(c, 0, None, "analyze", MLP, *auto(c, MLP), "--layers", "node_linear=int16", "-b",
                                  "cortex-m3", "--json").out)["formats"]
    c.check(all(one["layers"].get("node_linear") == "int16" for one in formats["choices"]), f"{formats['choices']}")


@test
def an_interrupt_ends_it(c):
    calibration, labelled, _ = data(c, DIGITS)
    command = [c.nblocks, "generate", DIGITS, "--quantize", "auto", "--calibrate", calibration, "--data", labelled, "-o",
               c.path("none")]
    for seconds in (0.05, 0.3, 2):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
            time.sleep(seconds)
            running.send_signal(signal.SIGINT)
            start = time.monotonic()
            said = running.communicate(timeout=60)[1]
            c.check(running.returncode in (130, -signal.SIGINT) and time.monotonic() - start < 20,
                    f"after {seconds} s: exit {running.returncode}, {said[:200]}")
    c.check(not c.path("none").exists(), "a folder is left")


@test
def a_drop_that_cannot_be_met(c):
    said = measured(c, 6, "gate-failed", "generate", DIGITS, *auto(c, DIGITS, "--max-drop", "-5"), "-o", c.path("none"),
                    says=["-5 points", "the best"])
    c.check("--quantize int8" in said.out and not c.path("none").exists(), f"no best, or a folder: {said.out}")


@test
def the_board_decides_too(c):
    """Flash for integers, not for floats."""
    def board(name, flash_kib):
        c.write(f"{name}.toml", BOARD_OF_FLASH % (name, flash_kib))
        return c.path(f"{name}.toml")

    formats = json.loads(measured(c, 0, None, "analyze", DIGITS, *auto(c, DIGITS), "-b", board("small", 20),
                                  "--json").out)["formats"]
    c.check(not formats["choices"][0]["fits"] and formats["chosen"] != 0, f"{formats}")
    c.check(formats["choices"][0]["instructions"] > 0, "what does not fit is counted on the plain board of its core")
    measured(c, 4, "does-not-fit", "analyze", DIGITS, *auto(c, DIGITS), "-b", board("tiny", 4), says=["no formats"])


@test
def what_does_not_fit_is_not_on_the_front(c):
    """Flash and RAM of what does not fit are lower bounds: they beat nothing, and nothing beats them."""
    c.write("small.toml", BOARD_OF_FLASH % ("small", 20))
    formats = json.loads(measured(c, 0, None, "analyze", DIGITS, *auto(c, DIGITS), "-b", c.path("small.toml"),
                                  "--json").out)["formats"]
    fitting = [one for one in formats["choices"] if one["fits"]]
    figures = [(one["drop_points"], one["flash"]["total_bytes"], one["ram"]["total_bytes"], one["cycles_estimated"])
               for one in fitting]
    c.check(0 < len(fitting) < len(formats["choices"]), "all fit, or none")
    for choice in formats["choices"]:
        if not choice["fits"]:
            c.check(not choice["is_on_front"], f"on the front, though it does not fit: {choice}")
    for choice, own in zip(fitting, figures):
        beaten = any(other != own and all(a <= b for a, b in zip(other, own)) for other in figures)
        c.check(choice["is_on_front"] == (not beaten), f"{choice}")


@test
def layers_of_one_format_throughout(c):
    """Columns that speak of one format throughout do so whatever --layers fixes."""
    calibration, _, _ = data(c, MLP)
    asked = ("explain", MLP, "--quantize", "int8", "--calibrate", calibration, "-b", BOARD, "--json")
    plain, fixed = (json.loads(measured(c, 0, None, *asked, *more).out)["layers"]
                    for more in ((), ("--layers", "node_linear=int16,node_Gemm*=float32")))
    c.check([layer["format"] for layer in fixed][:2] == ["int16", "float32"], f"{fixed}")
    for one, other in zip(plain, fixed):
        for key in ("int8_error", "int16_error", "int8", "int16", "float32"):
            c.check(one[key] == other[key], f"{key} of {one['name']}: {one[key]}, with --layers {other[key]}")


@test
def explain_a_layer(c):
    calibration, labelled, held = data(c, DIGITS)
    asked = ("--quantize", "int8", "--calibrate", calibration)
    found = json.loads(measured(c, 0, None, "explain", DIGITS, "node_conv2d_1", *asked, "--data", labelled, "-b", BOARD,
                                "--json").out)
    c.check([one["format"] for one in found["alternatives"]] == ["int8", "int16", "float32"], "alternatives")
    c.check([one["is_chosen"] for one in found["alternatives"]] == [True, False, False], "the chosen one")
    c.check(found["layer"]["format"] == "int8" and found["values"][0]["snr_db"] > 20, f"{found['layer']} {found['values']}")
    for one in found["alternatives"]:
        layers = f"node_conv2d_1={one['format']}"
        run = json.loads(measured(c, 0, None, "run", DIGITS, *asked, "--layers", layers, "-i", calibration, "-b", BOARD,
                                  "--json").out)
        c.check(run["instructions"] == one["instructions"], f"{layers}: {run['instructions']}, not {one}")
        c.check(run["flash"]["total_bytes"] == one["flash"]["total_bytes"], f"{layers}: {run['flash']}, not {one}")
        c.check(abs(accuracy(c, DIGITS, held, layers, calibration) - one["value"]) < 1e-9, f"accuracy of {one}")
    table = measured(c, 0, None, "explain", DIGITS, *asked).out
    c.check("node_conv2d_2" in table and "share" in table, table)
    c.check(max(map(len, table.splitlines())) <= 110, f"a wide table:\n{table}")
    # Before any work: nobody has read the samples yet.
    measured(c, 2, "usage", "explain", DIGITS, "node_conv", "--quantize", "int8", "--calibrate", "absent.npz",
             says=["did you mean `node_conv2d`"])
    measured(c, 2, "usage", "explain", DIGITS, "node_conv2d", says=["--calibrate"])


@test
def requantize(c):
    """A quantized model keeps its numbers; rounding otherwise is asked for, and what it changes is counted."""
    labelled = EXAMPLES / "digits/digits_test.npz"
    _, _, held = data(c, DIGITS)
    outputs = {}
    for how in ((), ("--requantize", "fast")):
        found = json.loads(measured(c, 0, None, "run", INT8, *how, "-i", labelled, "-o", c.path("out"), "--json").out)
        outputs[how] = np.load(c.path("out") / "out0.npy").reshape(len(held["x"]), -1)
    exact, fast = outputs.values()
    differs = exact != fast
    c.check(0 < differs.sum() < 0.1 * differs.size, f"{differs.sum()} values differ")
    counted = found["requantized"]
    c.check((counted["values"], counted["changed"], counted["samples"], counted["changed_samples"]) ==
            (differs.size, differs.sum(), len(differs), differs.any(1).sum()), f"{counted}")
    c.check(counted["largest_change_steps"] == np.abs(exact.astype(int) - fast).max(), f"{counted}")
    judged = json.loads(measured(c, 0, None, "validate", INT8, "--requantize", "fast", "-d", labelled, "--json").out)
    c.check(judged["requantized"] == counted, f"{judged['requantized']}")
    measured(c, 2, "usage", "run", DIGITS, "--requantize", "fast", says=["is quantized; this one is float"])
    measured(c, 2, "usage", "run", DIGITS, "--requantize", "fast", "--quantize", "int8", "--calibrate",
             c.path("calibration.npz"), says=["--requantize with --quantize"])


def recurrent(c):
    """A model with an LSTM whose cells and gates are clipped, and layers that bend; float samples for it."""
    rng = np.random.default_rng(11)
    steps, inputs, units = 12, 6, 10
    random = lambda *shape: rng.normal(size=shape).astype(np.float32)
    constants = [("w", random(1, 4 * units, inputs)), ("r", random(1, 4 * units, units) / 3), ("b", random(1, 8 * units) / 2),
                 ("rows", np.array([steps, units])), ("d", random(units, 8)), ("e", random(8, 5))]
    nodes = [helper.make_node("LSTM", ["x", "w", "r", "b"], ["h"], "lstm", hidden_size=units, clip=1.5),
             helper.make_node("Reshape", ["h", "rows"], ["flat"]),
             helper.make_node("MatMul", ["flat", "d"], ["wide"], "wide"),
             helper.make_node("HardSwish", ["wide"], ["bent"], "bend"),
             helper.make_node("HardSigmoid", ["bent"], ["gated"], "gate", alpha=0.25),
             helper.make_node("Mul", ["bent", "gated"], ["both"], "both"),
             helper.make_node("MatMul", ["both", "e"], ["scores"], "scores"),
             helper.make_node("LogSoftmax", ["scores"], ["y"], "logs")]
    c.model("recurrent.onnx", nodes, [("x", F32, [steps, 1, inputs])], ["y"], constants)
    np.savez(c.path("recurrent.npz"), x=random(24, steps, 1, inputs))
    return "recurrent.onnx", "recurrent.npz"


@test
def no_layer_stays_float(c):
    """Also clips, bends and logarithms are of integers, on a core without an FPU with no soft-float function."""
    model, samples = recurrent(c)
    measured(c, 0, None, "run", model, "-i", samples, "-o", c.path("float"))
    exact = np.load(c.path("float") / "out0.npy")
    for numbers, snr_db in (("int8", 20), ("int16", 40)):
        outputs = []
        for board in ("host", "cortex-m0"):
            end = measured(c, 0, None, "run", model, "--quantize", numbers, "--calibrate", samples, "-i", samples, "-b", board,
                           "-o", c.path("out"), "--save-build", c.path("build"))
            c.check("stays-float" not in end.err, f"{numbers}: {end.err[:400]}")
            outputs.append(np.load(c.path("out") / "out0.npy"))
        c.check(outputs[0].tobytes() == outputs[1].tobytes(), f"{numbers}: another result on cortex-m0")
        names = subprocess.run(["arm-none-eabi-nm", c.path("build") / "firmware.elf"], capture_output=True, text=True).stdout
        soft = [name for name in names.split() if re.fullmatch(r"__aeabi_c?[fd]\w+|__aeabi_\w*2[fd]", name)]
        c.check("_start" in names and not soft, f"{numbers}: {soft}")
        measured(c, 0, None, "run", model, "--quantize", numbers, "--calibrate", samples, "-i", samples, "-o", c.path("out"),
                 "--dequantize")
        y = np.load(c.path("out") / "out0.npy")
        found_db = 10 * np.log10((exact**2).sum() / ((y - exact)**2).sum())
        c.check(found_db > snr_db, f"{numbers}: {found_db:.1f} dB above its error")


@test
def calibrated_once(c):
    """What the search found out about the samples is what compiles the chosen program: its notes are said once."""
    calibration, labelled, _ = data(c, MLP, samples=9)
    asked = ("--calibrate", calibration, "--data", labelled, "-b", BOARD)
    end = measured(c, 0, None, "analyze", MLP, "--quantize", "auto", "--max-drop", "100", *asked, "--json")
    report = json.loads(end.out)
    kinds = [one["kind"] for one in report["diagnostics"]]
    c.check(kinds.count("few-samples") == 1, f"{kinds}")
    choice = report["formats"]["choices"][report["formats"]["chosen"]]
    layers = ["--layers", choice["layers_option"]] if choice["layers_option"] else []
    direct = json.loads(measured(c, 0, None, "analyze", MLP, "--quantize", "int8", *layers, "--calibrate", calibration, "-b", BOARD,
                                 "--json").out)
    for key in ("quantization", "weights_bytes", "arena_bytes", "layers"):
        c.check(report[key] == direct[key], f"{key}: another program than without a search")


@test
def data_that_does_not_serve(c):
    calibration, _, held = data(c, DIGITS)
    asked = ("analyze", DIGITS, "--quantize", "auto", "--calibrate", calibration)
    measured(c, 2, "usage", *asked, says=["no targets"])
    np.savez(c.path("short.npz"), x=held["x"], y=held["y"][:5])
    measured(c, 2, "input-mismatch", *asked, "--data", c.path("short.npz"))
    measured(c, 2, "usage", *asked, "--data", c.path("test.npz"), "--metric", "speed", says=["no metric"])
    measured(c, 2, "usage", *asked, "--data", c.path("test.npz"), "--max-drop", "nan", says=["--max-drop"])
    measured(c, 2, "usage", "analyze", DIGITS, "--max-drop", "1", says=["--max-drop without --quantize auto"])
    measured(c, 2, "usage", "explain", DIGITS, says=["add --quantize"])


if __name__ == "__main__":
    sys.exit(main())
