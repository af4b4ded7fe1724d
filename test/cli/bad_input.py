"""What the command line does with input that is wrong: exit codes, diagnostics, and that nothing is half-written.

Every command must end within 10 s, in 3 GiB, without a signal. Exit codes: 0 ok, 1 firmware fault or time-out, 2 usage
or unreadable file, 3 model not supported, 4 does not fit, 5 tool missing. What is wrong within a model: bad_models.py.

usage: bad_input.py NBLOCKS [--only TEXT]
"""
import json
import os
import random
import shutil
import subprocess
import sys

import numpy as np
from onnx import TensorProto, helper

from checks import DIGITS, EXAMPLES, F32, INT8, LIMIT_SECONDS, Skipped, main, test


def nested_ifs(depth):
    """A model of If in If, deeper than the onnx package writes: fields 5 (attribute) of a node, 6 (graph) of that."""
    def field(number, content):
        size, length = len(content), b""
        while size > 127:
            length, size = length + bytes([size & 127 | 128]), size >> 7
        return bytes([number << 3 | 2]) + length + bytes([size]) + content

    leaf = helper.make_graph([helper.make_node("Relu", ["x"], ["o"])], "b", [],
                             [helper.make_tensor_value_info("o", F32, [4])])
    graph = leaf.SerializeToString()
    rest = field(1, b"c") + field(2, b"o") + field(4, b"If")
    for _ in range(depth):
        branch = field(5, field(1, b"then_branch") + field(6, graph) + b"\xa0\x01\x05")
        graph = field(1, rest + branch) + field(12, helper.make_tensor_value_info("o", F32, [4]).SerializeToString())
    return b"\x08\x08" + field(7, graph) + field(8, b"\x10\x15")


def tools_path(c, names):
    """A PATH with only these programs."""
    folder = c.path("tools")
    folder.mkdir(exist_ok=True)
    for name in names:
        found = shutil.which(name)
        if found is None:
            raise Skipped(f"{name} is missing")
        if not (folder / name).exists():
            (folder / name).symlink_to(found)
    return dict(os.environ, PATH=str(folder))


@test
def missing_and_unreadable_files(c):
    c.expect(2, "file-unreadable", "analyze", "nothing.onnx", says=["nothing.onnx", "no such file"])
    c.expect(2, "file-unreadable", "analyze", c.folder, says=["is a directory"])
    c.expect(2, "file-unreadable", "run", DIGITS, "--input", "nothing.npy", says=["nothing.npy"])
    c.expect(2, "file-unreadable", "analyze", DIGITS, "-b", "nothing.toml", says=["nothing.toml"])
    c.expect(2, "file-unreadable", "analyze", DIGITS, "--freeze", "input=nothing.npy", says=["nothing.npy"])


@test
def frozen_inputs_and_states(c):
    """A frozen input has the model's dtype and shape; a pair of --state names what the model has."""
    c.model("where.onnx", [helper.make_node("Where", ["pad", "x", "h"], ["y"])],
            [("pad", TensorProto.BOOL, [1, 4]), ("x", F32, [1, 4]), ("h", F32, [1, 4])], ["y"])
    np.save(c.path("shape.npy"), np.zeros((1, 1), bool))
    np.save(c.path("dtype.npy"), np.full((1, 4), 0.5, np.float32))
    np.save(c.path("right.npy"), np.zeros((1, 4), bool))
    freeze = ("analyze", "where.onnx", "--freeze")
    c.expect(2, "input-mismatch", *freeze, "pad=shape.npy", says=["[1,1]", "[1,4]", "pad"])
    c.expect(2, "input-mismatch", *freeze, "pad=dtype.npy", says=["f32", "bool"])
    c.expect(2, "input-mismatch", *freeze, "x=right.npy", says=["f32", "bool"])
    c.expect(0, None, *freeze, "pad=right.npy")
    state = ("analyze", "where.onnx", "--state")
    c.expect(2, "usage", *state, "h=yy", says=["`yy`", "no output", "did you mean `y`"])
    c.expect(2, "usage", *state, "hh=y", says=["`hh`", "no input"])
    c.expect(2, "usage", *state, "y=h", says=["begins with an output"])
    c.expect(2, "usage", *state, "h", says=["is not INPUT=OUTPUT"])
    c.expect(2, "usage", *state, "h=y", says=["without an output"])


@test
def wrong_formats(c):
    c.expect(3, "unknown-format", "analyze", c.write("empty.onnx", b""), says=["empty"])
    for name, content in [("text.onnx", "hello, world\n"), ("image.tflite", b"\x89PNG\r\n\x1a\n" + bytes(64)),
                          ("zip.onnx", b"PK\x03\x04" + bytes(64)), ("zeros.tflite", bytes(1000)),
                          ("keras.h5", b"\x89HDF\r\n\x1a\n" + bytes(64))]:
        end = c.expect(3, None, "analyze", c.write(name, content))
        c.check(end is not None and "error[" in end.err, f"{name}: no diagnostic")
    c.expect(3, "malformed-file", "analyze", c.write("magic.tflite", b"\x10\0\0\0TFL3" + b"\xff" * 60))


@test
def truncated_files(c):
    for source in (DIGITS, INT8, EXAMPLES / "digits/digits_int8.onnx", EXAMPLES / "mlp/mlp.onnx"):
        data = source.read_bytes()
        for part in (1, 3, 4, 7, 8, 16, 100, len(data) // 3, len(data) // 2, len(data) - 200, len(data) - 40):
            end = c.expect(3, None, "analyze", c.write(f"cut{source.suffix}", data[:part]))
            c.check(end is not None and "error[" in end.err, f"{source.name} cut to {part}: no diagnostic")


@test
def mutated_files(c):
    """From a fixed seed: each is understood or refused, by a diagnostic of a user's error."""
    numbers = random.Random(1)
    for source in (DIGITS, INT8, EXAMPLES / "lstm/lstm.onnx"):
        data = source.read_bytes()
        for n in range(60):
            mutated = bytearray(data)
            for _ in range(numbers.choice((1, 2, 8, 60))):
                at = numbers.randrange(len(mutated))
                mutated[at] = numbers.choice((0, 255, 127, 128, numbers.randrange(256)))
            end = c.run("generate", c.write(f"mutated{source.suffix}", bytes(mutated)), "-o", c.path("out"), "-b", "host")
            if end is None:
                continue
            c.check(end.code in (0, 3), f"{source.name} mutation {n}: exit {end.code}: {end.err[:300]!r}")
            c.check(end.code == 0 or "error[" in end.err, f"{source.name} mutation {n}: no diagnostic")
            c.check(end.seconds < LIMIT_SECONDS, f"{source.name} mutation {n}: {end.seconds:.1f} s")
            c.check(end.code == 0 or not c.only_files(c.path("out")), f"{source.name} mutation {n}: files are left")
            shutil.rmtree(c.path("out"), ignore_errors=True)


@test
def hostile_sizes(c):
    """Sizes, offsets, cycles, shapes and names that mean harm."""
    c.expect(3, "limit-exceeded", "analyze", c.relu("huge.onnx", [1 << 20, 1 << 20]))
    c.expect(3, None, "analyze", c.relu("wide.onnx", [1 << 62, 4]))
    c.expect(3, None, "analyze", c.relu("negative.onnx", [2, -3]))
    c.expect(3, "limit-exceeded", "analyze", c.relu("rank.onnx", [1] * 40))
    tensor = TensorProto(name="w", data_type=F32, dims=[1 << 40], raw_data=b"1234")
    add = [helper.make_node("Add", ["x", "w"], ["y"])]
    c.expect(3, None, "analyze", c.model("initializer.onnx", add, [("x", F32, [4])], ["y"], [tensor]))
    tensor = TensorProto(name="w", data_type=F32, dims=[-4], raw_data=b"1234")
    c.expect(3, None, "analyze", c.model("dims.onnx", add, [("x", F32, [4])], ["y"], [tensor]))
    cycle = [helper.make_node("Add", ["x", "b"], ["a"]), helper.make_node("Add", ["a", "x"], ["b"])]
    c.expect(3, "invalid-model", "analyze", c.model("cycle.onnx", cycle, [("x", F32, [4])], ["b"]))
    c.expect(3, None, "analyze", c.model("self.onnx", [helper.make_node("Add", ["x", "y"], ["y"])], [("x", F32, [4])],
                                         ["y"]))
    nodes = [helper.make_node("Concat", [f"t{i}"] * 8, [f"t{i + 1}"], axis=0) for i in range(20)]
    c.expect(3, "limit-exceeded", "analyze", c.model("bomb.onnx", nodes, [("t0", F32, [8])], ["t20"]))
    nodes = [helper.make_node("ConstantOfShape", ["s"], ["t0"])]
    nodes += [helper.make_node("Exp", [f"t{i}"], [f"t{i + 1}"]) for i in range(60)]
    nodes += [helper.make_node("Add", ["x", "t60"], ["y"])]
    c.expect(0, None, "analyze", "-b", "host",
             c.model("fold.onnx", nodes, [("x", F32, [1])], ["y"], [("s", np.array([16_000_000]))]))
    nodes = [helper.make_node("ConstantOfShape", ["s"], ["a"]), helper.make_node("MatMul", ["a", "a"], ["m"]),
             helper.make_node("Add", ["x", "m"], ["y"])]
    c.expect(0, None, "analyze", "-b", "host",
             c.model("work.onnx", nodes, [("x", F32, [1])], ["y"], [("s", np.array([4000, 4000]))]))
    c.expect(3, None, "analyze", c.write("deep.onnx", nested_ifs(3000)))
    long_name = "n" * 3_000_000 + "\x1b[31m\n\r\"*/ #include <x>\\"
    node = helper.make_node("Mystery", ["x"], ["y"], name=long_name)
    end = c.expect(3, "unsupported-operator", "analyze", c.model("name.onnx", [node], [("x", F32, [4])], ["y"]))
    c.check(end is not None and "\x1b" not in end.err and len(end.err) < 4000, "a long name floods the terminal")
    c.expect(0, None, "generate", "-o", c.path("named"), "-b", "host",
             c.model("names.onnx", [helper.make_node("Relu", ["x"], [long_name], name=long_name)], [("x", F32, [4])],
                     [long_name]))


@test
def names_stay_text(c):
    """Names out of a model can be no code, no path and no comment's end in what is emitted, which compiles."""
    if shutil.which("g++") is None:
        raise Skipped("g++ is missing")
    evil = ['*/ int bad; /*', '??/\nint bad;', '\\', 'a"b\'c', '../../../etc/x', 'int', '__init__', '', 'ünïcödé', '//\\\n#error']
    nodes, last = [], "x"
    for i, name in enumerate(evil):
        nodes.append(helper.make_node("Relu" if i % 2 else "Abs", [last], [f"{name}{i}"], name=name))
        last = f"{name}{i}"
    for n, name in enumerate(evil):
        model = c.model(f"evil{n}.onnx", nodes, [("x", F32, [1, 4])], [last])
        end = c.expect(0, None, "run", model, "--name", name, "-O", "O0", seconds=60)
        c.check(end is not None and end.code == 0, f"--name {name!r}")
        if n == 2:  # the graph's names are the same in all
            break


@test
def external_data(c):
    def model(location, **keys):
        tensor = TensorProto(name="w", data_type=F32, dims=[4], data_location=TensorProto.EXTERNAL)
        for key, value in dict(keys, location=location).items():
            tensor.external_data.add(key=key, value=str(value))
        return c.model("m/external.onnx", [helper.make_node("Add", ["x", "w"], ["y"])], [("x", F32, [4])], ["y"], [tensor])

    c.write("m/w.bin", bytes(16))
    c.write("secret.bin", bytes(16))
    c.expect(0, None, "analyze", model("w.bin"))
    for location in ("../secret.bin", str(c.path("secret.bin")), "/etc/passwd", "x/../../secret.bin", ""):
        end = c.run("analyze", model(location))
        c.check(end is not None and end.code in (2, 3), f"external data at {location!r}: exit {end and end.code}")
    for keys in (dict(offset=8), dict(offset=-1), dict(length=1 << 40), dict(offset=1 << 63), dict(length="x")):
        c.expect(3, None, "analyze", model("w.bin", **keys))
    end = c.run("analyze", model("nothing.bin"))
    c.check(end is not None and end.code in (2, 3) and "nothing.bin" in end.err, "missing external data")


@test
def notes_stand_behind_the_table(c):
    model = c.relu("noted.onnx", ["batch", 4])
    end = subprocess.run([c.nblocks, "analyze", model], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         timeout=120)
    c.check(end.stdout.find("note[assumed-batch]") > end.stdout.find("ram (total)") > 0, "a note stands in the table")


@test
def equal_constants_are_counted_once(c):
    table = np.arange(1000, dtype=np.float32)
    nodes = [helper.make_node("Add", ["x", "a"], ["s"]), helper.make_node("Mul", ["s", "b"], ["y"])]
    model = c.model("twins.onnx", nodes, [("x", F32, [1000])], ["y"], [("a", table), ("b", table)])
    end = c.expect(0, None, "analyze", model, "--json")
    report = json.loads(end.out) if end is not None else {}
    c.check(report.get("weights_bytes") == 4000, "equal constants are counted twice")
    c.check(report.get("params") == 1000, f"{report.get('params')} params")


TINY_BOARD = """name = "tiny"
title = "Tiny"
vendor = "V"
part = "P"
core = "cortex-m4f"
source = "made up"
[[memory]]
name = "bank"
kind = "flash"
size_kib = %d
[[memory]]
name = "sram1"
kind = "ram"
address = 0x20000000
size_kib = %d
"""


@test
def what_does_not_fit(c):
    flash = c.write("flash.toml", TINY_BOARD % (8, 128))
    ram = c.write("ram.toml", TINY_BOARD % (512, 4))
    both = c.write("both.toml", TINY_BOARD % (8, 4))
    c.expect(4, "does-not-fit", "analyze", DIGITS, "-b", flash, says=["bank", "tiny", "bytes"])
    c.expect(4, "does-not-fit", "analyze", DIGITS, "-b", ram, says=["sram1", "tiny", "bytes"])
    c.expect(4, "does-not-fit", "analyze", DIGITS, "-b", both, says=["sram1", "bank"])
    c.expect(4, "does-not-fit", "generate", DIGITS, "-b", both, "-o", c.path("out"))
    c.check(not c.path("out").exists(), "generate leaves a folder for a model that does not fit")
    end = c.expect(4, "does-not-fit", "run", DIGITS, "-b", both, "--json", "--output", c.path("out"))
    report = json.loads(end.out)
    c.check(report["ok"] is False and report["exit_code"] == 4 and report["diagnostics"], "--json of a misfit")
    c.check(not c.path("out").exists(), "run leaves outputs for a model that does not fit")
    if shutil.which("arm-none-eabi-g++") is None:
        raise Skipped("arm-none-eabi-g++ is missing: what only the linker finds is not tried")
    near = c.write("near.toml", TINY_BOARD % (17, 128))
    weights = json.loads(c.run("analyze", DIGITS, "-b", "cortex-m4f", "--json").out)["weights_bytes"]
    c.check(weights <= 17 * 1024, "the board must hold the weights and not the program")
    end = c.expect(4, "does-not-fit", "run", DIGITS, "-b", near, says=["bank", "bytes"], seconds=60)


@test
def missing_tools(c):
    nothing = dict(os.environ, PATH=str(c.path("empty")))
    c.expect(5, "tool-missing", "run", DIGITS, "-b", "cortex-m4f", env=nothing,
             says=["arm-none-eabi-g++", "apt-get install", "gcc-arm-none-eabi"])
    c.expect(5, "tool-missing", "run", DIGITS, "-b", "rv32imc", env=nothing,
             says=["riscv64-unknown-elf-g++", "apt-get install", "gcc-riscv64-unknown-elf"])
    c.expect(5, "tool-missing", "run", DIGITS, "-b", "host", env=nothing, says=["g++", "apt-get install"])
    c.expect(5, None, "doctor", env=nothing)
    c.expect(0, None, "analyze", DIGITS, "-b", "cortex-m4f", env=nothing)
    c.expect(0, None, "generate", DIGITS, "-b", "cortex-m4f", "-o", c.path("out"), env=nothing)
    tools = [f"arm-none-eabi-{tool}" for tool in ("g++", "gcc", "as", "ld", "nm", "objcopy")]
    c.expect(5, "tool-missing", "run", DIGITS, "-b", "cortex-m4f", env=tools_path(c, tools), seconds=60,
             says=["qemu-system-arm", "apt-get install"])


@test
def firmware_time_out(c):
    if shutil.which("arm-none-eabi-g++") is None or shutil.which("qemu-system-arm") is None:
        raise Skipped("arm-none-eabi-g++ or qemu-system-arm is missing")
    np.save(c.path("many.npy"), np.zeros([20000, 1, 8, 8], np.float32))
    c.expect(1, "firmware-fault", "run", DIGITS, "-b", "cortex-m4f", "--input", "many.npy", "--timeout", "1",
             "--output", c.path("out"), says=["1 s", "--timeout"], seconds=60)
    c.check(not c.only_files(c.path("out")), "a time-out leaves outputs")


@test
def input_data(c):
    shape = [1, *np.load(EXAMPLES / "digits/digits_test.npz")["x"].shape[1:]]
    if shape != [1, 1, 8, 8]:
        shape = [1, 1, 8, 8]
    good = np.random.default_rng(1).random(shape).astype(np.float32)

    def run(code, kind, array, name="data.npy", says=(), model=DIGITS, dequantize=()):
        if isinstance(array, dict):
            np.savez(c.path(name), **array)
        elif isinstance(array, bytes):
            c.write(name, array)
        else:
            np.save(c.path(name), array)
        end = c.expect(code, kind, "run", model, "-b", "host", "-O", "O0", "--input", name, "--output", c.path("out"),
                       *dequantize, says=says, seconds=60)
        if code:
            c.check(not c.only_files(c.path("out")), f"{name}: outputs are left")
        shutil.rmtree(c.path("out"), ignore_errors=True)
        return end

    def refused(array, *says, **kwargs):
        run(2, "input-mismatch", array, says=says, **kwargs)

    refused(np.zeros([1, 1, 8, 9], np.float32), "[1,1,8,9]", "[1,1,8,8]")
    refused(np.zeros([64], np.float32), "[64]")
    refused(np.zeros([2, 2, 1, 8, 8], np.float32))
    refused(np.zeros([], np.float32))
    refused(good.astype(">f4"))
    refused(good.astype(np.complex64))
    refused(np.full([1, 1, 8, 8], "a"))
    refused(np.array([{}, 1], dtype=object))
    refused(b"", name="empty.npy")
    refused(b"\x93NUMPY\x01\x00\xff\xff", name="cut.npy")
    refused({"other": good, "third": good}, "other", name="data.npz")
    refused({"imgae": good}, "imgae", "`x` or in0", name="data.npz")
    refused({}, name="none.npz")
    refused(b"PK\x05\x06" + bytes(18), name="hollow.npz")
    refused(b"not a zip file, not at all", name="text.npz")
    refused(b"123", "3 bytes", name="short.bin")
    refused(b"", name="empty.bin")
    run(2, "usage", b"1,2,3", name="data.csv")
    refused(np.zeros([0, 1, 8, 8], np.float32))
    for array in (good, good[0], good.astype(np.float64), good.astype(np.float16), np.asfortranarray(good),
                  np.repeat(good, 3, 0), good[None], good.astype(np.int8), good > 0.5):
        run(0, None, array)
    refused(good[0, 0])
    int8_shape = [1, 8, 8, 1]
    run(0, None, np.zeros(int8_shape, np.int8), model=INT8)
    end = run(0, None, np.zeros(int8_shape, np.float32), model=INT8, says=["input-quantized", "scale"])
    run(2, "input-mismatch", np.full(int8_shape, np.nan, np.float32), model=INT8)
    run(2, "input-mismatch", np.full(int8_shape, np.inf, np.float32), model=INT8)
    refused(np.full(int8_shape, 300, np.int32), model=INT8)
    run(0, None, np.full(int8_shape, 3, np.int64), model=INT8, dequantize=["--dequantize"])


@test
def names_that_do_not_exist(c):
    c.expect(2, "unknown-board", "analyze", DIGITS, "-b", "stm32h735-dk", says=["did you mean", "stm32h735g-dk"])
    c.expect(2, "unknown-board", "analyze", DIGITS, "-b", "zzzzzzzz", says=["boards:"])
    c.expect(2, None, "boards", "rpi-pcio", says=["rpi-pico"])
    c.expect(2, None, "blocks", "conv2", says=["conv2d"])
    c.expect(2, None, "explain", "does-not-fti", says=["does-not-fit"])
    c.expect(2, "usage", "analyze", DIGITS, "--stop-after", "select-kernel", says=["select-kernels"])
    c.expect(2, "usage", "frob", says=["no verb is called `frob`", "analyze"])
    c.expect(2, "usage", "analyse", DIGITS, says=["no verb is called `analyse`", "did you mean `analyze`?"])
    c.expect(2, "usage", says=["no verb is given", "generate"])
    c.expect(2, "usage", "analyze", DIGITS, "--bord", "host", says=["analyze has no option `--bord`", "`--board`"])
    c.expect(2, "usage", "run", DIGITS, "-O", "O9", says=["O9"])
    c.check(json.loads(c.run("frob", "--json").out)["exit_code"] == 2, "--json of an unknown verb")
    for topic in ("error[does-not-fit]", "error[does-not-fit]:", "note[assumed-batch]"):
        end = c.expect(0, None, "explain", topic)
        c.check(end is not None and end.out.startswith(topic[topic.index("[") + 1:topic.index("]")]), f"explain {topic}")
    c.expect(2, "usage", "explain", "error[does-not-fti]", says=["`does-not-fit`"])
    for arguments in ([], ["analyse", DIGITS], ["analyze"], ["analyze", DIGITS, "--bord", "host"], ["generate", DIGITS],
                      ["run", DIGITS, "-O", "O9"], ["run", DIGITS, "--timeout", "x"]):
        c.expect(2, None, *arguments)
    c.write("bad.toml", "name = 3\n[[memory]\n")
    c.expect(2, "bad-board", "analyze", DIGITS, "-b", "bad.toml", says=["bad.toml"])


@test
def outputs_that_cannot_be_written(c):
    c.write("file", "x")
    for verb in (["generate", DIGITS, "-o"], ["analyze", DIGITS, "--stop-after", "read", "-o"]):
        c.expect(2, "file-unwritable", *verb, c.path("file/sub/x"), says=["file/sub"])
        c.expect(2, "file-unwritable", *verb, "/proc/nowhere/x")
    c.expect(2, "file-unwritable", "run", DIGITS, "-b", "host", "-O", "O0", "--output", c.path("file/sub"), seconds=60)
    c.expect(2, "file-unwritable", "run", DIGITS, "-b", "host", "--save-build", c.path("file/sub"))
    c.check(c.path("file").read_text() == "x", "the file in the way was changed")


@test
def graph_text(c):
    c.expect(0, None, "analyze", DIGITS, "--stop-after", "read", "-o", c.path("g.txt"))
    text = c.path("g.txt").read_text()
    c.expect(0, None, "analyze", c.path("g.txt"))

    def broken(old, new, kind, *says):
        c.check(old in text, f"the graph text has no {old!r}")
        c.expect(3, kind, "analyze", c.write("h.txt", text.replace(old, new, 1).replace("g.bin", "g.bin")), says=says)

    broken("conv2d(", "conv2(", "graph-syntax", "-->", "conv2d")
    broken("phase read", "phase reed", "graph-syntax", ":3:")
    broken(" : f32[", " : f33[", "graph-syntax", "-->")
    broken("hash ", "hash 1", "graph-syntax", "-->")
    broken("constants \"g.bin\"", "constants \"../g.bin\"", "graph-syntax", "beside")
    c.expect(2, "file-unreadable", "analyze", c.write("h.txt", text.replace("g.bin", "none.bin")))
    lines = text.splitlines()
    nodes = [i for i, line in enumerate(lines) if " = conv2d(" in line]
    wrong = lines[:]
    wrong[nodes[0]] = wrong[nodes[0]].replace("stride=[1,1]", "stride=[0,1]").replace("{", "{stride=[0,0], ", 1)
    c.expect(3, None, "analyze", c.write("h.txt", "\n".join(wrong)))
    c.expect(3, None, "analyze", c.write("h.txt", "\n".join(line.replace("output %", "output %9") for line in lines)))
    c.expect(3, None, "analyze", c.write("h.txt", text.replace("phase read", "phase planned")))
    c.expect(3, None, "analyze", c.write("h.txt", text.replace("phase read", "phase lowered")))


@test
def json_on_failure(c):
    for arguments, code in ((["analyze", "nothing.onnx"], 2), (["run", DIGITS, "-b", "nowhere"], 2),
                            (["generate", c.write("empty.onnx", b""), "-o", "out"], 3)):
        end = c.run(*arguments, "--json")
        try:
            report = json.loads(end.out)
            c.check(report["ok"] is False and report["exit_code"] == code == end.code and
                    report["diagnostics"][0]["kind"], f"{arguments}: {report}")
        except (ValueError, KeyError, IndexError) as error:
            c.check(False, f"{arguments}: --json gives {end.out[:200]!r}: {error!r}")


if __name__ == "__main__":
    sys.exit(main())
