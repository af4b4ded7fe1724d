"""What the backend tests of `onnx` leave out: operators that they have in float64 only, attributes, early opsets.

cases(): (name, model, inputs by name, outputs); where the outputs are None, onnx's own reference evaluator makes them.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import recurrent_cases


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

    def one(name, operator, inputs, constants=None, outputs=1, opset=23, **attributes):
        """A model of one node: `inputs` come at run time, `constants` are initializers; all by position."""
        arrays = {**inputs, **(constants or {})}
        names = sorted(arrays, key=lambda key: int(key[1:]))
        results = {f"y{k}": TensorProto.FLOAT if k == 0 else TensorProto.INT64 for k in range(outputs)}
        node = helper.make_node(operator, names, list(results), **attributes)
        model = model_of(operator, [node], inputs, results, opset)
        for key, array in (constants or {}).items():
            model.graph.initializer.append(numpy_helper.from_array(array, key))
        return name, model, inputs, None

    for i, (equation, *shapes) in enumerate(EQUATIONS):
        inputs = {f"x{k}": floats(shape) for k, shape in enumerate(shapes)}
        node = helper.make_node("Einsum", list(inputs), ["y"], equation=equation)
        yield f"einsum_{i}", model_of("einsum", [node], inputs, {"y": TensorProto.FLOAT}), inputs, None

    for length in (1, 2, 3, 8, 12, 30, 49, 64, 97):
        signal = {"x0": floats((2, length, 3, 2))}
        yield one(f"dft_{length}", "DFT", signal, opset=17, axis=1)
        yield one(f"dft_inverse_{length}", "DFT", signal, opset=17, axis=1, inverse=1)
    for onesided, inverse, length in ((1, 0, 12), (0, 0, 20), (0, 0, 7), (1, 1, 18), (1, 1, 19)):
        yield one(f"dft_{onesided}{inverse}_{length}", "DFT", {"x0": floats((2, 10, 2))},
                  {"x1": np.array(length, np.int64)}, opset=17, onesided=onesided, inverse=inverse)

    grid = {"x0": floats((2, 3, 4, 5)), "x1": (1.6 * floats((2, 3, 3, 2))).astype(np.float32)}
    for mode in ("nearest", "linear", "cubic"):
        for padding in ("zeros", "border", "reflection"):
            for align in (0, 1):
                yield one(f"grid_sample_{mode}_{padding}_{align}", "GridSample", grid, mode=mode, padding_mode=padding,
                          align_corners=align)

    image = {"x0": floats((2, 3, 6, 5))}
    yield one("max_pool_indices_order", "MaxPool", image, outputs=2, kernel_shape=[2, 3], strides=[2, 1], dilations=[2, 1],
              storage_order=1)
    yield one("max_pool_indices_ceil", "MaxPool", image, outputs=2, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    yield one("max_pool_indices_1d", "MaxPool", {"x0": floats((1, 2, 9))}, outputs=2, kernel_shape=[3], strides=[2],
              pads=[1, 0])
    yield one("det_batch", "Det", {"x0": floats((2, 3, 5, 5))})
    for mode in ("linear", "cubic"):
        for scale in (0.3, 0.6, 1.7):
            yield one(f"resize_antialias_{mode}_{scale}", "Resize", {"x0": floats((1, 1, 7, 9))},
                      {"x1": np.array([], np.float32), "x2": np.array([1, 1, scale, scale], np.float32)}, mode=mode,
                      antialias=1)
    yield one("compress", "Compress", {"x0": floats((4, 3))}, {"x1": np.array([1, 0, 1], bool)}, axis=1)
    yield one("compress_flat", "Compress", {"x0": floats((4, 3))}, {"x1": np.array([0, 1, 0, 0, 1], bool)})
    yield one("deform_conv_groups", "DeformConv",
              {"x0": floats((2, 4, 5, 6)), "x2": floats((2, 2 * 2 * 4, 6, 6)), "x3": floats((6,)),
               "x4": floats((2, 2 * 4, 6, 6))},
              {"x1": floats((6, 2, 2, 2))}, kernel_shape=[2, 2], pads=[1, 0, 1, 1], group=2, offset_group=2)
    for name, axis, scale, bias in (("of_rows", -1, (2, 3, 1), (4,)), ("bias_of_rows", -1, (1,), (3, 1)),
                                    ("leading", 1, (1, 3, 4), (1, 1, 4)), ("scalar", 0, (), (3, 4))):
        yield one(f"layer_norm_{name}", "LayerNormalization", {"x0": floats((2, 3, 4)), "x1": floats(scale)},
                  {"x2": floats(bias)}, axis=axis)
    yield one("batch_norm_spatial", "BatchNormalization",
              {"x0": floats((2, 3, 4))}, {"x1": floats((3,)), "x2": floats((3,)), "x3": floats((3,)),
                                         "x4": np.abs(floats((3,)))})

    # Early opsets: what later became operands was attributes.
    def early(name, operator, opset, expected, constants=None, **attributes):
        case = one(name, operator, {"x0": cube}, constants, opset=opset, **attributes)
        return *case[:3], [expected]

    cube = floats((2, 3, 4))
    rows = cube.reshape(2, 12)
    powers = np.exp(rows - rows.max(1, keepdims=True))
    soft = (powers / powers.sum(1, keepdims=True)).reshape(cube.shape)
    yield early("softmax_7", "Softmax", 7, soft)
    yield early("log_softmax_11", "LogSoftmax", 11, np.log(soft), axis=1)
    yield early("hardmax_11", "Hardmax", 11, (rows == rows.max(1, keepdims=True)).astype(np.float32).reshape(cube.shape))
    yield early("slice_9", "Slice", 9, cube[:, 1:3, -3:], axes=[1, 2], starts=[1, -3], ends=[3, 2**31 - 1])
    yield early("pad_2", "Pad", 7, np.pad(cube, ((0, 0), (1, 2), (0, 1)), constant_values=1.5), pads=[0, 1, 0, 0, 2, 1],
                value=1.5)
    yield early("pad_reflect_2", "Pad", 10, np.pad(cube, ((0, 0), (1, 2), (2, 1)), "reflect"), pads=[0, 1, 2, 0, 2, 1],
                mode="reflect")
    yield early("clip_6", "Clip", 7, np.clip(cube, -0.5, 0.25), min=-0.5, max=0.25)
    yield early("unsqueeze_1", "Unsqueeze", 11, cube[:, None, :, None], axes=[1, 3])
    yield early("reduce_sum_1", "ReduceSum", 11, cube.sum((0, 2)), axes=[0, 2], keepdims=0)
    yield early("split_2", "Split", 11, cube[:, :, :4], axis=2, split=[4])
    yield early("upsample_7", "Upsample", 8, cube.repeat(2, 1).repeat(3, 2), scales=[1.0, 2.0, 3.0])
    yield early("upsample_9", "Upsample", 9, cube.repeat(2, 1).repeat(3, 2),
                {"x1": np.array([1, 2, 3], np.float32)})
    yield early("resize_10", "Resize", 10, cube.repeat(2, 1).repeat(3, 2), {"x1": np.array([1, 2, 3], np.float32)})
    yield early("cast_9", "Cast", 9, cube, to=TensorProto.FLOAT)
    yield early("dropout_7", "Dropout", 10, cube, ratio=0.3)
    yield early("flatten_9", "Flatten", 9, cube.reshape(6, 4), axis=2)
    yield early("thresholded_relu", "ThresholdedRelu", 10, np.where(cube > 0.5, cube, 0).astype(np.float32), alpha=0.5)

    yield from recurrent_cases.cases(model_of)
