"""The shape of the source: which folder includes which, how long files are, names, headers that stand alone, and
diagnostics that somebody raises. Ends with "N checks, N failed".

usage: structure.py GENERATED_DIR [--headers]   --headers compiles each header alone (g++)
"""
import concurrent.futures
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The rooms in the order of ARCHITECTURE.md: a file includes its own room and those above it.
ROOMS = ["src/base", "src/diag", "src/target", "src/graph", "blocks", "src/read", "src/pass", "src/emit", "src/bench",
         "src/report", "src/driver", "cli"]
MAX_LINES = 600
MAX_COLUMNS = 120
BANNED_WORDS = ("Manager", "Helper", "Util", "Common", "Base", "Impl", "Data", "Info")
# A block's freestanding headers include these beside each other's.
FREESTANDING = {"stdint.h", "stddef.h", "arm_acle.h", "arm_mve.h"}
failures = []
count = 0


def check(holds, text):
    global count
    count += 1
    if not holds:
        failures.append(text)


def sources(*folders, suffixes=(".h", ".cc")):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and "build" not in path.parts and ".venv" not in path.parts:
                yield path


def room_of(name):
    """The room of a path from the repository's root; None outside of all."""
    return next((room for room in ROOMS if name.startswith(room + "/")), None)


def target_of(path, included):
    """The included file's path from the root; None if it is no file of the project."""
    for start in (path.parent, ROOT / "src", ROOT):
        file = (start / included).resolve()
        if file.is_file() and file.is_relative_to(ROOT):
            return str(file.relative_to(ROOT))
    return None


def is_firmware(name):
    return name.startswith("src/bench/firmware/")


def is_kernel_header(path):
    """Whether the header runs on the chip; attributes and packing belong to the compiler."""
    name = str(path.relative_to(ROOT))
    return (name.startswith("blocks/") and path.suffix == ".h" and path.parent != ROOT / "blocks" and
            path.name != "attributes.h" and not path.name.startswith("pack_"))


def check_rooms():
    architecture = (ROOT / "ARCHITECTURE.md").read_text()
    rows = [name for name in re.findall(r"^\| ([a-z/]+) \|", architecture, re.M) if name != "folder"]
    check(rows == ROOMS, f"ARCHITECTURE.md has the rooms {rows}, this test {ROOMS}")
    for path in sources("src", "blocks", "cli"):
        name = str(path.relative_to(ROOT))
        room = room_of(name)
        check(room is not None, f"{name} is in no room of ARCHITECTURE.md")
        for included in re.findall(r'^\s*#\s*include "([^"]+)"', path.read_text(), re.M):
            target = target_of(path, included)
            if target is None or room is None:
                continue
            other = room_of(target)
            is_above = other is not None and ROOMS.index(other) <= ROOMS.index(room)
            check(is_above, f"{name} includes {included}, which is no room above {room}")


def check_freestanding():
    for path in sources("blocks"):
        if not is_kernel_header(path):
            continue
        for included in re.findall(r"^\s*#\s*include <([^>]+)>", path.read_text(), re.M):
            check(included in FREESTANDING, f"{path.relative_to(ROOT)} includes <{included}>")
        for included in re.findall(r'^\s*#\s*include "([^"]+)"', path.read_text(), re.M):
            target = (path.parent / included).resolve()
            check(target.is_file() and is_kernel_header(target),
                  f"{path.relative_to(ROOT)} includes {included}, which does not run on the chip")


def check_files():
    for path in sources("src", "blocks", "cli", "test", "tools", "examples", "cmake",
                        suffixes=(".h", ".cc", ".c", ".S", ".py", ".sh", ".cmake", ".inc")):
        name, text = path.relative_to(ROOT), path.read_text()
        lines = text.splitlines()
        check(len(lines) <= MAX_LINES, f"{name} has {len(lines)} lines, more than {MAX_LINES}")
        check(text.endswith("\n") or not text, f"{name} does not end in a newline")
        long = [i + 1 for i, line in enumerate(lines) if len(line) > MAX_COLUMNS and "http" not in line]
        if path.suffix in (".h", ".cc") and "test" not in name.parts:
            check(not long, f"{name}: lines {long[:5]} are longer than {MAX_COLUMNS} columns")
        if path != pathlib.Path(__file__).resolve():
            check(not re.search(r"\b(TODO|FIXME|XXX)\b", text), f"{name} has a TODO")
        if path.suffix == ".h":
            check("#pragma once" in text or re.search(r"#ifndef \w+_H", text) or path.suffix == ".inc",
                  f"{name} has no include guard")
        for kind, type_name in re.findall(r"^\s*(?:class|struct|enum class)(\s+\[\[\w+\]\])?\s+([A-Z]\w*)", text, re.M):
            parts = re.findall(r"[A-Z][a-z0-9]*", type_name)
            is_of_format = type_name.endswith("Proto")  # the ONNX schema's own name
            check(is_of_format or not set(parts) & set(BANNED_WORDS), f"{name}: the name {type_name} says nothing")


def check_diagnostics():
    table = (ROOT / "src/diag/diagnostics.def").read_text()
    kinds = re.findall(r'NB_DIAGNOSTIC\((\w+),\s*"([\w-]+)",\s*(\w+)', table)
    code = "".join(p.read_text() for p in sources("src", "blocks", "cli"))
    tests = "".join(p.read_text() for p in sources("test", suffixes=(".py", ".cc", ".sh")) if p.parent.name != "structure")
    samples = "".join(p.read_text() for p in (ROOT / "blocks").rglob("*.cc"))
    for identifier, name, severity in kinds:
        check(f"Kind::{identifier}" in code, f"nothing raises {name}")
        is_tested = name in tests or f"Kind::{identifier}" in tests or f'"{name}"' in samples
        if not is_tested:
            print(f"no test raises the {severity} {name}")
        explained = ROOT / "docs/explain" / f"{name}.md"
        if (ROOT / "docs/explain").is_dir():
            check(explained.is_file() or severity != "error", f"{name} has no page docs/explain/{name}.md")


def compile_alone(path, generated):
    if is_kernel_header(path):
        if re.search(r"arm_(mve|acle)\.h", path.read_text()) or "_dsp" in path.name or "_mve" in path.name:
            return path, 0, ""  # for cores that have the extension: the kernels' own tests compile them
        flags = ["-std=c++17", "-ffreestanding", "-fno-exceptions", "-fno-rtti"]
    else:
        flags = ["-std=c++20", "-Isrc", "-I.", f"-I{generated}", "-DFMT_HEADER_ONLY", "-DTOML_HEADER_ONLY=1",
                 '-DNB_VERSION="0"']
    end = subprocess.run(["g++", *flags, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c++", "-include", path,
                          "/dev/null"], cwd=ROOT, capture_output=True, text=True)
    return path, end.returncode, end.stderr


def check_headers(generated):
    headers = [p for p in sources("src", "blocks", "cli", suffixes=(".h",))
               if not is_firmware(str(p.relative_to(ROOT)))]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for path, code, error in pool.map(lambda p: compile_alone(p, generated), headers):
            check(code == 0, f"{path.relative_to(ROOT)} does not compile alone: {error[:400]}")


def main():
    if "--headers" in sys.argv:
        check_headers(sys.argv[1])
    else:
        check_rooms()
        check_freestanding()
        check_files()
        check_diagnostics()
    for failure in failures:
        print("FAILED " + failure)
    print(f"{count} checks, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
