"""Folds: which rows a training of a trial learns from and which it is judged by.

The rows are those that scikit-learn's splitters of the same name give for the same seed: `KFold`,
`StratifiedKFold` and `StratifiedGroupKFold` with `shuffle=True, random_state=seed`, `GroupKFold` (whose
repeats shuffle the groups) and `TimeSeriesSplit`. Repeats go on with the random numbers of the one before,
as `RepeatedKFold` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from caviar.trainer.data.table import Array, shown
from caviar.trainer.problem import DataError

Fold = tuple[Array, Array]  # rows to train on and rows of the dev set, ascending


@dataclass(frozen=True)
class Folds:
    """How rows are cut into folds.

    Attributes
    ----------
    folds, repeats : int
    seed : int
    stratified : bool
        Each fold has the same mix of classes.
    ordered : bool
        Training rows come before those of the dev set; the training set grows from fold to fold.
    """

    folds: int
    repeats: int = 1
    seed: int = 0
    stratified: bool = False
    ordered: bool = False

    @property
    def count(self) -> int:
        """Trainings of a trial."""
        return self.folds * self.repeats

    def of(self, m: int, labels: Array | None, groups: Array | None) -> list[Fold]:
        """Return the rows of each fold, repeat after repeat.

        Parameters
        ----------
        m : int
            Number of rows.
        labels : ndarray(int, (m,)) or None
            Classes, for stratified folds.
        groups : ndarray(int, (m,)) or None
            Rows of one group stay together.

        Raises
        ------
        DataError
            There are fewer rows, or fewer groups, than folds.
        """
        self.check_rows(m)
        if groups is not None:
            counts = np.unique(groups, return_counts=True)[1]
            self.check_groups(m, len(counts), int(counts.max()))
        if self.ordered:
            return list(_expanding(m, self.folds))
        rng = np.random.RandomState(self.seed % 2**32)
        found: list[Fold] = []
        for _ in range(self.repeats):
            if groups is not None and self.stratified and labels is not None:
                place = _stratified_groups(labels, groups, self.folds, rng)
            elif groups is not None:
                place = _groups(groups, self.folds, rng if self.repeats > 1 else None)
            elif self.stratified and labels is not None:
                place = _stratified(labels, self.folds, rng)
            else:
                place = _plain(m, self.folds, rng)
            found += [
                (np.flatnonzero(place != fold), np.flatnonzero(place == fold)) for fold in range(self.folds)
            ]
        return found

    def check_rows(self, m: int) -> None:
        """Raise DataError for fewer rows than there are folds."""
        if m < self.folds + self.ordered:
            message = f"{m} rows cannot be cut into {self.folds} folds"
            raise DataError.of("dataset.folds", message, "use fewer folds, or give more rows")

    def check_groups(self, m: int, groups: int, largest: int) -> None:
        """Raise DataError for fewer groups than folds, and where the largest leaves too few of m rows."""
        remedy = "use fewer folds, or name a column with more and smaller groups"
        if groups < self.folds:
            said = "all rows are of one group" if groups == 1 else f"there are {groups} groups"
            raise DataError.of("dataset.split_groups", f"{said}, for {self.folds} folds", remedy)
        if largest > m * (1 - 1 / self.folds):
            said = f"one group has {largest} of {m} rows and fills a fold, the others are left with the rest"
            raise DataError.of("dataset.split_groups", said, remedy)


def check_folds(folds: int, counts: Array | list[int], names: list[str] | tuple[str, ...]) -> None:
    """Refuse a class with fewer rows than there are folds.

    Raises
    ------
    DataError
        With the classes that are too rare.
    """
    rare = [f"{name} ({count})" for name, count in zip(names, counts, strict=True) if count < folds]
    if rare:
        message = f"{folds} folds are more than these classes have rows: {shown(rare)}"
        remedy = "use fewer folds, drop or merge the class, or set dataset.stratify to false"
        raise DataError.of("dataset.folds", message, remedy)


def _plain(m: int, folds: int, rng: np.random.RandomState) -> Array:
    """Fold of each row: a shuffled list cut in turn, the first folds longer by one where it is uneven."""
    rows = np.arange(m)
    rng.shuffle(rows)
    place = np.empty(m, dtype=np.int64)
    place[rows] = np.repeat(np.arange(folds), _even(m, folds))
    return place


def _even(m: int, folds: int) -> Array:
    return m // folds + (np.arange(folds) < m % folds)


def _stratified(labels: Array, folds: int, rng: np.random.RandomState) -> Array:
    """Fold of each row: the classes, numbered as they appear, are dealt out in turn, each shuffled."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    codes = np.argsort(np.argsort(first))[inverse]
    in_turn = np.sort(codes)
    share = np.array([np.bincount(in_turn[fold::folds], minlength=len(first)) for fold in range(folds)])
    place = np.empty(len(labels), dtype=np.int64)
    for code in range(len(first)):
        mine = np.arange(folds).repeat(share[:, code])
        rng.shuffle(mine)
        place[codes == code] = mine
    return place


def _groups(groups: Array, folds: int, rng: np.random.RandomState | None) -> Array:
    """Fold of each row: groups, the largest first, go to the lightest fold; or shuffled ones, cut in turn."""
    kinds, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    fold_of = np.empty(len(kinds), dtype=np.int64)
    if rng is not None:
        fold_of[rng.permutation(len(kinds))] = np.repeat(np.arange(folds), _even(len(kinds), folds))
        return fold_of[inverse]
    weights = np.zeros(folds)
    for kind in np.argsort(counts, kind="stable")[::-1]:
        fold_of[kind] = np.argmin(weights)
        weights[fold_of[kind]] += counts[kind]
    return fold_of[inverse]


def _stratified_groups(labels: Array, groups: Array, folds: int, rng: np.random.RandomState) -> Array:
    """Fold of each row: groups, the most one-sided first, go where the mix of classes stays the most even."""
    kinds, inverse = np.unique(groups, return_inverse=True)
    _, codes, totals = np.unique(labels, return_inverse=True, return_counts=True)
    counts = np.zeros((len(kinds), len(totals)))
    np.add.at(counts, (inverse, codes), 1)
    shuffled = np.arange(len(kinds))
    rng.shuffle(shuffled)
    held, fold_of = np.zeros((folds, len(totals))), np.empty(len(kinds), dtype=np.int64)
    for place in np.argsort(-np.std(counts[shuffled], axis=1), kind="stable"):
        kind = shuffled[place]
        best, least, rows = 0, np.inf, np.inf
        for fold in range(folds):
            held[fold] += counts[kind]
            unevenness = float(np.mean(np.std(held / totals, axis=0)))
            held[fold] -= counts[kind]
            size = float(held[fold].sum())
            if unevenness < least or (np.isclose(unevenness, least) and size < rows):
                best, least, rows = fold, unevenness, size
        held[best] += counts[kind]
        fold_of[kind] = best
    return fold_of[inverse]


def _expanding(m: int, folds: int) -> Iterator[Fold]:
    """Folds of rows in order: each is judged by the stretch that follows what it is trained on."""
    size = m // (folds + 1)
    for start in range(m - folds * size, m, size):
        yield np.arange(start), np.arange(start, start + size)
