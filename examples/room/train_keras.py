"""The Keras twin of train.py: an LSTM or a GRU forecasts the temperature, as .keras, .h5 and .tflite.

Run: python examples/room/train_keras.py [--cell lstm|gru]
     (about 60 s on one thread; the data is synthesised, see climate.py)
Needs: pip install tensorflow==2.21.0 keras==3.15.1
Writes beside itself: room_keras_lstm.keras, room_keras_lstm.h5, room_keras_lstm.tflite,
room_keras_lstm_test.npz (or ..._gru...).
"""
import argparse
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import climate  # noqa: E402
import keras_formats  # noqa: E402
from keras import Model, layers  # noqa: E402


def build(cell, x):
    """(N, 24, 6) features as climate.FEATURES to (N, 1) deg C in an hour: the last temperature and a learned change."""
    scale = layers.Normalization(name="scale")
    scale.adapt(x)
    recurrent = {"lstm": layers.LSTM, "gru": layers.GRU}[cell]
    features = layers.Input((climate.STEPS, len(climate.FEATURES)), name="x")
    change = layers.Dense(1, name="change")(recurrent(24, name="recurrent")(scale(features)))
    last = layers.Flatten()(layers.Cropping1D((climate.STEPS - 1, 0))(features))
    now = layers.Dense(1, use_bias=False, trainable=False, kernel_initializer="zeros", name="now")(last)
    model = Model(features, layers.Add()([now, change]))
    kernel = model.get_layer("now").get_weights()[0]
    kernel[0] = 1  # of the last step's features, the room's temperature
    model.get_layer("now").set_weights([kernel])
    return model


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cell", choices=["lstm", "gru"], default="lstm")
    cell = parser.parse_args().cell
    keras_formats.start(seed=7)
    x_train, y_train = climate.windows(8000, seed=1)
    x_test, y_test = climate.windows(2000, seed=2)
    model = build(cell, x_train)
    keras_formats.fit(model, x_train, y_train, 25, 0.01, "mse")

    print(f"train {len(x_train)}, test {len(x_test)}, parameters {model.count_params()}")
    print(f"test RMSE {climate.rmse(model.predict(x_test, verbose=0), y_test):.3f} K; "
          f"as now: {climate.rmse(x_test[:, -1, :1], y_test):.3f} K; "
          f"linear: {climate.linear_rmse(x_train, y_train, x_test, y_test):.3f} K")
    forecast = keras_formats.write(model, x_test[:150], y_test[:150], HERE / f"room_keras_{cell}")
    print(f"of the {len(forecast)} samples in room_keras_{cell}_test.npz {climate.rmse(forecast, y_test[:150]):.3f} K")


if __name__ == "__main__":
    main()
