"""An Optuna study of LightGBM with Caviar's strategy as its sampler; no server is needed.

.venv/bin/pip install lightgbm
.venv/bin/python examples/optuna_study.py
"""

import sys

import lightgbm
import optuna
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold, cross_val_score

from caviar.optuna import CoarseToFineSampler

X, y = load_breast_cancer(return_X_y=True)
FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)


def objective(trial: optuna.Trial) -> float:
    """Return the mean log loss of three folds."""
    model = lightgbm.LGBMClassifier(
        n_estimators=trial.suggest_int("n_estimators", 20, 150, log=True),
        learning_rate=trial.suggest_float("learning_rate", 0.01, 0.5, log=True),
        num_leaves=trial.suggest_int("num_leaves", 3, 48),
        min_child_samples=trial.suggest_int("min_child_samples", 2, 40),
        reg_lambda=trial.suggest_float("reg_lambda", 1e-3, 10.0, log=True),
        n_jobs=1,
        random_state=0,
        verbosity=-1,
    )
    return float(-cross_val_score(model, X, y, cv=FOLDS, scoring="neg_log_loss").mean())


if __name__ == "__main__":
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    study = optuna.create_study(sampler=CoarseToFineSampler(n_trials=trials, seed=1))
    study.optimize(objective, n_trials=trials)
    print(f"log loss {study.best_value:.4f} with {study.best_params}")
