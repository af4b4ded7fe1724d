"""TorchScript files: programs whose control flow is run while compiling, what is refused by the line of the code, and
files made to do harm: pickle and zip bombs, names that lead elsewhere, storages that are not there, loops without end.

usage: bad_torch.py NBLOCKS [--only TEXT]
"""
import io
import struct
import sys
import zipfile

import numpy as np

from checks import ROOT, main, test

sys.path.insert(0, str(ROOT / "test/models"))
from torch_archive import View, archive, network, pickled, program  # noqa: E402

X = ("--input-shape", "x=1,4", "-b", "host")
PLAIN = "return torch.relu(x)"


def net(c, name, *arguments, **named):
    return c.write(name, network(*arguments, **named))


@test
def input_shapes(c):
    model = net(c, "plain.pt", PLAIN)
    c.expect(0, None, "analyze", model, *X)
    c.expect(3, "dynamic-shape", "analyze", model, says=["`x`", "--input-shape x=N,N,..."])
    two = net(c, "two.pt", "return torch.add(x, ids)", "x: Tensor,\n    ids: Tensor")
    c.expect(3, "dynamic-shape", "analyze", two, says=["`x`, `ids`", "--input-shape x=N,N,... --input-shape ids=N,N,..."])
    c.expect(3, "dynamic-shape", "analyze", two, *X, says=["`ids`", "--input-shape ids="])
    c.expect(0, None, "analyze", two, *X, "--input-shape", "ids=1,4:i64")
    c.expect(2, "usage", "analyze", model, "--input-shape", "y=1,4", says=["`y`", "`x`"])
    c.expect(2, "usage", "analyze", two, "--input-shape", "idz=1,4", says=["did you mean `ids`"])
    c.expect(2, "usage", "analyze", model, *X, "--dim", "n=4", says=["--input-shape"])
    for text in ("x", "x=1,", "x=a", "x=-1", "x=0", "=1", "x=1:f33", "x=1:", "x=99999999999999999999", "x=1,,2", "x=1 "):
        c.expect(2, "usage", "analyze", model, "--input-shape", text)
    c.expect(3, "limit-exceeded", "analyze", model, "--input-shape", "x=1073741824,1073741824")
    c.expect(0, None, "analyze", model, "--input-shape", "x=", "-b", "host")
    onnx = c.relu("relu.onnx", [1, 4])
    c.expect(2, "usage", "analyze", onnx, "--input-shape", "x=1,4", says=["--input-shape", "shapes of its inputs"])
    c.expect(0, None, "analyze", net(c, "dropout.pt", "return torch.dropout_(torch.relu(x), 0.5, False)"), *X)
    np.save(c.path("ids.npy"), np.arange(4, dtype=np.int64).reshape(1, 4))
    c.expect(0, None, "analyze", two, *X, "--freeze", "ids=ids.npy")
    c.expect(2, "usage", "analyze", model, *X, "--freeze", "idz=ids.npy", says=["`idz`"])
    optional = net(c, "optional.pt", """
if torch.__is__(y, None):
  z = x
else:
  z = torch.add(x, unchecked_cast(Tensor, y))
return z""", "x: Tensor,\n    y: Optional[Tensor]=None,\n    n: int=3")
    c.expect(0, None, "analyze", optional, *X)
    c.expect(0, None, "analyze", optional, *X, "--input-shape", "y=1,4")
    pair = net(c, "pair.pt", "a, b, = p\nreturn torch.add(a, b)", "p: Tuple[Tensor, Tensor]")
    c.expect(3, "dynamic-shape", "analyze", pair, says=["--input-shape p.0=", "--input-shape p.1="])
    c.expect(0, None, "analyze", pair, "--input-shape", "p.0=1,4", "--input-shape", "p.1=1,4", "-b", "host")
    c.expect(3, "unsupported-feature", "analyze", net(c, "number.pt", PLAIN, "x: Tensor,\n    n: int"), *X, says=["`n`", "`int`"])


@test
def traced_inputs(c):
    """Traced modules carry the sizes of their example: they are taken where --input-shape gives none."""
    def traced(name, inputs, *arguments, storage=b"", more=None):
        def add(entries):
            data = inputs if isinstance(inputs, bytes) else pickled({"forward": inputs})[0]
            entries.update({"traced_inputs.pkl": data, "traced_inputs/0": storage, "traced_inputs/1": storage})
            entries.update(more or {})
        return net(c, name, *(arguments or [PLAIN]), change=add)

    floats, ids = np.zeros([3, 4], np.float32), np.zeros([3, 4], np.int64)
    model = traced("traced.pt", [floats])
    c.expect(0, None, "analyze", model, "-b", "host", says=["note[remark]", "`x` f32[3,4]", "--input-shape"])
    end = c.expect(0, None, "analyze", model, "-b", "host", "--input-shape", "x=5,7")
    c.check("f32[5,7]" in end.out and "example" not in end.err, "--input-shape is not what holds")
    both = "x: Tensor,\n    ids: Tensor"
    model = traced("both.pt", [floats, ids], "return torch.add(x, ids)", both)
    c.expect(0, None, "analyze", model, "-b", "host", says=["`x` f32[3,4], `ids` i64[3,4]"])
    c.expect(0, None, "analyze", model, "-b", "host", "--input-shape", "ids=3,1:i64", says=["`x` f32[3,4]\n"])
    np.save(c.path("traced_ids.npy"), np.arange(4, dtype=np.int64).reshape(1, 4))
    c.expect(0, None, "analyze", model, "-b", "host", "--freeze", "ids=traced_ids.npy", says=["`x` f32[3,4]\n"])
    pair = traced("traced_pair.pt", [(floats, ids)], "a, b, = p\nreturn torch.add(a, b)", "p: Tuple[Tensor, Tensor]")
    c.expect(0, None, "analyze", pair, "-b", "host", says=["`p.0` f32[3,4], `p.1` i64[3,4]"])
    # Elements are not read: their storage may be missing, or said to be anything.
    gone = View(floats, key="nowhere", elements=-5, offset=1 << 40)
    c.expect(0, None, "analyze", traced("gone.pt", [gone]), "-b", "host", says=["`x` f32[3,4]"])
    # What does not fit says why, and leaves the option.
    for i, (inputs, why) in enumerate([
            ([], "no list of the 1 that `forward` takes"), ([floats, floats], "no list of the 1"), ([3], "no tensor there"),
            ([(floats, floats)], "no tensor there"), (None, "no list of the 1"),
            (pickled({"other": [floats]})[0], "no list of the 1"), (pickled([floats])[0], "no list of the 1"),
            (b"", "`traced_inputs.pkl`"), (b"\x80\x02cos\nsystem\n.", "`os.system`"), (b"\x80\x02](" * 4000, "`traced_inputs.pkl`"),
            (pickled({"forward": [floats]})[0][:-40], "`traced_inputs.pkl`")]):
        model = traced(f"unfit{i}.pt", inputs)
        c.expect(3, "dynamic-shape", "analyze", model, says=["`x` has no shape", why, "--input-shape x=N,N,..."])
        c.expect(0, None, "analyze", model, *X)
    # A list that holds itself, as the whole and within a tuple.
    for i, inputs in enumerate([b"]q\x01h\x01a", b"](]q\x01h\x01ah\x01\x85e", b"](]q\x01(h\x01tah\x01te"]):
        head = b"\x80\x02}(X\x07\x00\x00\x00forward"
        c.expect(3, "dynamic-shape", "analyze", traced(f"circle{i}.pt", head + inputs + b"u."), says=["--input-shape x="])
    for i, sizes in enumerate([(-1, 4), (1 << 40, 1 << 40), tuple([2] * 40)]):
        huge = traced(f"huge{i}.pt", [View(floats, sizes, [1] * len(sizes))])
        c.expect(3, "limit-exceeded", "analyze", huge, says=["`x`"])


TRUE = """
torch.eq(torch.floordiv(-7, 2), -4)
torch.eq(torch.remainder(-7, 3), 2)
torch.eq(torch.remainder(7, -3), -2)
torch.eq(torch.div(7, 2), 3.5)
torch.eq(torch.pow(2, 10), 1024)
torch.eq(2 ** 3 ** 2, 512)
torch.eq(-(2 ** 2), -4)
1 + 2 * 3 == 7 and not 1 > 2
7 // 2 * 2 + 7 % 2 == 7
1 in [1, 2] and 3 not in [1, 2]
None is None and x is not None
torch.eq(int(3.9), 3) and torch.eq(int(-3.9), -3)
torch.eq(torch.ceil(2.1), 3) and torch.eq(torch.floor(-2.1), -3)
torch.eq(torch.size(x), [1, 4])
torch.eq(torch.size(x, -1), 4) and torch.eq(torch.dim(x), 2) and torch.eq(torch.len(x), 1)
torch.eq(torch.numel(x), 4) and torch.eq(ops.prim.dtype(x), 6)
torch.eq(int(ops.prim.NumToTensor(torch.size(x, 1))), 4)
torch.eq(int(torch.add(ops.prim.NumToTensor(torch.size(x, 1)), CONSTANTS.c0)), 7)
torch.eq(annotate(number, ops.prim.NumToTensor(5)), 5)
torch.eq(annotate(List[int], []), [])
torch.eq([1, 2, 3, 4][1:3], [2, 3]) and torch.eq([1, 2, 3][::-1], [3, 2, 1]) and torch.eq([1, 2][5:], [])
torch.eq((1, 2, 3)[-1], 3)
torch.eq(torch.slice([1, 2, 3], 1, None, 1), [2, 3])
torch.eq(torch.add([1], [2]), [1, 2]) and torch.eq(torch.mul([0], 3), [0, 0, 0])
torch.eq(torch.format("{} is {}", "a", 2), "a is 2")
torch.eq("a\\tb\\101\\x42", "a\\tbAB")
torch.eq(torch.join("-", ["a", "b"]), "a-b")
torch.eq(torch.len({"a": 1, "b": 2}), 2) and torch.eq({"a": 1}["a"], 1)
torch.eq(torch.keys({"a": 1, "b": 2}), ["a", "b"])
torch.__contains__({"a": 1}, "a") and not torch.__contains__({"a": 1}, "b")
torch.eq(torch.get({"a": 1}, "b", 9), 9)
isinstance(x, Tensor) and isinstance([1], List[int]) and not isinstance(1, float)
isinstance(None, Optional[int]) and isinstance(1, (float, int))
torch.eq(torch.sorted([3, 1, 2]), [1, 2, 3]) and torch.eq(ops.prim.max([3, 1]), 3) and torch.eq(ops.prim.min(2, 1.5), 1.5)
torch.lt(1., inf) and torch.ne(nan, nan)
torch.eq(torch.__derive_index(2, 5, 3), 11) and torch.eq(torch.__range_length(0, 10, 3), 4) and torch.eq(torch.__range_length(5, 0, -2), 3)
torch.eq(9223372036854775807, 0x7fffffffffffffff) and torch.lt(-9223372036854775808, 0)
torch.eq((1 if torch.gt(2, 1) else 2), 1)
bool(torch.tensor(1)) and not bool(torch.tensor(False))
torch.eq(float(torch.tensor(0.5)), 0.5)
torch.eq(getattr(self, "0"), 8) and torch.eq(self.k, 3) and torch.eq(self.names, ["a", "b"])
torch.eq((self).twice(4, ), 8) and torch.eq(__torch__.net.thrice(4, ), 12)
torch.eq(__torch__.net.thrice(n=5), 15) and torch.eq(__torch__.net.defaulted(), 7)
torch.eq(__torch__.net.Point(1, 2).b, 2)
torch.__isnot__(self.w, None) and torch.eq(torch.size(self.w), [2, 3])
ops.prim.is_cpu(x) and not ops.prim.is_cuda(x)
"""

MORE = """def thrice(n: int) -> int:
  return torch.mul(n, 3)
def defaulted(a: int=3,
    b: int=4) -> int:
  return torch.add(a, b)
class Point(NamedTuple):
  a : int
  b : int
class Counter:
  n : int
  def __init__(self: __torch__.net.Counter, n: int) -> NoneType:
    self.n = n
    return None
  def up(self: __torch__.net.Counter) -> int:
    self.n = torch.add(self.n, 1)
    return self.n
"""
ATTRIBUTES = """k : Final[int] = 3
names : List[str]
__annotations__["0"] = int
def twice(self: __torch__.net.Net,
    n: int) -> int:
  return torch.mul(n, 2)"""

FLOW = """
total = 0
for i in range(torch.len([5, 6, 7])):
  if torch.eq(i, 1):
    continue
  total = torch.add(total, i)
assert torch.eq(total, 2), "continue"
for j in range(10, 0, -3):
  total += j
assert torch.eq(total, 24)
for v in [1, 2, 3]:
  if torch.gt(v, 2):
    break
  total = v
assert torch.eq(total, 2)
n = 0
while torch.lt(n, 100):
  n = torch.add(n, 7)
  if torch.gt(n, 50):
    break
assert torch.eq(n, 56)
items = annotate(List[int], [])
_0 = torch.append(items, 4)
torch.extend(items, [5, 6])
_1 = torch.insert(items, 0, 3)
assert torch.eq(items, [3, 4, 5, 6])
assert torch.eq(torch.pop(items), 6)
items[0] = 9
assert torch.eq(items, [9, 4, 5])
same = items
_2 = torch.append(same, 1)
assert torch.eq(torch.len(items), 4), "lists are shared"
table = annotate(Dict[str, int], {})
table["a"] = 1
table["a"] = 2
assert torch.eq(torch.values(table), [2])
counter = __torch__.net.Counter(5)
_3 = (counter).up()
assert torch.eq((counter).up(), 7)
f = __torch__.net.thrice
assert torch.eq(f(3, ), 9)
a, (b), c, = (1, 2, 3)
assert torch.eq(torch.add(a, c), 4)
if torch.eq(a, 1):
  if False:
    pass
  elif True:
    z = torch.mul(x, 2)
  else:
    ops.prim.RaiseException("not reached")
with torch.no_grad_():
  y = torch.relu(z)
# a comment
return y"""


def members():
    return {"k2": 1, "names": ["a", "b"], "0": 8, "w": np.zeros((2, 3), np.float32)}


@test
def what_is_known_when_compiling(c):
    """Programs assert it themselves; the last one is wrong and must be found."""
    lines = TRUE.strip().splitlines()
    body = "\n".join(f'assert {line}, "line {i}"' for i, line in enumerate(lines))
    make = lambda name, text: net(c, name, text + "\n" + PLAIN, attributes=ATTRIBUTES, members=members(), more=MORE,  # noqa: E731
                                  constants=[np.array(3, np.int64)])
    c.expect(0, None, "analyze", make("true.pt", body), *X)
    for i, line in enumerate(lines):
        end = c.run("analyze", make("false.pt", f"assert not ({line}), 'turned round {i}'"), *X)
        c.check(end is not None and end.code == 3 and f"turned round {i}" in end.err,
                f"not ({line}) is not found to be false: {end.err[:300] if end else ''}")


@test
def control_flow(c):
    model = net(c, "flow.pt", FLOW, attributes=ATTRIBUTES, members=members(), more=MORE)
    c.expect(0, None, "analyze", model, *X)
    wrong = net(c, "flow_wrong.pt", FLOW.replace("torch.eq(total, 24)", "torch.eq(total, 25)"), attributes=ATTRIBUTES,
                members=members(), more=MORE)
    c.expect(3, "invalid-model", "analyze", wrong, *X, says=["assertion does not hold", "code/__torch__/net.py:"])


@test
def what_depends_on_data(c):
    for name, body in (("if", "if bool(torch.gt(x, 0)):\n  x = torch.relu(x)\nelse:\n  pass\nreturn x"),
                       ("while", "while bool(torch.gt(x, 0)):\n  x = torch.sub(x, 1)\nreturn x"),
                       ("for", "for i in range(int(x)):\n  x = torch.sub(x, 1)\nreturn x")):
        c.expect(3, "dynamic-shape", "analyze", net(c, f"{name}.pt", body), "--input-shape", "x=1",
                 says=["computed at run time", "code/__torch__/net.py:", "forward"])
    c.expect(3, "invalid-model", "analyze", net(c, "raise.pt", 'ops.prim.RaiseException("no\\nway")\nreturn x'), *X,
             says=["raises an error", "way"])
    c.expect(3, "unsupported-operator", "analyze", net(c, "riddle.pt", "return torch.riddle(x)"), *X, says=["riddle"])
    c.expect(3, "unsupported-operator", "analyze", net(c, "other.pt", "return ops.mine.op(x)"), *X, says=["mine.op"])
    c.expect(3, "unsupported-feature", "analyze",
             net(c, "state.pt", "self.w = torch.relu(x)\nreturn x", members=members()), *X, says=["`.w`", "--state"])


@test
def broken_code(c):
    for body in ("return", "x = ", "x = (1", "if x:", "1 = 2", "for 3 in x: pass", "return lambda: 3", "x = 'abc", "x ! y",
                 "return x +", "def f(: pass", "return 1j", "x.y z", ")", "\tx = 1\n  y = 2", "return f(a=1, 2)"):
        end = c.run("analyze", net(c, "code.pt", body), *X)
        c.check(end is not None and end.code == 3 and "error[" in end.err, f"{body!r}: {end.err[:200] if end else ''}")
    for body in ("return q", "return x.y.z", "return 3 + None", "a, b, = (1, 2, 3)", "return self.nothing", "return (self).nothing()",
                 "return __torch__.net.nothing(x)", "return CONSTANTS.c9", "return CONSTANTS.x", "return [1, 2][7]",
                 "return {}['a']", "return torch.floordiv(1, 0)", "return 9223372036854775807 + 1", "return 99999999999999999999",
                 "return (self).forward(x, x, x)", "return (self).forward()", "return 3", "return None", "return [1, 2][::0]",
                 "return torch.tensor([[1], [1, 2]])", "return (x)(x)", "x = self\nreturn x", "return torch.add(self, 1)",
                 "return getattr(x, 3)", "return unchecked_cast(int, self)", "return isinstance(x, mystery)"):
        end = c.run("analyze", net(c, "code.pt", body), *X)
        c.check(end is not None and end.code == 3 and "error[" in end.err, f"{body!r}: {end.err[:200] if end else ''}")
    c.expect(3, "invalid-model", "analyze", net(c, "bad_line.pt", "y = x\nreturn ) y"), *X, says=["net.py:7"])


@test
def programs_without_end(c):
    long = dict(seconds=60)
    c.expect(3, "limit-exceeded", "analyze", net(c, "while.pt", "while True:\n  pass\nreturn x"), *X, says=["steps"], **long)
    c.expect(3, "limit-exceeded", "analyze", net(c, "range.pt", "for i in range(9223372036854775807):\n  pass\nreturn x"), *X, **long)
    c.expect(3, "invalid-model", "analyze", net(c, "self.pt", "return (self).forward(x, )"), *X, says=["nested too deeply"], **long)
    for name, body in (("list", "a = [1]\nwhile True:\n  a = torch.add(a, a)"), ("text", "a = 'xy'\nwhile True:\n  a = torch.add(a, a)"),
                       ("append", "a = []\nfor v in [1]:\n  pass\nwhile True:\n  _0 = torch.append(a, a)"),
                       ("extend", "a = [1]\nwhile True:\n  torch.extend(a, a)"), ("format", "a = 'x'\nwhile True:\n  a = torch.format('{}{}', a, a)"),
                       ("mul", "a = torch.mul([0], 4611686018427387904)"), ("deep", "a = []\nwhile True:\n  a = [a]"),
                       ("dict", "a = {}\nn = 0\nwhile True:\n  a[n] = n\n  n = n + 1")):
        c.expect(3, "limit-exceeded", "analyze", net(c, f"{name}.pt", body + "\nreturn x"), *X, **long)
    loops = "a = []\n_0 = torch.append(a, a)\n"
    for use in ("return torch.cat(a)", "return torch.eq(a, [a])", "return torch.str(a)"):
        end = c.run("analyze", net(c, "loop.pt", loops + use), *X)
        c.check(end is not None and end.code == 3, f"{use}: {end.err[:200] if end else ''}")
    deep = 5000
    for body in ("return " + "(" * deep + "x" + ")" * deep, "return " + "-" * deep + "x", "return " + "not " * deep + "x",
                 "return x" + ".a" * deep, "return x" + "[0]" * deep, "return " + "[" * deep + "]" * deep, "return x" + " + x" * 3 * deep,
                 "return " + "f(" * deep + ")" * deep, "return " + "'a' " * deep, "return 1" + " if 1 else 1" * deep,
                 "\n".join("  " * i + "if True:" for i in range(deep // 10)) + " pass\nreturn x"):
        end = c.run("analyze", net(c, "deep.pt", body), *X)
        c.check(end is not None and end.code == 3 and "error[" in end.err, f"{body[:40]!r}: {end.err[:200] if end else ''}")


def with_data(data, code="pass\n", top="model"):
    return archive({"data.pkl": data, "constants.pkl": b"\x80\x02).", "code/__torch__/net.py": code, "version": "3\n"}, top)


@test
def pickles_that_do_harm(c):
    def refused(data, kind, *says):
        c.expect(3, kind, "analyze", c.write("evil.pt", with_data(data)), *X, says=says)

    refused(b"\x80\x02cos\nsystem\nX\x02\0\0\0ls\x85R.", "invalid-model", "`os.system`", "byte 2", "nothing in a file is run")
    refused(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.", "invalid-model", "`builtins.eval`")
    refused(b"\x80\x02I1\n.", "malformed-file", "opcode 0x49")
    refused(b"\x80\x02", "malformed-file", "data.pkl")
    refused(b"", "malformed-file", "data.pkl")
    refused(b"\x80\x02N.", "invalid-model", "not a module")
    refused(b"\x80\x02c__torch__.net\nNowhere\n)\x81}b.", "invalid-model", "Nowhere")
    refused(b"\x80\x02c__torch__.../../etc\nNet\n)\x81}b.", "invalid-model", "no class")
    refused(b"\x80\x02c__torch__.net\nNet\n)\x81Nb.", "invalid-model")
    refused(b"\x80\x02" + b"(" * 3_000_000, "malformed-file")
    refused(b"\x80\x02(" + b"N" * 3_000_000 + b"t.", "malformed-file", "values")
    refused(b"\x80\x02X\xff\xff\xff\x7fabc.", "malformed-file")
    doubled = b"N" + b"".join(b"r" + struct.pack("<I", i) + b"j" + struct.pack("<I", i) + b"\x86" for i in range(2000))
    refused(b"\x80\x02" + doubled + b".", "invalid-model")

    # In an attribute that the program reads: shared a hundred times over, it stays one value, and has a depth.
    root = b"\x80\x02c__torch__.net\nNet\n)\x81}X\x01\0\0\0a" + doubled + b"sb."
    code = "class Net(Module):\n  def forward(self: __torch__.net.Net,\n    x: Tensor) -> Tensor:\n    {}\n    return x\n"
    c.expect(0, None, "analyze", c.write("unread.pt", with_data(root, code.format("pass"))), *X)
    c.expect(3, "invalid-model", "analyze", c.write("read.pt", with_data(root, code.format("y = self.a"))), *X, says=["nested too deeply"])
    some = b"N" + b"".join(b"r" + struct.pack("<I", i) + b"j" + struct.pack("<I", i) + b"\x86" for i in range(30))
    root = b"\x80\x02c__torch__.net\nNet\n)\x81}X\x01\0\0\0a" + some + b"sb."
    for use in ("y = torch.relu(self.a)", "y = torch.str(self.a)", "y = torch.eq(self.a, self.a)"):
        end = c.run("analyze", c.write("wide.pt", with_data(root, code.format(use))), *X)
        wanted = 0 if "str" in use else 3  # texts end where nobody reads on
        c.check(end is not None and end.code == wanted and end.seconds < 60, f"{use}: {end.err[:200] if end else ''}")


@test
def storages_that_are_not_there(c):
    def refused(view, *says, change=None):
        model = net(c, "storage.pt", "return torch.add(x, self.w)", members={"w": view}, change=change)
        c.expect(3, "malformed-file", "analyze", model, *X, says=("`w`", *says))

    four = np.arange(4, dtype=np.float32)
    c.expect(0, None, "analyze", net(c, "good.pt", "return torch.add(x, self.w)", members={"w": View(four, (2, 2), (1, 2))}),
             "--input-shape", "x=2,2", "-b", "host")
    refused(View(four, (5,), (1,)), "beyond its storage of 4 elements")
    refused(View(four, (4,), (1,), 1), "beyond its storage")
    refused(View(four, (2,), (2**62,)), "beyond its storage")
    refused(View(four, (2**62, 4), (0, 1)), "limits")
    refused(View(four, (4,), (-1,), 3), "negative")
    refused(View(four, (4,), (1,), -1), "negative")
    refused(View(four, (4, 1), (1,)), "2 sizes and 1 strides")
    refused(View(four, elements=5), "5 elements", "16 bytes")
    refused(View(four, elements=-1), "-1 elements")
    refused(View(four, elements=2**62), "elements")
    refused(View(four, key="9"), "does not have: `9`")
    refused(View(four, key="../data.pkl"), "does not have")
    refused(View(four, (1 << 27,), (0,)), "together")
    refused(View(four, (1,) * 9, (1,) * 9), "limits")


@test
def archives_that_do_harm(c):
    good = network(PLAIN)
    model = c.write("good.pt", good)
    c.expect(0, None, "analyze", model, *X)
    for size in (0, 1, 21, 22, len(good) // 2, len(good) - 1):
        end = c.run("analyze", c.write("cut.pt", good[:size]), *X)
        c.check(end is not None and end.code in (2, 3) and "error[" in end.err, f"cut to {size}: {end.err[:200] if end else ''}")

    def remade(change):
        return c.write("zip.pt", network(PLAIN, change=change))

    def bomb(entries):
        entries["code/__torch__/net.py"] += "#" + " " * (200 << 20)

    c.expect(3, "malformed-file", "analyze", remade(bomb), *X, says=["too large when inflated"])
    for name in ("../evil", "a/../../evil", "a\\b", "C:evil"):
        out = io.BytesIO(good)
        with zipfile.ZipFile(out, "a") as file:
            file.writestr(zipfile.ZipInfo("model/" + name if name[0] != "." else name), b"x")
        end = c.run("analyze", c.write("path.pt", out.getvalue()), *X)
        c.check(end is not None and (end.code == 3 or name == "C:evil"), f"{name}: {end.err[:200] if end else ''}")
    many = bytes(good).replace(b"\x50\x4b\x01\x02", b"\x50\x4b\x01\x03")
    c.expect(3, "malformed-file", "analyze", c.write("directory.pt", many), *X, says=["broken zip directory"])
    c.expect(3, "invalid-model", "analyze", remade(lambda e: e.update({"code/__torch__/net.py": "class Net(Module):\n  pass\n"})), *X,
             says=["no method `forward`"])


@test
def weights_without_a_graph(c):
    data, storages = pickled({"layer.weight": np.zeros((2, 2), np.float32)})
    state = archive({"data.pkl": data, "data/0": storages[0], "version": "3\n"})
    c.expect(3, "unknown-format", "analyze", c.write("state.pt", state), says=["state_dict", "torch.export.export", "torch.export.save"])
    module = archive({"data.pkl": b"\x80\x02cmodels.net\nNet\n)\x81}b.", "version": "3\n"})
    c.expect(3, "unknown-format", "analyze", c.write("module.pt", module), says=["`models.net.Net`", "torch.export.save"])
    magic = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03."
    c.expect(3, "unknown-format", "analyze", c.write("legacy.pt", magic), says=["torch.export.save"])
    c.expect(3, "unknown-format", "analyze", c.write("legacy4.pt", b"\x80\x04" + magic[2:]), says=["torch.export.save"])
    c.expect(3, "unknown-format", "analyze", c.write("other.zip", archive({"a.txt": b"x"}, "")))


if __name__ == "__main__":
    sys.exit(main())
