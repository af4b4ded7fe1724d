"""Keras files that are cut, flipped or lie: each ends in a diagnostic, in time, and never in a signal.

Seeds are the example models' .keras and .h5 files. Mutants of the HDF5 bytes go through nblocks-hdf5; mutants of the
configuration change members, sizes and references, nest deep, or name what is not there.

usage: bad_keras.py NBLOCKS [--only TEXT]
"""
import io
import json
import os
import random
import struct
import sys
import zipfile

from checks import EXAMPLES, Skipped, main, test

SEEDS = ["bearing/bearing_keras", "room/room_keras_gru", "room/room_keras_lstm"]
FLIPS = 60


def seed(name, suffix):
    return (EXAMPLES / f"{name}{suffix}").read_bytes()


def entries(content):
    archive = zipfile.ZipFile(io.BytesIO(content))
    return {name: archive.read(name) for name in archive.namelist()}


def archive_of(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def need_hdf5(c):
    end = c.run("analyze", EXAMPLES / "room/room_keras_gru.h5")
    if end is not None and end.code == 5:
        raise Skipped("nblocks-hdf5 is not built")


def with_config(c, name, change, model=SEEDS[0]):
    """The path of a .keras file whose configuration `change` has been at."""
    files = entries(seed(model, ".keras"))
    config = json.loads(files["config.json"])
    changed = change(config)
    files["config.json"] = changed if isinstance(changed, (bytes, str)) else json.dumps(config)
    path = c.path(name)
    path.write_bytes(archive_of(files))
    return path


def refused(c, path, label):
    end = c.run("analyze", path, "--json")
    c.check(end is not None, f"{label}: does not end")
    if end is None:
        return
    c.check(end.code in (0, 2, 3, 4), f"{label}: exit {end.code}: {end.err[:300]}{end.out[-300:]}")
    if end.code:
        said = [d for d in json.loads(end.out)["diagnostics"] if d["severity"] == "error"]
        c.check(bool(said), f"{label}: no reason is given")
        c.check(all(d["kind"] != "internal" for d in said), f"{label}: {said}")


@test
def seeds_are_read(c):
    need_hdf5(c)
    for name in SEEDS:
        for suffix in (".keras", ".h5"):
            c.expect(0, None, "analyze", EXAMPLES / f"{name}{suffix}")


@test
def truncated(c):
    need_hdf5(c)
    for suffix in (".h5", ".keras"):
        content = seed(SEEDS[1], suffix)
        for k in range(1, 24):
            path = c.path(f"cut{suffix}")
            path.write_bytes(content[:len(content) * k // 24])
            refused(c, path, f"{suffix} cut at {k}/24")
    weights = entries(seed(SEEDS[1], ".keras"))
    for k in range(0, 24, 3):
        path = c.path("cut_inside.keras")
        path.write_bytes(archive_of({**weights, "model.weights.h5": weights["model.weights.h5"][:len(weights["model.weights.h5"]) * k // 24]}))
        refused(c, path, f"weights cut at {k}/24")


@test
def flipped(c):
    """Bits anywhere, and whole words at the places where superblocks, headers and heaps keep offsets and sizes."""
    need_hdf5(c)
    rng = random.Random(7)
    content = seed(SEEDS[2], ".h5")
    words = [0, 1, 0xFF, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 0x7FFFFFFFFFFFFFFF, len(content), len(content) - 1]
    for k in range(FLIPS):
        mutant = bytearray(content)
        for _ in range(rng.randint(1, 3)):
            # Most of what steers reading stands in the front.
            at = rng.randrange(min(len(mutant), 12000) if rng.random() < 0.8 else len(mutant)) & ~7
            if rng.random() < 0.5:
                mutant[at] ^= 1 << rng.randrange(8)
            else:
                mutant[at:at + 8] = struct.pack("<Q", rng.choice(words))[:len(mutant) - at]
        path = c.path("flipped.h5")
        path.write_bytes(bytes(mutant))
        refused(c, path, f"flip {k}")


@test
def configurations(c):
    need_hdf5(c)
    layers = lambda config: config["config"]["layers"]  # noqa: E731

    def each(key, value):
        def change(config):
            for layer in layers(config):
                if key in layer["config"]:
                    layer["config"][key] = value
        return change

    for key, values in {"kernel_size": [[0], [-1], [1 << 40], "3", None, [[3]], []], "filters": [0, -3, 1 << 62, "8", None, 2.5],
                        "units": [0, -1, 1 << 50, [3], None], "strides": [[0], [1 << 50], {}], "padding": ["sideways", 3, None],
                        "activation": ["mystery", 7, {"class_name": "Riddle", "config": {}}, {"class_name": "function"}, []],
                        "use_bias": [1, "yes", None], "dilation_rate": [[0], [-2]], "groups": [0, 7, -1], "name": [7, ""],
                        "dtype": [{"class_name": "QuantizedDTypePolicy", "config": {}}, 3], "batch_shape": [[], [None], [1 << 60] * 3, [None] * 12, "x", [-3, 4]]}.items():
        for value in values:
            refused(c, with_config(c, "member.keras", each(key, value)), f"{key} = {value!r}")
    refused(c, with_config(c, "empty.keras", lambda config: config["config"].update(layers=[])), "no layers")
    refused(c, with_config(c, "text.keras", lambda config: config["config"].update(layers="abc")), "layers are a text")
    refused(c, with_config(c, "twice.keras", lambda config: layers(config).append(layers(config)[-1])), "a layer twice")
    for text in (b"", b"[]", b"{", b"{}", b"null", b'{"class_name": "Sequential"}', b'{"class_name": "Sequential", "config": 3}',
                 b"\xff\xfe\x00", b"[" * 100000, b'{"a":' * 5000 + b"1" + b"}" * 5000,
                 b'{"class_name": "Functional", "config": {"layers": [], "input_layers": [], "output_layers": [["a", 0, 0]]}}'):
        refused(c, with_config(c, "json.keras", lambda _config, text=text: text), f"config {text[:60]!r}")


@test
def deep_models(c):
    """Models within models, and wrappers within wrappers, are bounded."""
    need_hdf5(c)

    def nested(config):
        inner = {"module": "keras", "class_name": "Sequential", "config": {"name": "m", "layers": [json.loads(json.dumps(config["config"]["layers"][-1]))]}}
        for i in range(60):
            inner = {"module": "keras", "class_name": "Sequential", "config": {"name": f"m{i}", "layers": [inner]}}
        config["config"]["layers"].append(inner)

    def wrapped(config):
        inner = config["config"]["layers"][-1]
        for i in range(60):
            inner = {"module": "keras.layers", "class_name": "TimeDistributed", "config": {"name": f"t{i}", "layer": inner}}
        config["config"]["layers"].append(inner)

    for name, change in (("nested.keras", nested), ("wrapped.keras", wrapped)):
        end = c.expect(3, "limit-exceeded", "analyze", with_config(c, name, change))
        c.check(end is not None, f"{name} does not end")


@test
def cycles_and_references(c):
    need_hdf5(c)
    tensor = lambda name, call=0, index=0: {"class_name": "__keras_tensor__", "config": {"keras_history": [name, call, index]}}  # noqa: E731

    def functional(*layers, outputs):
        first = {"class_name": "InputLayer", "name": "x", "config": {"name": "x", "batch_shape": [None, 4], "dtype": "float32"}, "inbound_nodes": []}
        made = [first] + [{"class_name": kind, "name": name, "config": {"name": name, **config},
                           "inbound_nodes": [{"args": [t], "kwargs": {}}]} for name, kind, config, t in layers]
        return json.dumps({"class_name": "Functional", "config": {"name": "f", "layers": made, "input_layers": ["x", 0, 0], "output_layers": outputs}})

    relu = ("ReLU", {})
    for label, text in {
        "cycle": functional(("a", *relu, tensor("b")), ("b", *relu, tensor("a")), outputs=["b", 0, 0]),
        "itself": functional(("a", *relu, tensor("a")), outputs=["a", 0, 0]),
        "missing layer": functional(("a", *relu, tensor("nobody")), outputs=["a", 0, 0]),
        "missing call": functional(("a", *relu, tensor("x", 5)), outputs=["a", 0, 0]),
        "missing output": functional(("a", *relu, tensor("x", 0, 3)), outputs=["a", 0, 0]),
        "negative": functional(("a", *relu, tensor("x", -1, -1)), outputs=["a", 0, -1]),
        "no output": functional(("a", *relu, tensor("x")), outputs=["b", 0, 0]),
        "no tensor": functional(("a", *relu, 7), outputs=["a", 0, 0]),
        "deep arguments": functional(("a", *relu, json.loads("[" * 150 + "1" + "]" * 150)), outputs=["a", 0, 0]),
        "huge": functional(("a", "RepeatVector", {"n": 1 << 40}, tensor("x")), outputs=["a", 0, 0]),
        "huger": functional(("a", "ZeroPadding1D", {"padding": 1 << 40}, tensor("x")), outputs=["a", 0, 0]),
    }.items():
        path = with_config(c, "graph.keras", lambda _config, text=text: text)
        end = c.expect(3, None, "analyze", path)
        c.check(end is not None and end.code == 3, f"{label} is taken")


@test
def what_is_not_translated_is_listed(c):
    need_hdf5(c)

    def change(config):
        layers = config["config"]["layers"]
        for i, kind in ((1, "Lambda"), (2, "Mystery")):
            layers[i] = {"class_name": kind, "config": {"name": f"odd_{kind}"}, "name": f"odd_{kind}",
                         "inbound_nodes": layers[i].get("inbound_nodes", [])}

    c.expect(3, "unsupported-operator", "analyze", with_config(c, "odd.keras", change, SEEDS[1]), says=["Lambda", "odd_Lambda", "Mystery", "odd_Mystery"])


@test
def weights(c):
    need_hdf5(c)
    files = entries(seed(SEEDS[1], ".keras"))
    other = entries(seed(SEEDS[2], ".keras"))
    path = c.path("swapped.keras")
    path.write_bytes(archive_of({**files, "model.weights.h5": other["model.weights.h5"]}))
    c.expect(3, None, "analyze", path, says=["weight"])
    path.write_bytes(archive_of({k: v for k, v in files.items() if k != "model.weights.h5"}))
    c.expect(3, "malformed-file", "analyze", path, says=["model.weights.h5"])
    path = c.path("weights.h5")
    path.write_bytes(files["model.weights.h5"])
    c.expect(3, "unsupported-feature", "analyze", path, says=["model_config", "model.save"])


@test
def dimensions(c):
    need_hdf5(c)

    lengths = []

    def open_length(config):
        shape = config["config"]["layers"][0]["config"]["batch_shape"]
        lengths.append(shape[1])
        shape[1] = None

    path = with_config(c, "open.keras", open_length, SEEDS[1])
    end = c.expect(3, "dynamic-shape", "analyze", path, says=["--dim"])
    if end is None:
        return
    name = end.err.split("--dim ")[1].split("=")[0]
    c.expect(0, None, "analyze", path, "--dim", f"{name}={lengths[0]}")
    c.expect(2, "usage", "analyze", path, "--dim", "nothing=8")


@test
def without_the_reader(c):
    """Where nblocks-hdf5 is not beside nblocks, the message names what to install."""
    bare = c.path("bare")
    bare.mkdir()
    os.link(c.nblocks, bare / "nblocks") if os.stat(c.nblocks).st_dev == os.stat(bare).st_dev else (bare / "nblocks").write_bytes(open(c.nblocks, "rb").read())
    os.chmod(bare / "nblocks", 0o755)
    own, c.nblocks = c.nblocks, bare / "nblocks"
    try:
        c.expect(5, "tool-missing", "analyze", EXAMPLES / "room/room_keras_gru.keras", says=["libhdf5-dev"])
    finally:
        c.nblocks = own


@test
def saved_models(c):
    folder = c.path("saved")
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"\x08\x01")
    c.expect(3, "unknown-format", "analyze", folder, says=["SavedModel", "from_saved_model"])


if __name__ == "__main__":
    sys.exit(main())
