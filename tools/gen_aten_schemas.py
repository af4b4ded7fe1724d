"""Writes src/read/torch/aten_schemas.def: the signatures of the operators that src/read/torch/operators.cc has rows for.

PyTorch's files name arguments and leave out those at their default, so that a reader needs the operators' signatures.
They are taken from an installed PyTorch (its registered schemas), for every overload, `_copy`, in-place and out variant,
and from EXECUTORCH below.
Out arguments are left out: a graph's values are made, not written over.

usage: gen_aten_schemas.py [--check]     --check: instead, whether the file is what would be written (77: no torch)
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
TABLE = ROOT / "src/read/torch/operators.cc"
OUTPUT = ROOT / "src/read/torch/aten_schemas.def"
KINDS = {"Tensor": "T", "int": "I", "SymInt": "I", "float": "F", "bool": "B", "SymBool": "B", "number": "S", "Scalar": "S",
         "str": "s", "ScalarType": "D", "Layout": "L", "Device": "V", "MemoryFormat": "M", "Generator": "G",
         "Dimname": "G", "Storage": "G", "Stream": "G", "AnyEnumType": "G", "t": "G", "Any": "G"}

# Out variants that ExecuTorch 1.5.1 registers, not PyTorch: what its programs (.pte) call.
EXECUTORCH = """
dim_order_ops::_clone_dim_order.out(Tensor self, *, bool non_blocking=False, int[]? dim_order=None, Tensor(a!) out) -> Tensor(a!)
dim_order_ops::_empty_dim_order.out(int[] size, *, int[]? dim_order=None, Tensor(a!) out) -> Tensor(a!)
dim_order_ops::_to_dim_order_copy.out(Tensor self, *, bool non_blocking=False, int[]? dim_order=None, Tensor(a!) out) -> Tensor(a!)
executorch_prim::et_view(Tensor self, int[] size) -> Tensor
quantized_decomposed::dequantize_per_channel.out(Tensor input, Tensor scales, Tensor? zero_points, int axis, int quant_min, int quant_max, ScalarType dtype, *, ScalarType? out_dtype=None, Tensor(a!) out) -> Tensor(a!)
quantized_decomposed::dequantize_per_tensor.out(Tensor input, float scale, int zero_point, int quant_min, int quant_max, ScalarType dtype, *, ScalarType? out_dtype=None, Tensor(a!) out) -> Tensor(a!)
quantized_decomposed::dequantize_per_tensor.Tensor_out(Tensor input, Tensor scale, Tensor zero_point, int quant_min, int quant_max, ScalarType dtype, *, ScalarType? out_dtype=None, Tensor(a!) out) -> Tensor(a!)
quantized_decomposed::quantize_per_channel.out(Tensor input, Tensor scales, Tensor zero_points, int axis, int quant_min, int quant_max, ScalarType dtype, *, Tensor(a!) out) -> Tensor(a!)
quantized_decomposed::quantize_per_tensor.out(Tensor input, float scale, int zero_point, int quant_min, int quant_max, ScalarType dtype, *, Tensor(a!) out) -> Tensor(a!)
quantized_decomposed::quantize_per_tensor.Tensor_out(Tensor input, Tensor scale, Tensor zero_point, int quant_min, int quant_max, ScalarType dtype, *, Tensor(a!) out) -> Tensor(a!)
""".split("\n")


def rows():
    """The operators of the table: {"aten": {"conv2d", ...}, ...}."""
    names = {}
    for namespace, op in re.findall(r'^\s*\{"(\w+)\.(\w+)",', TABLE.read_text(), re.M):
        names.setdefault(namespace, set()).add(op)
    return names


def base_names(op):
    """What the row of an operator may be called: itself, without `_copy`, without the underscore of in-place."""
    names = [op]
    if op.endswith("_copy"):
        names.append(op[:-len("_copy")])
    if op.endswith("_") and not op.endswith("__"):
        names.append(op[:-1])
    if op.startswith("__i") and op.endswith("__"):
        names.append("__" + op[3:])
    return names


def argument_text(argument):
    """`name:KIND[?][[N]]?=default` of a schema's argument."""
    text, kind = argument.name + ":", argument.type
    optional = ""
    if kind.kind() == "OptionalType":
        optional, kind = "?", kind.getElementType()
    is_list = kind.kind() == "ListType"
    if is_list:
        kind = kind.getElementType()
        inner = ""
        if kind.kind() == "OptionalType":
            inner, kind = "?", kind.getElementType()
    text += KINDS.get(declared_kind(argument, kind), "G")
    if is_list:
        text += inner + f"[{argument.N or ''}]"
    text += optional
    if argument.has_default_value():
        text += "=" + default_text(argument.default_value)
    return text


def declared_kind(argument, kind):
    """PyTorch registers dtypes, layouts and formats as ints; the declared type tells them apart."""
    real = argument.real_type
    while hasattr(real, "getElementType") and real.kind() in ("OptionalType", "ListType"):
        real = real.getElementType()
    name = str(real)
    return name if name in KINDS else str(kind)


def default_text(value):
    if value is None:
        return "None"
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(default_text(v) for v in value) + "]"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        return f"'{value}'"
    return str(value)


def schema_row(schema):
    arguments, keyword = [], False
    for argument in schema.arguments:
        if argument.is_out:
            continue
        if argument.kwarg_only and not keyword:
            keyword = True
            arguments.append("*")
        arguments.append(argument_text(argument))
    op = schema.name.replace("::", ".")
    text = " ".join(arguments).replace('"', '\\"')
    return f'{{"{op}", "{schema.overload_name or "default"}", "{text}", {len(schema.returns)}}},'


def concerns_tensors(schema):
    """Whether the overload takes or makes a tensor; those on numbers, strings and lists are of no graph."""
    return any("Tensor" in str(a.type) for a in schema.arguments[:1]) or any("Tensor" in str(r.type) for r in schema.returns)


def generated():
    import torch
    import torch.ao.quantization.fx._decomposed  # noqa: F401  registers quantized_decomposed
    names = rows()
    lines = []
    added = [torch._C.parse_schema(text) for text in EXECUTORCH if text]
    for schema in [*torch._C._jit_get_all_schemas(), *added]:
        namespace, op = schema.name.split("::")
        if namespace not in names or not any(n in names[namespace] for n in base_names(op)) or not concerns_tensors(schema):
            continue
        lines.append((schema.name, schema.overload_name, schema_row(schema)))
    head = (f"// Written by tools/gen_aten_schemas.py from the schemas that PyTorch {torch.__version__.split('+')[0]} registers.\n"
            "// A row is an overload: operator, overload, arguments (src/read/torch/schema.h), number of results.\n"
            "// clang-format off\n")
    return head + "\n".join(dict.fromkeys(line for _, _, line in sorted(lines))) + "\n// clang-format on\n"


def main():
    try:
        text = generated()
    except ImportError as missing:
        print(f"skipped: {missing}")
        return 77
    if "--check" in sys.argv[1:]:
        is_current = OUTPUT.exists() and OUTPUT.read_text() == text
        print(f"{OUTPUT.relative_to(ROOT)} is {'current' if is_current else 'not what tools/gen_aten_schemas.py writes'}")
        return 0 if is_current else 1
    OUTPUT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
