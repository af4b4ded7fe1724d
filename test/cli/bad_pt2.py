"""Exported programs (.pt2) in the layouts of PyTorch 2.6 to 2.8: the same programs as from the layout of today, byte by byte;
what is refused by its version; and files made to do harm.

usage: bad_pt2.py NBLOCKS [--only TEXT]
"""
import io
import json
import sys
import zipfile

import numpy as np

from checks import EXAMPLES, ROOT, main, test

sys.path.insert(0, str(ROOT / "test/models"))
from pt2_layouts import as_of, flat, folders, parts, saved, saved_tensor  # noqa: E402
from torch_archive import archive, pickled  # noqa: E402

MLP = EXAMPLES / "mlp/mlp.pt2"
HOST = ("-b", "host")


def generated(c, model, name):
    """{file: bytes} of the program that is generated of a model."""
    folder = c.path(f"{name}_program")
    c.expect(0, None, "generate", model, *HOST, "-q", "--name", "model", "-o", folder)
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@test
def the_same_programs(c):
    for path in sorted(EXAMPLES.glob("*/*.pt2")):
        wanted = generated(c, path, path.stem)
        c.check(len(wanted) > 2, f"{path.name}: {len(wanted)} files")
        program = parts(path)
        for layout, content in [("2.6", flat(*program, version="2.6.0")), ("2.7", flat(*program)), ("2.8", folders(*program))]:
            name = f"{path.stem}_{layout}"
            found = generated(c, c.write(f"{name}/{path.name}", content), name)
            c.check(found == wanted, f"{name}: {[n for n in wanted if found.get(n) != wanted[n]]} differ")


def with_momentum(value):
    """The program of MLP with another momentum of its batch normalizations, which inference does not use."""
    program, weights, constants = parts(MLP)
    program = json.loads(json.dumps(program))
    changed = 0
    for node in program["graph_module"]["graph"]["nodes"]:
        for argument in node["inputs"]:
            if argument["name"] == "momentum":
                argument["arg"], changed = {"as_float": value}, changed + 1
        node["metadata"]["stack_trace"] = 'File "NaN, \\" Infinity.py", line 1, in "-Infinity"'
    assert changed
    return program, weights, constants


@test
def numbers_that_json_does_not_have(c):
    """Bare words in the earliest files, texts in the later ones."""
    wanted = generated(c, MLP, "momentum")
    for i, value in enumerate(["Infinity", "-Infinity", "NaN"]):
        program = with_momentum(value)
        assert f'"as_float": {value}' in as_of(program[0], "2.6.0")
        for version in ("2.6.0", "2.7.1"):
            name = f"momentum_{i}_{version}"
            found = generated(c, c.write(f"{name}/mlp.pt2", flat(*program, version=version)), name)
            c.check(found == wanted, f"{name}: another program")

    def bare(word):
        def change(entries):
            entries["serialized_exported_program.json"] = entries["serialized_exported_program.json"].replace("NaN", word)
        return change
    for i, word in enumerate(["NaNNaN", "--Infinity", "nan", "Infinit", '"', "[" * 100]):
        model = c.write(f"bare{i}.pt2", flat(*with_momentum("NaN"), version="2.6.0", change=bare(word)))
        c.expect(3, "malformed-file", "analyze", model, *HOST)


@test
def versions(c):
    program = parts(MLP)

    def version(text):
        return lambda entries: entries.update(version=text)
    c.expect(0, None, "analyze", c.write("v8.pt2", flat(*program, change=version("8.99\n"))), *HOST)
    for text in ("7.3", "9.1", "80.1", "x"):
        c.expect(3, "unsupported-feature", "analyze", c.write("v.pt2", flat(*program, change=version(text))), *HOST,
                 says=[f"schema {text}", "schema 8 is read", "PyTorch 2.6"])

    def schema(major, path):
        def change(entries):
            text = json.loads(entries[path])
            text["schema_version"]["major"] = major
            entries[path] = json.dumps(text)
        return change
    for write, path in [(flat, "serialized_exported_program.json"), (folders, "models/model.json")]:
        c.expect(3, "unsupported-feature", "analyze", c.write("s.pt2", write(*program, change=schema(9, path))), *HOST,
                 says=["schema 9.8", "PyTorch 2."])
        c.expect(3, "malformed-file", "analyze", c.write("s.pt2", write(*program, change=schema("8", path))), *HOST)
    newer = c.write("a.pt2", folders(*program, change=lambda e: e.update(archive_version="1")))
    c.expect(3, "unsupported-feature", "analyze", newer, *HOST, says=["version 1", "version 0 is read"])
    big = c.write("b.pt2", folders(*program, change=lambda e: e.update(byteorder="big")))
    c.expect(3, "unsupported-feature", "analyze", big, *HOST, says=["big-endian"])


S77 = "Symbol('s77', positive=True, integer=True)"


@test
def symbolic_sizes(c):
    """Sizes as str() and as sympy's srepr() give them have the same names."""
    def sized(text):
        program, weights, constants = parts(MLP)
        program = json.loads(json.dumps(program))
        graph = program["graph_module"]["graph"]
        size = {"as_expr": {"expr_str": text, "hint": {"as_int": 4}}}
        graph["tensor_values"][graph["inputs"][-1]["as_tensor"]["name"]]["sizes"][0] = size
        program["range_constraints"] = {"s77": {"min_val": 2, "max_val": 64}}
        return c.write("sized.pt2", folders(program, weights, constants))

    for text in ("s77", S77):
        end = c.expect(0, None, "analyze", sized(text), *HOST, "--dim", "s77=3")
        c.check("f32[3," in end.out, f"{text}: {end.out[:300]}")
        c.expect(3, "attribute-out-of-range", "analyze", sized(text), *HOST, "--dim", "s77=65", says=["2 to 64"])
        c.expect(2, "usage", "analyze", sized(text), *HOST, "--dim", "s78=3", says=["did you mean `s77`?"])
    for text, plain in [
            (f"Mul(Integer(2), {S77})", "2*s77"), (f"Add({S77}, Integer(-1))", "s77 + -1"),
            (f"Mul(Integer(3), Add({S77}, Symbol('u0', integer=True)))", "3*(s77 + u0)"), (f"Pow({S77}, Integer(2))", "s77**2"),
            (f"FloorDiv({S77}, Integer(2))", "FloorDiv(s77, 2)"), ("Mul(Integer(2),", "Mul(Integer(2),"), ("", ""),
            ("Add(" * 100, "Add("), ("Symbol('a", "Symbol('a"), ("Add()", "Add()"), (")" * 9, ")" * 9)]:
        c.expect(2, "usage", "analyze", sized(text), *HOST, "--dim", "no_name=3", says=[f"there are: {plain}"] if text else [])


def weights_as(content):
    return lambda entries: entries.update({"serialized_state_dict.pt": content})


@test
def broken_weights(c):
    program, weights, constants = parts(MLP)
    name = next(iter(weights))

    def expect(kind, says, change):
        model = c.write("broken.pt2", flat(program, weights, constants, change=change))
        c.expect(3, kind, "analyze", model, *HOST, says=says)

    def inner(edit):
        return weights_as(saved(weights, edit))
    expect("malformed-file", ["no entry `serialized_state_dict.pt`"], lambda e: e.pop("serialized_state_dict.pt"))
    expect("malformed-file", [f"no weights called `{name}`"], weights_as(b""))
    expect("malformed-file", ["is no archive of torch.save"], weights_as(b"\x80\x02}."))
    expect("malformed-file", [], weights_as(saved(weights)[:-30]))
    expect("malformed-file", ["no entry `data.pkl`"], inner(lambda e: e.pop("data.pkl")))
    expect("malformed-file", ["which the archive does not have"], inner(lambda e: e.pop("data/0")))
    expect("malformed-file", ["reaches beyond its storage"], inner(lambda e: e.update({"data/0": e["data/0"][:-4]})))
    expect("unsupported-feature", ["big-endian"], inner(lambda e: e.update(byteorder="big")))
    expect("malformed-file", ["neither a tensor nor a dict"], inner(lambda e: e.update({"data.pkl": pickled([1, 2])[0]})))
    expect("malformed-file", ["no weights called"], inner(lambda e: e.update({"data.pkl": pickled({1: 2, "a": [3]})[0]})))
    expect("unsupported-feature", ["`os.system`", "nothing in a file is run"],
           inner(lambda e: e.update({"data.pkl": b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R."})))
    expect("unsupported-feature", ["_rebuild_from_type_v2"],
           inner(lambda e: e.update({"data.pkl": b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n."})))
    expect("malformed-file", [], inner(lambda e: e.update({"data.pkl": b"\x80\x02" + b"(" * 1000})))
    content, dtype, sizes, strides, offset, is_param = weights[name]
    for i, wrong in enumerate([(content, dtype, sizes, strides, 1 << 40, is_param), (content, dtype, sizes, strides, -1, is_param),
                               (content, dtype, [-1], [1], 0, is_param), (content, dtype, [1 << 62, 1 << 62], [0, 0], 0, is_param),
                               (content, dtype, sizes, [1] * 9, 0, is_param), (content, dtype, [1 << 28], [0], 0, is_param)]):
        model = c.write(f"wrong{i}.pt2", flat(program, {**weights, name: wrong}, constants))
        c.expect(3, None, "analyze", model, *HOST, says=[f"`{name}`"])

    # An archive of zeros, deflated, in place of the weights.
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", bytes(1 << 27))
    expect("malformed-file", [], weights_as(bomb.getvalue()))

    # Any byte of the small entries, and the end anywhere.
    whole = flat(program, weights, constants)
    rng = np.random.default_rng(5)
    for i in range(40):
        broken = bytearray(whole)
        if i % 2:
            broken = broken[:rng.integers(len(broken))]
        else:
            broken[rng.integers(len(broken))] ^= 1 << int(rng.integers(8))
        end = c.run("analyze", c.write("mutated.pt2", bytes(broken)), *HOST)
        c.check(end is not None and end.code in (0, 2, 3), f"mutation {i}: exit {end and end.code}")


@test
def pickled_rows(c):
    """Today's layout with weights that torch.save wrote one by one: plain tensors are read, others refused."""
    wanted = generated(c, MLP, "rows")
    program, weights, _ = parts(MLP)
    name = next(iter(weights))

    def rows(change=None):
        with zipfile.ZipFile(MLP) as file:
            entries = {n.split("/", 1)[1]: file.read(n) for n in file.namelist()}
        config = json.loads(entries["data/weights/model_weights_config.json"])
        row = config["config"][name]
        row["use_pickle"], row["path_name"] = True, "pickled_0"
        entries["data/weights/pickled_0"] = saved_tensor(weights[name])
        entries["data/weights/model_weights_config.json"] = json.dumps(config)
        if change:
            change(entries)
        return archive(entries, "mlp")
    c.check(generated(c, c.write("rows/mlp.pt2", rows()), "rows_pickled") == wanted, "pickled rows: another program")
    for content in (b"", saved(weights), b"\x80\x02N."):
        model = c.write("subclass.pt2", rows(lambda e, content=content: e.update({"data/weights/pickled_0": content})))
        c.expect(3, "unsupported-feature", "analyze", model, *HOST, says=[f"`{name}`", "pickle"])


if __name__ == "__main__":
    sys.exit(main())
