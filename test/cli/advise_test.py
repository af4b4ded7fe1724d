"""`advise`: its answers are what `run` and `validate` say of them, its front is what an exhaustive search finds, and what
does not go says why.

usage: advise_test.py NBLOCKS
"""
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
from checks import EXAMPLES, INT8, main, test

MLP, MLP_DATA = EXAMPLES / "mlp/mlp.onnx", EXAMPLES / "mlp/mlp_test.npz"
DIGITS, DIGITS_DATA = EXAMPLES / "digits/digits.onnx", EXAMPLES / "digits/digits_test.npz"
BOARD = """
name = "{name}"
title = "a part"
vendor = "test"
part = "{name}"
core = "{core}"
clock_hz = {clock}
source = "test"
[[memory]]
name = "bank"
kind = "flash"
size_kib = {flash}
wait_states = 2
read_bits = 64
[[memory]]
name = "sram"
kind = "ram"
size_kib = {ram}
[[power]]
of = "part"
state = "run"
current_ma = {{ typical = {ma} }}
supply_mv = 3300
clock_hz = {clock}
source = "test"
"""
SLEEP = """
[[power]]
of = "part"
state = "sleep"
current_ma = { typical = 0.003 }
supply_mv = 3300
source = "test"
"""
PRICE = """
[[price]]
of = "part"
amount = {{ typical = {price} }}
currency = "USD"
quantity = 1000
date = "2026-11-01"
source = "test"
"""
BUSES = """
[[expansion]]
name = "qspi1"
interfaces = ["qspi"]
kinds = ["nor_flash"]
clock_hz = 80_000_000
source = "test"
[[expansion]]
name = "qspi2"
interfaces = ["qspi"]
kinds = ["psram"]
clock_hz = 80_000_000
source = "test"
"""


def part(c, name, core="cortex-m4f", clock=100_000_000, flash=256, ram=64, ma=10, price=None, has_buses=False):
    """A board's file."""
    text = BOARD.format(name=name, core=core, clock=clock, flash=flash, ram=ram, ma=ma)
    return c.write(f"{name}.toml", text + (PRICE.format(price=price) if price else "") + (BUSES if has_buses else ""))


def advised(c, code, *arguments):
    """The advice of a command that ends with that code, and its diagnostics."""
    end = c.run("advise", *arguments, "--json", "-q", limit=False)
    c.check(end.code == code, f"{arguments}: exit {end.code}, not {code}: {end.err[:500]}")
    report = json.loads(end.out)
    c.check(code == 4 or "advice" in report, f"{arguments}: no advice: {end.err[:500]}")
    return report.get("advice"), report["diagnostics"]


def bounds(relaxation):
    return [move["bound"] for move in relaxation["moves"]]


def front(advice):
    """What the front is made of, as figures."""
    entries = [one for one in advice["ranked"] + advice["others"] if one["is_on_front"]]
    return {(one["price"], one["latency_ms_estimated"], one["energy_uj_estimated"],
             advice["formats"][one["format"]]["value"]) for one in entries}


@test
def the_front_is_that_of_an_exhaustive_search(c):
    # Parts that hold it inside, with other kernels, with memory outside, and not at all.
    boards = [part(c, "large", price=4, clock=80_000_000), part(c, "small", price=2, flash=16, ram=16, has_buses=True),
              part(c, "tiny", core="cortex-m0plus", clock=48_000_000, price=1, flash=32, ram=4, ma=3),
              part(c, "fast", core="cortex-m7", clock=400_000_000, price=7, flash=24, ma=60, has_buses=True)]
    common = [DIGITS, "--data", DIGITS_DATA, "--boards", ",".join(map(str, boards)), "--check", "0"]
    found, _ = advised(c, 0, *common, "--resume", "kept")
    all_of_them, _ = advised(c, 0, *common, "--exhaustive", "--resume", "kept")
    c.check(front(found) == front(all_of_them), f"{front(found)} is not {front(all_of_them)}")
    c.check(len(front(found)) > 3, "a front of few points proves little")
    count = len(found["ranked"]) + len(found["others"])
    c.check(count < len(all_of_them["ranked"]) + len(all_of_them["others"]), "the search left nothing out")
    c.check(any(one["way"] == "added" for one in found["ranked"]), "no memory outside was tried")
    again, _ = advised(c, 0, *common, "--resume", "kept")
    c.check(again == found, "a resumed search is not the same")


@test
def an_answer_is_what_its_command_builds_and_runs(c):
    board = part(c, "small", price=2, flash=24, ram=64, has_buses=True)
    advice, _ = advised(c, 0, DIGITS, "--data", DIGITS_DATA, "--boards", board, "--check", "2")
    for one in advice["ranked"][:2]:
        words = shlex.split(one["command"])
        c.check(words[:2] == ["nblocks", "generate"], one["command"])
        words = words[1:]
        words[words.index("-o") + 1] = "out"
        end = c.run(*words, "-q", limit=False)
        c.check(end.code == 0, f"{one['command']}: {end.err[:300]}")
        words = words[:words.index("-o")]
        ran = json.loads(c.run("run", *words[1:], "--json", "-q", limit=False).out)
        for name in ("instructions", "cycles_estimated", "latency_ms_estimated", "energy_uj_estimated"):
            c.check(ran[name] == one[name], f"{one['board']}: {name} {ran[name]} is not {one[name]}")
        for memory, name in (("flash", "total_bytes"), ("flash", "far_bytes"), ("ram", "total_bytes")):
            c.check(ran[memory][name] == one[memory][name], f"{one['board']}: {memory} {name}")
        c.check(one["on_board"]["samples"] > 0, "it was not run on its board")
        if advice["formats"][one["format"]]["name"] == "int8":
            c.check(one["on_board"]["samples"] == one["on_board"]["samples_equal_to_host"],
                    "integers differ between the board and this computer")


@test
def weights_outside_give_the_same_outputs(c):
    board = part(c, "b", core="cortex-m33", flash=32, has_buses=True)
    inputs = ["-i", DIGITS_DATA]
    use = f"{board}+w25q64jv@qspi1:weights=qspi1"
    for place in (use, f"{board}+w25q64jv+aps6404l:weights=w25q64jv:arena=aps6404l"):
        end = c.run("run", INT8, "-b", place, *inputs, "-o", "there", "-q", limit=False)
        c.check(end.code == 0, end.err[:300])
        c.run("run", INT8, *inputs, "-o", "here", "-q", limit=False)
        there, here = np.load(c.path("there") / "out0.npy"), np.load(c.path("here") / "out0.npy")
        c.check(np.array_equal(there, here), f"outputs differ with {place}")
    c.run("generate", INT8, "-b", f"{use}:arena=sram", "-o", "project", "-q")
    told = (c.path("project") / "README.md").read_text()
    c.check("`qspi1` holds" in told and ".nb_weights : ALIGN(16)" in told and "> qspi1" in told, told[-900:])
    c.run("generate", INT8, "-b", board, "-o", "inside", "-q")
    c.check("outside the part" not in (c.path("inside") / "README.md").read_text(), "memory outside, where there is none")
    c.expect(2, "usage", "run", INT8, "-b", use + "=nothing", says=["no layer whose weights are to lie in a memory of their own is called `nothing`"])
    c.expect(2, "usage", "run", INT8, "-b", f"{board}:weights=sram", says=["no flash"])


@test
def a_search_that_is_stopped_goes_on_where_it_stood(c):
    board = part(c, "b", price=2, flash=24, has_buses=True)
    command = ["advise", DIGITS, "--data", DIGITS_DATA, "--boards", board, "--check", "1", "--resume", "kept"]
    process = subprocess.Popen([c.nblocks, *map(str, command), "--json", "-q"], cwd=c.folder, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    kept = c.path("kept")
    for _ in range(600):
        if kept.exists() and len(list(kept.iterdir())) >= 2:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    c.check(process.returncode == 130, f"exit {process.returncode} after Ctrl-C")
    before = {path.name: path.stat().st_mtime_ns for path in kept.iterdir()}
    c.check(len(before) >= 2, "nothing was kept")
    resumed, _ = advised(c, 0, *command[1:])
    after = {path.name: path.stat().st_mtime_ns for path in kept.iterdir()}
    c.check(all(after.get(name) == when for name, when in before.items()), "what was there was measured again")
    whole, _ = advised(c, 0, *command[1:-2])
    c.check(resumed == whole, "a resumed search finds something else")
    # With everything there nothing is compiled or run for a board.
    tools = c.path("tools")
    tools.mkdir()
    for name in ("arm-none-eabi-g++", "qemu-system-arm"):
        (tools / name).write_text(f'#!/bin/sh\necho "{name} $*" >> "{tools}/log"\nexec "{shutil.which(name)}" "$@"\n')
        (tools / name).chmod(0o755)
    end = c.run(*command, "--json", "-q", env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}, limit=False)
    c.check(end.code == 0 and json.loads(end.out)["advice"] == resumed, "a kept search finds something else")
    calls = [line for line in (tools / "log").read_text().splitlines() if not line.endswith("--version")]
    c.check(not calls, f"{calls[:3]}")


@test
def limits_that_cannot_be_met_say_what_binds(c):
    board = part(c, "b", price=2)
    advice, diagnostics = advised(c, 6, INT8, "--boards", board, "--max-latency", "1us", "--max-price", "3USD")
    c.check(not advice["ranked"], "an answer that breaks a limit")
    c.check([bounds(move) for move in advice["relaxations"]] == [["max-latency"]], f"{advice['relaxations']}")
    least = min(one["latency_ms_estimated"] for one in advice["others"])
    c.check(abs(advice["relaxations"][0]["moves"][0]["to"] / least - 1) < 1e-4, f"the smallest move is not {least}")
    c.check(diagnostics[-1]["kind"] == "gate-failed" and "--max-latency" in diagnostics[-1]["help"], f"{diagnostics}")
    for one in advice["others"]:
        c.check([breach["bound"] for breach in one["breaches"]] == ["max-latency"], f"{one['breaches']}")
    _, diagnostics = advised(c, 4, INT8, "--boards", part(c, "none", flash=4, ram=2))
    c.check(diagnostics[-1]["kind"] == "does-not-fit", f"{diagnostics}")
    advice, _ = advised(c, 6, INT8, "--boards", board, "--reserve-ram", "63K")
    c.check(bounds(advice["relaxations"][0]) == ["reserve-ram"], f"{advice['relaxations']}")
    advice, _ = advised(c, 6, INT8, "--boards", board, "--reserve-ram", "63K", "--max-latency", "1us")
    c.check(bounds(advice["relaxations"][0]) == ["reserve-ram", "max-latency"], f"{advice['relaxations']}")
    counts = {one["reason"]: (one["count"], one["alone"]) for one in advice["ruled_out"]}
    number = len(advice["others"])
    c.check(counts == {"reserve-ram": (number, 0), "max-latency": (number, 0)}, f"{counts}")
    # More than the whole flash is kept: what could be is what the program leaves of it.
    advice, _ = advised(c, 6, INT8, "--boards", board, "--reserve-flash", "512K")
    move = advice["relaxations"][0]["moves"][0]
    alone, _ = advised(c, 0, INT8, "--boards", board)
    left = 256 * 1024 - alone["ranked"][0]["flash"]["total_bytes"]
    c.check((move["bound"], move["from"]) == ("reserve-flash", 512 * 1024) and left - 64 < move["to"] <= left, f"{move}, {left}")
    c.check(alone["ranked"][0]["steps"][-1]["en"] == "buy b at 2.00 USD (for 1,000, 2026-11-01)", f"{alone['ranked'][0]['steps']}")
    advice, _ = advised(c, 0, INT8, "--boards", board, "--reserve-ram", "30K", "--reserve-flash", "64K")
    c.check(advice["metric"] is None, "accuracy without data")
    c.check(advice["summary"][-1]["en"].startswith("Accuracy is unmeasured"), f"{advice['summary']}")


@test
def what_is_asked_badly_is_refused(c):
    for arguments, words in (
            (["--max-price", "5"], "--max-price `5`"), (["--max-price", "5quid"], "no currency"),
            (["--max-price", "-1EUR"], "not understood"), (["--max-latency", "soon"], "soon"),
            (["--max-energy", "5kg"], "no unit"), (["--reserve-ram", "lots"], "no number of bytes"),
            (["--cpu-share", "30%"], "--period"), (["--cpu-share", "130%", "--period", "1s"], "no percentage"),
            (["--min-acc", "0.9"], "without --data"), (["--max-drop", "1"], "without --data"),
            (["--rate", "USD"], "--rate `USD`"), (["--boards", "host"], "no board"),
            (["--calibrate", DIGITS_DATA], "--calibrate is for float models"),
            (["--max-latency", "5,5ms"], "a point: 5.5ms"), (["--rank", "acuracy"], "did you mean `accuracy`?"),
            (["--max-drop", "-1", "--data", DIGITS_DATA], "`-1` is no number of 0 or more"),
            (["--min-acc", "99", "--data", DIGITS_DATA], "accuracy is at most 1"),
            (["--max-price", "5EUR", "--boards", part(c, "usd", price=2)], "in USD")):
        c.expect(2, "usage", "advise", INT8, *arguments, says=[words])
    c.expect(2, "unknown-board", "advise", INT8, "--boards", "nucleo-l4r5z", says=["nucleo-l4r5zi"])
    c.expect(2, "unknown-board", "advise", INT8, "--boards", "nucleo-l4?", says=["called like `nucleo-l4?`"])
    few = c.path("few.npz")
    arrays = np.load(DIGITS_DATA)
    np.savez(few, **{name: arrays[name][:4] for name in arrays.files})
    c.expect(2, "usage", "advise", DIGITS, "--data", few, says=["cannot be both calibrated and judged on"])


@test
def a_rate_makes_prices_of_another_currency(c):
    board = part(c, "b", price=2)
    advice, _ = advised(c, 0, INT8, "--boards", board, "--max-price", "5EUR", "--rate", "USD=0.5EUR")
    c.check(advice["currency"] == "EUR" and advice["ranked"][0]["price"] == 1.0, f"{advice['ranked'][0]['price']}")


@test
def models_share_a_part(c):
    board = part(c, "b", price=2)
    alone, _ = advised(c, 0, INT8, "--boards", board)
    beside, _ = advised(c, 0, INT8, "--boards", board, "--with", f"{MLP}=100ms", "--period", "1s", "--cpu-share", "90%")
    mine, both = alone["ranked"][0], beside["ranked"][0]
    other = both["companions"][0]
    ran = json.loads(c.run("run", MLP, "-b", board, "--json", "-q").out)
    c.check(other["flash_bytes"] == ran["flash"]["total_bytes"], "the other's flash is not what `run` says")
    c.check(both["joint"]["flash_bytes"] == mine["flash"]["total_bytes"] + ran["flash"]["total_bytes"], "joint flash")
    arena = max(mine["ram"]["arena_bytes"], ran["ram"]["arena_bytes"])
    c.check(both["joint"]["ram_bytes"] == mine["ram"]["total_bytes"] - mine["ram"]["arena_bytes"] + arena +
            ran["ram"]["static_bytes"], "joint RAM")
    share = mine["latency_ms_estimated"] / 1000 + ran["latency_ms_estimated"] / 100
    c.check(abs(both["joint"]["cpu_share"] / share - 1) < 1e-4, f"{both['joint']['cpu_share']} is not {share}")
    # Average power is that of both.
    awake = part(c, "awake", price=2)
    awake.write_text(awake.read_text() + SLEEP)
    duty = [json.loads(c.run(*words, "--json", "-q", limit=False).out) for words in (
        ("advise", INT8, "--boards", awake, "--with", f"{MLP}=100ms", "--period", "1s"),
        ("advise", INT8, "--boards", awake, "--period", "1s"), ("advise", MLP, "--boards", awake, "--period", "100ms"))]
    power = [one["advice"]["ranked"][0]["cost_basis"]["duty_cycle"]["average_mw"]["typical"] for one in duty]
    asleep = 3.3 * 0.003
    c.check(abs(power[0] / (power[1] + power[2] - asleep) - 1) < 1e-3, f"{power}")
    # Too little flash for both, though each fits.
    small = part(c, "small", flash=-(-mine["flash"]["total_bytes"] // 1024) + 1)
    advised(c, 0, INT8, "--boards", small)
    advice, _ = advised(c, 4, INT8, "--boards", small, "--with", MLP)
    advice, _ = advised(c, 6, INT8, "--boards", board, "--with", f"{MLP}=100ms", "--period", "1s", "--cpu-share", "0.001%")
    c.check(bounds(advice["relaxations"][0]) == ["cpu-share"], f"{advice['relaxations']}")
    c.expect(2, "file-unreadable", "advise", INT8, "--boards", board, "--with", "none.onnx")
    c.expect(2, "usage", "advise", INT8, "--with", MLP, "--period", "1s", "--cpu-share", "9%", says=["no period"])


@test
def another_model_for_the_task_is_a_way_like_the_others(c):
    board = part(c, "both", price=4)
    small = EXAMPLES / "digits/digits_int8.tflite"
    advice, _ = advised(c, 0, DIGITS, "--or", small, "--data", DIGITS_DATA, "--boards", board, "--check", "9")
    alone, _ = advised(c, 0, DIGITS, "--data", DIGITS_DATA, "--boards", board, "--check", "0")
    mine = [one for one in advice["formats"] if one["file"] == str(DIGITS)]
    c.check(mine == alone["formats"], "the first model's formats are others than without --or")
    theirs = [one for one in advice["formats"] if one["file"] == str(small)]
    c.check([one["name"] for one in theirs] == [None, "rounding once"], f"{theirs}")
    # Judged on the samples that do not calibrate; points against the first model's floats.
    value = theirs[0]["value"]
    judged = len(np.load(DIGITS_DATA)["x"]) * 3 // 4
    c.check(abs(value * judged - round(value * judged)) < 1e-6, f"{value} is no share of {judged}")
    drop = 100 * (mine[0]["value"] - value)
    c.check(abs(theirs[0]["drop_points"] - drop) < 1e-9, f"{theirs[0]['drop_points']} points, not {drop}")
    answers = [one for one in advice["ranked"] if advice["formats"][one["format"]]["file"] == str(small)]
    c.check(len(answers) == 2, f"{len(answers)} answers of the other model")
    for one in answers:
        c.check(one["steps"][0]["en"] == "take digits_int8 instead of digits", f"{one['steps']}")
        c.check(str(small) in shlex.split(one["command"]), one["command"])
        c.check(one["on_board"]["samples_equal_to_host"] == judged, f"{one['on_board']}")
        c.check(one["on_board"]["value"] == advice["formats"][one["format"]]["value"], f"{one['on_board']}")
    c.check(advice["ranked"][0]["title"]["en"].startswith("digits"), "a title does not name its model")


@test
def another_model_that_does_not_go_with_the_data_is_refused(c):
    c.expect(2, "usage", "advise", DIGITS, "--or", DIGITS, "--data", DIGITS_DATA, says=["named twice"])
    c.expect(2, "input-mismatch", "advise", DIGITS, "--or", MLP, "--data", DIGITS_DATA, says=["mlp.onnx", "--or"])
    c.expect(2, "file-unreadable", "advise", DIGITS, "--or", "none.onnx", "--data", DIGITS_DATA)


@test
def a_move_that_is_told_lets_an_answer_in(c):
    board = part(c, "slow", price=4, clock=16_000_000)
    asked = [DIGITS, "--data", DIGITS_DATA, "--boards", board, "--check", "0", "--resume", "kept"]
    for option, limit in (("--max-latency", "0.001ms"), ("--max-energy", "0.001uJ"), ("--reserve-ram", "63K"),
                          ("--reserve-flash", "255K")):
        advice, _ = advised(c, 6, *asked, option, limit)
        words = advice["relaxations"][0]["text"]["en"].split()
        told = words[words.index("of") + 1] + words[words.index("of") + 2]
        advised(c, 0, *asked, option, told.replace(",", ""))


@test
def boards_are_asked_for_by_patterns(c):
    asked = json.loads(c.run("compare", INT8, "--boards", "nucleo-f4*,nucleo-f446re,nucleo-f0*", "--json", "-q").out)
    names = [row["board"] for row in asked["rows"]]
    c.check(len(names) > 3 and len(set(names)) == len(names), f"{names}")
    c.check(all(name.startswith(("nucleo-f4", "nucleo-f0")) for name in names), f"{names}")


@test
def what_is_printed_has_steps_commands_and_battery_life(c):
    boards = [part(c, "small", price=2, flash=24, ram=64, has_buses=True), part(c, "large", price=9)]
    for board in boards:
        board.write_text(board.read_text() + SLEEP)
    end = c.run("advise", DIGITS, "--data", DIGITS_DATA, "--boards", ",".join(map(str, boards)), "--check", "0", "--period", "10s",
                "--battery", "CR2450", "--show", "2", limit=False)
    c.check(end.code == 0, end.err[:300])
    # Two answers, and the first of the way that is not among them.
    c.check(end.out.count("nblocks generate") >= 2, end.out)
    ways = {line.split(":")[0] for line in end.out.splitlines() if line.startswith("With")}
    c.check(end.out.count("nblocks generate") <= 2 + len(ways), end.out)
    c.check(end.out.count("the battery lasts") == end.out.count("nblocks generate"), end.out)
    c.check(end.out.count("nblocks generate") == end.out.count("-o digits"), end.out)


@test
def a_share_of_the_core_is_a_limit(c):
    board = part(c, "b")
    advice, _ = advised(c, 0, INT8, "--boards", board, "--cpu-share", "10%", "--period", "2s")
    c.check(advice["ranked"][0]["joint"]["cpu_share"] == advice["ranked"][0]["latency_ms_estimated"] / 2000 or
            abs(advice["ranked"][0]["joint"]["cpu_share"] * 2000 / advice["ranked"][0]["latency_ms_estimated"] - 1) < 1e-4,
            f"{advice['ranked'][0]['joint']}")


if __name__ == "__main__":
    sys.exit(main())
