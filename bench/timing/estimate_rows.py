#!/usr/bin/env python3
"""Estimates of `nblocks time` beside published cycles: writes src/timing/rows.csv, or checks that it is current.

    bench/timing/estimate_rows.py NBLOCKS FOLDER     times every row of FOLDER (README.md says what a row is)
    bench/timing/estimate_rows.py NBLOCKS --check    is the table of these models? (ctest timing_rows)

The table's first line holds a digest of what the estimates depend on. Where the digest differs, --check times
the rows again if NBLOCKS_TIMING_ROWS names their folder, and fails if an estimate is another one.
"""
import argparse
import concurrent.futures
import csv
import hashlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TABLE = ROOT / "src/timing/rows.csv"
MODELS = ["src/timing/core_*.cc", "src/timing/parse_*.cc", "src/timing/pipeline.*", "src/timing/estimate.cc",
          "src/timing/memory_system.cc", "src/timing/disassembly.cc", "src/timing/thumb_rows.h",
          "src/bench/plugin/count.c", "src/bench/plugin/literals.h", "src/bench/plugin/memories.h"]
COLUMNS = ["id", "program", "pipeline", "processor", "part", "board", "clock_hz", "wait_states", "caches", "kind",
           "same_code", "compiler", "cycles_published", "published", "source", "instructions",
           "cycles_estimated", "stall_cycles_estimated", "apart"]


def facts():
    with open(pathlib.Path(__file__).parent / "rows.toml", "rb") as file:
        return tomllib.load(file)


def board_file(name):
    """Of boards for measurements alone, or of the catalogue."""
    own = pathlib.Path(__file__).parent / f"boards/{name}.toml"
    return own if own.exists() else ROOT / f"src/target/boards/{name}.toml"


def board_facts(name):
    """What of a board's file time depends on: not its prose, power and prices, nor where a memory could be added."""
    with open(board_file(name), "rb") as file:
        board = tomllib.load(file)
    idle = {"source", "sources", "note", "power", "price", "title", "vendor", "part", "expansion", "no_expansion"}
    could_be = {one["name"] for one in board.get("expansion", [])}
    for cache in board.get("cache", []):
        if "serves" in cache:
            cache["serves"] = [served for served in cache["serves"] if served not in could_be]
    if "cache" in board:
        board["cache"] = [cache for cache in board["cache"] if cache.get("serves") != []]
    return {key: [{k: v for k, v in one.items() if k not in idle} for one in value]
            if isinstance(value, list) and value and isinstance(value[0], dict) else value
            for key, value in board.items() if key not in idle}


def digest(boards):
    """Of the models' code but its comments, the boards' figures, and what rows.toml says."""
    all_bytes = hashlib.sha256()
    for pattern in MODELS:
        for path in sorted(ROOT.glob(pattern)):
            code = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
            all_bytes.update(f"{path.name}:{' '.join(code.split())}\n".encode())
    for board in sorted(boards):
        all_bytes.update(f"{board}:{json.dumps(board_facts(board), sort_keys=True)}\n".encode())
    all_bytes.update(json.dumps(facts(), sort_keys=True).encode())
    return all_bytes.hexdigest()[:16]


def plain(text):
    """A field without what would have to be quoted."""
    return " ".join(str(text).replace(",", ";").replace('"', "'").split())


def program_of(folder, case, rules):
    for rule in rules:
        match = re.fullmatch(rule["row"], f"{folder}/{case}")
        if match:
            return match.expand(rule["program"])
    return re.sub(r"^[a-z0-9]+(-m[0-9]+\w*)?-", "", folder)


def rows_of(folder):
    """All rows, as dictionaries: what row.toml and rows.toml say."""
    own = facts()
    for path in sorted(folder.glob("*/row.toml")):
        with open(path, "rb") as file:
            row = tomllib.load(file)
        cases = row.get("case", [{}])
        for number, case in enumerate(cases):
            one = {**row, **case}
            if str(one.get("measured", "")).startswith("author's count"):
                one["kind"] = "microbenchmark"  # not measured
            if one.get("calls", 1) > 1 and "to" not in one and one["kind"] != "microbenchmark":
                # Calls with other arguments each: from the first one to what is called next, less the caller.
                one["to"] = cases[number + 1]["from"] if number + 1 < len(cases) else "_leave"
                one["caller"], one["calls"] = "main", 1
            name = path.parent.name
            full = name + ("/" + case["name"] if case else "")
            left_out = next((reason for pattern, reason in own["left_out"].items()
                             if re.fullmatch(pattern, full)), None)
            if left_out is not None:
                continue
            one["id"], one["elf"] = full, path.parent / "firmware.elf"
            one["program"] = program_of(name, case.get("name", ""), own["program"])
            one["apart"] = next((reason for pattern, reason in own["apart"].items()
                                 if re.fullmatch(pattern, full)), "")
            given = one.get("board", "")
            part = one.get("part", "")
            one["board"] = own["board"].get(given, given) or own["part"].get(
                f"{one['core']}/{part}", own["part"].get(part))
            if not one["board"]:
                sys.exit(f"{full}: rows.toml names no board for part `{part}`")
            one["is_warm"] = ("warm" in one.get("caches", "").split("(")[0]
                              or any(re.fullmatch(pattern, full) for pattern in own["warm"]))
            yield one


def estimate(nblocks, row):
    """The row's columns, or a sentence why there are none."""
    conditions = []
    if row.get("clock_hz", 0) > 1_000_000:
        conditions.append(f"clock={row['clock_hz']}Hz")
    if "wait_states" in row and not row["is_warm"]:
        conditions.append(f"wait_states={row['wait_states']}")
    command = [nblocks, "time", str(row["elf"]), "-b", str(board_file(row["board"])), "--from", row["from"], "--json", "-q"]
    if row.get("to"):
        command += ["--to", row["to"]]
    if conditions:
        command += ["--what-if", ",".join(conditions)]
    lies = next((where for pattern, where in facts()["memory_map"].items()
                 if re.fullmatch(pattern, row["id"])), None)
    if lies:
        command += ["--memory-map", lies]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        return f"{row['id']}: {done.stdout[:200]}{done.stderr[:200]}"
    if not report.get("ok"):
        return f"{row['id']}: {report['diagnostics'][0]['message']}"
    calls = row.get("calls", 1)
    if "caller" in row:
        for one in report["functions"]:
            if one["name"] == row["caller"]:
                report["instructions"] -= one["instructions"]
                report["cycles_estimated"] -= one["cycles_estimated"]
    expected = row.get("qemu_insns", row["instructions"] if "instructions" in row else None)
    if expected and abs(report["instructions"] * calls / expected - 1) > 0.02 and expected > 1000:
        return f"{row['id']}: {report['instructions'] * calls} instructions, the row says {expected}"
    stall = 0 if row["is_warm"] else report["stall_cycles_estimated"]
    cycles = report["cycles_estimated"] - (report["stall_cycles_estimated"] if row["is_warm"] else 0)
    return {
        "id": row["id"], "program": row["program"], "pipeline": report["pipeline"], "processor": row["core"],
        "part": row.get("part", ""), "board": row["board"], "clock_hz": row.get("clock_hz", "") if row.get("clock_hz", 0) > 1_000_000 else "",
        "wait_states": row.get("wait_states", ""), "caches": "warm" if row["is_warm"] else row.get("caches", ""),
        "kind": row["kind"], "same_code": "yes" if row.get("same_code") else "no",
        "compiler": row.get("compiler", ""), "cycles_published": row["cycles"],
        "published": row.get("measured", row.get("rule", "cycles")), "source": row["source"],
        "instructions": report["instructions"] * calls, "cycles_estimated": cycles * calls,
        "stall_cycles_estimated": stall * calls, "apart": row["apart"]}


def estimate_all(nblocks, folder, jobs):
    rows = list(rows_of(folder))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        results = list(pool.map(lambda row: estimate(nblocks, row), rows))
    failed = [one for one in results if isinstance(one, str)]
    for sentence in failed:
        print(sentence, file=sys.stderr)
    return [one for one in results if not isinstance(one, str)], len(failed)


def table_text(rows):
    boards = {row["board"] for row in rows}
    lines = io.StringIO()
    lines.write(f"# models {digest(boards)}; written by bench/timing/estimate_rows.py\n")
    writer = csv.writer(lines, lineterminator="\n", quoting=csv.QUOTE_NONE)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([plain(row[column]) for column in COLUMNS])
    return lines.getvalue()


def read_table():
    head, *lines = TABLE.read_text(encoding="utf-8").splitlines()
    return head.split()[2].rstrip(";"), list(csv.DictReader(lines))


def check(nblocks, jobs):
    written, rows = read_table()
    if written == digest({row["board"] for row in rows}):
        print(f"{len(rows)} rows, estimated with these models")
        return 0
    folder = os.environ.get("NBLOCKS_TIMING_ROWS")
    if not folder:
        print("timing models or boards changed since src/timing/rows.csv was written: run "
              "bench/timing/estimate_rows.py NBLOCKS FOLDER (bench/timing/README.md says what FOLDER holds)")
        return 1
    now, failures = estimate_all(nblocks, pathlib.Path(folder), jobs)
    now = {row["id"]: row for row in now}
    columns = ("instructions", "cycles_estimated", "stall_cycles_estimated")
    other = [row["id"] for row in rows
             if row["id"] not in now or any(plain(now[row["id"]][c]) != row[c] for c in columns)]
    print(f"{len(rows)} rows, {len(other)} with another estimate" + "".join("\n  " + one for one in other[:20]))
    return 1 if other or failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nblocks")
    parser.add_argument("folder", nargs="?", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    if options.check:
        return check(options.nblocks, options.jobs)
    if options.folder is None:
        parser.error("FOLDER is missing")
    rows, failures = estimate_all(options.nblocks, options.folder, options.jobs)
    TABLE.write_text(table_text(rows), encoding="utf-8")
    print(f"{len(rows)} rows written to {TABLE.relative_to(ROOT)}, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
