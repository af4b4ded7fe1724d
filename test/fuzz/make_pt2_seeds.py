"""Writes the seeds of the fuzz target pt2 (test/fuzz/corpus/pt2): the graph files of small exported programs, whose tensors
`w` [4,4], `b` [4] and buffer `s` [2,4] the target supplies. Needs PyTorch.

usage: make_pt2_seeds.py
"""

import io
import json
import pathlib
import zipfile

import torch

FOLDER = pathlib.Path(__file__).parent / "corpus" / "pt2"


class Net(torch.nn.Module):
    def __init__(self, body):
        super().__init__()
        self.w = torch.nn.Parameter(torch.ones(4, 4))
        self.b = torch.nn.Parameter(torch.ones(4))
        self.register_buffer("s", torch.zeros(2, 4))
        self.body = body

    def forward(self, x):
        return self.body(self, x)


def dense(net, x):
    return torch.relu(x @ net.w + net.b)


def stateful(net, x):
    net.s[1:] = net.s[:1].clone()
    net.s[:1] = x
    return net.s.sum(0) * net.w


def pieces(net, x):
    with torch.no_grad():
        a, b = torch.split(torch.cat([x, net.b[None]], 0) * 2, 1)
    return torch.where(a > b, a, b).softmax(-1), a.view(2, 2).transpose(0, 1)


def sizes(net, x):
    return x.reshape(x.shape[0] * 2, -1).mean(1), torch.nn.functional.pad(x, (1, 2)).flip(0)


def drop_metadata(value):
    """Empties what names files of the machine that exported, in inner graphs, too."""
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, dict) and isinstance(item.get("metadata"), dict):
            item["metadata"] = {}
        if isinstance(item, (dict, list)):
            drop_metadata(item)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for body in (dense, stateful, pieces, sizes):
        is_dynamic = body is sizes
        x = torch.ones(3 if is_dynamic else 1, 4)
        shapes = ({0: torch.export.Dim("n", min=1, max=64)},) if is_dynamic else None
        file = io.BytesIO()
        torch.export.save(torch.export.export(Net(body).eval(), (x,), dynamic_shapes=shapes), file)
        archive = zipfile.ZipFile(file)
        name = next(n for n in archive.namelist() if n.endswith("models/model.json"))
        program = json.loads(archive.read(name))
        drop_metadata(program)
        program["graph_module"]["module_call_graph"] = []
        program["guards_code"] = []
        (FOLDER / body.__name__).write_text(json.dumps(program, separators=(",", ":")))


if __name__ == "__main__":
    main()
