"""Live Keras models, and SavedModels through TensorFlow. Skipped without them."""

import os

import numpy as np
import pytest

import neuralblocks as nb

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras", reason="no keras")


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.Flatten(),
                             keras.layers.Dense(5, activation="softmax")], name="small")


def test_live_model(net):
    x = np.random.default_rng(0).normal(size=(9, 8, 8, 1)).astype(np.float32)
    program = nb.compile(net)
    assert program.name == "small" and program.inputs[0].shape == (1, 8, 8, 1)
    np.testing.assert_allclose(program.run(x), net(x).numpy(), atol=1e-5)


def test_unbuilt_model():
    unbuilt = keras.Sequential([keras.layers.Dense(3)])
    with pytest.raises(nb.UsageError, match="no input shape"):
        nb.compile(unbuilt)
    assert nb.compile(unbuilt, np.zeros((1, 4), np.float32)).outputs[0].shape == (1, 3)


def test_saved_model(net, tmp_path):
    pytest.importorskip("tensorflow", reason="no tensorflow")
    net.export(str(tmp_path / "folder"), verbose=False)
    x = np.random.default_rng(0).normal(size=(3, 8, 8, 1)).astype(np.float32)
    program = nb.compile(tmp_path / "folder")
    assert any("converted by TensorFlow" in m.message for m in program.messages)
    np.testing.assert_allclose(program.run(x), net(x).numpy(), atol=1e-5)
