"""`compare --against`: what changed since a kept report, why, and bounds on it; reports that are none.

usage: history_test.py NBLOCKS
"""
import json
import re
import sys

import numpy as np
import onnx
from checks import EXAMPLES, INT8, main, test
from onnx import numpy_helper

MLP = EXAMPLES / "mlp/mlp.onnx"
BOARD = ["--board", "nucleo-l4r5zi"]
BOARDS = ["--boards", "nucleo-l4r5zi,rpi-pico,rpi-pico2"]


def kept(c, name, *words, code=0):
    """The report of a command, and its file."""
    path = c.path(name)
    end = c.run(*words, "--report", path, "-q", limit=False)
    c.check(end.code == code, f"{words}: exit {end.code}, not {code}: {end.err[:300]}")
    return path, json.loads(path.read_text())


def history(c, *words, code=0):
    """The section `history` of a comparison."""
    end = c.run("compare", *words, "--json", "-q", limit=False)
    c.check(end.code == code, f"{words}: exit {end.code}, not {code}: {(end.err or end.out)[:400]}")
    return json.loads(end.out)["history"]


def value_at(report, pointer):
    for step in pointer.split("/")[1:]:
        report = report[int(step) if isinstance(report, list) else step]
    return report


def figure(section, name, program=0):
    return next(one for one in section["programs"][program]["figures"] if one["name"] == name and one["of"] is None)


def check_figures(c, section, old, new):
    """Each figure is what both reports have where it says, and the change that follows."""
    count = 0
    for program in section["programs"]:
        for one in program["figures"] + [one for layer in program["layers"] for one in layer["figures"]]:
            for side, report in (("old", old), ("new", new)):
                if one[side] is not None and report is not None:
                    c.check(value_at(report, one[side + "_path"]) == one[side], f"{side} of {one}")
                    count += 1
            if one["old"] and one["new"] is not None:
                wanted = (one["new"] - one["old"]) / one["old"]
                c.check(abs(one["change"] - wanted) <= 1e-5 * abs(wanted), f"{one} changed by {wanted}")
    c.check(count > 5, f"only {count} figures")


def other_model(c, scale):
    """The same network with other weights."""
    model = onnx.load(MLP)
    for constant in model.graph.initializer:
        array = numpy_helper.to_array(constant)
        constant.CopyFrom(numpy_helper.from_array((array * scale).astype(array.dtype), constant.name))
    path = c.path("mlp.onnx")
    onnx.save(model, path)
    return path


def reasons(section, difference="some"):
    return [one["sentence"]["en"] for one in section["reasons"] if one["difference"] == difference]


@test
def nothing_changed(c):
    path, report = kept(c, "run.json", "run", INT8, *BOARD)
    again, _ = kept(c, "again.json", "run", INT8, *BOARD)
    section = history(c, again, "--against", path, "--max-slower", "0%", "--max-larger", "0%")
    check_figures(c, section, report, report)
    c.check(section["is_same"] and section["changed"] == 0 and section["compared"] == 1, f"{section}")
    c.check(not reasons(section) and not reasons(section, "unknown"), f"{section['reasons']}")
    c.check(all(gate["is_kept"] and gate["worst"] == 0 for gate in section["gates"]) and len(section["gates"]) == 2, f"{section['gates']}")
    text = c.run("compare", again, "--against", path, limit=False).out
    c.check("Nothing changed: all" in text and "Model: the same file, SHA-256" in text, text)


@test
def runs_of_two_cores(c):
    old_path, old = kept(c, "old.json", "run", INT8, *BOARD)
    new_path, new = kept(c, "new.json", "run", INT8, "--board", "nucleo-f103rb")
    section = history(c, new_path, "--against", old_path)
    check_figures(c, section, old, new)
    program = section["programs"][0]
    c.check(not section["is_same"] and section["changed"] == 1, f"{section}")
    c.check((program["old_board"], program["board"]) == ("nucleo-l4r5zi", "nucleo-f103rb"), f"{program}")
    c.check(figure(section, "cycles")["is_better"] is False, f"{figure(section, 'cycles')}")
    shares = [layer["share_of_change"] for layer in program["layers"]]
    c.check(abs(sum(shares) - 1) < 0.02 and shares == sorted(shares, key=abs, reverse=True), f"{shares}")
    kernels = {word["new"] for layer in program["layers"] for word in layer["words"] if word["name"] == "kernel"}
    c.check(any("dsp" not in name for name in kernels), f"{kernels}")
    c.check(any("Flags of the compiler" in one for one in reasons(section)), f"{section['reasons']}")
    c.check(any("Clock: 72.0 MHz, was 120." in one["en"] for one in program["conditions"]), f"{program['conditions']}")
    table = c.run("compare", new_path, "--against", old_path, "-q", limit=False).out
    for one in (f"{old['instructions']:,}", f"{new['instructions']:,}", f"{new['flash']['total_bytes']:,}"):
        c.check(one in table, f"{one} is not in {table}")


@test
def another_model_of_the_same_name(c):
    old_path, old = kept(c, "old.json", "run", MLP, *BOARD)
    new_path, new = kept(c, "new.json", "run", other_model(c, 0.5), *BOARD)
    section = history(c, new_path, "--against", old_path)
    check_figures(c, section, old, new)
    digests = [report["report"]["files"][0]["sha256"][:12] for report in (old, new)]
    c.check(len(reasons(section)) == 1 and all(one in reasons(section)[0] for one in digests), f"{section['reasons']}")
    # Another name too: both are set beside each other, and the summary says so.
    third, _ = kept(c, "third.json", "run", INT8, *BOARD)
    section = history(c, third, "--against", old_path)
    c.check((section["programs"][0]["old_program"], section["programs"][0]["program"]) == ("mlp", "digits_int8"), f"{section['programs'][0]}")
    c.check("digits_int8 stands beside mlp of the older report." in [one["en"] for one in section["summary"]], f"{section['summary']}")
    c.check(len(section["programs"][0]["gone_layers"]) == len(old["layers"]), f"{section['programs'][0]['gone_layers']}")


@test
def accuracy(c):
    """A model that lost its weights loses its accuracy, and the bound says by how many points."""
    shape = [d.dim_value for d in onnx.load(MLP).graph.input[0].type.tensor_type.shape.dim]
    x = np.random.default_rng(1).random((64, *shape[1:]), np.float32)
    out = c.path("out")
    np.savez(c.path("x.npz"), x=x)
    c.run("run", MLP, "--input", c.path("x.npz"), "-o", out, "-q", limit=False)
    labels = np.load(next(out.glob("*.npy"))).reshape(64, -1).argmax(1)
    np.savez(c.path("xy.npz"), x=x, y=labels)
    old_path, old = kept(c, "old.json", "validate", MLP, "--data", c.path("xy.npz"))
    new_path, new = kept(c, "new.json", "validate", other_model(c, 0), "--data", c.path("xy.npz"))
    lost = 100 * (old["metric"]["program"] - new["metric"]["program"])
    c.check(lost > 1, f"{old['metric']} {new['metric']}")
    section = history(c, new_path, "--against", old_path, "--max-drop", str(lost + 0.1))
    check_figures(c, section, old, new)
    c.check(abs(figure(section, "accuracy")["points_lost"] - lost) < 1e-3, f"{figure(section, 'accuracy')}, not {lost}")
    section = history(c, new_path, "--against", old_path, "--max-drop", str(lost - 0.1), code=6)
    c.check(section["gates"][0]["is_kept"] is False, f"{section['gates']}")
    c.expect(6, "gate-failed", "compare", new_path, "--against", old_path, "--max-drop", "0", says=["points lost", "SHA-256"])
    # It may gain.
    history(c, old_path, "--against", new_path, "--max-drop", "0")
    # A run has no accuracy.
    run_path, _ = kept(c, "run.json", "run", MLP)
    c.expect(2, "usage", "compare", run_path, "--against", old_path, "--max-drop", "1", says=["--max-drop"])


@test
def comparisons_anew(c):
    path, old = kept(c, "old.json", "compare", INT8, *BOARDS)
    words = ["compare", INT8, *BOARDS, "--what-if", "clock=64MHz", "--against", path]
    new_path, new = kept(c, "new.json", *words)
    section = new["history"]
    check_figures(c, section, old, new)
    c.check(section["compared"] == 3 and section["changed"] == 3, f"{section['compared']} {section['changed']}")
    c.check(section["new"]["file"] is None and section["old"]["file"] == str(path), f"{section['old']}")
    c.check(reasons(section) == ["--what-if: clock=64MHz, was not given."], f"{section['reasons']}")
    c.check([one["role"] for one in new["report"]["files"]] == ["model", "against"], f"{new['report']['files']}")
    # The same from both kept reports.
    later = history(c, new_path, "--against", path)
    c.check(later["programs"] == section["programs"] and later["reasons"] == section["reasons"], "kept and made anew differ")
    # What is printed: the table of the comparison, then what changed.
    text = c.run(*words, "-q", limit=False).out
    c.check(text.find("it fits 3 of 3 boards") < text.find("since ") and "rpi-pico2" in text.split("since ")[1], text)
    c.expect(6, "gate-failed", *words, "--max-slower", "5%", says=["2 more figures beyond it", "--what-if"], seconds=60)
    # Fewer boards, and others.
    section = history(c, INT8, "--boards", "rpi-pico,nucleo-f446re", "--against", path)
    c.check(section["compared"] == 1 and section["changed"] == 0, f"{section}")
    c.check(len(section["gone"]) == 2 and section["appeared"] == ["digits_int8 on nucleo-f446re"], f"{section['gone']} {section['appeared']}")
    # A run against the row of its board.
    run_path, run = kept(c, "run.json", "run", INT8, *BOARD)
    section = history(c, run_path, "--against", path, "--max-slower", "0%")
    check_figures(c, section, old, run)
    c.check(len(section["programs"]) == 1 and len(section["gone"]) == 2, f"{section['gone']}")
    c.check("weights_bytes" not in [one["name"] for one in section["programs"][0]["figures"]], "weights mean other things")


@test
def advice(c):
    """Ways to build a model are matched by what they are, wherever they stand in the list."""
    data = EXAMPLES / "mlp/mlp_test.npz"
    words = ["advise", MLP, "--data", data, "--boards", "nucleo-l4r5zi,nucleo-f446re,rpi-pico2", "--check", "0"]
    old_path, old = kept(c, "old.json", *words)
    new_path, new = kept(c, "new.json", *words, "--rank", "latency", "--max-latency", "0.05ms")
    section = history(c, new_path, "--against", old_path, "--max-slower", "0%", "--max-drop", "0")
    check_figures(c, section, old, new)
    ways = len(old["advice"]["ranked"]) + len(old["advice"]["others"])
    c.check(ways > 3 and section["compared"] == ways and not section["gone"] + section["appeared"], f"{section['compared']} of {ways}")
    c.check(section["changed"] > 0, "the order by latency is that by price")
    for program in section["programs"]:
        changed = {one["name"] for one in program["figures"] if one["old"] != one["new"]}
        c.check(changed <= {"rank"}, f"{program['program']} on {program['board']}: {changed}")
        c.check({"accuracy", "latency_ms", "flash_bytes"} <= {one["name"] for one in program["figures"]}, f"{program['figures']}")
    c.check(reasons(section) == ["--max-latency: 0.05ms, was not given.", "--rank: latency, was not given."], f"{section['reasons']}")


@test
def what_does_not_fit_any_more(c):
    """A program that fitted breaks every bound if it does not fit now."""
    path, old = kept(c, "old.json", "compare", INT8, *BOARDS)
    row = old["rows"][1]
    row.update(fits=False, latency_ms_estimated=None, cycles_estimated=None, instructions=None)
    row["flash"]["total_bytes"] = row["ram"]["total_bytes"] = None
    new_path = c.write("new.json", json.dumps(old))
    section = history(c, new_path, "--against", path, "--max-slower", "50%", code=6)
    c.check("It does not fit any more: digits_int8 on rpi-pico." in [one["en"] for one in section["summary"]], f"{section['summary']}")
    c.check(section["gates"][0] == {**section["gates"][0], "worst": None, "is_kept": False, "board": "rpi-pico"}, f"{section['gates']}")
    c.expect(6, "gate-failed", "compare", new_path, "--against", path, "--max-larger", "50%", says=["not known any more", "does not fit"])


@test
def reports_of_a_history(c):
    old, _ = kept(c, "old.json", "run", INT8, *BOARD)
    new, _ = kept(c, "new.json", "run", INT8, "--board", "nucleo-f103rb")
    path, report = kept(c, "history.json", "compare", new, "--against", old, "--max-slower", "0%", code=6)
    said = report["report"]
    c.check([one["role"] for one in said["files"]] == ["report", "against"] and said["tools"] == [], f"{said['files']} {said['tools']}")
    c.check([one["station"] for one in said["steps"]] == ["history"], f"{said['steps']}")
    c.check(all(one in said["results"] for one in report["history"]["summary"]), f"{said['results']}")
    c.check(not any("validate" in one["en"] for one in said["recommendations"]), f"{said['recommendations']}")
    for one in report["history"]["summary"] + [one["sentence"] for one in report["history"]["reasons"]]:
        c.check(one["en"] and one["fr"] and not re.search(r"\{\d\}", one["en"] + one["fr"]), f"{one}")
    # A history has no figures of its own to compare.
    c.expect(2, "bad-report", "compare", path, "--against", old, says=["no figures to compare"])
    page = c.path("history.html")
    end = c.run("report", path, "-o", page)
    c.check("built without the page" in end.err or end.code == 0 and '"history"' in page.read_text(), end.err)


@test
def bad_input(c):
    old, document = kept(c, "old.json", "run", INT8, *BOARD)
    rows, _ = kept(c, "rows.json", "compare", MLP, "--boards", "rpi-pico,rpi-pico2")
    failed, _ = kept(c, "failed.json", "run", c.path("none.onnx"), code=2)
    against = ["--against", old]
    c.expect(2, "file-unreadable", "compare", INT8, "--against", c.path("none.json"))
    c.expect(2, "bad-report", "compare", INT8, "--against", INT8)
    c.expect(2, "bad-report", "compare", old, "--against", c.write("json.json", json.dumps({"ok": True})), says=["is no report"])
    c.expect(2, "bad-report", "compare", c.write("half.json", old.read_text()[:900]), *against, says=["is no JSON object"])
    c.expect(2, "bad-report", "compare", old, "--against", failed, says=["which failed"])
    c.expect(2, "bad-report", "compare", rows, *against, says=["nothing in common", "mlp on rpi-pico", "digits_int8 on nucleo-l4r5zi"])
    for schema, is_read in (({"version": 2, "readable_by": 1}, True), ({"version": 2, "readable_by": 2}, False)):
        document["report"]["schema"].update(schema)
        later = c.write("later.json", json.dumps(document))
        if is_read:
            history(c, old, "--against", later)
        else:
            for words in ([old, "--against", later], [later, *against], [INT8, "--against", later]):
                c.expect(2, "bad-report", "compare", *words, says=["has schema 2", "this version reads 1"])
    c.expect(2, "usage", "compare", old, says=["--against"])
    c.expect(2, "usage", "compare", old, old, *against, says=["one report"])
    c.expect(2, "usage", "compare", INT8, old, *against)
    c.expect(2, "usage", "compare", old, *against, *BOARDS, says=["--boards"])
    c.expect(2, "usage", "compare", old, *against, "--quantize", "int8", says=["--quantize"])
    c.expect(2, "usage", "compare", INT8, "--max-slower", "5%", says=["without --against"])
    for bound in ("5", "-5%", "five%", "", "%"):
        c.expect(2, "usage", "compare", old, *against, f"--max-slower={bound}")
    c.expect(2, "usage", "compare", old, *against, "--max-drop", "-1")
    c.expect(2, "usage", "compare", old, *against, "--max-drop", "nan")
    # Nothing of a terminal's language gets through names, and what is no number is no figure.
    document["report"]["schema"].update(version=1, readable_by=1)
    document["model"], document["board"] = "\x1b[31mred\x07", "\x1b[2J\u202e" + "b" * 5000
    document["layers"][0]["name"] = "\x1b]0;title\x07"
    document["layers"][1] = 7
    document["cycles_estimated"] = "many"
    document["report"]["tools"] = [{"name": "\x1b[1m", "version": 4}]
    end = c.run("compare", c.write("odd.json", json.dumps(document)), *against)
    c.check(end.code == 0 and "\x1b" not in end.out + end.err and "\x07" not in end.out, f"{end.out[:600]!r} {end.err[:300]!r}")


if __name__ == "__main__":
    sys.exit(main())
