"""A model of scikit-learn that learns by partial_fit. Start a server, then this.

python examples/frameworks/sklearn_partial_fit.py [search]
"""

import sys

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier

from caviar import Client
from caviar.frameworks.sklearn import epochs

SEARCH = {
    "name": "scikit-learn partial_fit",
    "trainer": "external",
    "settings": {"epochs": 10},
    "space": {
        "learning_rate": {"scale": "log", "low": 1e-3, "high": 1.0},
        "alpha": {"scale": "log", "low": 1e-6, "high": 1e-1},
    },
    "stopping": {"name": "successive_halving", "first": 2},
    "objective": {"metric": "dev_error", "direction": "minimize"},
    "budget": {"trials": 6},
    "seed": 1,
}
X, y = load_digits(return_X_y=True)
X = X / 16.0


def main() -> None:
    client = Client()
    search = int(sys.argv[1]) if len(sys.argv) > 1 else client.submit(SEARCH)
    for trial in client.ask(search):
        rate, alpha = trial.params["learning_rate"], trial.params["alpha"]
        model = SGDClassifier(
            alpha=alpha, learning_rate="constant", eta0=rate, random_state=trial.seed % 2**31
        )
        for epoch in epochs(trial, model, names={"learning_rate": "eta0"}):
            model.partial_fit(X[:1400], y[:1400], classes=np.arange(10))
            trial.report(epoch, dev_error=1.0 - model.score(X[1400:], y[1400:]))
    for best in client.best(search, k=1):
        print(f"{best.id}: dev error {best.value:.2%} with {dict(best.params)}")


if __name__ == "__main__":
    main()
