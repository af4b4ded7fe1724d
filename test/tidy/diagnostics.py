"""Diagnostics that somebody raises, explains and tries. Kinds that no test raises are listed; those that no code raises,
or that have no page where there are pages, are failures. Ends with "N kinds, N failed".

usage: diagnostics.py
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def text_of(*patterns):
    return "".join(path.read_text() for pattern in patterns for path in sorted(ROOT.glob(pattern)) if path != pathlib.Path(__file__))


def main():
    table = (ROOT / "src/diag/diagnostics.def").read_text()
    kinds = re.findall(r'NB_DIAGNOSTIC\((\w+),\s*"([\w-]+)",\s*(\w+)', table)
    code = text_of("src/**/*.cc", "src/**/*.h", "blocks/**/*.cc", "blocks/**/*.h", "cli/*.cc")
    tests = text_of("test/**/*.py", "test/**/*.cc", "test/**/*.sh")
    samples = text_of("blocks/**/*.cc")
    pages = ROOT / "docs/explain"
    failed, untried = 0, []
    for identifier, name, severity in kinds:
        faults = []
        if f"Kind::{identifier}" not in code:
            faults.append("nothing raises it")
        if pages.is_dir() and severity == "error" and not (pages / f"{name}.md").is_file():
            faults.append(f"docs/explain/{name}.md is missing")
        for fault in faults:
            print(f"FAILED {name}: {fault}")
        failed += len(faults)
        if not (re.search(rf"\b{name}\b(?!-)", tests) or f"Kind::{identifier}" in tests or f'"{name}"' in samples):
            untried.append(name)
    if untried:
        print("no test raises: " + ", ".join(untried))
    print(f"{len(kinds)} kinds, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
