"""Operators in float32 that the backend tests of `onnx` have in other element types only, or not at all.

cases(): (name, model, [input arrays]); what they must give is what onnx's own reference evaluator computes.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def model_of(name, nodes, inputs, outputs, opset=23):
    """A model of `nodes` with inputs {name: array} and output names; shapes of outputs are left open."""
    def value(key, array):
        return helper.make_tensor_value_info(key, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
    graph = helper.make_graph(nodes, name, [value(k, a) for k, a in inputs.items()],
                              [helper.make_tensor_value_info(o, t, None) for o, t in outputs.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


EQUATIONS = [
    ("ij,jk->ik", (3, 4), (4, 5)), ("ij,jk", (3, 4), (4, 5)), ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("ij->ji", (3, 4)), ("ij->i", (3, 4)), ("ij->", (3, 4)), ("ii->i", (4, 4)), ("ii", (4, 4)),
    ("...ii->...i", (2, 3, 5, 5)), ("i,i", (5,), (5,)), ("i,j->ij", (3,), (4,)), ("...ij,...jk->...ik", (2, 1, 3, 4), (5, 4, 2)),
    ("bhid,bhjd->bhij", (1, 2, 3, 4), (1, 2, 5, 4)), ("ij,ij->ij", (3, 4), (3, 4)), ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)),
    ("ijk,k->ji", (2, 3, 4), (4,)), ("iji,jkk->k", (3, 2, 3), (2, 4, 4)), ("a...,...b->ba...", (2, 3, 4), (3, 4, 5)),
    ("ij,kl->", (2, 3), (4, 5)), ("->", ()), ("i->i", (3,)), ("ib,jb,b->ij", (2, 3), (4, 3), (3,)),
]


def cases():
    random = np.random.default_rng(0)

    def floats(shape):
        return random.standard_normal(shape).astype(np.float32)

    for i, (equation, *shapes) in enumerate(EQUATIONS):
        inputs = {f"x{k}": floats(shape) for k, shape in enumerate(shapes)}
        node = helper.make_node("Einsum", list(inputs), ["y"], equation=equation)
        yield f"einsum_{i}", model_of("einsum", [node], inputs, {"y": TensorProto.FLOAT}), inputs
