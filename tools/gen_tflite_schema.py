#!/usr/bin/env python3
"""Writes a C++ header with the layout of the TFLite schema: for every table the vtable slot, type and default of
each field, for every enumeration its values and their names. The source is the PyPI package `tflite`, whose modules
the FlatBuffers compiler generated from schema.fbs; they are read as text, not imported.

usage: gen_tflite_schema.py OUTPUT.h
"""

import importlib.metadata
import importlib.util
import pathlib
import re
import sys

SCALARS = {
    "Bool": "bool",
    "Int8": "std::int8_t",
    "Uint8": "std::uint8_t",
    "Int16": "std::int16_t",
    "Uint16": "std::uint16_t",
    "Int32": "std::int32_t",
    "Uint32": "std::uint32_t",
    "Int64": "std::int64_t",
    "Uint64": "std::uint64_t",
    "Float32": "float",
    "Float64": "double",
}
KEYWORDS = {
    "and", "auto", "bool", "case", "char", "class", "const", "default", "delete", "double", "else", "enum",
    "explicit", "export", "float", "for", "if", "int", "long", "new", "not", "operator", "or", "private", "public",
    "register", "return", "short", "signed", "static", "struct", "switch", "template", "this", "typename", "union",
    "unsigned", "using", "void", "while", "xor", "kName", "kUnion", "kTag",
}


def snake(name):
    """DilationWFactor -> dilation_w_factor."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return text + "_" if text in KEYWORDS else text


def parse_enum(text):
    """[(name, value)] of a module that only holds an enumeration, or None."""
    if "_tab" in text:
        return None
    return [(name, int(value)) for name, value in re.findall(r"^    (\w+) = (-?\d+)$", text, re.M)]


def parse_field(name, body):
    """The C++ declaration of one accessor as (type, arguments), or None if it is not one of a field."""
    slot = re.search(r"self\._tab\.Offset\((\d+)\)", body)
    if slot is None or re.search(r"(Length|IsNone|AsNumpy)$", name):
        return None
    slot = slot.group(1)
    table = re.search(r"obj = (\w+)\(\)", body)
    scalar = re.search(r"self\._tab\.Get\(flatbuffers\.number_types\.(\w+)Flags", body)
    is_vector = "self._tab.Vector(o)" in body
    if "self._tab.Union(" in body:
        return "UnionField", slot, None
    if table:
        return ("TableVectorField" if is_vector else "TableField") + f"<{table.group(1)}>", slot, None
    if "self._tab.String(" in body:
        return "StringVectorField" if is_vector else "StringField", slot, None
    if scalar is None:
        raise SystemExit(f"gen_tflite_schema: cannot read accessor {name}:\n{body}")
    cpp = SCALARS[scalar.group(1)]
    if is_vector:
        return f"VectorField<{cpp}>", slot, None
    default = re.findall(r"^        return (\S+)$", body, re.M)
    if not default and "o = self._tab.Get(" in body:  # an accessor with logic of its own behind the field
        default = ["0"]
    if not default:
        raise SystemExit(f"gen_tflite_schema: cannot read the default of {name}:\n{body}")
    default = default[-1]
    default = {"True": "true", "False": "false"}.get(default, default)
    if cpp == "float" and default not in ("0", "0.0"):
        default = default + "f"
    elif cpp in ("float", "double"):
        default = "0"
    return f"ScalarField<{cpp}>", slot, default


def parse_table(text):
    """[(field, type, slot, default)] in declaration order, or None if the module holds no table."""
    if "flatbuffers.table.Table(buf, pos)" not in text:
        return None
    fields = []
    class_text = text.split("\ndef ", 1)[0]
    for match in re.finditer(r"^    def (\w+)\(self(?:, j)?\):\n((?:^(?:        .*)?\n)*)", class_text, re.M):
        field = parse_field(match.group(1), match.group(2))
        if field is not None:
            fields.append((match.group(1), *field))
    return fields


def write_enum(name, rows):
    lines = [f"enum class {name} : std::int32_t {{"]
    lines += [f"  {key} = {value}," for key, value in rows]
    lines += ["};", f"inline constexpr std::array<EnumName, {len(rows)}> k{name}Names = {{{{"]
    lines += [f'    {{{value}, "{key}"}},' for key, value in rows]
    lines += ["}};", f"/// The schema's name of the value; empty if it has none.",
              f"[[nodiscard]] constexpr std::string_view name_of({name} value) {{",
              f"  return find_name(k{name}Names, static_cast<std::int32_t>(value));", "}", ""]
    return lines


def write_table(name, fields, unions):
    lines = [f"struct {name} {{", f'  static constexpr std::string_view kName = "{name}";']
    if name in unions:
        union, tag = unions[name]
        lines.append(f"  /// Member of this union, with this tag.")
        lines.append(f'  static constexpr std::string_view kUnion = "{union}";')
        lines.append(f"  static constexpr std::uint8_t kTag = {tag};")
    if name in unions:
        scalars = [snake(field) for field, cpp, _, _ in fields if cpp.startswith("ScalarField")]
        calls = " ".join(f'visit("{field}", {field});' for field in scalars)
        lines += ["  /// Calls visit(name, field) for each field with one number.", "  template <class V>",
                  f"  static void each_number({'V visit' if scalars else 'V /*visit*/'}) {{ {calls} }}"]
    for field, cpp, slot, default in fields:
        middle = f", {default}" if default is not None else ""
        lines.append(f'  static constexpr {cpp} {snake(field)}{{{slot}{middle}, "{name}.{snake(field)}"}};')
    return lines + ["};", ""]


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    spec = importlib.util.find_spec("tflite")
    if spec is None:
        raise SystemExit("gen_tflite_schema: the package tflite is missing: pip install tflite")
    folder = pathlib.Path(spec.origin).parent
    enums, tables = {}, {}
    for path in sorted(folder.glob("*.py")):
        if path.stem in ("__init__", "utils"):
            continue
        text = path.read_text(encoding="utf-8")
        rows = parse_enum(text)
        if rows:
            enums[path.stem] = rows
            continue
        fields = parse_table(text)
        if fields is not None:
            tables[path.stem] = fields
    unions = {}
    for union in ("BuiltinOptions", "BuiltinOptions2"):
        unions.update({member: (union, tag) for member, tag in enums[union] if member in tables})

    version = importlib.metadata.version("tflite")
    lines = [f"// Generated by tools/gen_tflite_schema.py from the PyPI package tflite {version}; not edited by hand.",
             "#pragma once", "#include <array>", "#include <cstdint>", "#include <string_view>", "",
             '#include "read/flatbuffer.h"', "", "namespace nb::tflite {", "using namespace flat;", "}", "",
             "namespace nb::tflite::schema {", "",
             "/// An enumeration's value and its name in the schema.",
             "struct EnumName {", "  std::int32_t value;", "  std::string_view name;", "};",
             "template <std::size_t N>",
             "[[nodiscard]] constexpr std::string_view find_name(const std::array<EnumName, N>& names, std::int32_t value) {",
             "  for (const EnumName& row : names)", "    if (row.value == value) return row.name;", "  return {};",
             "}", ""]
    for name, rows in enums.items():
        lines += write_enum(name, rows)
    lines += [f"struct {name};" for name in tables] + [""]
    for name, fields in tables.items():
        lines += write_table(name, fields, unions)
    lines += ["/// Calls visit(T()) with the table that a tag of BuiltinOptions stands for, if there is one.",
              "template <class V>", "void visit_options(BuiltinOptions tag, V visit) {", "  switch (tag) {"]
    lines += [f"    case BuiltinOptions::{member}:\n      return visit({member}());"
              for member, (union, _) in unions.items() if union == "BuiltinOptions"]
    lines += ["    default:", "      return;", "  }", "}", ""]
    lines += ["}  // namespace nb::tflite::schema", ""]
    output = pathlib.Path(sys.argv[1])
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
