"""Compares the slots and tags in src/read/torch/pte_schema.h with ExecuTorch's own schema, program.fbs.

Without ExecuTorch the test is skipped (exit code 77). Ends with "N passed, N failed".

usage: pte_schema.py [PROGRAM_FBS]
"""

import importlib.util
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER = ROOT / "src/read/torch/pte_schema.h"
SCALARS = {"bool": ["bool"], "std::int8_t": ["byte"], "std::uint8_t": ["ubyte"], "std::int32_t": ["int"],
           "std::uint32_t": ["uint", "uint32"], "std::int64_t": ["long", "int64"], "std::uint64_t": ["uint64", "ulong"],
           "double": ["double"]}


def schema_of(text):
    """({table: {field: (slot, type)}}, {union: [members]}, {enum: {name: value}}) of a schema."""
    text = re.sub(r"//[^\n]*", "", text)
    unions = {name: [m.strip() for m in body.split(",") if m.strip()]
              for name, body in re.findall(r"\bunion (\w+)\s*\{([^}]*)\}", text)}
    enums = {name: {key: int(value) for key, value in re.findall(r"(\w+)\s*=\s*(\d+)", body)}
             for name, body in re.findall(r"\benum (\w+)\s*:\s*\w+\s*\{([^}]*)\}", text)}
    tables = {}
    for name, body in re.findall(r"\btable (\w+)\s*\{([^}]*)\}", text):
        place, fields = 0, {}
        for field, kind in re.findall(r"(\w+)\s*:\s*(\[?\w+\]?)[^;]*;", body):
            if kind in unions:
                fields[field + "_type"] = (4 + 2 * place, "ubyte")
                place += 1
            fields[field] = (4 + 2 * place, "union" if kind in unions else kind)
            place += 1
        tables[name] = fields
    return tables, unions, enums


def is_of(kind, cpp, inner, enums):
    """Whether a field of the schema is what the header calls it."""
    if cpp == "ScalarField":
        return kind in SCALARS[inner] or (kind in enums or kind == "ScalarType") and inner == "std::int8_t"
    if cpp == "VectorField":
        allowed = SCALARS[inner] + (["bool"] if inner == "std::uint8_t" else [])
        return kind.strip("[]") in allowed and kind.startswith("[")
    if cpp == "TableVectorField":
        return kind == f"[{inner}]"
    return kind == {"TableField": inner, "StringField": "string", "UnionField": "union"}[cpp]


def main():
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if path is None:
        found = importlib.util.find_spec("executorch")
        if found is None:
            print("skipped: no executorch")
            return 77
        path = pathlib.Path(list(found.submodule_search_locations)[0]) / "exir/_serialize/program.fbs"
    text = path.read_text()
    tables, unions, enums = schema_of(text)
    header = HEADER.read_text()
    passed, failures = 0, []

    def check(holds, what):
        nonlocal passed
        passed += bool(holds)
        if not holds:
            failures.append(what)

    check(f'file_identifier "{re.search(r"kIdentifier = .(ET..)", header)[1]}"' in text, "the identifier")
    check(f"kLocationExternal = {enums['TensorDataLocation']['EXTERNAL']};" in header, "TensorDataLocation.EXTERNAL")
    tags = {member: i + 1 for members in unions.values() for i, member in enumerate(members)}
    structs = {}
    for name, body in re.findall(r"^struct (\w+) \{(.*?)^\};", header, re.M | re.S):
        said = set(re.findall(r'"(\w+)\.\w+"', body)) or set(re.findall(r'kName = "(\w+)"', body))
        check(len(said) == 1 and said <= set(tables), f"the table of {name}: {said}")
        structs[name] = (said.pop(), body)
    for name, (table, body) in structs.items():
        tag = re.search(r"kTag = (\d+)", body)
        check((int(tag[1]) if tag else None) == tags.get(table), f"the tag of {name}: {tag and tag[1]}, not {tags.get(table)}")
        for cpp, inner, field, slot, said in re.findall(
                r'static constexpr (\w+Field)(?:<([\w:]+)>)? (\w+)\{\s*(\d+),[^"]*"\w+\.(\w+)"', body):
            slot_there, kind = tables[table].get(field, (None, ""))
            check(int(slot) == slot_there, f"the slot of {name}.{field}: {slot}, not {slot_there}")
            check(said == field, f"the name of {name}.{field}: {said}")
            check(is_of(kind, cpp, structs[inner][0] if inner in structs else inner, enums),
                  f"the type of {name}.{field}: {cpp}<{inner}>, not {kind}")
    for what in failures:
        print(f"FAILED {what}")
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures or passed < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
