"""Boosting rounds of XGBoost with a callback. Start a server, then this.

python examples/frameworks/xgboost_rounds.py [search]
"""

import sys

import xgboost as xgb
from sklearn.datasets import load_breast_cancer

from caviar import Client
from caviar.frameworks.xgboost import TrialCallback

SEARCH = {
    "name": "XGBoost",
    "trainer": "external",
    "settings": {"epochs": 40},
    "space": {
        "learning_rate": {"scale": "log", "low": 1e-2, "high": 1.0},
        "max_depth": {"scale": "linear", "low": 2, "high": 8, "type": "int"},
    },
    "stopping": {"name": "patience", "epochs": 10},
    "objective": {"metric": "dev_logloss", "direction": "minimize"},
    "budget": {"trials": 4},
    "seed": 1,
}
X, y = load_breast_cancer(return_X_y=True)
TRAIN, DEV = xgb.DMatrix(X[:400], y[:400]), xgb.DMatrix(X[400:], y[400:])


def main() -> None:
    client = Client()
    search = int(sys.argv[1]) if len(sys.argv) > 1 else client.submit(SEARCH)
    for trial in client.ask(search):
        callback = TrialCallback(trial)
        space = {name: trial.params[name] for name in ("learning_rate", "max_depth")}
        xgb.train(
            {"objective": "binary:logistic", "nthread": 1, **space},
            TRAIN,
            callback.rounds(trial.epochs),
            evals=[(DEV, "dev")],
            verbose_eval=False,
            xgb_model=callback.resume,
            callbacks=[callback],
        )
    for best in client.best(search, k=1):
        print(f"{best.id}: log loss {best.value:.4f} with {dict(best.params)}")


if __name__ == "__main__":
    main()
