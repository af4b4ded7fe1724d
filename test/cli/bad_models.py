"""What is said of models that break a rule, or ask for what no static program does: each by the layer and the rule, all at
once.

usage: bad_models.py NBLOCKS [--only TEXT]
"""
import sys

import numpy as np
from onnx import helper

from checks import F32, main, test


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


@test
def long_shapes_are_cut(c):
    nodes = [helper.make_node("Reshape", ["x", "s"], ["y"])]
    end = c.expect(3, None, "analyze", c.model("rank.onnx", nodes, [("x", F32, [1])], ["y"], [("s", np.ones(4000, np.int64))]))
    c.check(len(end.err) < 1000, f"{len(end.err)} characters of text")


if __name__ == "__main__":
    sys.exit(main())
