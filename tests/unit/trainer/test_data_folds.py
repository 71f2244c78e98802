"""Folds: the same rows as scikit-learn's splitters give for the same seed."""

import warnings

import numpy as np
import pytest
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from caviar.trainer.data.folds import Folds
from caviar.trainer.problem import DataError

CASES = range(100)


def case(seed):
    """Rows, classes and groups of a random kind."""
    rng = np.random.default_rng(seed)
    folds, m = int(rng.integers(2, 9)), int(rng.integers(40, 300))
    labels = rng.choice(int(rng.integers(2, 5)), size=m, p=None)
    groups = rng.integers(0, int(rng.integers(2 * folds, 30)), size=m)
    return folds, m, labels, groups


def same(ours, theirs):
    theirs = list(theirs)
    assert len(ours) == len(theirs)
    for (train, dev), (train_there, dev_there) in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(train, train_there)
        np.testing.assert_array_equal(dev, dev_there)


@pytest.mark.parametrize("seed", CASES)
def test_folds_are_those_of_scikit_learn(seed):
    folds, m, labels, groups = case(seed)
    X, mixed = np.zeros((m, 1)), {"shuffle": True, "random_state": seed}
    same(Folds(folds, seed=seed).of(m, None, None), KFold(folds, **mixed).split(X))
    same(Folds(folds, ordered=True).of(m, None, None), TimeSeriesSplit(folds).split(X))
    same(Folds(folds, seed=seed).of(m, None, groups), GroupKFold(folds).split(X, groups=groups))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")
        ours = Folds(folds, seed=seed, stratified=True)
        same(ours.of(m, labels, None), StratifiedKFold(folds, **mixed).split(X, labels))
        theirs = StratifiedGroupKFold(folds, **mixed).split(X, labels, groups)
        same(ours.of(m, labels, groups), theirs)


@pytest.mark.parametrize("seed", range(30))
def test_repeats_are_those_of_scikit_learn(seed):
    folds, m, labels, groups = case(seed)
    X, repeats = np.zeros((m, 1)), 2 + seed % 3
    theirs = RepeatedKFold(n_splits=folds, n_repeats=repeats, random_state=seed)
    same(Folds(folds, repeats, seed).of(m, None, None), theirs.split(X))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")
        theirs = RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=seed)
        same(Folds(folds, repeats, seed, stratified=True).of(m, labels, None), theirs.split(X, labels))
    rng = np.random.RandomState(seed)
    shuffled = [
        GroupKFold(folds, shuffle=True, random_state=rng).split(X, groups=groups) for _ in range(repeats)
    ]
    same(Folds(folds, repeats, seed).of(m, None, groups), [pair for one in shuffled for pair in one])


@pytest.mark.parametrize(
    ("folds", "m", "groups", "field", "words"),
    [
        (Folds(5), 4, None, "dataset.folds", "4 rows cannot be cut into 5 folds"),
        (Folds(5, ordered=True), 5, None, "dataset.folds", "5 rows"),
        (Folds(3), 9, np.zeros(9), "dataset.split_groups", "all rows are of one group"),
        (Folds(3), 9, np.arange(9) % 2, "dataset.split_groups", "there are 2 groups, for 3 folds"),
        (Folds(3), 9, np.maximum(np.arange(9) - 6, 0), "dataset.split_groups", "one group has 7 of 9 rows"),
    ],
)
def test_what_cannot_be_folded_is_refused(folds, m, groups, field, words):
    with pytest.raises(DataError) as error:
        folds.of(m, None, groups)
    (problem,) = error.value.problems
    assert problem.field == field
    assert words in problem.message
    assert problem.remedy
