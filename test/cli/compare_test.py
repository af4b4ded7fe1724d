"""`compare`: its rows are what `run` says of single boards, whatever is compared with them, in whatever order and however often.

usage: compare_test.py NBLOCKS
"""
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
from checks import EXAMPLES, INT8, main, test

MLP = EXAMPLES / "mlp/mlp.onnx"
# Each core, and among them flash with wait states, accelerators, caches over flash and RAM, TCM, flash outside.
BOARDS = ["nucleo-l073rz", "rpi-pico", "nucleo-f103rb", "nucleo-l4r5zi", "apollo4p-evb", "nucleo-f446re", "nucleo-h743zi2",
          "disco-f746ng", "rpi-pico2", "nucleo-u575zi-q", "apollo510-evb", "ek-ra8m1", "esp32-c3", "longan-nano"]
SAME = ["instructions", "cycles_estimated", "cycles_low", "cycles_high", "stall_cycles_estimated", "latency_ms_estimated",
        "energy_uj_estimated", "energy_uj_low", "energy_uj_high"]
BOARD = """
name = "{name}"
title = "a part"
vendor = "test"
part = "{name}"
core = "{core}"
clock_hz = 100_000_000
source = "test"
[[memory]]
name = "bank"
kind = "flash"
size_kib = {flash}
wait_states = 5
read_bits = 64
[[memory]]
name = "sram"
kind = "ram"
size_kib = {ram}
clock_hz = 50_000_000
"""
CACHE = """
[[cache]]
name = "{kind}"
kind = "{kind}"
size_bytes = {size}
line_bytes = 32
ways = 2
"""


def compared(c, *arguments, **more):
    """The rows of `compare --json`."""
    return report_of(c, 0, "compare", *arguments, **more)["rows"]


def ran(c, *arguments, code=0):
    return report_of(c, code, "run", *arguments)


def report_of(c, code, *arguments, **more):
    """The JSON of a command that ends with that code; the machine of Cortex-M55 takes more memory than others may."""
    end = c.run(*arguments, "--json", "-q", limit=False, **more)
    c.check(end.code == code, f"{arguments}: exit {end.code}, not {code}: {end.err[:300]}")
    return json.loads(end.out)


def written(c, name, core="cortex-m4f", flash=256, ram=64, caches=()):
    """A board's file."""
    return c.write(f"{name}.toml", BOARD.format(name=name, core=core, flash=flash, ram=ram) +
                   "".join(CACHE.format(kind=kind, size=size) for kind, size in caches))


def check_same(c, row, single, what):
    if "instructions" not in single:
        return c.check(False, f"{what}: run says {single}")
    for key in SAME:
        c.check(row[key] == single[key], f"{what}: {key} is {row[key]}, not {single[key]}")
    for memory in ("flash", "ram"):
        c.check(row[memory]["total_bytes"] == single[memory]["total_bytes"], f"{what}: {row[memory]}, not {single[memory]}")


@test
def rows_are_what_run_says(c):
    rows = compared(c, INT8, "--boards", ",".join(BOARDS))
    c.check([row["board"] for row in rows] == BOARDS, f"{[row['board'] for row in rows]}")
    for row in rows:
        check_same(c, row, ran(c, INT8, "-b", row["board"]), row["board"])
        c.check(row["fits"] and row["cycles_estimated"] > 0, f"{row}")


@test
def caches_see_data_where_the_board_has_them(c):
    """In one run stack and arena lie apart; on a board the arena may follow its stack. Small caches tell the difference."""
    boards = [written(c, f"cached{i}", core, ram=ram, caches=[("data", size), ("instruction", 1024)])
              for i, (core, ram, size) in enumerate([("cortex-m7", 17, 1024), ("cortex-m7", 64, 32768), ("cortex-m33", 17, 512)])]
    rows = compared(c, INT8, "--boards", ",".join(map(str, boards)))
    for row, board in zip(rows, boards):
        check_same(c, row, ran(c, INT8, "-b", board), row["board"])
        c.check(row["stall_cycles_estimated"] > 0, f"memory never waits: {row}")


@test
def more_caches_than_one_run_takes(c):
    boards = [written(c, f"many{i}", caches=[("unified", 64 * (i + 1))]) for i in range(30)]
    rows = compared(c, INT8, "--boards", ",".join(map(str, boards)))
    c.check(len({row["cycles_estimated"] for row in rows}) > 10, "the caches make no difference")
    for i in (0, 23, 24, 29):
        check_same(c, rows[i], ran(c, INT8, "-b", boards[i]), rows[i]["board"])


@test
def conditions_are_those_of_run(c):
    what_if = ("--what-if", "clock=48MHz,wait_states=2,cache=off")
    rows = compared(c, INT8, "--boards", "nucleo-h743zi2,nucleo-l4r5zi", *what_if)
    for row in rows:
        check_same(c, row, ran(c, INT8, "-b", row["board"], *what_if), row["board"])
        c.check(row["cost_basis"]["clock_hz"] == 48_000_000, f"{row['cost_basis']}")
    rows = compared(c, INT8, "--boards", "cc2340r5", "--period", "10s", "--battery", "CR2450")
    single = ran(c, INT8, "-b", "cc2340r5", "--period", "10s", "--battery", "CR2450")
    c.check(rows[0]["cost_basis"]["duty_cycle"] == single["cost_basis"]["duty_cycle"], f"{rows[0]['cost_basis']}")
    c.check(rows[0]["cost_basis"]["duty_cycle"]["battery_days"]["typical"] > 1, f"{rows[0]['cost_basis']}")
    # The catalogue knows what neither of these takes asleep.
    duty = ("--boards", "nucleo-h7a3zi-q,nucleo-l4r5zi", "--period", "10s", "--battery", "CR2450")
    asleep = compared(c, INT8, *duty, "--sleep-mw", "0.02")
    for row in asleep:
        cycle = row["cost_basis"]["duty_cycle"]
        c.check(row["cost_basis"]["sleep_power"] == {**row["cost_basis"]["sleep_power"], "source": "measured"}, f"{row}")
        energy_mw = row["energy_uj_estimated"] / 1e4
        c.check(abs(cycle["average_mw"]["typical"] - energy_mw - 0.02) < 0.001, f"{cycle} {energy_mw}")
        c.check("duty" not in row["blanks"], f"{row['blanks']}")
    c.expect(2, "usage", "compare", INT8, *duty, "--sleep-mw", "none")


@test
def fits_are_those_of_the_linker(c):
    """One KiB decides, and the bytes that are missing are the linker's."""
    kib = compared(c, INT8, "--boards", "cortex-m4f")[0]["flash"]["total_bytes"] // 1024
    cases = {"flash_less": (kib, 64), "flash_more": (kib + 1, 64), "ram_less": (256, 2), "ram_more": (256, 4),
             "both": (kib, 2), "weights": (4, 64)}
    boards = {name: written(c, name, flash=flash, ram=size) for name, (flash, size) in cases.items()}
    rows = {row["board"]: row for row in compared(c, INT8, "--boards", ",".join(map(str, boards.values())))}
    c.check({name for name in cases if rows[name]["fits"]} == {"flash_more", "ram_more"}, f"{rows}")
    for name, board in boards.items():
        single = ran(c, INT8, "-b", board, code=0 if rows[name]["fits"] else 4)
        said = " ".join(one["message"] for one in single["diagnostics"])
        misfits = rows[name]["misfits"]
        for misfit in misfits:
            c.check(misfit["excess_bytes"] == misfit["needed_bytes"] - misfit["free_bytes"] > 0, f"{misfit}")
        if name in ("flash_less", "ram_less"):
            c.check(f"{misfits[0]['excess_bytes']:,} " in said and misfits[0]["memory"] in said,
                    f"{name}: {misfits}, but run: {said}")
        # Of what never comes to the linker alone, the rest is known from the boards that do.
        if name in ("both", "weights"):
            c.check(misfits[-1] == {**misfits[-1], "what": "program", "excess_bytes": rows["flash_less"]["misfits"][0][
                "needed_bytes"] - cases[name][0] * 1024}, f"{misfits}")
        if not rows[name]["fits"]:
            c.check(rows[name]["cycles_estimated"] is None and not rows[name]["is_on_front"], f"{rows[name]}")
    table = c.expect(0, None, "compare", INT8, "--boards", ",".join(map(str, boards.values())), "-q", seconds=60).out
    c.check("does not fit on" in table and "bytes too many for bank" in table, table)


@test
def the_front_is_that_of_the_figures(c):
    rows = compared(c, INT8)
    c.check(len(rows) > 60 and len({row["core"] for row in rows}) == 11, f"{len(rows)} rows")

    def figures(row):
        price = row["price"] if row["price"] and row["price"]["currency"] == "USD" else {}
        amount = price.get("typical") or (price["low"] + price["high"]) / 2 if price else None
        return [float("inf") if one is None else one
                for one in (row["latency_ms_estimated"], row["energy_uj_estimated"], amount)]

    fitting = [row for row in rows if row["fits"] and row["latency_ms_estimated"] is not None]
    for row in rows:
        mine = figures(row)
        beaten = row not in fitting or any(all(a <= b for a, b in zip(figures(other), mine)) and figures(other) != mine
                                           for other in fitting)
        c.check(row["is_on_front"] == (not beaten), f"{row['board']}: {mine}, on the front: {row['is_on_front']}")
    for row in rows:
        for key, column in (("latency_ms_estimated", "latency"), ("energy_uj_estimated", "energy"), ("price", "price")):
            blank = row[key] is None
            c.check(blank == (column in row["blanks"]), f"{row['board']}: {key} is {row[key]}, blanks {row['blanks']}")
            c.check(row[key] != 0, f"{row['board']}: {key} is zero")


@test
def two_runs_give_the_same_bytes(c):
    boards = ("--boards", "nucleo-l4r5zi,nucleo-h743zi2,rpi-pico,esp32-c3,nucleo-f103rb,nucleo-g0b1re")
    texts = {c.expect(0, None, "compare", INT8, *boards, "-q", "-j", jobs, seconds=60).out for jobs in (1, 2, 5)}
    c.check(len(texts) == 1, f"{len(texts)} texts")
    reports = {c.expect(0, None, "compare", INT8, *boards, "--json", "-j", jobs, seconds=60).out for jobs in (1, 5)}
    c.check(len(reports) == 1, f"{len(reports)} reports")
    table = texts.pop()
    c.check("[1] no" in table and "no power figure in the catalogue" in table, table)


@test
def what_was_run_is_not_run_again(c):
    boards = ("--boards", "nucleo-l4r5zi,nucleo-h743zi2,rpi-pico,esp32-c3,nucleo-f103rb")
    plain = compared(c, INT8, *boards)
    folder = c.path("kept")
    command = [c.nblocks, "compare", INT8, *boards, "--resume", folder, "-j", "1", "-q"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        deadline = time.monotonic() + 60
        while not list(folder.glob("*.json")) and time.monotonic() < deadline:
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=60)[1]
        c.check(running.returncode == 130 and "goes on" in said, f"exit {running.returncode}: {said[:300]}")
    kept = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.json")}
    c.check(0 < len(kept) < 5, f"{len(kept)} runs are kept")
    c.check(compared(c, INT8, *boards, "--resume", folder) == plain, "not the rows of a whole run")
    after = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.json")}
    c.check(len(after) == 5 and all(after[name] == when for name, when in kept.items()), "runs are repeated")
    c.check(compared(c, INT8, *boards, "--resume", folder) == plain, "what is kept gives other rows")
    c.check({path.name: path.stat().st_mtime_ns for path in folder.glob("*.json")} == after, "runs are repeated")
    # Another program and other caches are other runs; a file that is none is run again.
    compared(c, MLP, "--boards", "rpi-pico", "--resume", folder)
    c.check(len(list(folder.glob("*.json"))) == 6, "another model finds the runs of this one")
    for path in folder.glob("*.json"):
        path.write_bytes(path.read_bytes()[:200])
    c.check(compared(c, INT8, *boards, "--resume", folder) == plain, "half a file is taken")
    whole = [path for path in folder.glob("*.json") if path.stat().st_size > 200]
    c.check(len(whole) == 5, f"{len(whole)} runs are kept anew")
    for path in whole:
        path.write_text(json.dumps({**json.loads(path.read_text()), "parts": []}))
    c.check(compared(c, INT8, *boards, "--resume", folder) == plain, "a run without its parts is taken")
    c.expect(2, "file-unwritable", "compare", INT8, *boards, "--resume", INT8)


@test
def several_models_and_formats(c):
    held = np.load(EXAMPLES / "mlp/mlp_test.npz")
    np.savez(c.path("calibration.npz"), in0=held["x"][:64])
    calibrate = ("--calibrate", c.path("calibration.npz"))
    rows = compared(c, MLP, EXAMPLES / "digits/digits.onnx", "--boards", "rpi-pico,nucleo-l4r5zi", "--quantize",
                    "float32")
    c.check([(row["model"], row["board"]) for row in rows] == [(model, board) for model in ("mlp", "digits")
                                                               for board in ("rpi-pico", "nucleo-l4r5zi")], f"{rows}")
    rows = compared(c, MLP, "--boards", "rpi-pico,nucleo-l4r5zi", "--quantize", "int8,float32,int16", *calibrate)
    c.check([row["format"] for row in rows] == ["int8"] * 2 + ["float32"] * 2 + ["int16"] * 2, f"{rows}")
    for row in rows:
        how = () if row["format"] == "float32" else ("--quantize", row["format"], *calibrate)
        check_same(c, row, ran(c, MLP, "-b", row["board"], *how), f"{row['format']} on {row['board']}")
    # Also where the first board is a file.
    board = written(c, "mine")
    for row in compared(c, MLP, "--boards", f"{board},rpi-pico", "--quantize", "int8,float32", *calibrate):
        c.check(row["fits"] and row["cycles_estimated"] > 0, f"{row}")


@test
def a_clock_above_the_highest_is_said(c):
    fast = ("--what-if", "clock=900MHz")
    for found in (compared(c, INT8, "--boards", "nucleo-l4r5zi", *fast)[0], ran(c, INT8, "-b", "nucleo-l4r5zi", *fast)):
        c.check("runs above its highest clock, 120 MHz" in found["cost_basis"]["assumptions"], f"{found['cost_basis']}")


@test
def prices_of_the_user(c):
    c.write("prices.toml", 'currency = "CHF"\n[[price]]\npart = "rpi-pico"\namount = { typical = 4.5 }\nquantity = 10\n'
                           'date = "2026-11"\nsource = "shop"\n[[rate]]\ncurrency = "USD"\namount = 0.9\ndate = "2026-11"\n')
    rows = compared(c, INT8, "--boards", "rpi-pico,esp32-c3", "--prices", c.path("prices.toml"))
    c.check(rows[0]["price"]["is_users"] and rows[0]["price"]["typical"] == 4.5, f"{rows[0]['price']}")
    c.check(rows[1]["price"]["currency"] == "CHF" and rows[1]["price"]["is_converted"], f"{rows[1]['price']}")
    table = c.expect(0, None, "compare", INT8, "--boards", "rpi-pico", "--prices", c.path("prices.toml"), seconds=60).out
    c.check("4.5 CHF/10, 2026-11" in table, table)


@test
def bad_input(c):
    c.expect(2, "unknown-board", "compare", INT8, "--boards", "nucleo-l4r5zj,rpi-pico", says=["did you mean `nucleo-l4r5zi`"])
    said = c.expect(2, "unknown-board", "compare", INT8, "--boards", "rpi-pica,esp32-c4")
    c.check("rpi-pico" in said.err and "esp32-c3" in said.err, said.err)
    c.expect(2, "unknown-board", "compare", INT8, "--boards", "esp32-devkitc", says=["data"])
    c.expect(2, "usage", "compare", INT8, "--boards", "host")
    for what_if in ("clock=96", "clock=9THz", "wait_states=1000", "wait_states=-1", "cache=maybe", "speed=2", "clock"):
        c.expect(2, "usage", "compare", INT8, "--what-if", what_if, says=["--what-if"])
    c.expect(2, "usage", "compare", INT8, "--battery", "CR2450", says=["--period"])
    c.expect(2, "usage", "compare", INT8, "--period", "soon", says=["--period"])
    c.expect(2, "unknown-battery", "compare", INT8, "--period", "10s", "--battery", "CR9999")
    c.expect(2, "usage", "compare", MLP, "--quantize", "int8", says=["--calibrate"])
    c.expect(2, "usage", "compare", MLP, "--quantize", "int4")
    c.expect(2, "usage", "compare", INT8, "-j", "0")
    c.expect(2, "file-unreadable", "compare", c.path("none.tflite"))
    c.expect(2, "file-unreadable", "compare", INT8, "--prices", c.path("none.toml"))
    c.write("none.onnx", b"hello")
    c.expect(3, "unknown-format", "compare", c.path("none.onnx"), "--boards", "rpi-pico,esp32-c3")


@test
def a_model_that_fits_nowhere(c):
    boards = [written(c, "tiny", flash=4), written(c, "small", flash=8), written(c, "empty", flash=4, ram=4)]
    asked = ("compare", INT8, "--boards", ",".join(map(str, boards)))
    end = c.expect(4, "does-not-fit", *asked, says=["the nearest is small", "bank"])
    c.check("does not fit on" in end.out, end.out)
    report = json.loads(c.expect(4, None, *asked, "--json", "-q").out)
    c.check(report["exit_code"] == 4 and [row["fits"] for row in report["rows"]] == [False] * 3, f"{report}")


@test
def a_tool_that_is_missing(c):
    """A core without its compiler keeps its rows, with the reason."""
    tools = c.path("tools")
    tools.mkdir()
    for folder in reversed(os.environ["PATH"].split(":")):
        for tool in os.scandir(folder) if os.path.isdir(folder) else ():
            if not tool.name.startswith("riscv64") and not (tools / tool.name).exists():
                (tools / tool.name).symlink_to(tool.path)
    rows = compared(c, INT8, "--boards", "rpi-pico,esp32-c3", env=dict(os.environ, PATH=str(tools)))
    c.check(rows[0]["cycles_estimated"] and rows[1]["cycles_estimated"] is None, f"{rows}")
    c.check("riscv64-unknown-elf-g++" in rows[1]["blanks"]["cycles"] and rows[1]["fits"], f"{rows[1]}")


if __name__ == "__main__":
    sys.exit(main())
