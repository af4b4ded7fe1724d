"""What is said of ExecuTorch programs that are damaged, or that ask for what no static program does. The programs are small
ones that ExecuTorch wrote (test/conformance/pte_models.py --write), here and there with other bytes.

usage: bad_pte.py NBLOCKS [--only TEXT]
"""
import struct
import sys

import numpy as np

from checks import ROOT, main, test

PROGRAMS = ROOT / "test/fuzz/corpus/pte"


def stored(name):
    return (PROGRAMS / f"{name}.pte").read_bytes()


def changed(content, old, new):
    """Other bytes of the same length, wherever the old ones are."""
    assert len(old) == len(new) and old in content
    return content.replace(old, new)


@test
def programs_are_read(c):
    for name in ("elementwise", "pieces", "numbers", "state", "line", "tied", "dense", "two_methods", "quantized"):
        c.expect(0, None, "analyze", PROGRAMS / f"{name}.pte", "-b", "host")
    end = c.run("analyze", PROGRAMS / "two_methods.pte", "-b", "host")
    c.check("`encode`" in end.err, "the other method is not named")
    end = c.run("analyze", PROGRAMS / "line.pte", "-b", "host")
    c.check("zero at first" in end.err, "contents that the file does not have are not spoken of")


@test
def delegates_are_named(c):
    c.expect(3, "unsupported-operator", "analyze", PROGRAMS / "delegate.pte", says=["XnnpackBackend", "to_executorch()"])


@test
def methods(c):
    c.expect(3, "unsupported-feature", "analyze", PROGRAMS / "no_forward.pte", says=["`encode`", "`decode`"])


@test
def operators_that_are_missing(c):
    content = changed(stored("dense"), b"aten::addmm", b"aten::addxx")
    content = changed(content, b"aten::relu", b"my_ns::rel")
    c.expect(3, "unsupported-operator", "analyze", c.write("missing.pte", content), says=["aten.addxx", "my_ns.rel"])
    content = changed(stored("pieces"), b"Tensor_out", b"Tensor_ous")
    c.expect(3, "unsupported-operator", "analyze", c.write("overload.pte", content), says=["Tensor_ous", "aten.slice_copy"])


@test
def branches_at_run_time(c):
    c.expect(3, "unsupported-feature", "analyze", PROGRAMS / "branches.pte", says=["JumpFalseCall", "torch.where"])


@test
def sizes(c):
    model = PROGRAMS / "sizes.pte"
    c.expect(3, "dynamic-shape", "analyze", model, says=["`in0`", "[16,6]", "--dim in0:0=1"])
    c.expect(0, None, "analyze", model, "--dim", "in0:0=4", "-b", "host")
    c.expect(3, "attribute-out-of-range", "analyze", model, "--dim", "in0:0=17", says=["up to 16"])
    c.expect(2, "usage", "analyze", model, "--dim", "in1:0=4", says=["`in1:0`", "in0:0"])
    c.expect(2, "usage", "analyze", PROGRAMS / "dense.pte", "--dim", "in0:0=4", says=["there is none"])
    np.save(c.path("five.npy"), np.ones((1, 5), np.float32))
    c.expect(2, "input-mismatch", "analyze", PROGRAMS / "dense.pte", "--freeze", f"in0={c.path('five.npy')}", says=["[1,6]"])
    c.expect(2, "usage", "analyze", PROGRAMS / "dense.pte", "--freeze", f"x={c.path('five.npy')}", says=["in0"])


@test
def headers(c):
    content = stored("dense")
    place, = struct.unpack_from("<Q", content, 24)
    for name, offset, value in [("long_program", 16, 1 << 40), ("no_header", 12, 4), ("far_segments", 24, 1 << 40),
                                ("early_segments", 24, 64), ("no_segments", 24, 0)]:
        size = "<I" if offset == 12 else "<Q"
        broken = bytearray(content)
        struct.pack_into(size, broken, offset, value)
        c.expect(3, "malformed-file", "analyze", c.write(f"{name}.pte", bytes(broken)))
    c.check(place > 0, "the program has no segments")
    c.expect(3, "unsupported-feature", "analyze", c.write("old.pte", changed(content, b"ET12", b"ET11")), says=["ET11", "ET12"])
    c.expect(3, "malformed-file", "analyze", c.write("no_weights.pte", content[:place]))


@test
def cut_short(c):
    """Wherever a file ends, one error says that it is damaged, or what it lacks."""
    content = stored("quantized")
    for size in [*range(8, 64, 4), *range(64, len(content), 97)]:
        end = c.run("analyze", c.write("cut.pte", content[:size]), "-b", "host")
        c.check(end is not None and end.code in (0, 3) and "error[internal]" not in end.err,
                f"cut to {size} bytes: {end and (end.code, end.err[:300])}")


@test
def every_word(c):
    """Numbers out of range in any place: a diagnostic, or a model that is as good."""
    content = stored("state")
    for offset in range(0, len(content) - 3, 20):
        for value in (0xFFFFFFFF, 0x7FFFFFFF):
            broken = bytearray(content)
            struct.pack_into("<I", broken, offset, value)
            end = c.run("analyze", c.write("word.pte", bytes(broken)), "-b", "host")
            c.check(end is not None and end.code in (0, 2, 3, 4) and "error[internal]" not in end.err,
                    f"{value:#x} at {offset}: {end and (end.code, end.err[:300])}")


if __name__ == "__main__":
    sys.exit(main())
