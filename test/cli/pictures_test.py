"""Pictures as samples: what a model's input holds of them, against NumPy; and files that are no pictures, or do not fit.

The pictures are written here: PNG by zlib, BMP, PPM and PGM by their bytes; two JPEG files are below.

usage: pictures_test.py NBLOCKS [--only TEXT]
"""
import base64
import json
import random
import struct
import sys
import zlib

import numpy as np
from checks import DIGITS, EXAMPLES, F32, INT8, main, test
from onnx import TensorProto, helper

# 11 x 13 pixels of row i and column j: 9 i + 7 j; progressive: 20 i, 18 j, 255 - 9 i - 7 j.
I, J = np.meshgrid(np.arange(11), np.arange(13), indexing="ij")
GREY, RGB = (9 * I + 7 * J).astype(np.uint8), np.stack([20 * I, 18 * J, 255 - 9 * I - 7 * J], -1).astype(np.uint8)
GREY_JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoKCgoKBggLDAsKDAkK"
    "Cgr/wAALCAALAA0BAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJx"
    "FDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZ"
    "mqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/APzf/Z//AGW/9R/xLvT+Cvsv4Zfs"
    "t/8AEgH/ABLvT+CtH9n/AMN6H+4/4lkXbtX2Z8MvDeh/2AP+JZF27V//2Q==")
RGB_JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoKCgoKBggLDAsKDAkK"
    "Cgr/2wBDAQICAgICAgUDAwUKBwYHCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgr/wgARCAALAA0DAREAAhEB"
    "AxEB/8QAFQABAQAAAAAAAAAAAAAAAAAABwj/xAAXAQEBAQEAAAAAAAAAAAAAAAAIBwQG/9oADAMBAAIQAxAAAAEgQuCjTtGi/qXTRx2jP//EABkQAAID"
    "AQAAAAAAAAAAAAAAAAMFAAYUJP/aAAgBAQABBQKpqYlU8tTEOJRDy//EAB0RAAEEAgMAAAAAAAAAAAAAAAAEBQYiFDIhJDH/2gAIAQMBAT8Bf4d7Uc4d"
    "2NSQJE/NRzSp8jU//8QAHhEAAQMEAwAAAAAAAAAAAAAAAAMEBgUUITEiJDL/2gAIAQIBAT8Blck9ZK1JO1slbhblkrTha62f/8QAFxABAAMAAAAAAAAA"
    "AAAAAAAAAAIiMv/aAAgBAQAGPwKNWUasv//EABgQAQEAAwAAAAAAAAAAAAAAAABBIXGh/9oACAEBAAE/IeKx9Eik4//aAAwDAQACAAMAAAAQWB//xAAX"
    "EQEBAQEAAAAAAAAAAAAAAAAAQaHx/9oACAEDAQE/EOU0Ih0Y/8QAGREAAgMBAAAAAAAAAAAAAAAAACERQXGh/9oACAECAQE/EOiM7JLbJF7P/8QAGxAA"
    "AgEFAAAAAAAAAAAAAAAAAAERYXHR4fD/2gAIAQEAAT8Q1Qw1RlxERPKD/9k=")


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels, width=None, height=None, colors=None):
    """Grey, grey with alpha, RGB or RGBA, 8 or 16 bits; a width and height that are not true if given."""
    pixels = np.asarray(pixels)
    h, w, c = pixels.shape if pixels.ndim == 3 else (*pixels.shape, 1)
    rows = b"".join(b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width or w, height or h, 8 * pixels.itemsize, colors or {1: 0, 2: 4, 3: 2, 4: 6}[c], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def bmp(rgb):
    h, w, _ = rgb.shape
    rows = b"".join(row[:, ::-1].tobytes() + b"\0" * (-3 * w % 4) for row in rgb[::-1])
    return struct.pack("<2sIHHI", b"BM", 54 + len(rows), 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, w, h, 1, 24, 0, 0, 0, 0, 0, 0) + rows


def pnm(pixels):
    return f"P{5 if pixels.ndim == 2 else 6} {pixels.shape[1]} {pixels.shape[0]} 255\n".encode() + pixels.tobytes()


def as_grey(rgb):
    return ((rgb.astype(np.int64) * [77, 150, 29]).sum(-1) >> 8).astype(np.uint8)


def stretched(pixels, height, width):
    """Bilinear, with triangles as wide as the larger of both steps."""
    for axis, to in ((0, height), (1, width)):
        size = pixels.shape[axis]
        reach = max(size / to, 1)
        center = (np.arange(to)[:, None] + 0.5) * size / to
        weights = np.maximum(0, 1 - np.abs(np.arange(size) + 0.5 - center) / reach)
        weights /= weights.sum(1, keepdims=True)
        pixels = np.moveaxis(np.tensordot(weights, np.moveaxis(pixels.astype(np.float64), axis, 0), 1), 0, axis)
    return pixels


def negative(c, name, shape, dtype=F32):
    return c.model(name, [helper.make_node("Neg", ["x"], ["y"])], [("x", dtype, shape)], ["y"])


def seen(c, model, picture, *options):
    """What the input holds, by a model that negates it."""
    end = c.run("run", model, "-i", picture, "-o", "seen", *options)
    c.check(end is not None and end.code == 0, f"{picture}: {end.err[:300] if end else ''}")
    return -np.load(c.path("seen/out0.npy")) if end is not None and end.code == 0 else np.zeros(1)


@test
def formats(c):
    """Every format, with channels first and last."""
    grey, last = negative(c, "grey.onnx", [1, 1, 11, 13]), negative(c, "last.onnx", [1, 11, 13, 3])
    noise = np.random.default_rng(1).integers(0, 256, (11, 13, 3), np.uint8)
    alpha = np.full((11, 13, 1), 9, np.uint8)
    pictures = {"grey.png": (png(GREY), GREY), "rgb.png": (png(noise), noise), "deep.png": (png(noise.astype(np.uint16) * 256 + 77), noise),
                "alpha.png": (png(np.concatenate([noise, alpha], -1)), noise), "rgb.bmp": (bmp(noise), noise),
                "rgb.ppm": (pnm(noise), noise), "grey.pgm": (pnm(GREY), GREY), "CAPITALS.PNG": (png(noise), noise)}
    for name, (content, pixels) in pictures.items():
        c.write(name, content)
        rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, -1)
        x = seen(c, last, name)
        c.check(np.array_equal(x, (rgb / np.float32(255)).astype(np.float32)[None]), f"{name}: other pixels, {np.abs(x * 255 - rgb).max()} apart")
        want = pixels if pixels.ndim == 2 else as_grey(rgb)
        apart = np.abs(np.rint(seen(c, grey, name)[0, 0] * 255) - want).max()
        c.check(apart <= (name == "deep.png"), f"{name}: another grey, {apart} apart")  # of 16 bits, then their upper 8
    for name, content, pixels in (("grey.jpg", GREY_JPEG, GREY), ("progressive.jpeg", RGB_JPEG, RGB)):
        c.write(name, content)
        rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, -1)
        c.check(np.abs(seen(c, last, name)[0] * 255 - rgb).max() < 8, f"{name}: far from what was written")
    first = negative(c, "first.onnx", [3, 11, 13])
    c.check(np.array_equal(seen(c, first, "rgb.png").squeeze(), (noise.transpose(2, 0, 1) / np.float32(255)).astype(np.float32)),
            "channels first")
    c.check(np.array_equal(seen(c, negative(c, "flat.onnx", [11, 13]), "grey.png").squeeze(), GREY / np.float32(255)), "no channels")


@test
def numbers(c):
    """Scale, mean and deviation as NumPy computes them in float32."""
    noise = np.random.default_rng(2).integers(0, 256, (11, 13, 3), np.uint8)
    c.write("x.png", png(noise))
    model = negative(c, "m.onnx", [1, 3, 11, 13])
    mean, deviation = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    x = seen(c, model, "x.png", "--image-mean", "0.485,0.456,0.406", "--image-std", "0.229,0.224,0.225")
    c.check(np.array_equal(x[0], ((noise / np.float32(255) - mean) / deviation).transpose(2, 0, 1)), "ImageNet's numbers")
    x = seen(c, model, "x.png", "--image-scale", "1/127.5", "--image-mean", "1")
    c.check(np.array_equal(x[0], (noise / np.float32(127.5) - np.float32(1)).transpose(2, 0, 1)), "-1 to 1")
    x = seen(c, model, "x.png", "--image-scale", "1")
    c.check(np.array_equal(x[0], noise.transpose(2, 0, 1).astype(np.float32)), "0 to 255")


@test
def sizes(c):
    noise = np.random.default_rng(3).integers(0, 256, (37, 29, 3), np.uint8)
    c.write("x.png", png(noise))
    for height, width in ((10, 8), (64, 50), (37, 7), (2, 5)):
        x = seen(c, negative(c, f"{height}.onnx", [1, height, width, 3]), "x.png", "--image-scale", "1")
        c.check(np.abs(x[0] - stretched(noise, height, width)).max() < 1e-3, f"37 x 29 as {height} x {width}")
    end = c.run("run", "10.onnx", "-i", "x.png")
    c.check(end is not None and "stretched to 8 x 10" in end.err and "pixels times 1/255" in end.err, "what was done is not said")


def digits(c, folder, count=40):
    """The test set of examples/digits as pictures; its pixels."""
    data = np.load(EXAMPLES / "digits/digits_test.npz")
    pixels = np.rint(data["x"][:count, 0] * 255).astype(np.uint8)
    for i, picture in enumerate(pixels):
        c.write(f"{folder}/{i:03}.png", png(picture))
    return pixels, data["y"][:count]


def program(c, data, *options):
    end = c.run("analyze", DIGITS, "--quantize", "int8", "--calibrate", data, "--stop-after", "fuse-activations", *options)
    c.check(end is not None and end.code == 0, f"{data}: {end.err[:300] if end else ''}")
    return end.out if end else str(data)


@test
def calibration(c):
    """A folder of pictures gives the program of the same numbers as an array."""
    pixels, _ = digits(c, "pictures")
    np.save(c.path("same.npy"), (pixels / np.float32(255))[:, None])
    c.check(program(c, "pictures") == program(c, "same.npy"), "another program than of the array")
    np.save(c.path("moved.npy"), ((pixels / np.float32(255) - np.float32(0.5)) / np.float32(0.25))[:, None])
    moved = program(c, "pictures", "--image-mean", "0.5", "--image-std=0.25")
    c.check(moved == program(c, "moved.npy") and moved != program(c, "same.npy"), "another program than of the array that is moved")
    for i in range(0, 40, 2):  # in folders, as training sets are kept
        c.path(f"classes/{i % 4}").mkdir(parents=True, exist_ok=True)
        for k in (i, i + 1):
            c.path(f"pictures/{k:03}.png").rename(c.path(f"classes/{i % 4}/{k:03}.png"))
    order = [k for part in (0, 2) for i in range(0, 40, 2) if i % 4 == part for k in (i, i + 1)]
    np.save(c.path("order.npy"), (pixels[order] / np.float32(255))[:, None])
    c.check(program(c, "classes") == program(c, "order.npy"), "another program than of the array in the folders' order")


@test
def integers(c):
    """Integer inputs: pixels as they are, or numbers by the input's scale."""
    pixels, _ = digits(c, "pictures", 6)
    np.save(c.path("raw.npy"), (pixels.astype(np.int16) - 128).astype(np.int8)[..., None])
    np.save(c.path("real.npy"), (pixels / np.float32(255))[..., None])

    def outputs(data, *options, model=INT8):
        end = c.run("run", model, "-i", data, "-o", "out", *options)
        c.check(end is not None and end.code == 0, f"{data}: {end.err[:300] if end else ''}")
        return np.load(c.path("out/out0.npy"))
    c.check(np.array_equal(outputs("pictures"), outputs("raw.npy")), "int8: not the pixels less 128")
    c.check(np.array_equal(outputs("pictures", "--image-scale", "1/255"), outputs("real.npy")), "int8: not the numbers by the scale")
    quantized = ("--quantize", "int8", "--calibrate", "pictures")
    np.save(c.path("first.npy"), (pixels / np.float32(255))[:, None])
    c.check(np.array_equal(outputs("pictures", *quantized, model=DIGITS), outputs("first.npy", *quantized, model=DIGITS)),
            "a model quantized here does not read pictures as its calibration did")
    bytes_in = c.model("u8.onnx", [helper.make_node("Cast", ["x"], ["f"], to=F32), helper.make_node("Neg", ["f"], ["y"])],
                       [("x", TensorProto.UINT8, [1, 8, 8, 1])], ["y"])
    c.check(np.array_equal(seen(c, bytes_in, "pictures/000.png")[0, ..., 0], pixels[0]), "uint8: not the pixels")
    c.expect(2, "usage", "run", bytes_in, "-i", "pictures", "--image-scale", "1/255", says=["pixels as they are"])
    c.expect(2, "input-mismatch", "run", negative(c, "i64.onnx", [1, 8, 8, 1], TensorProto.INT64), "-i", "pictures", says=["i64"])


@test
def labels(c):
    """Folders of classes as a labelled set."""
    pixels, classes = digits(c, "pictures", 60)
    for i, label in enumerate(classes):
        c.write(f"labelled/{label}/{i:03}.png", png(pixels[i]))
    order = sorted(range(60), key=lambda i: (str(classes[i]), i))
    np.savez(c.path("set.npz"), x=(pixels[order] / np.float32(255))[:, None], y=classes[order])
    quantized = ("--quantize", "int8", "--calibrate", "pictures", "--json")
    reports = []
    for data in ("labelled", "set.npz"):
        end = c.run("validate", DIGITS, "--data", data, *quantized)
        c.check(end is not None and end.code == 0, f"{data}: {end.err[:300] if end else ''}")
        reports.append(json.loads(end.out)["outputs"])
    c.check(reports[0] == reports[1], f"other figures than of the arrays: {reports[0]}")
    end = c.run("validate", DIGITS, "--data", "labelled")
    c.check(end is not None and "labels are those of the folders: 0 0, 1 1" in end.err, "the classes are not said")
    c.write("labelled/loose.png", png(GREY))
    c.expect(2, "input-mismatch", "validate", DIGITS, "--data", "labelled", says=["1 picture of its own"])
    c.path("none").mkdir()
    c.expect(2, "input-mismatch", "validate", DIGITS, "--data", "none", says=["has no pictures"])


def calibrate(*arguments):
    return ("analyze", DIGITS, "--quantize", "int8", "--calibrate", *arguments)


@test
def options(c):
    c.write("x.png", png(GREY))
    for text in ("", "0", "-1", "1/0", "x", "1/255/2", "nan", "inf", "1e300"):
        c.expect(2, "usage", *calibrate("x.png", f"--image-scale={text}"), says=["--image-scale"] if text else ["image-scale"])
    c.expect(2, "usage", *calibrate("x.png", "--image-std", "0"), says=["--image-std is 0"])
    c.expect(2, "usage", *calibrate("x.png", "--image-mean=nan"), says=["--image-mean"])
    c.expect(2, "usage", *calibrate("x.png", "--image-mean", "1,2,3"), says=["--image-mean has 3 values", "1 channel"])


@test
def inputs(c):
    """Models that take no pictures, and folders that hold more than pictures."""
    c.write("one/x.png", png(GREY))
    for shape, says in (([1, 2, 4, 5], "does not take a picture"), ([1, 3, 8, 3], "first or last"), ([2, 8, 8, 3], "does not take"),
                        ([1, 8, 8, 4], "does not take"), ([1, 3, 8, 8, 1], "does not take")):
        c.expect(2, "input-mismatch", "run", negative(c, "m.onnx", shape), "-i", "one", says=[says])
    two = c.model("two.onnx", [helper.make_node("Add", ["a", "b"], ["y"])], [("a", F32, [1, 8, 8, 1]), ("b", F32, [1, 8, 8, 1])], ["y"])
    c.expect(2, "input-mismatch", "run", two, "-i", "one", says=["one input", "has 2"])
    np.save(c.path("one/x.npy"), np.zeros((1, 1, 8, 8), np.float32))
    c.expect(2, "input-mismatch", *calibrate("one"), says=["1 .npy file and 1 picture", "all .npy files or all pictures"])
    c.path("none").mkdir()
    c.write("none/readme.txt", "nothing")
    c.expect(2, "input-mismatch", *calibrate("none"), says=["no .npy files and no pictures"])


@test
def black(c):
    for i in range(20):
        c.write(f"black/{i}.png", png(np.zeros((8, 8), np.uint8)))
    c.expect(2, "bad-calibration", *calibrate("black"), says=["all elements of all 20 samples"])


@test
def broken(c):
    """Files that are no pictures, too large or damaged: named, and refused."""
    good = png(GREY)
    pictures = {"text.png": b"no picture", "empty.png": b"", "cut.png": good[:40], "signature.png": good[:8],
                "no_data.png": good[:33] + chunk(b"IEND", b""), "cut.jpg": GREY_JPEG[:100], "cut.bmp": bmp(RGB)[:30],
                "cut.ppm": b"P6 13 ", "gif.png": b"GIF89a" + bytes(40), "bomb.png": png(GREY, 30000, 30000),
                "wide.png": png(GREY, 2**31 - 1, 2**31 - 1), "huge.bmp": bmp(RGB)[:18] + struct.pack("<ii", 30000, 30000) + bmp(RGB)[26:],
                "minus.bmp": bmp(RGB)[:18] + struct.pack("<ii", -5, -2**31) + bmp(RGB)[26:]}
    for name, content in pictures.items():
        c.write(name, content)
        c.expect(2, "input-mismatch", *calibrate(name), says=[name, "at most 33554432" if name in ("bomb.png", "huge.bmp") else name])
    c.write("folder/a.png", good)
    c.write("folder/b.png", b"nothing")
    c.expect(2, "input-mismatch", *calibrate("folder"), says=["b.png"])
    c.path("is.png").mkdir()
    c.expect(2, "input-mismatch", *calibrate("is.png"), says=["no pictures"])
    c.expect(2, "file-unreadable", *calibrate("absent.png"), says=["absent.png"])


@test
def mutants(c):
    """Damaged pictures end in an answer or a refusal, in time."""
    random_source = random.Random(5)
    originals = [("png", png(GREY)), ("png", png(RGB)), ("png", png(RGB.astype(np.uint16) * 300)), ("jpg", GREY_JPEG), ("jpg", RGB_JPEG),
                 ("bmp", bmp(RGB)), ("ppm", pnm(RGB))]
    model = negative(c, "m.onnx", [1, 1, 8, 8])
    codes = []
    for n in range(210):
        ending, original = originals[n % len(originals)]
        content = bytearray(original)
        for _ in range(random_source.randint(1, 6)):
            at = random_source.randrange(len(content))
            kind = random_source.randrange(4)
            if kind == 0:
                content[at] = random_source.randrange(256)
            elif kind == 1:
                content[at] ^= 1 << random_source.randrange(8)
            elif kind == 2:
                del content[at:at + random_source.randint(1, 8)]
            else:
                content[at:at] = bytes([random_source.choice((0, 255))] * random_source.randint(1, 40))
            content = content or bytearray(b"x")
        # Samples are read before anything is compiled for the board: a compiler that is missing comes last.
        name = c.write(f"m{n}.{ending}", bytes(content))
        end = c.run("analyze", model, "--quantize", "int8", "--calibrate", name)
        codes.append(end.code if end else None)
        c.check(end is not None and end.code in (0, 2), f"mutant {n}: exit {end.code if end else None}: {end.err[:300] if end else ''}")
        c.check(end is not None and end.seconds < 10, f"mutant {n}: {end.seconds if end else 0:.1f} s")
    c.check({0, 2} <= set(codes), f"mutants: all end alike, {set(codes)}")


@test
def without_the_decoder(c):
    """Where nblocks-image is not beside nblocks, the message says so."""
    c.write("x.png", png(GREY))
    bare = c.path("bare")
    bare.mkdir()
    (bare / "nblocks").write_bytes(open(c.nblocks, "rb").read())
    (bare / "nblocks").chmod(0o755)
    own, c.nblocks = c.nblocks, bare / "nblocks"
    try:
        c.expect(5, "tool-missing", *calibrate("x.png"), says=["nblocks-image"])
    finally:
        c.nblocks = own


if __name__ == "__main__":
    sys.exit(main())
