"""Cut rows into train, dev, test and train-dev sets: seeded, stratified, the same for every trial."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from caviar.trainer.data.table import Array, shown
from caviar.trainer.problem import DataError

PARTS = ("train", "dev", "test", "train_dev")
SMALL, LARGE, HUGE = 10_000, 1_000_000, 4_000_000


@dataclass(frozen=True)
class Fractions:
    """Shares of all rows.

    Attributes
    ----------
    train, dev, test, train_dev : float
        They add up to 1. Training is on `train` only; `train_dev` was cut from it.
    """

    train: float
    dev: float
    test: float = 0.0
    train_dev: float = 0.0

    def items(self) -> list[tuple[str, float]]:
        """Return (part, share) of the parts that are to have rows."""
        return [(part, getattr(self, part)) for part in PARTS if getattr(self, part) > 0]


def default_fractions(m: int) -> Fractions:
    """Return sensible shares for m rows: 60/20/20 if small, 98/1/1 from 1 million, 99.5/.25/.25 from 4.

    In between the dev and test sets grow from 2,000 to 10,000 rows, evenly in the logarithm of m: what a dev
    set must resolve does not grow with the training set.
    """
    if m <= SMALL:
        held_out = 0.2
    elif m < LARGE:
        held_out = 0.2 * (m / SMALL) ** -(math.log(20) / math.log(LARGE / SMALL))
    else:
        held_out = 0.01 if m < HUGE else 0.0025
    return Fractions(1 - 2 * held_out, held_out, held_out)


def fractions(split: Mapping[str, float] | None, m: int, own_dev: bool, own_test: bool) -> Fractions:
    """Return the shares of the rows of the training source.

    Parameters
    ----------
    split : mapping or None
        As submitted: shares train, dev, test that add up to 1, and train_dev, the share of the training part
        that is cut off. What is not named is 0; with none of train, dev and test, sizes decide.
    m : int
        Rows of the training source.
    own_dev, own_test : bool
        The dev or the test set comes from another source. Of a dev source with a share the test set is a
        part (`halves_of_dev`); of one without, the test set is cut off here.
    """
    shares = dict(split or {})
    cut = float(shares.pop("train_dev", 0.0))
    if own_dev:
        test = 0.0 if own_test or shares.get("dev") else float(shares.get("test", 0.0))
        kept, dev = 1.0 - test, 0.0
    elif shares:
        kept, dev, test = (float(shares.get(part, 0.0)) for part in PARTS[:3])
    else:
        usual = default_fractions(m)
        kept, dev, test = usual.train, usual.dev, usual.test
        if own_test:
            kept, test = kept + test, 0.0
    return Fractions(kept * (1 - cut), dev, test, kept * cut)


def halves_of_dev(split: Mapping[str, float], own_test: bool) -> Fractions:
    """Return the shares of dev (here `train`) and test (here `dev`) in a dev source.

    It is cut where the split has shares of both and the test set comes from nowhere else.
    """
    dev, test = (float(split.get(part, 0.0)) for part in ("dev", "test"))
    if own_test or not dev:
        return Fractions(train=1.0, dev=0.0)
    return Fractions(train=dev / (dev + test), dev=test / (dev + test))


def split_rows(shares: Fractions, m: int, labels: Array | None, seed: int) -> dict[str, Array]:
    """Return the rows of each part, in random order.

    Parameters
    ----------
    shares : Fractions
    m : int
        Number of rows.
    labels : ndarray(int, (m,)) or None
        Classes, when each part is to have the same mix of them.
    seed : int
        The same seed gives the same rows on every machine and for every version of NumPy.

    Returns
    -------
    rows : dict of str to ndarray(int64, (k,))
        Disjoint; together all rows. With labels each class has at least one row in each part and is within
        two rows of its exact share; each part is within one row of its share where no class is that rare.

    Raises
    ------
    DataError
        There are fewer rows, or fewer rows of a class, than parts.
    """
    parts = shares.items()
    keys = _keys(seed, m)
    if labels is None:
        labels = np.zeros(m, dtype=np.int64)
        check_rows(shares, m)
    order = np.lexsort((keys, labels))
    counts = np.bincount(labels)
    chosen: dict[str, list[Array]] = {part: [] for part, _ in parts}
    carry = np.zeros(len(parts))
    start = 0
    for count in counts[counts > 0]:
        sizes = _sizes(int(count), [share for _, share in parts], carry)
        for (part, _), size in zip(parts, sizes, strict=True):
            chosen[part].append(order[start : start + size])
            start += size
    return {part: _by_key(np.concatenate(rows), keys) for part, rows in chosen.items()}


def rows_in_order(shares: Fractions, m: int) -> dict[str, Array]:
    """Return stretches of rows: the past for training, what follows for train-dev, dev and test set.

    Raises
    ------
    DataError
        There are fewer rows than parts.
    """
    check_rows(shares, m)
    parts = sorted(shares.items(), key=lambda part: ("train", "train_dev", "dev", "test").index(part[0]))
    sizes = _sizes(m, [share for _, share in parts], np.zeros(len(parts)))
    ends = np.cumsum(sizes)
    return {part: np.arange(end - size, end) for (part, _), size, end in zip(parts, sizes, ends, strict=True)}


def rows_of_groups(shares: Fractions, groups: Array, seed: int) -> dict[str, Array]:
    """Return the rows of each part, in random order; rows of one group are in one part.

    The groups, in random order, go each to the part that lacks the largest share of its rows.

    Raises
    ------
    DataError
        There are fewer groups than parts.
    """
    parts = shares.items()
    kinds, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    if len(kinds) < len(parts):
        message = f"{len(kinds)} group{'s' * (len(kinds) != 1)} cannot be cut into {len(parts)} parts"
        remedy = "name a column with more groups, or give fewer parts"
        raise DataError.of("dataset.split_groups", message, remedy)
    wanted = np.array([share for _, share in parts]) * len(groups)
    held, part_of = np.zeros(len(parts)), np.empty(len(kinds), dtype=np.int64)
    order = np.argsort(_keys(seed, len(kinds)), kind="stable")
    for left, kind in zip(range(len(kinds), 0, -1), order, strict=True):
        lacking = np.flatnonzero(held == 0) if left <= (held == 0).sum() else np.arange(len(parts))
        part = lacking[np.argmax(((wanted - held) / wanted)[lacking])]
        part_of[kind] = part
        held[part] += counts[kind]
    keys = _keys(seed, len(groups))
    return {name: _by_key(np.flatnonzero(part_of[inverse] == at), keys) for at, (name, _) in enumerate(parts)}


def check_rows(shares: Fractions, m: int) -> None:
    """Refuse m rows that cannot be in every part.

    Raises
    ------
    DataError
        There are fewer rows than parts.
    """
    parts = len(shares.items())
    if m < parts:
        message = f"{m} row{'s' * (m != 1)} cannot be cut into {parts} parts"
        raise DataError.of("dataset.split", message, "give more rows, or fewer parts")


def check_classes(shares: Fractions, counts: Sequence[int] | Array, names: Sequence[str]) -> None:
    """Refuse a class that cannot be in every part.

    Parameters
    ----------
    shares : Fractions
    counts : sequence of int, (k,)
        Rows of each class.
    names : sequence of str, (k,)

    Raises
    ------
    DataError
        A class has fewer rows than there are parts.
    """
    parts = [part for part, _ in shares.items()]
    rare = [f"{name} ({count})" for name, count in zip(names, counts, strict=True) if count < len(parts)]
    if rare:
        message = f"too few rows to have one in each of {', '.join(parts)}: class {shown(rare)}"
        remedy = "drop or merge the class, collect more of it, or set dataset.stratify to false"
        if all(name.lstrip("-").isdecimal() for name in names):
            remedy += "; if the target is a quantity, set dataset.task: regression"
        raise DataError.of("dataset.stratify", message, remedy)


def _sizes(count: int, shares: list[float], carry: Array) -> list[int]:
    """Share out `count` rows, at least one each; what rounding gave or took is carried to the next class."""
    ideal = count * np.array(shares)
    wanted = ideal + np.clip(carry, -1.0, 1.0)
    sizes = np.maximum(np.floor(wanted), 1).astype(int)
    while sizes.sum() < count:
        sizes[np.argmax(wanted - sizes)] += 1
    while sizes.sum() > count:
        surplus = np.where(sizes > 1, wanted - sizes, np.inf)
        sizes[np.argmin(surplus)] -= 1
    carry += ideal - sizes
    return [int(size) for size in sizes]


def _by_key(rows: Array, keys: Array) -> Array:
    return rows[np.argsort(keys[rows], kind="stable")]


def _keys(seed: int, m: int) -> Array:
    """Return m random 64-bit keys: splitmix64 of the row's number (Steele, Lea and Flood, 2014)."""
    with np.errstate(over="ignore"):
        start = np.uint64(seed) * np.uint64(0xD1342543DE82EF95)
        z = start + np.arange(1, m + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))
