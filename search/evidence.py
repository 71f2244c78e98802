"""Results of earlier searches, and what they say about the points of a new space.

An earlier search becomes a source: a model of its results over the axes that both spaces have. What lies
outside the new space says nothing about it and is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from cachetools import LRUCache, cached

from caviar.search.axes import Axis, Numbers
from caviar.search.encoding import SpaceEncoding, encoding_of
from caviar.search.history import LARGEST, Floats, Integers
from caviar.search.settings import Evidence
from caviar.search.space import Space
from caviar.search.spec import SearchSpec
from caviar.search.surrogate import Surrogate, fit, warp

MOST_RESULTS = 64  # of an earlier search
LEAST_RESULTS = 4  # that must lie in the new space
Result = tuple[Mapping[str, Any], float]  # a point and its value, lower is better; infinite: it failed


@dataclass(frozen=True, eq=False)
class Source:
    """What an earlier search says about the points of a space."""

    columns: Integers  # of the features, those of axes that it knows
    model: Surrogate

    def expects(self, columns: Floats) -> Floats:
        """Return the values that it expects at some points, in standard deviations of its own results."""
        return self.model.means(columns[:, self.columns])


def frozen(search: int, results: Sequence[Result], names: Sequence[str]) -> Evidence:
    """Return results of a search, in the order of its trials, as they are kept with a new one.

    Of many, half are the best ones, half are spread over the others. `names`: parameters of the new space.
    """
    told = [one for one in results if not np.isnan(one[1])]
    if len(told) > MOST_RESULTS:
        order = sorted(range(len(told)), key=lambda place: told[place][1])
        best, others = order[: MOST_RESULTS // 2], sorted(order[MOST_RESULTS // 2 :])
        spread = np.linspace(0, len(others) - 1, MOST_RESULTS - len(best)).round().astype(int)
        told = [told[place] for place in sorted([*best, *(others[one] for one in spread)])]
    common = [name for name in names if any(name in point for point, _ in told)]
    params = {name: [point.get(name) for point, _ in told] for name in common}
    values = [None if value > LARGEST else float(max(value, -LARGEST)) for _, value in told]
    return Evidence(search=search, params=params, values=values)


def sources_of(spec: SearchSpec) -> tuple[Source, ...]:
    """Return the sources of a search; those with too few results in its space are left out."""
    wish = spec.warm_start
    return () if wish is None or not wish.evidence else _sources(spec.space, wish.evidence)[1]


@cached(LRUCache(64), key=lambda space, evidence: (encoding_of(space), id(evidence)), lock=Lock())
def _sources(space: Space, evidence: list[Evidence]) -> tuple[list[Evidence], tuple[Source, ...]]:
    """Return the evidence too: it is remembered by identity, as encodings are, and must not go before."""
    found = (source_of(encoding_of(space), one) for one in evidence)
    return evidence, tuple(one for one in found if one is not None)


def source_of(encoding: SpaceEncoding, evidence: Evidence) -> Source | None:
    """Return the source that results make; None where too few lie in the space, or all are alike."""
    space = encoding.space
    names = [name for name in evidence.params if name in space.names]
    units, values = [], []
    for place, value in enumerate(evidence.values):
        point = {name: evidence.params[name][place] for name in names}
        point = {name: one for name, one in point.items() if one is not None}
        if all(_within(axis, point[axis.parameter]) for axis in space.axes if axis.parameter in point):
            units.append(space.to_unit(point))
            values.append(np.inf if value is None else value)
    if len(units) < LEAST_RESULTS or min(values) == max(values):
        return None
    known = [place for place, axis in enumerate(space.axes) if axis.parameter in names]
    columns = np.flatnonzero(np.isin(encoding.axis_of_feature, known))
    if not len(columns):
        return None
    features = np.ascontiguousarray(encoding.features(encoding.snap(np.array(units)))[:, columns])
    axes = np.searchsorted(known, encoding.axis_of_feature[columns])
    targets = warp(np.array(values))
    kernel = fit(features, axes, targets)
    return Source(columns, Surrogate(kernel, axes, features, targets, features[:0]))


def _within(axis: Axis, value: Any) -> bool:
    """Return whether an axis has a value, or one next to it."""
    entries = axis.entries(value)
    if entries is None:
        return False
    if not isinstance(axis.domain, Numbers):
        return True
    low, high = axis.domain.definition.low, axis.domain.definition.high
    slack = 1e-9 * max(abs(low), abs(high)) + (axis.domain.step or 0.0) / 2
    return all(low - slack <= one <= high + slack or (axis.zero and one == 0) for one in entries)
