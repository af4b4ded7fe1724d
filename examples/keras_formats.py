"""What the Keras training scripts share: a reproducible start, training, and the model in each format."""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402


def start(seed):
    """Fixes every source of chance and uses one thread, so that a second run gives the same weights."""
    keras.utils.set_random_seed(seed)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()


def fit(model, x, y, epochs, learning_rate, loss, batch=64):
    """Trains `model` on x, y with Adam and a learning rate that falls to zero as a cosine.

    The last epoch's weights are the result: no test sample takes part in choosing them."""
    steps = epochs * -(-len(x) // batch)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), loss)
    model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0)


def write_tflite(model, path):
    """float32, one sample: a loop over time is converted only if its shapes are known."""
    x = keras.Input(batch_shape=(1, *model.input_shape[1:]), name="x")
    one = keras.Model(x, model(x))
    with open(path, "wb") as file:
        file.write(tf.lite.TFLiteConverter.from_keras_model(one).convert())


def write(model, x, y, path):
    """Writes PATH.keras, PATH.h5, PATH.tflite, and PATH_test.npz with `x`, `y` and the model's `out0`; returns out0."""
    model.save(f"{path}.keras")
    model.save(f"{path}.h5")
    write_tflite(model, f"{path}.tflite")
    out0 = model.predict(x, verbose=0)
    np.savez_compressed(f"{path}_test.npz", x=x, y=y, out0=out0)
    return out0
