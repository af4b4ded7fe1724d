"""Each header compiles alone. Left out: headers that the source file beside them includes first, which the build has
compiled so, and headers of vector kernels, which compile with the kernels' own tests, for cores that have the
extension. Ends with "N headers, N failed, N left out".

usage: headers.py GENERATED_DIR
"""
import concurrent.futures
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FREESTANDING = ["-std=c++17", "-ffreestanding", "-fno-exceptions", "-fno-rtti"]
HOSTED = ["-std=c++20", "-Wno-missing-field-initializers", "-Isrc", "-I.", "-DFMT_HEADER_ONLY", "-DTOML_HEADER_ONLY=1", '-DNB_VERSION="0"']


def is_on_chip(path):
    """cmake/Resources.cmake has the same rule."""
    return (path.parts[0] == "blocks" and len(path.parts) == 3 and path.name != "attributes.h"
            and not path.name.startswith("pack_"))


def needs_extension(path):
    text = (ROOT / path).read_text()
    return bool(re.search(r"arm_(mve|acle)\.h|_(dsp|mve)\.h\"", text) or re.search(r"_(dsp|mve|helium|arm)\b", path.stem))


def leads_its_source(path):
    """Whether the .cc of the same name includes the header before all others."""
    source = ROOT / path.with_suffix(".cc")
    if not source.exists():
        return False
    first = re.search(r'^#include (.*)$', source.read_text(), re.MULTILINE)
    return bool(first) and first[1] in (f'"{path}"', f'"{path.relative_to(path.parts[0])}"')


def compile_alone(path, generated):
    flags = FREESTANDING if is_on_chip(path) else [*HOSTED, f"-I{generated}"]
    end = subprocess.run(["g++", "-Wall", "-Wextra", "-Werror", *flags, "-fsyntax-only", "-x", "c++", "-include", path,
                          "/dev/null"], cwd=ROOT, capture_output=True, text=True)
    return path, end.returncode, end.stderr


def main():
    headers = [p.relative_to(ROOT) for folder in ("src", "blocks", "cli") for p in sorted((ROOT / folder).rglob("*.h"))]
    headers = [p for p in headers if "firmware" not in p.parts]
    left_out = [p for p in headers if leads_its_source(p) or (is_on_chip(p) and needs_extension(p))]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        tried = [p for p in headers if p not in left_out]
        for path, code, error in pool.map(lambda p: compile_alone(p, sys.argv[1]), tried):
            if code:
                failed += 1
                print(f"FAILED {path}: {error[:400]}")
    print(f"{len(tried)} headers, {failed} failed, {len(left_out)} left out")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
