"""Structured faults in TFLite models, as trees of flat_tree.py: each function makes one of its kind in a model, in place,
and says what it did, or gives None where the model has no place for it."""
import numpy as np
import tflite

import flat_tree
from flat_tree import Table

INTEGERS = (0, 1, -1, 2, 3, -2, 7, 100, 127, -128, (1 << 31) - 1, -(1 << 31))
SCALES = (0.0, -1.0, float("nan"), float("inf"), 1e-45, 1e-30, 1e30, 0.5)
ZEROS = (0, 1, -1, 127, 128, -129, 255, 32768, (1 << 31), -(1 << 62))


def pick(r, things):
    return things[r.randrange(len(things))] if len(things) else None


def graph_of(model):
    return model["Subgraphs"][0]


def operators_of(model):
    return graph_of(model).get("Operators", [])


def operator_name(model, op):
    codes = model.get("OperatorCodes", [])
    index = op.get("OpcodeIndex", 0)
    if index >= len(codes):
        return "operator"
    code = max(codes[index].get("BuiltinCode", 0), codes[index].get("DeprecatedBuiltinCode", 0))
    names = {value: name for name, value in vars(tflite.BuiltinOperator).items() if not name.startswith("_")}
    return names.get(code, str(code))


def tensor_at(r, model):
    tensors = graph_of(model).get("Tensors", [])
    if not tensors:
        return None, None
    at = r.randrange(len(tensors))
    return at, tensors[at]


def change_shape(r, model):
    at, tensor = tensor_at(r, model)
    if tensor is None:
        return None
    shape = list(tensor.get("Shape", []))
    how = r.randrange(6)
    if how == 0:
        tensor.values.pop("Shape", None)
        return f"tensor {at} has no shape"
    if how == 1:
        shape.insert(r.randrange(len(shape) + 1), pick(r, (0, 1, 1, 2)))
    elif how == 2 and shape:
        shape.pop(r.randrange(len(shape)))
    elif shape:
        i = r.randrange(len(shape))
        shape[i] = pick(r, (0, -1, 1, shape[i] + 1, shape[i] - 1, shape[i] * 2, (1 << 31) - 1, 1 << 20))
    tensor["Shape"] = np.array(shape, np.int64).astype(np.int32)
    return f"tensor {at} is {shape}"


def change_signature(r, model):
    at, tensor = tensor_at(r, model)
    if tensor is None:
        return None
    if r.random() < 0.6 and len(graph_of(model).get("Inputs", [])):
        at = int(pick(r, graph_of(model)["Inputs"]))
        if not 0 <= at < len(graph_of(model)["Tensors"]):
            return None
        tensor = graph_of(model)["Tensors"][at]
    signature = [pick(r, (-1, -1, int(d), 5)) for d in tensor.get("Shape", [])]
    if r.random() < 0.2:
        signature.append(-1)
    tensor["ShapeSignature"] = np.array(signature, np.int32)
    return f"tensor {at} has the signature {signature}"


def change_type(r, model):
    at, tensor = tensor_at(r, model)
    if tensor is None:
        return None
    tensor["Type"] = pick(r, tuple(range(0, 20)) + (99, -1))
    return f"tensor {at} is of type {tensor['Type']}"


def change_buffer(r, model):
    at, tensor = tensor_at(r, model)
    if tensor is None:
        return None
    count = len(model.get("Buffers", []))
    tensor["Buffer"] = pick(r, (0, r.randrange(count + 1), count, 1 << 31, (1 << 32) - 1))
    return f"tensor {at} has buffer {tensor['Buffer']}"


def change_data(r, model):
    buffers = [b for b in model.get("Buffers", []) if len(b.get("Data", []))]
    buffer = pick(r, buffers)
    if buffer is None:
        return None
    data = buffer["Data"]
    how = r.randrange(4)
    if how == 0:
        buffer["Data"] = data[:pick(r, (0, 1, len(data) // 2, len(data) - 1))]
    elif how == 1:
        buffer["Data"] = np.concatenate([data, data])
    elif how == 2:
        buffer.values.pop("Data")
    else:
        changed = data.copy()
        at = r.randrange(len(changed))
        changed[at:at + 4] = pick(r, (0, 1, 127, 128, 255))
        buffer["Data"] = changed
    return f"data of {len(data)} bytes spoilt, way {how}"


def change_small_data(r, model):
    """Axes, shapes, paddings: the constants that say how something is computed."""
    graph = graph_of(model)
    buffers = model.get("Buffers", [])
    small = [t for t in graph.get("Tensors", []) if t.get("Type", 0) in (2, 4) and t.get("Buffer", 0) < len(buffers)
             and 0 < len(buffers[t.get("Buffer", 0)].get("Data", [])) <= 64]
    tensor = pick(r, small)
    if tensor is None:
        return None
    buffer = buffers[tensor["Buffer"]]
    values = buffer["Data"].copy()
    size = 4 if tensor["Type"] == 2 else 8
    value = pick(r, INTEGERS)
    at = r.randrange(len(values) // size) * size if len(values) >= size else 0
    values[at:at + size] = np.frombuffer(int(value).to_bytes(8, "little", signed=True)[:size], np.uint8)[:len(values) - at]
    buffer["Data"] = values
    return f"a constant of {tensor.get('Name', b'?')!r} is {value}"


def change_quantization(r, model):
    tensors = [t for t in graph_of(model).get("Tensors", []) if len(t.get("Quantization", Table("x")).get("Scale", []))]
    tensor = pick(r, tensors)
    if tensor is None:
        at, tensor = tensor_at(r, model)
        if tensor is None:
            return None
        tensor["Quantization"] = Table("QuantizationParameters", Scale=np.array([0.5], np.float32),
                                       ZeroPoint=np.array([3], np.int64))
        return f"tensor {at} gains a scale"
    q, name = tensor["Quantization"], tensor.get("Name", b"?")
    how = r.randrange(8)
    scale, zero = q["Scale"].copy(), np.asarray(q.get("ZeroPoint", [])).copy()
    if how == 0:
        tensor.values.pop("Quantization")
    elif how in (1, 2):
        scale[r.randrange(len(scale))] = pick(r, SCALES)
        q["Scale"] = scale
    elif how in (3, 4) and len(zero):
        zero[r.randrange(len(zero))] = pick(r, ZEROS)
        q["ZeroPoint"] = zero
    elif how == 5:
        q["Scale"] = np.concatenate([scale, scale[:1]]) if r.random() < 0.5 else scale[:-1]
    elif how == 6:
        q["ZeroPoint"] = np.concatenate([zero, zero[:1]]) if r.random() < 0.5 else zero[:-1]
    else:
        q["QuantizedDimension"] = pick(r, (0, 1, 2, 3, 4, -1, 1 << 30))
    return f"quantization of {name!r}: way {how}, {q.get('Scale', [])[:2]} {q.get('ZeroPoint', [])[:2]}"


def toggle_variable(r, model):
    at, tensor = tensor_at(r, model)
    if tensor is None:
        return None
    tensor["IsVariable"] = not tensor.get("IsVariable", False)
    return f"tensor {at} is {'' if tensor['IsVariable'] else 'no '}variable"


def rename_tensor(r, model):
    at, tensor = tensor_at(r, model)
    if tensor is None:
        return None
    if r.random() < 0.3:
        tensor.values.pop("Name", None)
        return f"tensor {at} has no name"
    tensor["Name"] = pick(r, (b"", b"\xff\xfe", b"int", b"*/", b"x" * 4000, graph_of(model)["Tensors"][0].get("Name", b"")))
    return f"tensor {at} is called {tensor['Name'][:40]!r}"


def change_edge(r, model):
    op = pick(r, [o for o in operators_of(model) if len(o.get("Inputs", []))])
    if op is None:
        return None
    inputs = list(op["Inputs"])
    i = r.randrange(len(inputs))
    count = len(graph_of(model).get("Tensors", []))
    how = r.randrange(6)
    if how == 0:
        inputs[i] = pick(r, (count, 1 << 30, -2, -(1 << 31)))
    elif how == 1:
        inputs[i] = int(op["Outputs"][0]) if len(op.get("Outputs", [])) else 0
    elif how == 2:
        inputs[i] = -1
    elif how == 3:
        j = r.randrange(len(inputs))
        inputs[i], inputs[j] = inputs[j], inputs[i]
    else:
        inputs[i] = r.randrange(count) if count else 0
    op["Inputs"] = np.array(inputs, np.int64).astype(np.int32)
    return f"inputs of {operator_name(model, op)} are {[int(x) for x in inputs]}"


def change_input_count(r, model):
    op = pick(r, operators_of(model))
    if op is None:
        return None
    inputs = list(op.get("Inputs", []))
    if inputs and r.random() < 0.6:
        inputs.pop()
    else:
        inputs.append(r.randrange(len(graph_of(model).get("Tensors", [])) or 1))
    op["Inputs"] = np.array(inputs, np.int32)
    return f"{operator_name(model, op)} has {len(inputs)} inputs"


def change_outputs(r, model):
    op = pick(r, operators_of(model))
    if op is None:
        return None
    count = len(graph_of(model).get("Tensors", []))
    op["Outputs"] = np.array(pick(r, ([], list(op.get("Outputs", [])) * 2, [r.randrange(count or 1)], [-1], [count])), np.int32)
    return f"outputs of {operator_name(model, op)} are {list(op['Outputs'])}"


def remove_operator(r, model):
    ops = operators_of(model)
    if not ops:
        return None
    op = ops.pop(r.randrange(len(ops)))
    return f"no {operator_name(model, op)}"


def permute_operators(r, model):
    r.shuffle(operators_of(model))
    return "operators in another order"


def repeat_operator(r, model):
    op = pick(r, operators_of(model))
    if op is None:
        return None
    operators_of(model).append(op)
    return f"two {operator_name(model, op)}"


def change_operator(r, model):
    op = pick(r, operators_of(model))
    codes = model.get("OperatorCodes", [])
    if op is None or not codes:
        return None
    before = operator_name(model, op)
    how = r.randrange(4)
    if how == 0:
        op["OpcodeIndex"] = pick(r, (r.randrange(len(codes)), len(codes), (1 << 32) - 1))
    else:
        code = r.randrange(0, 215) if how < 3 else 32
        codes.append(Table("OperatorCode", BuiltinCode=code, DeprecatedBuiltinCode=min(code, 127), Version=1))
        if code == 32:
            codes[-1]["CustomCode"] = pick(r, (b"FlexErf", b"TFLite_Detection_PostProcess", b"MyOperator", b"", b"Flex"))
        op["OpcodeIndex"] = len(codes) - 1
    return f"{before} becomes {operator_name(model, op)}"


def change_options(r, model):
    ops = [o for o in operators_of(model) if "BuiltinOptions" in o]
    op = pick(r, ops)
    if op is None:
        return None
    options, name = op["BuiltinOptions"], operator_name(model, op)
    how = r.randrange(6)
    if how == 0:
        op.values.pop("BuiltinOptions")
        if r.random() < 0.5:
            op.values.pop("BuiltinOptionsType", None)
        return f"{name} without options"
    if how == 1:
        tag = r.randrange(1, 127)
        if flat_tree.UNIONS["BuiltinOptions"].get(tag) is None:
            return None
        op["BuiltinOptionsType"] = tag
        return f"options of {name} have the tag {tag}"
    fields = [f for f in flat_tree.LAYOUTS[options.name] if f.kind in ("scalar", "vector")]
    field = pick(r, fields)
    if field is None:
        return None
    if field.kind == "vector":
        options[field.name] = np.array([pick(r, INTEGERS) for _ in range(r.randrange(4))], np.int64).astype(np.int32)
    elif field.of in ("float", "double"):
        options[field.name] = pick(r, SCALES)
    else:
        options[field.name] = pick(r, INTEGERS)
    return f"{name}.{field.name} = {options[field.name]}"


def change_interface(r, model):
    graph = graph_of(model)
    field = pick(r, ("Inputs", "Outputs"))
    values = list(graph.get(field, []))
    count = len(graph.get("Tensors", []))
    how = r.randrange(4)
    if how == 0 and values:
        values.pop(r.randrange(len(values)))
    elif how == 1 and values:
        values.append(values[0])
    elif how == 2:
        values.append(pick(r, (-1, count, r.randrange(count or 1))))
    elif values:
        values[r.randrange(len(values))] = r.randrange(count or 1)
    graph[field] = np.array(values, np.int32)
    return f"{field} are {[int(v) for v in values]}"


def change_model(r, model):
    how = r.randrange(4)
    if how == 0:
        model["Version"] = pick(r, (0, 1, 2, 4, 99))
        return f"version {model['Version']}"
    if how == 1:
        model["Subgraphs"] = model["Subgraphs"] * 2
        return "two subgraphs"
    if how == 2:
        model.values.pop("OperatorCodes", None)
        return "no operator codes"
    model.values.pop("Buffers", None)
    return "no buffers"


CHANGES = (change_shape, change_shape, change_signature, change_type, change_type, change_buffer, change_data,
           change_small_data, change_small_data, change_quantization, change_quantization, change_quantization,
           toggle_variable, rename_tensor, change_edge, change_edge, change_edge, change_input_count, change_outputs,
           remove_operator, permute_operators, repeat_operator, change_operator, change_operator, change_options,
           change_options, change_options, change_interface, change_model)
