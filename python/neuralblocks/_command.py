"""The command line that the wheel carries, as the script `nblocks`."""

from __future__ import annotations

import os
import pathlib
import sys


def main() -> None:
    """Becomes the program beside this file, with the same arguments."""
    program = pathlib.Path(__file__).with_name("nblocks")
    os.execv(program, [str(program), *sys.argv[1:]])


if __name__ == "__main__":
    main()
