"""What has changed between the data of a search and newer data: columns, target, or the relation of the two.

Columns are compared one by one by two-sample tests, and so is the target. Where both have moved, one may have
moved because of the other: then the columns are compared within each class (under a shift of the target they
are alike there), and the target after older rows were weighed by their columns (under a shift of the columns
it is alike then). Whether the relation has changed, models of both tell. Rows of test sets are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .data.load import Prepared
from .data.table import Array, Category, Table
from .distance import holm, kolmogorov, same_shares
from .drift_models import Models
from .predict import Model
from .problem import DataError
from .reweighing import Column, Side, reweighed

MOST_ROWS = 20_000  # of each side that are compared, evenly spread
MOST_TOLD = 20  # columns
MOVED = 0.05  # p of a column, below which it is compared within classes
FEWEST = 20  # rows of each side in a class, or fifth of a target, whose columns are compared
_NEW = "classes unseen"
_NONE_NEW = "no row is new"


def drift(model: Model, later: Model, old: Prepared, new: Prepared, main: str) -> dict[str, Any]:
    """Compare two data sets.

    Parameters
    ----------
    model, later : Model
        One that was trained on each of them, with the same settings.
    old, new : Prepared
    main : str
        The measure by which the search is judged, such as "error".

    Returns
    -------
    dict
        Plain JSON. `columns`: those that moved most, each name, p (corrected) and what; `columns_p`, the
        smallest p of all; `target`: p and what; `given_target`: p of the columns within the classes;
        `given_columns`: p of the target, older rows weighed so that their columns are like the newer ones
        (None: not asked for, or not to be told); `loss`: of `model` on both, before, after, p; `crossed_p`:
        of each model being better on its own data than the other one is; `rows`: before, after, and whether
        the newer data is the older one with rows appended; `noise`: the standard errors of `main` on both
        dev sets.

    Raises
    ------
    DataError
        The newer data has other columns.
    """
    table, fresh = _fresh_rows(old, new)
    before, after = _side(old.table, old.rows_outside_test, old), _side(table, fresh, old)
    tested = _column_tests(before.columns, after.columns)
    corrected = holm([p for _, p, _ in tested])
    order = sorted(range(len(tested)), key=corrected.__getitem__)
    told = [{"name": tested[at][0], "p": corrected[at], "what": tested[at][2]} for at in order]
    moved = [tested[at][0] for at in order if corrected[at] < MOVED]
    models = Models(model, later, old, new)
    return {
        "columns": told[:MOST_TOLD],
        "columns_p": min(corrected, default=1.0),
        "target": _target_test(before.target, after.target, old),
        "given_target": _within_classes(before, after, moved) if moved else None,
        "given_columns": reweighed(before, after, moved, bool(old.target.classes)) if moved else None,
        "loss": models.loss(fresh[:: -(-len(fresh) // MOST_ROWS) or 1]),
        "crossed_p": models.crossed(fresh),
        "rows": {
            "before": before.rows,
            "after": after.rows,
            "appended": len(fresh) < len(new.rows_outside_test),
        },
        "noise": models.noise(main),
    }


def _fresh_rows(old: Prepared, new: Prepared) -> tuple[Table, Array]:
    """Return the newer table, and its rows outside the test set that are not those of the older one."""
    lacking = {*old.table.number_names, *old.table.categories} ^ {
        *new.table.number_names,
        *new.table.categories,
    }
    if lacking:
        message = f"not in both data sets: {', '.join(sorted(lacking)[:10])}"
        raise DataError.of("data", message, "give data with the same columns")
    rows = new.rows_outside_test
    if _appended(old.table, new.table):
        rows = rows[rows >= old.table.rows]
    return new.table, rows


def _appended(old: Table, new: Table) -> bool:
    """Return whether the newer table is the older one with more rows below."""
    m = old.rows
    if new.rows <= m or old.number_names != new.number_names:
        return False
    same = np.array_equal(old.numbers, new.numbers[:m], equal_nan=old.numbers.dtype.kind == "f")
    pairs = [(category, new.categories[name]) for name, category in old.categories.items()]
    if isinstance(old.target, Category) and isinstance(new.target, Category):
        pairs.append((old.target, new.target))
    elif not isinstance(old.target, Category) and not isinstance(new.target, Category):
        assert old.target is not None and new.target is not None
        same = same and np.array_equal(old.target, new.target[:m])
    return bool(same) and all(np.array_equal(a.codes, b.coded_by(a.levels)[:m]) for a, b in pairs)


def _side(table: Table, rows: Array, old: Prepared) -> Side:
    rows = rows[:: -(-len(rows) // MOST_ROWS) or 1]
    numbers = table.numbers[rows].astype(np.float64)
    columns: dict[str, Column] = dict(zip(table.number_names, numbers.T, strict=True))
    for name, category in table.categories.items():
        columns[name] = Category(category.codes[rows], category.levels)
    return Side(columns, _target(table, old)[rows])


def _target(table: Table, old: Prepared) -> Array:
    """Return the target of a table, classes by the numbers of the older data; -1: it has no such class."""
    target = table.target
    if not old.target.classes:
        if target is None or isinstance(target, Category):
            raise DataError.of("data", "the target is no number any more", "give numbers")
        return target
    category = target if isinstance(target, Category) else Category.of(np.asarray(target)[:, 0])
    return category.coded_by(old.target.classes)


def _column_tests(before: Mapping[str, Column], after: Mapping[str, Column]) -> list[tuple[str, float, str]]:
    """Test each column, and the gaps of each that has some: name, p (raw), what moved."""
    found: list[tuple[str, float, str]] = []
    for name, one in before.items():
        other = after[name]
        if isinstance(one, Category) and isinstance(other, Category):
            found += _texts(name, one, other)
        elif not isinstance(one, Category) and not isinstance(other, Category):
            found += _numbers(name, one, other)
        else:
            raise DataError.of("data", f"{name!r} has texts in one of the data sets", "write numbers in both")
    return found


def _numbers(name: str, one: Array, other: Array) -> Iterator[tuple[str, float, str]]:
    gaps = np.isnan(one), np.isnan(other)
    a, b = np.sort(one[~gaps[0]]), np.sort(other[~gaps[1]])
    if len(a) and len(b):
        yield name, two_samples(a, b), f"median {np.median(b):.4g}, before {np.median(a):.4g}"
    yield from _gaps(name, *gaps)


def two_samples(a: Array, b: Array) -> float:
    """Return p of the two-sample test of Kolmogorov and Smirnov; both sides sorted."""
    both = np.concatenate([a, b])
    shares = (np.searchsorted(side, both, side="right") / len(side) for side in (a, b))
    one, other = shares
    return kolmogorov(float(np.abs(one - other).max()), len(a), len(b))


def _texts(name: str, one: Category, other: Category) -> Iterator[tuple[str, float, str]]:
    gaps = one.codes < 0, other.codes < 0
    levels = tuple(dict.fromkeys((*one.levels, *other.levels)))
    codes = one.coded_by(levels)[~gaps[0]], other.coded_by(levels)[~gaps[1]]
    if len(codes[0]) and len(codes[1]):
        yield name, *_counts(levels, *(np.bincount(side, minlength=len(levels)) for side in codes))
    yield from _gaps(name, *gaps)


def _counts(names: Sequence[str], one: Array, other: Array) -> tuple[float, str]:
    shares = one / one.sum(), other / other.sum()
    at = int(np.abs(shares[0] - shares[1]).argmax())
    return same_shares(one, other), f"{names[at]} {shares[1][at]:.1%}, before {shares[0][at]:.1%}"


def _gaps(name: str, one: Array, other: Array) -> Iterator[tuple[str, float, str]]:
    if len(one) and len(other) and (one.any() or other.any()):
        p = same_shares(*(np.array([gaps.sum(), (~gaps).sum()]) for gaps in (one, other)))
        yield name, p, f"missing in {other.mean():.1%}, before {one.mean():.1%}"


def _target_test(one: Array, other: Array, old: Prepared) -> dict[str, Any]:
    if not len(other):
        return {"p": 1.0, "what": _NONE_NEW}
    classes = old.target.classes
    if classes:
        counts = [np.bincount(side + 1, minlength=len(classes) + 1) for side in (one, other)]
        p, what = _counts((_NEW, *classes), *counts)
        return {"p": 0.0 if counts[1][0] else p, "what": what if not counts[1][0] else _NEW}
    tests = [next(_numbers(n, one[:, j], other[:, j])) for j, n in enumerate(old.target.names)]
    name, p, what = min(tests, key=lambda test: test[1])
    return {"p": min(1.0, p * len(tests)), "what": what if len(tests) == 1 else f"{name}: {what}"}


def _within_classes(before: Side, after: Side, moved: Sequence[str]) -> float | None:
    """Return p of the columns that moved, compared within each class, or fifth of the first target."""
    one, other = before.target, after.target
    if one.ndim > 1:
        edges = np.quantile(one[:, 0], [0.2, 0.4, 0.6, 0.8])
        one, other = (np.searchsorted(edges, side[:, 0]) for side in (one, other))
    raw: list[float] = []
    for label in np.unique(one):
        inside = one == label, other == label
        if label < 0 or min(inside[0].sum(), inside[1].sum()) < FEWEST:
            continue
        parts = (
            {name: _of(side.columns[name], rows) for name in moved}
            for side, rows in zip((before, after), inside, strict=True)
        )
        raw += [p for _, p, _ in _column_tests(*parts)]
    return min(holm(raw)) if raw else None


def _of(column: Column, rows: Array) -> Column:
    return replace(column, codes=column.codes[rows]) if isinstance(column, Category) else column[rows]
