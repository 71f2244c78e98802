"""A pipeline of scikit-learn, cross-validated fold by fold. Start a server, then this.

python examples/frameworks/sklearn_folds.py [search]
"""

import sys

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from caviar import Client
from caviar.frameworks.sklearn import cross_val_score

SEARCH = {
    "name": "scikit-learn folds",
    "trainer": "external",
    "settings": {"folds": 5},
    "space": {
        "C": {"scale": "log", "low": 1e-2, "high": 1e3},
        "gamma": {"scale": "log", "low": 1e-4, "high": 1.0},
    },
    "stopping": {"name": "median", "warmup": 2},
    "objective": {"metric": "accuracy", "direction": "maximize"},
    "budget": {"trials": 8},
    "seed": 1,
}
X, y = load_breast_cancer(return_X_y=True)


def main() -> None:
    client = Client()
    search = int(sys.argv[1]) if len(sys.argv) > 1 else client.submit(SEARCH)
    for trial in client.ask(search):
        model = make_pipeline(StandardScaler(), SVC(C=trial.params["C"], gamma=trial.params["gamma"]))
        folds = StratifiedKFold(trial.params["folds"], shuffle=True, random_state=0)
        cross_val_score(trial, model, X, y, cv=folds, scoring="accuracy")
    for best in client.best(search, k=1):
        print(f"{best.id}: accuracy {best.value:.2%} with {dict(best.params)}")


if __name__ == "__main__":
    main()
