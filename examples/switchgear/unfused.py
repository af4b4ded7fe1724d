"""What an ONNX file needs that is run as it is written: bytes of its weights, and the most bytes of tensors alive at once.

A tensor is alive from the node that makes it to the last one that reads it; reshapes share their operand's bytes. The second
figure is that of a runtime which also writes an elementwise node's, or a softmax', result over an operand that nobody reads
again.

Run: python examples/switchgear/unfused.py examples/switchgear/switchgear.onnx
Needs: pip install onnx
"""
import sys

import numpy as np
import onnx

VIEWS = {"Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"}
IN_PLACE = {"Add", "Div", "Gelu", "LayerNormalization", "Mul", "Softmax", "Sub"}


def bytes_of(value):
    kind = value.type.tensor_type
    item = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type).itemsize
    return item * int(np.prod([dim.dim_value for dim in kind.shape.dim]))


def main():
    graph = onnx.shape_inference.infer_shapes(onnx.load(sys.argv[1])).graph
    sizes = {value.name: bytes_of(value) for value in [*graph.input, *graph.value_info, *graph.output]}
    weights = {tensor.name: onnx.numpy_helper.to_array(tensor).nbytes for tensor in graph.initializer}
    owner = {}  # the tensor whose bytes a view shares
    last = {}  # the last node that reads a tensor
    for i, node in enumerate(graph.node):
        if node.op_type in VIEWS:
            owner[node.output[0]] = owner.get(node.input[0], node.input[0])
        for name in node.input:
            last[owner.get(name, name)] = i
    for value in graph.output:
        last[owner.get(value.name, value.name)] = len(graph.node)

    print(f"weights {sum(weights.values()):,} bytes")
    for in_place in (False, True):
        alive = {value.name for value in graph.input}
        most = (0, None, [])
        for i, node in enumerate(graph.node):
            made = {name for name in node.output if name and name not in owner and name not in weights}
            ending = {name for name in alive if last.get(name, -1) <= i}
            over = [sizes[name] for name in ending if in_place and node.op_type in IN_PLACE]
            now = sum(sizes[name] for name in alive | made) - sum(sizes[name] for name in made if sizes[name] in over)
            if now > most[0]:
                most = (now, node, sorted(alive | made, key=lambda name: -sizes[name]))
            alive = (alive | made) - {name for name in alive | made if last.get(name, -1) <= i}
        print(f"tensors{', in place' if in_place else ''} {most[0]:,} bytes, at {most[1].op_type} `{most[1].name}`: "
              + ", ".join(f"{name} {sizes[name]:,}" for name in most[2]))


if __name__ == "__main__":
    main()
