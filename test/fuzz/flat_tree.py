"""A TFLite file as a tree of tables that can be changed freely and written again.

The layout of the tables is the one that tools/gen_tflite_schema.py reads out of the PyPI package `tflite`. Strings are
bytes, vectors of scalars numpy arrays, vectors of tables lists; a field that the file leaves out is not there.
"""
import importlib.util
import pathlib
import struct
import sys

import flatbuffers
import numpy as np
import tflite

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import gen_tflite_schema  # noqa: E402

SCALARS = {"bool": ("?", "Bool"), "std::int8_t": ("b", "Int8"), "std::uint8_t": ("B", "Uint8"),
           "std::int16_t": ("h", "Int16"), "std::uint16_t": ("H", "Uint16"), "std::int32_t": ("i", "Int32"),
           "std::uint32_t": ("I", "Uint32"), "std::int64_t": ("q", "Int64"), "std::uint64_t": ("Q", "Uint64"),
           "float": ("f", "Float32"), "double": ("d", "Float64")}


class Field:
    """What a field holds: kind is scalar, vector, string, table, tables or union; `of` the scalar or the table."""

    def __init__(self, name, cpp, slot):
        self.name, self.slot, self.of = name, int(slot), None
        kind, _, rest = cpp.partition("<")
        self.of = rest[:-1] if rest else None
        self.kind = {"ScalarField": "scalar", "VectorField": "vector", "StringField": "string", "TableField": "table",
                     "TableVectorField": "tables", "UnionField": "union"}.get(kind)


def read_layouts():
    folder = pathlib.Path(importlib.util.find_spec("tflite").origin).parent
    layouts = {}
    for path in folder.glob("*.py"):
        fields = gen_tflite_schema.parse_table(path.read_text(encoding="utf-8"))
        if fields is not None and path.stem not in ("__init__", "utils"):
            layouts[path.stem] = [Field(name, cpp, slot) for name, cpp, slot, _ in fields]
    return layouts


LAYOUTS = read_layouts()
UNIONS = {union: {value: name for name, value in vars(getattr(tflite, union)).items() if not name.startswith("_")}
          for union in ("BuiltinOptions", "BuiltinOptions2")}


class Table:
    def __init__(self, name, **values):
        self.name, self.values = name, values

    def get(self, field, otherwise=None):
        return self.values.get(field, otherwise)

    def __getitem__(self, field):
        return self.values[field]

    def __setitem__(self, field, value):
        self.values[field] = value

    def __contains__(self, field):
        return field in self.values


class Reader:
    def __init__(self, data):
        self.data = data

    def number(self, code, at):
        return struct.unpack_from("<" + code, self.data, at)[0]

    def follow(self, at):
        return at + self.number("I", at)

    def bytes_at(self, at):
        size = self.number("I", at)
        return self.data[at + 4:at + 4 + size]

    def table(self, name, at):
        table = Table(name)
        vtable = at - self.number("i", at)
        size = self.number("H", vtable)
        unions = []
        for field in LAYOUTS[name]:
            offset = self.number("H", vtable + field.slot) if field.slot < size else 0
            if offset == 0 or field.kind is None:
                continue
            if field.kind == "union":
                unions.append((field.name, at + offset))
            else:
                table[field.name] = self.value(field, at + offset)
        for union, where in unions:  # its tag is read by now
            member = UNIONS.get(union, {}).get(table.get(union + "Type", 0))
            if member in LAYOUTS:
                table[union] = self.table(member, self.follow(where))
        return table

    def value(self, field, at):
        if field.kind == "scalar":
            return self.number(SCALARS[field.of][0], at)
        at = self.follow(at)
        if field.kind == "string":
            return bytes(self.bytes_at(at))
        if field.kind == "table":
            return self.table(field.of, at)
        count = self.number("I", at)
        if field.kind == "tables":
            return [self.table(field.of, self.follow(at + 4 + 4 * i)) for i in range(count)]
        return np.frombuffer(self.data, np.dtype("<" + SCALARS[field.of][0]), count, at + 4).copy()


def read(data):
    reader = Reader(data)
    return reader.table("Model", reader.follow(0))


def write_vector(builder, field, values):
    code = SCALARS[field.of][0]
    values = np.ascontiguousarray(np.asarray(values).astype(np.dtype("<" + code)))
    if len(values) and code == "B":
        return builder.CreateByteVector(values.tobytes())
    if len(values):
        return builder.CreateNumpyVector(values)
    builder.StartVector(values.dtype.itemsize, 0, values.dtype.itemsize)
    return builder.EndVector()


def write_table(builder, table):
    fields = {field.name: field for field in LAYOUTS[table.name]}
    made = []
    for name, value in table.values.items():
        field = fields[name]
        if field.kind == "scalar":
            made.append((field, value))
        elif field.kind == "string":
            made.append((field, builder.CreateString(value)))
        elif field.kind == "vector":
            made.append((field, write_vector(builder, field, value)))
        elif field.kind == "tables":
            offsets = [write_table(builder, child) for child in value]
            builder.StartVector(4, len(offsets), 4)
            for offset in reversed(offsets):
                builder.PrependUOffsetTRelative(offset)
            made.append((field, builder.EndVector()))
        else:
            made.append((field, write_table(builder, value)))
    builder.StartObject((max((field.slot for field in fields.values()), default=2) - 4) // 2 + 1)
    for field, value in made:
        slot = (field.slot - 4) // 2
        if field.kind == "scalar":
            code, kind = SCALARS[field.of]
            value = bool(value) if code == "?" else np.array(value).astype(np.dtype("<" + code)).item()
            getattr(builder, "Prepend" + kind)(value)
            builder.Slot(slot)
        else:
            builder.PrependUOffsetTRelativeSlot(slot, value, 0)
    return builder.EndObject()


def write(model):
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(write_table(builder, model), b"TFL3")
    return bytes(builder.Output())
