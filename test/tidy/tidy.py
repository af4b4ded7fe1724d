"""Rules of the project that no compiler checks. Prints every breach as FILE:LINE: what.

* A folder includes only itself and the folders before it (docs/decisions/0003-folder-order.md); the freestanding headers
  in blocks/ include only each other, <stdint.h>, <stddef.h>, <arm_acle.h>, <arm_mve.h>.
* Files stay under 600 lines, except tables and data.
* No TODO; none of the words in type names that CONTRIBUTING.md lists.
* Relative links in Markdown lead somewhere.

usage: tidy.py [--format]      --format: instead, whether all C++ is as clang-format 14 leaves it (77: it is not there)
"""

import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ORDER = ["base", "diag", "target", "timing", "graph", "blocks", "read", "quantize", "pass", "emit", "bench", "report", "advise", "driver", "cli", "python"]
BANNED = re.compile(r"\b(?:class|struct|enum(?: class)?|using)\s+(\w*(?:Manager|Helper|Util|Common|Base|Impl|Data|Info))\b")
FREESTANDING = {"stdint.h", "stddef.h", "arm_acle.h", "arm_mve.h"}
MOST_LINES = 600
TABLES = {"test/conformance/tflite_cases.py", "docs/blocks.md", "docs/torch.md", "src/read/torch/aten_schemas.def"}  # as long as what they list


def tracked():
    """Paths of the project's files, relative to its root."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, text=True)
    names = listed.stdout.splitlines() if listed.returncode == 0 else [
        str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if p.is_file() and not {"build", ".git", ".venv", "node_modules", "out"} & set(p.parts)]
    return sorted(pathlib.Path(n) for n in names if (ROOT / n).is_file())


def folder_of(path):
    """The folder of the order that a path relative to the root or to src/ belongs to, or None."""
    parts = path.parts[1:] if path.parts[0] == "src" else path.parts
    return parts[0] if len(parts) > 1 and parts[0] in ORDER else None


def is_on_chip(path):
    """A header of blocks/ that is copied beside emitted code (cmake/Resources.cmake has the same rule)."""
    return (path.parts[0] == "blocks" and len(path.parts) == 3 and path.suffix == ".h"
            and path.name != "attributes.h" and not path.name.startswith("pack_"))


def check_includes(path, lines):
    mine = folder_of(path)
    if mine is None or "firmware" in path.parts or "plugin" in path.parts:
        return
    for number, line in enumerate(lines, 1):
        quoted = re.match(r'\s*#include "([^"]+)"', line)
        system = re.match(r"\s*#include <([^>]+)>", line)
        if is_on_chip(path):
            if system and system[1] not in FREESTANDING:
                yield number, f"<{system[1]}> is not freestanding"
            if quoted and "/" in quoted[1] and not quoted[1].startswith("../"):
                yield number, f'"{quoted[1]}" is not relative to the header'
            continue
        theirs = folder_of(pathlib.Path(quoted[1])) if quoted else None
        if theirs and ORDER.index(theirs) > ORDER.index(mine):
            yield number, f"{mine} includes {theirs}, which stands below it"


def check_links(path, lines):
    for number, line in enumerate(lines, 1):
        for link in re.findall(r"\]\(([^)#]+)\)", line):
            if "://" not in link and not (ROOT / path.parent / link).exists():
                yield number, f"the link {link} leads nowhere"


def breaches(path):
    try:
        lines = (ROOT / path).read_text().splitlines()
    except UnicodeDecodeError:
        return
    is_code = path.suffix in {".cc", ".h", ".c", ".py", ".sh", ".cmake", ".S", ".def"} or path.name == "CMakeLists.txt"
    if (is_code or path.suffix == ".md") and len(lines) > MOST_LINES and str(path) not in TABLES:
        yield len(lines), f"{len(lines)} lines, {MOST_LINES} at most"
    if path.suffix in {".cc", ".h"}:
        yield from check_includes(path, lines)
        for number, line in enumerate(lines, 1):
            if found := BANNED.search(line.split("//")[0]):
                yield number, f"the name {found[1]} says nothing"
    if path.suffix == ".md":
        yield from check_links(path, lines)
    for number, line in enumerate(lines if is_code and path != pathlib.Path("test/tidy/tidy.py") else [], 1):
        if re.search(r"\b(TODO|FIXME|XXX)\b", line):
            yield number, "what is not done is an issue, not a comment"


def check_format(files):
    tool = next((t for t in ("clang-format-14", "clang-format") if shutil.which(t)), None)
    version = subprocess.run([tool, "--version"], capture_output=True, text=True).stdout if tool else "none"
    if "version 14." not in version:
        print(f"skipped: clang-format 14 is not on PATH ({version.strip()})")
        return 77
    sources = [str(f) for f in files if f.suffix in {".cc", ".h", ".c"}]
    return subprocess.run([tool, "--dry-run", "--Werror", *sources], cwd=ROOT).returncode


def main():
    files = tracked()
    if "--format" in sys.argv[1:]:
        return check_format(files)
    count = 0
    for path in files:
        for number, what in breaches(path):
            print(f"{path}:{number}: {what}")
            count += 1
    print(f"{len(files)} files, {count} breaches")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
