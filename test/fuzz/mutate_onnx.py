"""Structured faults in ONNX models: each function makes one of its kind in a model, in place, and says what it did, or
gives None where the model has no place for it."""
import struct

import numpy as np
from onnx import AttributeProto, TensorProto, helper, numpy_helper

INTEGERS = (0, 1, -1, 2, 3, -2, 7, 100, -100, 1 << 31, -(1 << 31), (1 << 62), -(1 << 63))
REALS = (0.0, -1.0, 1.0, 1e-30, 1e30, -1e30, float("inf"), float("-inf"), float("nan"))
TEXTS = (b"", b"NOTSET", b"SAME_UPPER", b"SAME_LOWER", b"VALID", b"linear", b"nearest", b"cubic", b"reverse", b"half_pixel",
         b"no such mode", b"\xff\xfe", b"x" * 300)
DTYPES = tuple(range(0, 24)) + (99, -1)
DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft", "my.domain")
OTHER_NAMES = ("axis", "axes", "perm", "to", "group", "alpha", "strides", "pads", "kernel_shape", "epsilon", "axsi")
OPERATORS = ("Relu", "Add", "Mul", "Concat", "Reshape", "Transpose", "Softmax", "Gather", "MatMul", "Gemm", "Conv", "MaxPool",
             "ReduceMean", "Slice", "Cast", "LSTM", "Where", "Split", "Unsqueeze", "Expand", "BatchNormalization",
             "LayerNormalization", "QuantizeLinear", "DequantizeLinear", "Clip", "Pad", "Resize", "ArgMax", "NonZero",
             "Unique", "Compress", "NonMaxSuppression", "SequenceConstruct", "StringNormalizer", "Optional", "If", "Loop",
             "TopK", "Rleu", "Matmul", "Mystery")


def pick(r, things):
    return things[r.randrange(len(things))] if len(things) else None


def names_of(graph):
    names = [v.name for v in graph.input] + [t.name for t in graph.initializer]
    return names + [o for n in graph.node for o in n.output if o]


def attributes_of(r, model):
    nodes = [n for n in model.graph.node if n.attribute]
    node = pick(r, nodes)
    return (None, None) if node is None else (node, pick(r, node.attribute))


def change_attribute(r, model):
    node, a = attributes_of(r, model)
    if a is None:
        return None
    if a.type == AttributeProto.INT:
        a.i = pick(r, INTEGERS)
        said = a.i
    elif a.type == AttributeProto.FLOAT:
        a.f = pick(r, REALS)
        said = a.f
    elif a.type == AttributeProto.STRING:
        a.s = pick(r, TEXTS)
        said = a.s
    elif a.type == AttributeProto.INTS:
        values = list(a.ints)
        how = r.randrange(4)
        if how == 0 and values:
            values[r.randrange(len(values))] = pick(r, INTEGERS)
        elif how == 1 and values:
            values.pop(r.randrange(len(values)))
        elif how == 2:
            values.insert(r.randrange(len(values) + 1), pick(r, INTEGERS))
        else:
            values = []
        del a.ints[:]
        a.ints.extend(values)
        said = values
    elif a.type == AttributeProto.TENSOR:
        return spoil_tensor(r, a.t, f"attribute {a.name} of {node.op_type}")
    else:
        return None
    return f"{node.op_type}.{a.name} = {said!r}"


def remove_attribute(r, model):
    node, a = attributes_of(r, model)
    if a is None:
        return None
    name = a.name
    node.attribute.remove(a)
    return f"{node.op_type} without {name}"


def retype_attribute(r, model):
    node, a = attributes_of(r, model)
    if a is None:
        return None
    value = pick(r, (1, 1.5, b"text", [1, 2], [1.5]))
    changed = helper.make_attribute(a.name, value)
    if r.random() < 0.2:
        changed.type = pick(r, (0, 0, 5, 9, 11, 14))
    a.CopyFrom(changed)
    return f"{node.op_type}.{a.name} is {value!r}"


def add_attribute(r, model):
    node = pick(r, model.graph.node)
    if node is None:
        return None
    name = pick(r, OTHER_NAMES)
    value = pick(r, (0, -1, 2, 0.5, [1], [0, 1], b"x"))
    node.attribute.append(helper.make_attribute(name, value))
    return f"{node.op_type} gains {name} = {value!r}"


def rename_attribute(r, model):
    node, a = attributes_of(r, model)
    if a is None:
        return None
    before, a.name = a.name, pick(r, (a.name[:-1], a.name + "s", a.name.upper(), pick(r, OTHER_NAMES)))
    return f"{node.op_type}.{before} is called {a.name}"


def change_input_shape(r, model):
    values = [v for v in model.graph.input if v.type.HasField("tensor_type")]
    value = pick(r, values)
    if value is None:
        return None
    shape = value.type.tensor_type.shape
    how = r.randrange(7)
    if how == 0:
        value.type.tensor_type.ClearField("shape")
    elif how == 1:
        shape.dim.add().dim_value = pick(r, (0, 1, 2, 5))
    elif not shape.dim:
        return None
    elif how == 2:
        del shape.dim[r.randrange(len(shape.dim))]
    elif how == 3:
        pick(r, shape.dim).dim_param = pick(r, ("N", "batch", "", "sequence length"))
    elif how == 4:
        pick(r, shape.dim).Clear()
    else:
        pick(r, shape.dim).dim_value = pick(r, (0, -1, 1, 2, 3, 5, 17, 1 << 20, 1 << 40, (1 << 63) - 1))
    return f"input {value.name} is {str(shape.dim)[:80]!r}"


def change_input_dtype(r, model):
    value = pick(r, model.graph.input)
    if value is None:
        return None
    value.type.tensor_type.elem_type = pick(r, DTYPES)
    return f"input {value.name} is of type {value.type.tensor_type.elem_type}"


def change_output_dtype(r, model):
    value = pick(r, model.graph.output)
    value.type.tensor_type.elem_type = pick(r, DTYPES)
    return f"output {value.name} is of type {value.type.tensor_type.elem_type}"


def change_output_shape(r, model):
    value = pick(r, model.graph.output)
    dims = value.type.tensor_type.shape.dim
    if not dims:
        return None
    pick(r, dims).dim_value = pick(r, (0, -1, 2, 3, 1 << 40))
    return f"output {value.name} is {str(dims)[:80]!r}"


def spoil_tensor(r, tensor, called):
    """A tensor whose parts disagree, or that holds unusual values."""
    how = r.randrange(8)
    if how == 0:
        tensor.data_type = pick(r, DTYPES)
        return f"{called} is of type {tensor.data_type}"
    if how == 1 and tensor.dims:
        at = r.randrange(len(tensor.dims))
        tensor.dims[at] = pick(r, (0, -1, 1, tensor.dims[at] + 1, 1 << 40, (1 << 63) - 1))
        return f"{called} has dims {list(tensor.dims)}"
    if how == 2:
        tensor.dims.append(pick(r, (0, 1, 1, 2)))
        return f"{called} has dims {list(tensor.dims)}"
    if how == 3 and tensor.dims:
        dims = list(tensor.dims)
        r.shuffle(dims)
        tensor.dims[:] = dims
        return f"{called} has dims {dims}"
    if how == 4 and tensor.raw_data:
        cut = pick(r, (0, 1, len(tensor.raw_data) // 2, len(tensor.raw_data) - 1))
        tensor.raw_data = tensor.raw_data[:cut]
        return f"{called} has {cut} bytes"
    if how == 5:
        tensor.float_data.append(1.0)
        return f"{called} has typed and raw data"
    if how == 6:
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=pick(r, ("nothing.bin", "", "../x", "/etc/passwd")))
        return f"{called} is external"
    try:
        array = numpy_helper.to_array(tensor).copy()
    except Exception:  # it is spoilt already
        return None
    if array.size == 0 or array.dtype.kind not in "fiub":
        return None
    values = REALS if array.dtype.kind == "f" else (0, 1, 2, 3, -1, 127)
    value = pick(r, values)
    with np.errstate(all="ignore"):
        array.reshape(-1)[r.randrange(array.size)] = np.array(value).astype(array.dtype)
    name = tensor.name
    tensor.CopyFrom(numpy_helper.from_array(array, name))
    return f"{called} holds {value}"


def change_initializer(r, model):
    tensor = pick(r, model.graph.initializer)
    return None if tensor is None else spoil_tensor(r, tensor, f"initializer {tensor.name}")


def change_small_initializer(r, model):
    """Scales, zero points, shapes, axes: those that say how something is computed."""
    small = [t for t in model.graph.initializer if int(np.prod(np.abs(np.array(list(t.dims), np.float64)))) <= 8]
    tensor = pick(r, small)
    return None if tensor is None else spoil_tensor(r, tensor, f"initializer {tensor.name}")


def change_scale(r, model):
    """A scale or zero point of quantization."""
    tensors = {t.name: t for t in model.graph.initializer}
    uses = [(n, i) for n in model.graph.node if n.op_type in ("QuantizeLinear", "DequantizeLinear") or "Q" in n.op_type[:1]
            for i in range(1, len(n.input)) if n.input[i] in tensors]
    use = pick(r, uses)
    if use is None:
        return None
    node, i = use
    array = numpy_helper.to_array(tensors[node.input[i]])
    if array.dtype.kind == "f":
        array = pick(r, (array * 0, array * np.nan, -array, array * 1e-38, array * 1e38, array.reshape(-1).repeat(2)))
    else:
        how = r.randrange(3)
        array = (array.reshape(-1).repeat(3) if how == 0 else array.astype(np.uint8 if array.dtype == np.int8 else np.int32)
                 if how == 1 else np.full_like(array, 117))
    fresh = f"spoilt_{len(model.graph.initializer)}"
    model.graph.initializer.append(numpy_helper.from_array(np.asarray(array), fresh))
    node.input[i] = fresh
    return f"operand {i} of {node.op_type} is {array.dtype}{list(array.shape)} {array.reshape(-1)[:2]}"


def remove_initializer(r, model):
    tensor = pick(r, model.graph.initializer)
    if tensor is None:
        return None
    name = tensor.name
    model.graph.initializer.remove(tensor)
    return f"no initializer {name}"


def initializer_as_input(r, model):
    """Constants that the caller gives: what was known when compiling is known no more."""
    tensor = pick(r, model.graph.initializer)
    if tensor is None:
        return None
    model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)))
    name = tensor.name
    model.graph.initializer.remove(tensor)
    return f"initializer {name} is an input"


def change_edge(r, model):
    nodes = [n for n in model.graph.node if n.input]
    node = pick(r, nodes)
    if node is None:
        return None
    i = r.randrange(len(node.input))
    how = r.randrange(6)
    before = node.input[i]
    if how == 0:
        node.input[i] = "made_by_nothing"
    elif how == 1:
        node.input[i] = node.output[0] if node.output else "y"
    elif how == 2:
        node.input[i] = ""
    elif how == 3:
        j = r.randrange(len(node.input))
        node.input[i], node.input[j] = node.input[j], node.input[i]
    else:
        node.input[i] = pick(r, names_of(model.graph)) or "x"
    return f"input {i} of {node.op_type} {node.output[:1]} is {node.input[i]!r}, not {before!r}"


def drop_input(r, model):
    node = pick(r, [n for n in model.graph.node if n.input])
    if node is None:
        return None
    del node.input[-1]
    return f"{node.op_type} has {len(node.input)} inputs"


def add_input(r, model):
    node = pick(r, model.graph.node)
    if node is None:
        return None
    node.input.append(pick(r, names_of(model.graph) + [""]))
    return f"{node.op_type} has {len(node.input)} inputs"


def change_outputs(r, model):
    node = pick(r, [n for n in model.graph.node if n.output])
    if node is None:
        return None
    how = r.randrange(4)
    if how == 0:
        node.output.append("one_more")
    elif how == 1:
        node.output[0] = pick(r, names_of(model.graph))
    elif how == 2:
        node.output[0] = ""
    else:
        del node.output[-1]
    return f"{node.op_type} gives {list(node.output)}"


def remove_node(r, model):
    node = pick(r, model.graph.node)
    if node is None:
        return None
    said = f"no {node.op_type} {list(node.output)}"
    model.graph.node.remove(node)
    return said


def repeat_node(r, model):
    node = pick(r, model.graph.node)
    if node is None:
        return None
    model.graph.node.add().CopyFrom(node)
    return f"two {node.op_type} {list(node.output)}"


def permute_nodes(r, model):
    nodes = list(model.graph.node)
    r.shuffle(nodes)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return "nodes in another order"


def change_operator(r, model):
    node = pick(r, model.graph.node)
    if node is None:
        return None
    before = node.op_type
    node.op_type = pick(r, OPERATORS) if r.random() < 0.6 else pick(r, model.graph.node).op_type
    return f"{before} becomes {node.op_type}"


def change_domain(r, model):
    node = pick(r, model.graph.node)
    if node is None:
        return None
    node.domain = pick(r, DOMAINS)
    return f"{node.op_type} is of domain {node.domain!r}"


def change_opset(r, model):
    opset = pick(r, model.opset_import)
    if opset is None:
        return None
    if r.random() < 0.2:
        opset.domain = pick(r, DOMAINS)
    else:
        opset.version = pick(r, (0, -1, 1, 2, 5, 6, 7, 9, 10, 11, 12, 13, 15, 17, 18, 19, 21, 23, 26, 99, 1 << 40))
    return f"opset {opset.domain!r} {opset.version}"


def rename_output(r, model):
    value = pick(r, model.graph.output)
    value.name = pick(r, names_of(model.graph) + ["made_by_nothing", ""])
    return f"an output is {value.name!r}"


def repeat_name(r, model):
    how = r.randrange(4)
    graph = model.graph
    if how == 0 and graph.initializer:
        graph.initializer.add().CopyFrom(pick(r, graph.initializer))
        return "two equal initializers"
    if how == 1 and graph.input:
        graph.input.add().CopyFrom(pick(r, graph.input))
        return "two equal inputs"
    if how == 2:
        graph.output.add().CopyFrom(pick(r, graph.output))
        return "two equal outputs"
    if len(graph.node) > 1:
        pick(r, graph.node).name = pick(r, graph.node).name
        return "two nodes of one name"
    return None


def remove_interface(r, model):
    values = model.graph.input if r.random() < 0.5 else model.graph.output
    if not values:
        return None
    del values[r.randrange(len(values))]
    return "an input or output is gone"


def change_subgraph(r, model):
    places = [(n, a) for n in model.graph.node for a in n.attribute if a.type == AttributeProto.GRAPH]
    place = pick(r, places)
    if place is None:
        return None
    inner = type(model)()
    inner.CopyFrom(model)
    inner.graph.CopyFrom(place[1].g)
    change = pick(r, CHANGES)
    said = change(r, inner) if inner.graph.output else None
    place[1].g.CopyFrom(inner.graph)
    return said and f"in {place[0].op_type}.{place[1].name}: {said}"


CHANGES = (change_attribute, change_attribute, change_attribute, remove_attribute, retype_attribute, add_attribute,
           rename_attribute, change_input_shape, change_input_shape, change_input_dtype, change_output_dtype,
           change_output_shape, change_initializer, change_small_initializer, change_small_initializer, change_scale,
           remove_initializer, initializer_as_input, change_edge, change_edge, change_edge, drop_input, add_input,
           change_outputs, remove_node, repeat_node, permute_nodes, change_operator, change_operator, change_domain,
           change_opset, rename_output, repeat_name, remove_interface, change_subgraph)


def truncate(r, data):
    """Bytes of a cut file: what a broken download leaves."""
    return data[:r.randrange(len(data))] if r.random() < 0.5 else data[:-1] + struct.pack("B", r.randrange(256))
