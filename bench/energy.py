#!/usr/bin/env python3
"""What published energy measurements say about predicting energy: bench/energy.csv, 90 rows of MLPerf Tiny v1.0 to v1.3 on
boards of the catalogue, each the median of its five runs.

Prints, for each board and supply, the power in inference and how well one measured point predicts the others: each row
takes its turn as the point (`--measured-mw`), and the error is that of the energy of every other row at its own latency.
`same software`: of one submission; `any`: of any. Then what power does with the clock, from pairs of clocks in streaming,
and what inference takes beside the current per MHz of a datasheet. src/timing/energy.cc has its constants from here:
--check fails where they are not what the rows give, or where the median error of the same software is above 10 %.

usage: energy.py [--check]
"""

import csv
import itertools
import pathlib
import re
import statistics
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[1]
ACCELERATED = {"xg24-dk2601b"}  # its rows run on the matrix processor: no figure of the core


def quantile(values, share):
    """The smallest value that at least this share does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1))]


def groups(rows):
    found = {}
    for row in rows:
        if row["task"] != "sww":
            found.setdefault((row["board"], int(row["supply_mv"])), []).append(row)
    return found


def pair_errors(rows):
    powers = [float(row["power_mw"]) for row in rows]
    return [abs(point / other - 1) for point, other in itertools.permutations(powers, 2)]


def software_of(row):
    return row["round"], row["submitter"], row["system"]


def same_software_errors(rows):
    errors = []
    for _, same in itertools.groupby(sorted(rows, key=software_of), software_of):
        errors += pair_errors(list(same))
    return errors


def clock_shares(rows):
    """Of each board with two clocks in streaming: the share of its power that does not follow the clock. At the lower clock
    the core is awake for over 90 % of the time, so the power there is the average; at the higher one it is that in inference."""
    shares = {}
    for row in rows:
        if row["duty"] and float(row["duty"]) > 0.9:
            full = [r for r in rows if r["board"] == row["board"] and r["supply_mv"] == row["supply_mv"]
                    and r["task"] != "sww" and r["submitter"] == row["submitter"]]
            clock = int(row["clock_mhz"]) / int(full[0]["clock_mhz"])
            power = float(row["power_mw"]) / statistics.median(float(r["power_mw"]) for r in full)
            shares[row["board"]] = max(0.0, (power - clock) / (1 - clock))
    return shares


def headline_ratios():
    """Of each board that has both: power in inference beside what the current per MHz gives at the same supply; the power of
    parts with a switching regulator is that at 3.3 V, where datasheets give their current."""
    ratios = {}
    for path in sorted((ROOT / "src/target/boards").glob("*.toml")):
        board = tomllib.loads(path.read_text())
        powers = [p for p in board.get("power", []) if p["state"] == "run" and p["of"] == "part"]
        inference = [p for p in powers if p.get("load") == "inference" and "power_mw" in p]
        for power in powers:
            if "current_ua_per_mhz" not in power or "typical" not in power["current_ua_per_mhz"] or not inference:
                continue
            clock_hz = power.get("clock_hz", board["clock_hz"])
            for other in inference:
                if other["clock_hz"] != clock_hz or (power.get("supply_mv", other["supply_mv"]) != other["supply_mv"]
                                                     and power.get("regulator") != "smps"):
                    continue
                volts = 3.3 if power.get("regulator") == "smps" else other["supply_mv"] / 1e3
                mw = power["current_ua_per_mhz"]["typical"] * clock_hz / 1e6 * volts / 1e3
                name = f"{board['name']} {other['supply_mv'] / 1e3:g} V"
                ratios.setdefault(power.get("load", "none given"), {})[name] = other["power_mw"]["typical"] / mw
    return ratios


def main():
    with (ROOT / "bench/energy.csv").open() as file:
        rows = list(csv.DictReader(file))
    print(f"{'board':<18} {'V':>4} {'rows':>4} {'mW least':>9} {'median':>7} {'most':>7}   error after one point, median (9 of 10)")
    print(f"{'':<18} {'':>4} {'':>4} {'':>9} {'':>7} {'':>7}   {'same software':<18} any")
    same, anyone = [], []
    for (board, supply_mv), of_board in sorted(groups(rows).items()):
        powers = [float(row["power_mw"]) for row in of_board]
        mine, theirs = same_software_errors(of_board), pair_errors(of_board)
        if board not in ACCELERATED:
            same += mine
            anyone += theirs
        print(f"{board:<18} {supply_mv / 1e3:>4} {len(powers):>4} {min(powers):>9.1f} {statistics.median(powers):>7.1f} {max(powers):>7.1f}   "
              f"{statistics.median(mine):>5.1%} ({quantile(mine, 0.9):.1%})     {statistics.median(theirs):.1%} ({quantile(theirs, 0.9):.1%})"
              + (" *" if board in ACCELERATED else ""))
    median, spread = statistics.median(same), quantile(same, 0.9)
    print(f"all but * (an accelerator)                             {median:>5.1%} ({spread:.1%})     "
          f"{statistics.median(anyone):.1%} ({quantile(anyone, 0.9):.1%})")
    shares = clock_shares(rows)
    print("power that does not follow the clock, of that at the highest: "
          + ", ".join(f"{board} {share:.0%}" for board, share in sorted(shares.items())))
    ratios = headline_ratios()
    for load, found in sorted(ratios.items()):
        print(f"inference beside a datasheet's current per MHz, load {load}: "
              + ", ".join(f"{name} {ratio:.2f}" for name, ratio in sorted(found.items())))
    given = list(ratios["none given"].values())
    expected = {
        "kSpreadAfterOnePoint": spread,
        "kSpreadOfSoftware": quantile(anyone, 0.9),
        "kFixedShareLow": min(shares.values()), "kFixedShare": statistics.median(shares.values()),
        "kFixedShareHigh": max(shares.values()),
        "kHeadlineRatio": statistics.median(given),
        "kCoreMarkRatio": statistics.median(ratios["coremark"].values()),
    }
    source = (ROOT / "src/timing/energy.cc").read_text()
    wrong = 0
    for name, value in expected.items():
        found = re.search(rf"\b{name} = ([\d.]+);", source)
        is_right = found is not None and abs(float(found[1]) - value) <= 0.0051
        wrong += not is_right
        print(f"{name:<22} {value:.3f}" + ("" if is_right else f"   but src/timing/energy.cc has {found[1] if found else 'none'}"))
    if median > 0.10:
        print(f"the median error after one point is {median:.1%}, above 10 %")
        wrong += 1
    return 1 if "--check" in sys.argv[1:] and wrong else 0


if __name__ == "__main__":
    sys.exit(main())
