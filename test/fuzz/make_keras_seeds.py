"""Writes small Keras models for the fuzz target `keras`: per file a byte (weights by name), the u32 size of the configuration,
the configuration without what is not read, and what nblocks-hdf5 writes of the weights.

usage: make_keras_seeds.py CORPUS NBLOCKS_HDF5      (needs keras)
"""
import io
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import zipfile

import h5py
import keras
from keras import layers as L
from keras import ops

UNREAD = ("initializer", "regularizer", "constraint")


def slim(value):
    """A configuration without initializers and the like."""
    if isinstance(value, dict):
        return {k: slim(v) for k, v in value.items()
                if not k.endswith(UNREAD) and k not in ("registered_name", "build_config", "compile_config", "shared_object_id", "trainable", "seed")}
    return [slim(v) for v in value] if isinstance(value, list) else value


def stream(program, content):
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        return subprocess.run([program], stdin=file, capture_output=True, check=True).stdout


def write(corpus, program, name, inputs, outputs):
    model = keras.Model(inputs, outputs)
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/m.keras")
        model.save(f"{folder}/m.h5")
        archive = zipfile.ZipFile(f"{folder}/m.keras")
        config, weights = json.loads(archive.read("config.json")), archive.read("model.weights.h5")
        h5 = pathlib.Path(f"{folder}/m.h5").read_bytes()
    with h5py.File(io.BytesIO(h5)) as file:
        named = json.loads(file.attrs["model_config"])
    buffer = io.BytesIO(h5)
    with h5py.File(buffer, "a") as file:
        del file.attrs["model_config"]
    for suffix, is_named, text, content in (("", 0, config, weights), (".named", 1, named, buffer.getvalue())):
        text = json.dumps(slim(text), separators=(",", ":")).encode()
        (corpus / f"{name}{suffix}").write_bytes(bytes([is_named]) + struct.pack("<I", len(text)) + text + stream(program, content))


def main():
    corpus, program = pathlib.Path(sys.argv[1]), sys.argv[2]
    corpus.mkdir(parents=True, exist_ok=True)

    def one(name, shape, *layers, dtype="float32"):
        x = y = keras.Input(shape, dtype=dtype, name="x")
        for layer in layers:
            y = layer(y)
        write(corpus, program, name, x, y)

    one("dense", (3,), L.Dense(2, activation="relu"), L.BatchNormalization(), L.LeakyReLU(), L.Dense(2, activation="softmax"))
    one("conv", (5, 5, 2), L.ZeroPadding2D(1), L.Conv2D(2, 3, strides=2, padding="same"), L.DepthwiseConv2D(2), L.SeparableConv2D(2, 1), L.MaxPooling2D(1), L.Flatten())
    one("conv1d", (6, 2), L.Conv1D(2, 2, padding="causal", dilation_rate=2), L.AveragePooling1D(2), L.UpSampling1D(2), L.Cropping1D(1), L.GlobalAveragePooling1D())
    one("transposed", (2, 2, 2), L.Conv2DTranspose(2, 2, strides=2, output_padding=1), L.UpSampling2D(2, interpolation="bilinear"))
    one("recurrent", (3, 2), L.LSTM(2, return_sequences=True), L.Bidirectional(L.GRU(2, return_sequences=True)), L.SimpleRNN(2, go_backwards=True))
    one("cells", (2, 2), L.RNN([L.LSTMCell(1), L.GRUCell(2)], return_sequences=True), L.TimeDistributed(L.Dense(1)))
    one("masked", (3,), L.Embedding(3, 2, mask_zero=True), L.LSTM(1), dtype="int32")
    one("norms", (2, 2), L.LayerNormalization(), L.GroupNormalization(1), L.RMSNormalization(), L.UnitNormalization(), L.PReLU())
    one("shapes", (2, 3), L.Permute((2, 1)), L.Reshape((-1,)), L.RepeatVector(2), L.EinsumDense("abc,cd->abd", output_shape=(None, 2), bias_axes="d"))
    one("nested", (2,), keras.Sequential([keras.Input((2,)), L.Dense(2)]), L.Rescaling(0.5), L.Activation("gelu"))
    a, b = keras.Input((2, 2), name="a"), keras.Input((2, 2), name="b")
    write(corpus, program, "attention", [a, b], L.Attention()([L.MultiHeadAttention(1, 2)(a, b, use_causal_mask=True), b]))
    write(corpus, program, "merge", [a, b], [L.Concatenate()([L.Add()([a, b]), L.Dot(axes=2)([a, b])]), L.Average()([a, b])])
    write(corpus, program, "ops", [a, b], [ops.where(a > b, a, b)[:, 1:], ops.reshape(ops.mean(a * 2, axis=1), (-1, 1))])
    h = keras.Input((2,), name="h")
    write(corpus, program, "state", [a, h], L.GRU(2, return_state=True)(a, initial_state=h))


if __name__ == "__main__":
    main()
