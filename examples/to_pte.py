"""Writes ExecuTorch programs (.pte, portable kernels, float32) beside exported PyTorch programs (.pt2).

Run: python examples/to_pte.py examples/appliance/appliance.pt2 ...
Needs: pip install torch==2.13.0 executorch==1.5.1
"""
import pathlib
import sys

import torch
from executorch.exir import to_edge


def main():
    for path in map(pathlib.Path, sys.argv[1:]):
        program = to_edge(torch.export.load(path)).to_executorch()
        path.with_suffix(".pte").write_bytes(program.buffer)
        print(f"{path.with_suffix('.pte')}: {len(program.buffer):,} bytes")


if __name__ == "__main__":
    main()
