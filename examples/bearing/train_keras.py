"""The Keras twin of train.py: the same task and layers, as .keras, .h5 and .tflite.

Run: python examples/bearing/train_keras.py     (about 90 s on one thread; the data is synthesised, see vibration.py)
Needs: pip install tensorflow==2.21.0 keras==3.15.1
Writes beside itself: bearing_keras.keras, bearing_keras.h5, bearing_keras.tflite, bearing_keras_test.npz.
"""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import keras_formats  # noqa: E402
import vibration  # noqa: E402
from keras import Sequential, layers  # noqa: E402


def build():
    """(N, 64, 15, 1) dB by frame and band to probabilities (N, 4)."""
    return Sequential([
        layers.Input((vibration.FRAMES, vibration.BANDS, 1), name="x"),
        layers.BatchNormalization(),
        layers.Conv2D(8, (7, 3), padding="same", activation="relu"),
        layers.MaxPooling2D((1, 2)),
        layers.Conv2D(16, (9, 3), strides=(2, 1), padding="same", activation="relu"),
        layers.MaxPooling2D((1, 2)),
        layers.Conv2D(16, (9, 3), padding="same", activation="relu"),
        layers.AveragePooling2D((vibration.FRAMES // 2, 1)),
        layers.Flatten(),
        layers.Dense(len(vibration.CLASSES), activation="softmax"),
    ])


def main():
    keras_formats.start(seed=7)
    x_train, y_train = vibration.spectra(6000, seed=1)
    x_test, y_test = vibration.spectra(2000, seed=2)
    x_train, x_test = x_train[..., None], x_test[..., None]
    model = build()
    keras_formats.fit(model, x_train, y_train, 14, 0.005, "sparse_categorical_crossentropy")

    accuracy = (model.predict(x_test, verbose=0).argmax(axis=1) == y_test).mean()
    print(f"train {len(x_train)}, test {len(x_test)}, parameters {model.count_params()}")
    print(f"test accuracy {accuracy:.4f}")
    out0 = keras_formats.write(model, x_test[:60], y_test[:60], HERE / "bearing_keras")
    print(f"of the {len(out0)} samples in bearing_keras_test.npz {(out0.argmax(axis=1) == y_test[:60]).mean():.4f}")


if __name__ == "__main__":
    main()
