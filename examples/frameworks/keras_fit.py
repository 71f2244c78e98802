"""A model of Keras 3, on PyTorch, with a callback. Start a server, then this.

python examples/frameworks/keras_fit.py [search]
"""

import os
import sys

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
from sklearn.datasets import load_digits

from caviar import Client
from caviar.frameworks.keras import TrialCallback

SEARCH = {
    "name": "Keras",
    "trainer": "external",
    "settings": {"epochs": 4},
    "space": {
        "learning_rate": {"scale": "log", "low": 1e-3, "high": 1.0},
        "units": {"scale": "log", "low": 8, "high": 64, "type": "int"},
    },
    "objective": {"metric": "val_accuracy", "direction": "maximize"},
    "budget": {"trials": 3},
    "seed": 1,
}
digits = load_digits()
X, y = digits.data.astype("float32") / 16.0, digits.target


def main() -> None:
    client = Client()
    search = int(sys.argv[1]) if len(sys.argv) > 1 else client.submit(SEARCH)
    for trial in client.ask(search):
        keras.utils.set_random_seed(trial.seed % 2**32)
        layers = [
            keras.Input((64,)),
            keras.layers.Dense(trial.params["units"], "relu"),
            keras.layers.Dense(10, "softmax"),
        ]
        model = keras.Sequential(layers)
        optimizer = keras.optimizers.SGD(trial.params["learning_rate"], momentum=0.9)
        model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(
            X[:1400],
            y[:1400],
            batch_size=64,
            epochs=trial.epochs,
            validation_data=(X[1400:], y[1400:]),
            verbose=0,
            callbacks=[TrialCallback(trial)],
        )
    for best in client.best(search, k=1):
        print(f"{best.id}: accuracy {best.value:.2%} with {dict(best.params)}")


if __name__ == "__main__":
    main()
