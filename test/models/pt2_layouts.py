"""Exported programs (.pt2) as earlier PyTorch lays them out, made from those of today without PyTorch.

2.6 and 2.7: serialized_exported_program.json, serialized_state_dict.pt, serialized_constants.pt and the example inputs, all at
the top; the .pt files are archives of torch.save. 2.8: the folders of today, with data/weights/NAME.pt and data/constants/NAME.pt
of torch.save. Nodes get their names later, kinds of arguments too, and numbers that JSON does not have are bare words in 2.6.
"""
import io
import json
import zipfile

import numpy as np

from torch_archive import Pickler, View, archive

DTYPES = {1: np.uint8, 2: np.int8, 3: np.int16, 4: np.int32, 5: np.int64, 7: np.float32, 8: np.float64, 12: np.bool_}
BARE = {f'"{word}"': word for word in ("Infinity", "-Infinity", "NaN")}


class Saved(Pickler):
    """Writes as torch.save does: dicts with the parameters among them, each storage once."""

    def __init__(self):
        super().__init__()
        self.keys = {}

    def dictionary(self, tensors):
        """{name: (storage's bytes, dtype, sizes, strides, offset, is_param)}"""
        self.name("collections", "OrderedDict")
        self.out += b")R("
        for name, tensor in tensors.items():
            self.text(name)
            self.stored(*tensor)
        self.out += b"u"
        self.out += b"}("
        self.text("_metadata")
        self.name("collections", "OrderedDict")
        self.out += b")Rub"

    def stored(self, content, dtype, sizes, strides, offset, is_param):
        array = np.frombuffer(content, dtype)
        key = self.keys.setdefault((content, dtype), len(self.keys))
        if is_param:
            self.name("torch._utils", "_rebuild_parameter")
            self.out += b"("
        count = len(self.storages)
        self.tensor(View(array, sizes, strides, offset, key))
        if key < count:
            self.storages.pop()
        if is_param:
            self.out += b"\x88"
            self.name("collections", "OrderedDict")
            self.out += b")RtR"

    def file(self, change=None, top="archive"):
        entries = {"data.pkl": self.out + b".", "byteorder": "little", "version": "3\n", ".data/serialization_id": "0" * 40}
        entries.update({f"data/{i}": content for i, content in enumerate(self.storages)})
        if change:
            change(entries)
        return archive(entries, top)


def saved(tensors, change=None):
    pickler = Saved()
    pickler.dictionary(tensors)
    return pickler.file(change)


def saved_tensor(tensor):
    pickler = Saved()
    pickler.stored(*tensor)
    return pickler.file()


def parts(path):
    """(program as JSON, weights, constants) of a file of PyTorch 2.13."""
    with zipfile.ZipFile(path) as file:
        content = {name.split("/", 1)[1]: file.read(name) for name in file.namelist()}
    tensors = []
    for folder in ("weights", "constants"):
        rows = json.loads(content[f"data/{folder}/model_{folder}_config.json"])["config"]
        tensors.append({})
        for name, row in rows.items():
            meta = row["tensor_meta"]
            sizes, strides = ([n["as_int"] for n in meta[key]] for key in ("sizes", "strides"))
            tensors[-1][name] = (content[f"data/{folder}/{row['path_name']}"], DTYPES[meta["dtype"]], sizes, strides,
                                 meta["storage_offset"]["as_int"], row["is_param"])
    return json.loads(content["models/model.json"]), *tensors


def as_of(program, version):
    """The program without what versions before 2.8 do not write, and its text."""
    program = json.loads(json.dumps(program))
    program["torch_version"], program["schema_version"] = version, {"major": 8, "minor": 3 if version == "2.6.0" else 8}
    program.pop("guards_code", None)

    def strip(graph):
        for node in graph["nodes"]:
            node.pop("name", None)
            node.pop("is_hop_single_tensor_return", None)
            for argument in node["inputs"]:
                argument.pop("kind", None)
                if "as_graph" in argument["arg"]:
                    strip(argument["arg"]["as_graph"]["graph"])
    strip(program["graph_module"]["graph"])
    text = json.dumps(program)
    if version == "2.6.0":
        for quoted, bare in BARE.items():
            text = text.replace(quoted, bare)
    return text


def flat(program, weights, constants, version="2.7.1", change=None):
    """The file as torch.export.save of 2.6 and 2.7 writes it."""
    entries = {"serialized_exported_program.json": as_of(program, version), "serialized_state_dict.pt": saved(weights),
               "serialized_constants.pt": saved(constants), "serialized_example_inputs.pt": saved({}),
               "version": "8.3" if version == "2.6.0" else "8.8"}
    if change:
        change(entries)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return out.getvalue()


def folders(program, weights, constants, change=None):
    """The file as torch.export.save of 2.8 writes it."""
    entries = {"data/weights/model.pt": saved(weights), "data/constants/model.pt": saved(constants),
               "models/model.json": as_of(program, "2.8.0"), "data/sample_inputs/model.pt": saved({}),
               "archive_format": "pt2", "archive_version": "0", ".data/version": "6\n", "byteorder": "little"}
    if change:
        change(entries)
    return archive(entries, "package")
