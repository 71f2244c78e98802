"""Which columns of new rows lie far from what a model was trained on, row by row and as a whole.

A number is far when it lies outside the range of training by more than `DEVIATIONS` standard deviations of
training; a text, when training did not have it; a gap, when the column had none. A batch of at least
`ENOUGH` rows is compared as a whole, too: numbers by the test of Kolmogorov and Smirnov at the deciles of
training, texts and gaps by Pearson's chi-squared test. All columns are one family, corrected as by S. Holm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .data.columns import Encoding
from .data.profile import SAMPLED, Profile
from .data.table import Array, Table

DEVIATIONS = 1.0
ENOUGH = 30  # rows, from which on a batch is compared as a whole
CHANCE = 0.01  # below which the batch is said to have moved
Test = tuple[str, float, str]  # of a column: p, and what moved
_FEWEST = 5.0  # rows expected of a level in the chi-squared test; rarer ones are counted together


@dataclass(frozen=True)
class Far:
    """A column of which cells lie far from training.

    Attributes
    ----------
    column : str
    kind : {"outside", "unseen", "missing"}
        A number out of range, a text that training did not have, a gap where it had none.
    rows : int
        How many rows have such a cell.
    row : int
        The worst of them, counted from 1; of texts and gaps the first.
    value : float or str or None
        Its cell.
    low, high : float or None
        The range of training, of numbers.
    """

    column: str
    kind: Literal["outside", "unseen", "missing"]
    rows: int
    row: int
    value: float | str | None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        many = f"{self.rows} row{'s lie' if self.rows > 1 else ' lies'} far"
        if self.kind == "outside":
            said = f"outside {self.low:g} to {self.high:g}; the farthest is row {self.row}: {self.value:g}"
            return f"{self.column}: {many} {said}"
        if self.kind == "unseen":
            return f"{self.column}: {many} off: a text that training lacked; row {self.row}: {self.value}"
        return f"{self.column}: {many} off: missing, as no cell in training; the first is row {self.row}"


@dataclass(frozen=True)
class Moved:
    """A column whose cells, taken together, are distributed otherwise than in training.

    Attributes
    ----------
    column : str
    chance : float
        That rows like those of training differ so much, corrected for the number of columns.
    what : str
        What moved most, for a person.
    """

    column: str
    chance: float
    what: str

    def __str__(self) -> str:
        return f"{self.column}: moved as a whole, {self.what} (p {self.chance:.1g}, corrected)"


def far_columns(table: Table, encoding: Encoding, profile: Profile) -> tuple[Far, ...]:
    """Return the columns of which cells lie far from training, the one with the most rows first."""
    found = [*_far_numbers(table, encoding, profile), *_far_texts(table, encoding, profile)]
    return tuple(sorted(found, key=lambda far: -far.rows))


def moved_columns(table: Table, encoding: Encoding, profile: Profile) -> tuple[Moved, ...] | None:
    """Return the columns that moved as a whole, the clearest first; None for less than `ENOUGH` rows."""
    if table.rows < ENOUGH:
        return None
    tests = [*_number_tests(table, encoding, profile), *_text_tests(table, encoding, profile)]
    corrected = holm([p for _, p, _ in tests])
    found = [Moved(name, p, what) for (name, _, what), p in zip(tests, corrected, strict=True) if p < CHANCE]
    return tuple(sorted(found, key=lambda moved: moved.chance))


def holm(chances: Sequence[float]) -> list[float]:
    """Return p values corrected for their number as by S. Holm (1979), in their order."""
    corrected, largest = [0.0] * len(chances), 0.0
    for place, at in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        largest = max(largest, min(1.0, chances[at] * (len(chances) - place)))
        corrected[at] = largest
    return corrected


def kolmogorov(distance: float, m: int, n: int) -> float:
    """Return how likely samples of m and n rows are so far apart by chance (small ones: M. A. Stephens)."""
    root = math.sqrt(m * n / (m + n))
    scaled = (root + 0.12 + 0.11 / root) * distance
    if scaled < 0.2:
        return 1.0
    terms = (2 * (-1) ** (k - 1) * math.exp(-2 * (k * scaled) ** 2) for k in range(1, 101))
    return float(min(1.0, max(0.0, sum(terms))))


def same_shares(one: Array, other: Array) -> float:
    """Return how likely two rows of counts (k,) differ so much by chance: Pearson's chi-squared test.

    Cells of which fewer than 5 are expected are counted together.
    """
    both = one + other
    smaller = min(one.sum(), other.sum()) / max(both.sum(), 1)
    rare = both * smaller < _FEWEST
    table = np.array([[*side[~rare], side[rare].sum()] for side in (one, other)], np.float64)
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return 1.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return _chi_squared(float(((table - expected) ** 2 / expected).sum()), table.shape[1] - 1)


def _chi_squared(x: float, freedom: int) -> float:
    """Return the upper tail of the chi-squared distribution, by its finite sums."""
    half = x / 2
    if freedom % 2:
        total = math.erfc(math.sqrt(half))
        powers = [k + 0.5 for k in range((freedom - 1) // 2)]
    else:
        total, powers = 0.0, list(range(freedom // 2))
    if half > 0:
        total += sum(math.exp(-half + power * math.log(half) - math.lgamma(power + 1)) for power in powers)
    return min(1.0, total if half > 0 else 1.0)


def _far_numbers(table: Table, encoding: Encoding, profile: Profile) -> list[Far]:
    found = []
    X, (low, high, _, deviation) = _numbers(table, encoding), profile.ranges.T
    beyond = np.fmax(low - X, X - high)
    outside = beyond > DEVIATIONS * deviation
    for j in np.flatnonzero(outside.any(axis=0)):
        at = int(np.nanargmax(beyond[:, j]))
        ends = float(low[j]), float(high[j])
        rows = int(outside[:, j].sum())
        found.append(Far(encoding.numbers[j], "outside", rows, at + 1, float(X[at, j]), *ends))
    gaps = np.isnan(X)
    for j in np.flatnonzero(gaps.any(axis=0)):
        found += _far_gaps(encoding.numbers[j], gaps[:, j], profile.gaps[j])
    return found


def _numbers(table: Table, encoding: Encoding) -> Array:
    """Return the numbers of a table in the order of training, ndarray(float64, (m, p))."""
    index = {name: j for j, name in enumerate(table.number_names)}
    return table.numbers[:, [index[name] for name in encoding.numbers]].astype(np.float64)


def _far_texts(table: Table, encoding: Encoding, profile: Profile) -> list[Far]:
    found = []
    for j, (name, levels) in enumerate(encoding.levels.items(), start=len(encoding.numbers)):
        category = table.categories[name]
        missing = category.codes < 0
        unseen = np.flatnonzero((category.coded_by(levels) < 0) & ~missing)
        if len(unseen):
            text = category.levels[category.codes[unseen[0]]]
            found.append(Far(name, "unseen", len(unseen), int(unseen[0]) + 1, text))
        found += _far_gaps(name, missing, profile.gaps[j])
    return found


def _far_gaps(name: str, missing: Array, before: float) -> list[Far]:
    if before > 0 or not missing.any():
        return []
    return [Far(name, "missing", int(missing.sum()), int(np.flatnonzero(missing)[0]) + 1, None)]


def _number_tests(table: Table, encoding: Encoding, profile: Profile) -> list[Test]:
    found = []
    for j, (name, cells) in enumerate(zip(encoding.numbers, _numbers(table, encoding).T, strict=True)):
        values = np.sort(cells)
        values = values[: len(values) - int(np.isnan(values).sum())]
        if len(values):
            here = np.searchsorted(values, profile.points[j], side="right") / len(values)
            apart = float(np.abs(here - profile.shares[j]).max())
            sampled = min(int(profile.rows * (1 - profile.gaps[j])), SAMPLED)
            middle = f"median {np.median(values):.4g}, {profile.points[j][4]:.4g} in training"
            found.append((name, kolmogorov(apart, max(sampled, 1), len(values)), middle))
        found += _gap_tests(name, 1 - len(values) / table.rows, table.rows, profile.gaps[j], profile.rows)
    return found


def _text_tests(table: Table, encoding: Encoding, profile: Profile) -> list[Test]:
    found, start = [], 0
    for j, (name, levels) in enumerate(encoding.levels.items(), start=len(encoding.numbers)):
        before = profile.counts[start : start + len(levels)]
        start += len(levels)
        codes = table.categories[name].coded_by(levels)
        missing = int((table.categories[name].codes < 0).sum())
        unseen = int((codes < 0).sum()) - missing
        here = np.bincount(codes[codes >= 0], minlength=len(levels))
        both = np.append(here, unseen), np.append(before, 0)
        found.append((name, same_shares(*both), _most_moved((*levels, "texts unseen"), *both)))
        found += _gap_tests(name, missing / table.rows, table.rows, profile.gaps[j], profile.rows)
    return found


def _most_moved(names: Sequence[str], here: Array, before: Array) -> str:
    """Say which of these shares has moved most."""
    one, other = here / max(here.sum(), 1), before / max(before.sum(), 1)
    at = int(np.abs(one - other).argmax())
    return f"{names[at]} {one[at]:.1%}, {other[at]:.1%} in training"


def _gap_tests(name: str, here: float, rows: int, before: float, trained: int) -> list[Test]:
    if not 0 < before < 1 and not 0 < here < 1:
        return []
    one, other = (np.array([share * m, (1 - share) * m]) for share, m in ((here, rows), (before, trained)))
    return [(name, same_shares(one, other), f"missing in {here:.1%}, {before:.1%} in training")]
