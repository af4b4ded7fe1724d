"""What is said of models that break a rule, or ask for what no static program does: each by the layer and the rule, all at
once.

usage: bad_models.py NBLOCKS [--only TEXT]
"""
import json
import sys

import numpy as np
import tflite
from onnx import TensorProto, helper

from checks import F32, INT8, ROOT, Skipped, main, test

sys.path.insert(0, str(ROOT / "test/fuzz"))
import flat_tree  # noqa: E402


@test
def unsupported_operators_are_listed(c):
    nodes = [helper.make_node("Mystery", ["x"], ["a"], name="first_layer"), helper.make_node("Relu", ["a"], ["b"]),
             helper.make_node("Riddle", ["b"], ["y"], name="last_layer")]
    c.expect(3, "unsupported-operator", "analyze", c.model("two.onnx", nodes, [("x", F32, [4])], ["y"]),
             says=["Mystery", "first_layer", "Riddle", "last_layer"])


@test
def symbolic_dimensions(c):
    model = c.relu("symbolic.onnx", ["batch", "length", 4])
    c.expect(3, "dynamic-shape", "analyze", model, says=["length", "--dim"])
    end = c.expect(0, None, "analyze", model, "--dim", "length=7", "-b", "host", says=["batch"])
    c.check(end is not None and "7" in end.out, "--dim length=7 is not used")
    for text in ("length", "length=", "length=x", "=3", "length=-1", "length=0", "length=99999999999999999999"):
        c.expect(2, "usage", "analyze", model, "--dim", text)
    end = c.run("analyze", model, "--dim", "lenght=7")
    c.check(end is not None and end.code != 0, "a misspelt --dim is taken in silence")
    c.expect(2, "usage", "analyze", c.relu("batch.onnx", ["batch", 4]), "--dim", "bacth=7", says=["`bacth`", "`batch`"])
    c.expect(2, "usage", "analyze", c.relu("fixed.onnx", [1, 4]), "--dim", "batch=7", says=["`batch`"])
    c.expect(0, None, "analyze", c.relu("by_place.onnx", [1, 4]), "--dim", "x:0=7")


@test
def attributes_of_two_values(c):
    nodes = [helper.make_node("ReduceMax", ["x"], ["y"], keepdims=7, name="peak")]
    c.expect(3, "attribute-out-of-range", "analyze", c.model("keepdims.onnx", nodes, [("x", F32, [2, 3])], ["y"]),
             says=["`keepdims` is 7, neither 0 nor 1", "ReduceMax `peak`"])


def layers(end):
    """{layer: (kind, message, help, notes)} of the errors of a command with --json."""
    found = {}
    for d in json.loads(end.out)["diagnostics"]:
        if d["severity"] == "error":
            found.setdefault(d["layer"] or d["message"], (d["kind"], d["message"], d["help"], " ".join(d["notes"])))
    return found


@test
def all_faults_at_once(c):
    """Whatever a model has that cannot be, one run lists it; what uses a value that is not known says nothing."""
    node = helper.make_node
    nodes = [node("NonMaxSuppression", ["b", "s"], ["o"], name="nms", center_point_box=1),
             node("Cast", ["o"], ["of"], to=1), node("Relu", ["of"], ["r"]),
             node("Rleu", ["x"], ["q"]), node("Sqrt", ["q"], ["q2"]),
             node("StringNormalizer", ["text"], ["sn"], name="words", locale="de", stopwords=["a", "b"]),
             node("SequenceConstruct", ["x", "x"], ["seq"], name="pack"), node("Unique", ["x"], ["u"], name="kinds"),
             node("ReduceMax", ["x"], ["p"], keepdims=5), node("NonZero", ["x"], ["nz"]), node("Gather", ["x", "nz"], ["g"]),
             node("Compress", ["x", "flag"], ["cmp"], name="sieve"),
             node("Foo", ["x"], ["f"], domain="my.dom", alpha=1.5, ks=[1, 2, 3]),
             node("Add", ["x", "missing"], ["m"]), node("Mul", ["m", "missing"], ["mm"]),
             node("Softmax", ["x"], ["sm"], axsi=1), node("Exp", ["x"], ["e"])]
    model = c.model("many.onnx", nodes, [("x", F32, [1, 4]), ("b", F32, [1, "n", 4]), ("s", F32, [1, 1, 8]),
                                         ("text", TensorProto.STRING, [3]), ("flag", TensorProto.BOOL, [4])],
                    ["r", "q2", "p", "g", "f", "mm", "sm", "e", "u", "cmp"])
    end = c.expect(3, None, "analyze", model, "--json")
    found = layers(end)
    wanted = {"NonMaxSuppression `nms`": ("unsupported-operator", "center_point_box=1", "TopK"),
              "Rleu `q`": ("unsupported-operator", "", "`Relu`"),
              "StringNormalizer `words`": ("unsupported-operator", 'stopwords=["a","b"]', "before the model"),
              "SequenceConstruct `pack`": ("unsupported-operator", "", "sequences"),
              "Unique `kinds`": ("unsupported-operator", "", "TopK"),
              "Foo `f`": ("unsupported-operator", "alpha=1.5, ks=[1,2,3]", "function"),
              "ReduceMax `p`": ("attribute-out-of-range", "", ""),
              "NonZero `nz`": ("dynamic-shape", "", "Where"),
              "Compress `sieve`": ("dynamic-shape", "", "Where"),
              "Add `m`": ("invalid-model", "", ""),
              "Softmax `sm`": ("invalid-model", "", "`axis`"),
              "input `b`: dimension 1, `n`, is not known": ("dynamic-shape", "", "--dim n=N"),
              "input `text` has elements of type STRING": ("unsupported-feature", "", "before the model")}
    for layer, (kind, attributes, help_text) in wanted.items():
        got = found.pop(layer, ("nothing", "", "", ""))
        c.check(got[0] == kind and attributes in got[3] and help_text in got[2], f"{layer}: {got}")
    c.check(not found, f"also said: {found}")


@test
def faults_within_functions_and_branches(c):
    """A function's fault does not hide those behind it; a value from within a refused branch is unknown without."""
    node = helper.make_node
    function = helper.make_function("own", "F", ["a"], ["b"], [node("Mystery", ["a"], ["k"]), node("Relu", ["a"], ["b"])],
                                    [helper.make_opsetid("", 21)])
    branch = helper.make_graph([node("Riddle", ["x"], ["t"])], "t", [], [helper.make_tensor_value_info("t", F32, [4])])
    other = helper.make_graph([node("Relu", ["x"], ["t2"])], "e", [], [helper.make_tensor_value_info("t2", F32, [4])])
    nodes = [node("F", ["x"], ["f"], domain="own"), node("If", ["c"], ["i"], then_branch=branch, else_branch=other),
             node("Sqrt", ["i"], ["y"]), node("Softmax", ["f"], ["z"], axis=3, name="last")]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", F32, [4]),
                                           helper.make_tensor_value_info("c", TensorProto.BOOL, [])],
                              [helper.make_tensor_value_info(n, F32, None) for n in "yz"])
    model = helper.make_model(graph, functions=[function], opset_imports=[helper.make_opsetid("", 21),
                                                                          helper.make_opsetid("own", 1)])
    found = layers(c.expect(3, None, "analyze", c.write("inner.onnx", model.SerializeToString()), "--json"))
    c.check(set(found) == {"Mystery `k`", "Riddle `t`", "Softmax `last`"}, f"said: {found}")


@test
def rules_of_the_specification(c):
    """Each with its layer and the rule that it breaks."""
    node = helper.make_node

    def refused(kind, says, *nodes, inputs=(("x", F32, [2, 3]), ("i", TensorProto.INT64, [2, 3])), constants=()):
        c.expect(3, kind, "analyze", c.model("rule.onnx", nodes, list(inputs), [nodes[-1].output[0]], constants),
                 says=[says, f"{nodes[-1].op_type} `here`"])

    refused("invalid-model", "it has no attribute `axsi`", node("Softmax", ["x"], ["y"], axsi=1, name="here"))
    refused("invalid-model", "did you mean `axis`?", node("Softmax", ["x"], ["y"], axsi=1, name="here"))
    refused("invalid-model", "attribute `to` is missing", node("Cast", ["x"], ["y"], name="here"))
    refused("invalid-model", "attribute `axis` is STRING instead of INT", node("Softmax", ["x"], ["y"], axis="a", name="here"))
    twice = node("Softmax", ["x"], ["y"], axis=1, name="here")
    twice.attribute.append(twice.attribute[0])
    refused("invalid-model", "attribute `axis` is given twice", twice)
    refused("invalid-model", "it has 3 inputs and takes at most 2", node("Add", ["x", "x", "x"], ["y"], name="here"))
    refused("invalid-model", "its input 1, `B`, is missing", node("Add", ["x"], ["y"], name="here"))
    refused("invalid-model", "it has 2 outputs and gives at most 1", node("Relu", ["x"], ["y", "z"], name="here"))
    refused("invalid-model", "operator set 21 has no RMSNormalization, which came with 23",
            node("RMSNormalization", ["x", "x"], ["y"], name="here"))
    refused("dtype-mismatch", "its input 1, `B`, is i64 and its input 0, `A`, is f32: they must have one type",
            node("Add", ["x", "i"], ["y"], name="here"))
    refused("dtype-mismatch", "its input 1, `indices`, is f32, which it does not take",
            node("Gather", ["x", "x"], ["y"], name="here"))
    refused("attribute-out-of-range", "axis 2 is outside a tensor of rank 2", node("Softmax", ["x"], ["y"], axis=2, name="here"))
    refused("invalid-model", "value `a` is made twice", node("Relu", ["x"], ["a"]), node("Abs", ["x"], ["a"], name="here"))
    refused("invalid-model", "the graph has a cycle through this node", node("Add", ["x", "a"], ["a"], name="here"))
    refused("invalid-model", "its input `w` is made by nothing", node("Add", ["x", "w"], ["y"], name="here"))


@test
def scales_along_input_channels(c):
    """Weights whose scales run along another axis than their outputs stay floats, however many scales there are."""
    node, random = helper.make_node, np.random.default_rng(1)
    nodes = [node("QuantizeLinear", ["x", "s", "z"], ["q"]), node("DequantizeLinear", ["q", "s", "z"], ["d"]),
             node("DequantizeLinear", ["w", "ws", "wz"], ["dw"], axis=1), node("Conv", ["d", "dw"], ["c"]),
             node("QuantizeLinear", ["c", "s", "z"], ["cq"]), node("DequantizeLinear", ["cq", "s", "z"], ["y"])]
    scales = np.float32([0.001, 0.01, 0.02, 0.04])
    weights = random.integers(-127, 127, [4, 4, 1, 1]).astype(np.int8)
    model = c.model("axis.onnx", nodes, [("x", F32, [1, 4, 5, 5])], ["y"],
                    [("s", np.float32(0.05)), ("z", np.int8(0)), ("w", weights), ("ws", scales), ("wz", np.zeros(4, np.int8))])
    x = random.uniform(-1, 1, [1, 4, 5, 5]).astype(np.float32)
    np.save(c.path("x.npy"), x)
    c.expect(0, None, "run", model, "-b", "host", "-O", "O0", "-i", "x.npy", "-o", c.path("out"), seconds=60)
    rounded = np.clip(np.round(x / 0.05), -128, 127) * 0.05
    wanted = np.einsum("oi,nihw->nohw", weights[:, :, 0, 0] * scales[None, :], rounded)
    wanted = np.clip(np.round(wanted / 0.05), -128, 127) * 0.05
    c.check(np.abs(np.load(c.path("out/out0.npy")) - wanted).max() < 0.051, "another answer than the model's")


def digits_tflite(c, name, change):
    """The shipped int8 model, changed by change(model, its operators, its tensors)."""
    model = flat_tree.read(INT8.read_bytes())
    graph = model["Subgraphs"][0]
    change(model, graph["Operators"], graph["Tensors"])
    return c.write(name, flat_tree.write(model))


def set_operator(model, op, code, custom=None):
    codes = model["OperatorCodes"]
    codes.append(flat_tree.Table("OperatorCode", BuiltinCode=code, DeprecatedBuiltinCode=min(code, 127), Version=1))
    if custom:
        codes[-1]["CustomCode"] = custom
    op["OpcodeIndex"] = len(codes) - 1


@test
def tflite_faults_at_once(c):
    """Operators that are not translated, custom ones and those of TensorFlow by name, beside what is wrong elsewhere."""
    def change(model, ops, tensors):
        set_operator(model, ops[0], 32, b"FlexErf")
        set_operator(model, ops[2], 32, b"my_operator")
        set_operator(model, ops[3], tflite.BuiltinOperator.FAKE_QUANT)
        shape = [int(d) for d in tensors[graph_inputs(model)[0]]["Shape"]]
        tensors[graph_inputs(model)[0]]["ShapeSignature"] = np.array([1, -1, *shape[2:]], np.int32)

    model = digits_tflite(c, "many.tflite", change)
    end = c.expect(3, None, "analyze", model, "--json")
    found = layers(end)
    wanted = {"FlexErf": ("unsupported-operator", "SELECT_TF_OPS"), "my_operator": ("unsupported-operator", "allow_custom_ops"),
              "FAKE_QUANT": ("unsupported-operator", "converter"), "axis 1 of input": ("dynamic-shape", "--dim")}
    for word, (kind, help_text) in wanted.items():
        place = next((layer for layer in found if word in layer), "")
        got = found.pop(place, ("nothing", "", "", ""))
        c.check(got[0] == kind and help_text in got[2], f"{word}: {got}")
    c.check(not found, f"also said: {found}")
    text = c.run("analyze", model).err
    c.check("attributes: " in text and "padding=" in text, f"no attributes: {text[:400]}")
    c.expect(2, "usage", "analyze", model, "--dim", "inptu.1=8")


def graph_inputs(model):
    return [int(i) for i in model["Subgraphs"][0]["Inputs"]]


@test
def tflite_rules(c):
    """Each with its layer and the rule that it breaks; the layers that follow say nothing."""
    def refused(says, change, kind=None):
        end = c.expect(3, kind, "analyze", digits_tflite(c, "rule.tflite", change), says=[says])
        c.check(end is not None and "-->" in end.err, f"{says}: no place is named")

    def edge(op, i, tensor):
        op["Inputs"] = np.array([tensor if k == i else t for k, t in enumerate(op["Inputs"])], np.int32)

    def option(op, **values):
        for name, value in values.items():
            op["BuiltinOptions"][name] = value

    refused("is used before any operator makes it", lambda m, o, t: edge(o[0], 0, int(o[1]["Outputs"][0])), "invalid-model")
    refused("stride", lambda m, o, t: option(o[0], StrideW=-1))
    refused("activation", lambda m, o, t: option(o[0], FusedActivationFunction=77))
    refused("operand 1 is missing", lambda m, o, t: edge(o[0], 1, -1), "invalid-model")

    end = c.expect(3, None, "analyze", digits_tflite(c, "one.tflite", lambda m, o, t: option(o[0], StrideW=-1)), "--json")
    c.check(len(layers(end)) == 1, f"layers that follow speak, too: {end.out[:400]}")


@test
def variables_that_nobody_froze(c):
    """A file of the TensorFlow converter that reads variables which nothing initialises."""
    model = ROOT.parent / "shared/models/rejects/keras_mlp_wine_model_fcf.tflite"
    if not model.exists():
        raise Skipped(f"{model} is missing")
    end = c.expect(3, "unsupported-operator", "generate", model, "-o", c.path("out"),
                   says=["READ_VARIABLE", "VAR_HANDLE", "freeze", "sequential_1/dense_1/kernel"])
    c.check(end is not None and not c.path("out").exists(), "a folder is left")


@test
def long_shapes_are_cut(c):
    nodes = [helper.make_node("Reshape", ["x", "s"], ["y"])]
    end = c.expect(3, None, "analyze", c.model("rank.onnx", nodes, [("x", F32, [1])], ["y"], [("s", np.ones(4000, np.int64))]))
    c.check(len(end.err) < 1000, f"{len(end.err)} characters of text")


if __name__ == "__main__":
    sys.exit(main())
