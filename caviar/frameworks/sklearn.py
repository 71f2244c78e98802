"""Models of scikit-learn as trials: cross-validation fold by fold, and training by partial_fit.

from caviar.frameworks.sklearn import cross_val_score

for trial in Client().ask(search):
    model = make_pipeline(StandardScaler(), SVC(**trial.params))
    cross_val_score(trial, model, X, y, cv=5, scoring="accuracy")
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing, indexable

from caviar.errors import CaviarError
from caviar.external_trial import ExternalTrial
from caviar.frameworks.steps import Setter, Steps, epochs_of, renamed

WHOLE = "{} cannot change: the scores of all folds are to be of one model; submit another search, or fork"


def cross_val_score(
    trial: ExternalTrial,
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    cv: Any = None,
    scoring: Any = None,
) -> np.ndarray[Any, Any]:
    """Return the scores of an estimator on the folds, as scikit-learn's function of this name does.

    Each fold is a step: the mean of the scores so far is reported as the search's metric, a stopping rule can
    end the trial after any, and one that was lost goes on with the next. Data must not be shuffled anew:
    give `cv` a random_state.

    Raises CaviarError where the search minimizes its metric: scores are better when they are greater.
    """
    metric, direction = trial.objective
    if direction != "maximize":
        raise CaviarError(
            f"the search minimizes {metric!r}, and scores of scikit-learn are better when they are greater: "
            f"submit it with objective: {{metric: {metric}, direction: maximize}}"
        )
    X, y, groups = indexable(X, y, groups)
    folds = check_cv(cv, y, classifier=is_classifier(estimator))
    scorer = check_scoring(estimator, scoring=scoring)
    scores: list[float] = [] if trial.resume is None else json.loads(trial.resume)
    steps = Steps(trial, "cross-validation", every=1)
    steps.begin({}, WHOLE)
    for fold, (train, dev) in enumerate(folds.split(X, y, groups), 1):
        if fold <= len(scores):
            continue
        model = clone(estimator)
        model.fit(*_rows(X, y, train))
        scores.append(float(scorer(model, *_rows(X, y, dev))))
        told = {metric: float(np.mean(scores)), "fold_score": scores[-1]}
        if steps.ended(fold, told, json.dumps(scores).encode):
            break
    return np.array(scores)


def epochs(
    trial: ExternalTrial,
    model: Any,
    *,
    last: int | None = None,
    names: Mapping[str, str] | None = None,
    every: int | None = None,
) -> Iterator[int]:
    """Go through the epochs of a model with partial_fit that a trial still has to train; report in the loop.

    The model becomes what it was at the last checkpoint first. `set` changes its parameters; `names` has the
    search's names for them ({"learning_rate": "eta0"}). States are pickled: whoever may write to the server
    could run code here.

    Raises CaviarError for a model that cannot train on.
    """
    if not hasattr(model, "partial_fit"):
        raise CaviarError(f"{type(model).__name__} has no partial_fit, so it cannot be trained by epochs")
    if trial.resume is not None:
        vars(model).update(vars(pickle.loads(trial.resume)))  # noqa: S301 - said above
    steps = Steps(trial, type(model).__name__, every)
    own = {name: partial(_change, model, name) for name in model.get_params()}
    setters: dict[str, Setter] = {**renamed(own, names), "epochs": lambda _epochs: None}
    steps.begin(setters)
    yield from epochs_of(steps, last, lambda: pickle.dumps(model))


def _rows(X: Any, y: Any, rows: Any) -> tuple[Any, ...]:
    return (_safe_indexing(X, rows),) if y is None else (_safe_indexing(X, rows), _safe_indexing(y, rows))


def _change(model: Any, name: str, value: Any) -> None:
    model.set_params(**{name: value})
