"""Writes a trained PyTorch model in each format that nblocks reads, and its test set: shared by the scripts."""
import re
import struct
import zipfile

import numpy as np
import onnx_export
import torch

# Absolute paths before a package or this folder, as the traces that exports carry hold them.
MACHINE_PATH = re.compile(r'[^\s"]*/(?=site-packages/|examples/)')


def shorten_traces(program):
    """Of the source lines that an exported program carries, leaves the scripts' own and the innermost one.

    Their paths then hold on every machine, and the file of a Transformer is half as large."""
    for node in program.graph.nodes:
        if "stack_trace" in node.meta:
            frames = re.split(r"(?m)^(?=  File )", MACHINE_PATH.sub("", node.meta["stack_trace"]))
            node.meta["stack_trace"] = "".join([f for f in frames[:-1] if '"examples/' in f] + frames[-1:])


def outputs(model, x):
    """The model's output for each row of x alone, (N, ...) float32."""
    with torch.no_grad():
        return np.concatenate([model(torch.from_numpy(x[i:i + 1])).numpy() for i in range(len(x))])


def example(sample):
    """A tensor with strides of its own: NumPy's new axes have 0, which exports would carry on."""
    return torch.from_numpy(sample).clone(memory_format=torch.contiguous_format)


def write_pt2(model, sample, path):
    program = torch.export.export(model, (example(sample),))
    shorten_traces(program)
    torch.export.save(program, path)


def write_traced(model, sample, path):
    # Without the check: it runs the model without gradients, where nn.TransformerEncoderLayer takes another, fused way.
    torch.jit.save(torch.jit.trace(model, example(sample), check_trace=False), path)
    with zipfile.ZipFile(path) as archive:
        kept = [item for item in archive.infolist() if not item.filename.endswith(".debug_pkl")]
        entries = [(item, archive.read(item)) for item in kept]
    with zipfile.ZipFile(path, "w") as archive:  # without the tables of source lines: these hold paths
        for item, content in entries:
            gap = -(archive.fp.tell() + 30 + len(item.filename) + 4) % 64  # contents lie at multiples of 64
            item.extra = b"FB" + struct.pack("<H", gap) + bytes(gap)
            archive.writestr(item, content)


def write(model, x, y, path, output_name="logits"):
    """Writes PATH.onnx, PATH.pt2, PATH.pt (TorchScript, traced) and PATH_test.npz with `x`, `y` and the model's `out0`.

    The models take one sample, float32 named x, of the shape of x[:1]. Returns out0, (N, ...) float32."""
    model.eval()
    onnx_export.export(model, x[:1], f"{path}.onnx", output_name)
    write_pt2(model, x[:1], f"{path}.pt2")
    write_traced(model, x[:1], f"{path}.pt")
    out0 = outputs(model, x)
    np.savez_compressed(f"{path}_test.npz", x=x, y=y, out0=out0)
    return out0


def parameters(model):
    return sum(p.numel() for p in model.parameters())


def train_classifier(model, train, test, path, kept, epochs, learning_rate):
    """Trains on (x, y) of `train`, prints the accuracy on `test`, and writes the model beside its first `kept` test samples.

    Inputs as `write` takes them, labels int64."""
    onnx_export.fit(model, *train, epochs=epochs, learning_rate=learning_rate)
    x, y = test
    print(f"train {len(train[0])}, test {len(x)}, parameters {parameters(model)}")
    print(f"test accuracy {onnx_export.accuracy(outputs(model, x), y):.4f}")
    logits = write(model, x[:kept], y[:kept], path)
    print(f"of the {len(logits)} samples in {path.name}_test.npz {onnx_export.accuracy(logits, y[:kept]):.4f}")
