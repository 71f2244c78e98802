"""Boosting rounds of LightGBM with a callback. Start a server, then this.

python examples/frameworks/lightgbm_rounds.py [search]
"""

import sys

import lightgbm
from sklearn.datasets import load_breast_cancer

from caviar import Client
from caviar.frameworks.lightgbm import TrialCallback

SEARCH = {
    "name": "LightGBM",
    "trainer": "external",
    "settings": {"epochs": 40},
    "space": {
        "learning_rate": {"scale": "log", "low": 1e-2, "high": 0.5},
        "num_leaves": {"scale": "log", "low": 3, "high": 63, "type": "int"},
    },
    "stopping": {"name": "patience", "epochs": 10},
    "objective": {"metric": "dev_binary_logloss", "direction": "minimize"},
    "budget": {"trials": 4},
    "seed": 1,
}
X, y = load_breast_cancer(return_X_y=True)


def main() -> None:
    client = Client()
    search = int(sys.argv[1]) if len(sys.argv) > 1 else client.submit(SEARCH)
    for trial in client.ask(search):
        callback = TrialCallback(trial)
        train = lightgbm.Dataset(X[:400], y[:400])
        space = {name: trial.params[name] for name in ("learning_rate", "num_leaves")}
        lightgbm.train(
            {"objective": "binary", "num_threads": 1, "seed": trial.seed % 2**31, "verbosity": -1, **space},
            train,
            callback.rounds(trial.epochs),
            valid_sets=[train.create_valid(X[400:], y[400:])],
            valid_names=["dev"],
            init_model=callback.resume,
            callbacks=[callback],
        )
    for best in client.best(search, k=1):
        print(f"{best.id}: log loss {best.value:.4f} with {dict(best.params)}")


if __name__ == "__main__":
    main()
