"""Compares the blocks that one model gives through each of its formats, after all passes, for cortex-m4f.

The models of examples/, and those of ../shared/models/corpus if that is there, which exist in more than one float format. The
first format of a model is the measure; another must give the same blocks in the same order, or exactly what DIFFERENCES
names: which blocks it has more and less, and why. A difference that is not named fails, and so does a named one that is
gone. Views (reshapes and casts that are no code) are not blocks here. Ends with "N passed, N failed, N skipped".

usage: same_blocks.py NBLOCKS [--only TEXT] [--table]
"""

import argparse
import collections
import concurrent.futures
import json
import pathlib
import subprocess
import sys

import numpy as np

from torch_archive import input_names, shape_options

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPUS = ROOT.parent / "shared" / "models" / "corpus"

# Endings of the float formats, the measure of a model first: the first of these that it has.
FORMATS = [".onnx", ".keras", ".pt2", "_core.pt2", ".pt", "_script.pt", ".pte", ".h5", "_legacy.onnx", ".tflite"]

# A model, formats of it, the blocks that these have more and less than its first one, with their counts ("order" twice if
# they are the same ones in another order), and the reason.
DIFFERENCES = [
    ("bearing/bearing_keras", ".tflite", "1 add 1 mul", "1 batch_norm",
     "the converter writes the batch normalization of the input as mul and add"),
    ("room/room_keras_gru", ".tflite", "order", "order",
     "the converter writes the dense layer of the last step before the recurrent one"),
    ("room/room_keras_lstm", ".tflite", "order", "order",
     "the converter writes the dense layer of the last step before the recurrent one"),
    ("dlinear_ett", ".tflite", "1 gather", "1 pad",
     "the converter repeats the edges by indices"),
    ("dscnn_fsdd", ".pt2 .pt _legacy.onnx", "1 average_pool2d", "1 reduce_mean",
     "the exporter of ONNX writes the pool over the whole image as ReduceMean"),
    ("dscnn_fsdd", ".tflite", "1 depthwise_conv2d", "1 conv2d",
     "the converter makes depthwise convolutions of those of one input channel"),
    ("hf_bert_tiny", ".pt2 .pt _legacy.onnx", "", "1 gather_nd",
     "the mask of the tokens is made without the GatherND of the new exporter"),
    ("hf_bert_tiny", ".tflite", "1 gather", "1 gather_nd",
     "the mask of the tokens is made without the GatherND of the new exporter"),
    ("hf_wav2vec2_tiny", ".pt2 .pt", "", "1 add 1 mul",
     "the exporter of ONNX writes a group norm as an instance norm and a line of its own"),
    ("keras_ae_mnist", ".keras .h5", "1 resize", "2 expand 2 transpose",
     "tf2onnx repeats rows and columns of UpSampling2D by Expand"),
    ("keras_ae_mnist", ".tflite", "", "2 transpose",
     "tf2onnx puts transposes about UpSampling2D, which the converter does not have"),
    ("keras_bigru_har", ".keras .h5", "", "1 concat 1 gru 3 slice",
     "Bidirectional is one gru of two directions; the converters write each direction alone"),
    ("keras_bigru_har", ".tflite", "", "1 slice",
     "tf2onnx takes the last state of a direction by one more slice"),
    ("keras_cnn_mnist", ".tflite", "1 reduce_mean", "1 average_pool2d",
     "the converter writes the pool over the whole image as MEAN"),
    ("keras_tcn_har", ".keras .h5", "1 max_pool2d", "1 reduce_max",
     "the exporter of ONNX writes the pool over the whole line as ReduceMax"),
    ("lenet_mnist", ".tflite", "1 depthwise_conv2d", "1 conv2d",
     "the converter makes depthwise convolutions of those of one input channel"),
    ("mbv2_cifar", ".pt2 .pt _legacy.onnx", "1 average_pool2d", "1 reduce_mean",
     "the exporter of ONNX writes the pool over the whole image as ReduceMean"),
    ("oddops", ".pt2 .pt", "1 log1p 1 matmul 1 rsqrt", "1 add 1 dense 1 greater 1 log 1 reciprocal 1 sqrt 1 where",
     "the exporter of ONNX writes softplus, log1p, rsqrt and bilinear in other operators"),
    ("rnn_har", ".pt2 .pt _legacy.onnx", "", "1 slice",
     "the steps that the new exporter of ONNX writes out give their last output, not the layer its last state"),
    ("tcn_ecg", ".tflite", "2 depthwise_conv2d", "2 conv2d",
     "the converter makes depthwise convolutions of those of one input channel"),
    ("unet_mnist", ".tflite", "1 depthwise_conv2d", "1 conv2d",
     "the converter makes depthwise convolutions of those of one input channel"),
    ("vit_mnist", ".tflite", "1 depthwise_conv2d", "1 conv2d",
     "the converter makes depthwise convolutions of those of one input channel"),
]
NAMED = {(name, ending): (more, less, reason) for name, endings, more, less, reason in DIFFERENCES for ending in endings.split()}


def formats_of(folder, stem):
    return [ending for ending in FORMATS if (folder / f"{stem}{ending}").exists()]


def groups():
    """(name, path without an ending, endings) of every model with several formats."""
    found = []
    for file in sorted((ROOT / "examples").glob("*/*_test.npz")):
        stem = file.name.removesuffix("_test.npz")
        found.append((f"{file.parent.name}/{stem}", file.parent / stem, formats_of(file.parent, stem)))
    if CORPUS.exists():
        for folder in sorted(path for path in CORPUS.iterdir() if path.is_dir()):
            found.append((folder.name, folder / "model", formats_of(folder, "model")))
    return [group for group in found if len(group[2]) > 1]


def input_shapes(stem, model):
    """The options of a TorchScript file, which carries no shapes."""
    meta = stem.parent / "meta.json"
    if meta.exists():
        return shape_options(model, json.loads(meta.read_text())["inputs"])
    shape = (1, *np.load(f"{stem}_test.npz")["x"].shape[1:])
    return shape_options(model, [(name, shape, "float32") for name in input_names(model)])


def analyze(nblocks, stem, ending):
    """(blocks, macs, arena bytes) of a file, or a text of why there are none."""
    command = [nblocks, "analyze", f"{stem}{ending}", "-b", "cortex-m4f", "--json", "-q"]
    if ending.endswith(".pt"):
        command += input_shapes(stem, pathlib.Path(f"{stem}{ending}"))
    end = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if end.returncode not in (0, 3):
        return f"exit {end.returncode}: {end.stderr.strip()[:300]}"
    report = json.loads(end.stdout)
    layers = [layer for layer in report["layers"] if not layer["kernel"].endswith("_view")]
    return [layer["block"] for layer in layers], sum(layer["macs"] for layer in layers), report["arena_bytes"]


def counted(more):
    return " ".join(f"{count} {block}" for block, count in sorted(more.items()))


def difference(wanted, found):
    """(more, less) of `found` as texts; None if it is `wanted`."""
    if wanted == found:
        return None
    more, less = (collections.Counter(a) - collections.Counter(b) for a, b in ((found, wanted), (wanted, found)))
    return (counted(more), counted(less)) if more or less else ("order", "order")


def text_of(pair):
    if pair is None:
        return "the same"
    return "the same blocks in another order" if pair[0] == "order" else f"more: {pair[0] or '-'}; less: {pair[1] or '-'}"


def judge(name, ending, wanted, result):
    """(is right, text) of one format beside the first."""
    if isinstance(result, str):
        return False, result
    found, macs, arena = result
    named, seen = NAMED.get((name, ending)), difference(wanted, found)
    text = f"{len(found):4} blocks {macs:10,} macs {arena:8,} bytes  {text_of(seen)}"
    if named is None or seen != named[:2]:
        return seen is None and named is None, text if named is None else f"{text}; named is: {text_of(named)}"
    return True, f"{text} ({named[2]})"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nblocks")
    parser.add_argument("--only", default="")
    parser.add_argument("--table", action="store_true", help="print every result")
    arguments = parser.parse_args()
    chosen = [group for group in groups() if arguments.only in group[0]]
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = {(name, ending): pool.submit(analyze, arguments.nblocks, stem, ending)
                   for name, stem, endings in chosen for ending in endings}
        for name, _, endings in chosen:
            first = results[name, endings[0]].result()
            for ending in endings:
                result = results[name, ending].result()
                if isinstance(first, str):
                    is_right, text = False, f"{endings[0]}: {first}"
                else:
                    is_right, text = judge(name, ending, first[0], result)
                passed, failed = passed + is_right, failed + (not is_right)
                if arguments.table or not is_right:
                    print(f"{'ok' if is_right else 'FAILED':7} {name:22} {ending:13} {text}", flush=True)
    skipped = 0
    if not CORPUS.exists():
        skipped = 1
        print(f"skipped: the models of the corpus: no folder {CORPUS}")
    if not chosen and not skipped:
        print(f"no model is named {arguments.only}")
        failed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
