"""Files of torch.jit.save and torch.save, made without PyTorch: their pickles, storages and code, whole or broken on
purpose.
"""
import io
import pathlib
import re
import struct
import zipfile

import numpy as np

STORAGES = {"float32": "FloatStorage", "float64": "DoubleStorage", "int64": "LongStorage", "int32": "IntStorage",
            "bool": "BoolStorage", "uint8": "ByteStorage", "int8": "CharStorage"}
DTYPES = {"float32": "f32", "int64": "i64", "int32": "i32", "bool": "bool", "float64": "f64"}


class Object:
    """An instance of a class of the code: Object("__torch__.a", "Net", weight=array, layer=Object(...))."""

    def __init__(self, module, name, **attributes):
        self.module, self.name, self.attributes = module, name, attributes


class View:
    """A tensor as the pickle gives it, right or wrong."""

    def __init__(self, array, sizes=None, strides=None, offset=0, key=None, elements=None):
        self.array = np.ascontiguousarray(array)
        self.sizes = self.array.shape if sizes is None else sizes
        self.strides = [s // self.array.itemsize for s in self.array.strides] if strides is None else strides
        self.offset, self.key, self.elements = offset, key, elements


class Pickler:
    """Writes protocol 2 as torch.jit.save does, without memo."""

    def __init__(self):
        self.out, self.storages = b"\x80\x02", []

    def text(self, value):
        data = value.encode()
        self.out += b"X" + struct.pack("<I", len(data)) + data

    def name(self, module, name):
        self.out += f"c{module}\n{name}\n".encode()

    def tensor(self, view):
        key = len(self.storages) if view.key is None else view.key
        self.storages.append(view.array.tobytes())
        self.name("torch._utils", "_rebuild_tensor_v2")
        self.out += b"(("
        self.text("storage")
        self.name("torch", STORAGES[view.array.dtype.name])
        self.text(str(key))
        self.text("cpu")
        self.value(view.array.size if view.elements is None else view.elements)
        self.out += b"tQ"
        self.value(view.offset)
        self.value(tuple(view.sizes))
        self.value(tuple(view.strides))
        self.out += b"\x89"
        self.name("collections", "OrderedDict")
        self.out += b")RtR"

    def value(self, value):
        if value is None:
            self.out += b"N"
        elif isinstance(value, bool):
            self.out += b"\x88" if value else b"\x89"
        elif isinstance(value, int):
            self.out += b"J" + struct.pack("<i", value) if -2**31 <= value < 2**31 else b"\x8a\x08" + struct.pack("<q", value)
        elif isinstance(value, float):
            self.out += b"G" + struct.pack(">d", value)
        elif isinstance(value, str):
            self.text(value)
        elif isinstance(value, (list, tuple)):
            self.out += b"](" if isinstance(value, list) else b"("
            for item in value:
                self.value(item)
            self.out += b"e" if isinstance(value, list) else b"t"
        elif isinstance(value, dict):
            self.out += b"}("
            for key, item in value.items():
                self.value(key)
                self.value(item)
            self.out += b"u"
        elif isinstance(value, Object):
            self.name(value.module, value.name)
            self.out += b")\x81"
            self.value(value.attributes)
            self.out += b"b"
        elif isinstance(value, View):
            self.tensor(value)
        else:
            self.tensor(View(np.asarray(value)))


def pickled(value):
    """(bytes of the pickle, its storages)"""
    pickler = Pickler()
    pickler.value(value)
    return pickler.out + b".", pickler.storages


def archive(entries, top="model"):
    """A zip of {name: bytes or text}, stored but for code."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, content in entries.items():
            kind = zipfile.ZIP_DEFLATED if name.startswith("code/") else zipfile.ZIP_STORED
            file.writestr(zipfile.ZipInfo(f"{top}/{name}" if top else name), content, kind)
    return out.getvalue()


def program(root, code, constants=(), change=None):
    """A TorchScript archive: the root object, {"__torch__/a.py": text}, the tensors of CONSTANTS; `change` may edit the
    entries before they are written."""
    data, storages = pickled(root)
    constant_data, constant_storages = pickled(tuple(constants))
    entries = {"data.pkl": data, "constants.pkl": constant_data, "version": "3\n"}
    entries.update({f"data/{i}": content for i, content in enumerate(storages)})
    entries.update({f"constants/{i}": content for i, content in enumerate(constant_storages)})
    entries.update({f"code/{name}": text for name, text in code.items()})
    if change:
        change(entries)
    return archive(entries)


def network(body, arguments="x: Tensor", attributes="", members=None, more="", constants=(), change=None):
    """A program of one class: `body` are the lines of its forward, `attributes` lines of its class, `more` code before it."""
    lines = "\n".join("    " + line for line in body.strip("\n").splitlines())
    text = (more + "class Net(Module):\n  __parameters__ = []\n  __buffers__ = []\n" +
            "".join(f"  {line}\n" for line in attributes.splitlines()) +
            f"  def forward(self: __torch__.net.Net,\n    {arguments}) -> Tensor:\n{lines}\n")
    return program(Object("__torch__.net", "Net", **(members or {})), {"__torch__/net.py": text}, constants, change)


def input_names(path):
    """The tensors that a TorchScript file's forward takes, in order."""
    with zipfile.ZipFile(path) as file:
        name = next(n for n in file.namelist() if n.endswith("/data.pkl") or n == "data.pkl")
        module, kind = re.match(rb"\x80\x02c([^\n]+)\n([^\n]+)\n", file.read(name)).groups()
        code = file.read(name.removesuffix("data.pkl") + "code/" + module.decode().replace(".", "/") + ".py").decode()
    body = code[re.search(rf"^class {kind.decode()}\(", code, re.M).start():]
    signature = re.search(r"def forward\(\w+: [\w.]+,(.*?)\) -> ", body, re.S)[1]
    return re.findall(r"(\w+): (?:Optional\[)?Tensor", signature)


def is_traced(path):
    """Whether the file carries the sizes of the example that it was traced with."""
    with zipfile.ZipFile(path) as file:
        return any(name.endswith("/traced_inputs.pkl") for name in file.namelist())


def shape_options(path, inputs):
    """--input-shape for each of meta.json's inputs: [name, shape, dtype]."""
    options = []
    for name, (_, shape, dtype) in zip(input_names(path), inputs, strict=True):
        options += ["--input-shape", f"{name}={','.join(map(str, shape))}:{DTYPES[dtype]}"]
    return options


if __name__ == "__main__":
    import sys

    print(input_names(pathlib.Path(sys.argv[1])))
