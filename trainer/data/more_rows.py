"""Rows of further sources, for training alone: which ones, and how many (`more_training_data`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from caviar.trainer.data.table import Array
from caviar.trainer.problem import DataError, Problem

KEY = "more_training_data"
MOST = 8  # sources
_STREAM = 0x6D6F7265  # of random numbers, beside those of the split


def other_sources(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sources in a `dataset` object besides itself: dev, test, more_training_data.0 ..."""
    found = {part: dataset[part] for part in ("dev", "test") if dataset.get(part)}
    more = dataset.get(KEY)
    if isinstance(more, list | tuple):
        found |= {f"{KEY}.{place}": one for place, one in enumerate(more)}
    return found


def with_sources(dataset: Mapping[str, Any], sources: Mapping[str, Any]) -> dict[str, Any]:
    """Return a `dataset` object with others in the place of what `other_sources` named."""
    changed = dict(dataset)
    more = {name: one for name, one in sources.items() if name.startswith(f"{KEY}.")}
    changed |= {name: one for name, one in sources.items() if name not in more}
    if more:
        changed[KEY] = [more.get(f"{KEY}.{place}", one) for place, one in enumerate(dataset[KEY])]
    return changed


def problems_of(field: str, value: object) -> list[Problem]:
    """Return what is wrong with a list of further sources, but for what they name."""
    if not isinstance(value, list | tuple) or not all(isinstance(one, Mapping) for one in value):
        remedy = "write [{name: made-up, share: 0.3}], for example"
        return [Problem(field, f"{value!r:.60} is not a list of sources", remedy)]
    if len(value) > MOST:
        return [Problem(field, f"{len(value)} sources", f"give at most {MOST}: join files")]
    found = [
        Problem(
            f"{field}.{place}.share", f"{one['share']!r:.40} is not a share", "use a number between 0 and 1"
        )
        for place, one in enumerate(value)
        if "share" in one and not _is_share(one["share"])
    ]
    total = 0.0 if found else sum(float(one.get("share", 0)) for one in value)
    if total >= 1 - 1e-9:
        message = f"the shares add up to {total:g}: nothing is left for the data set itself"
        found.append(Problem(field, message, "make them add up to less than 1"))
    return found


def _is_share(share: object) -> bool:
    number = isinstance(share, int | float) and not isinstance(share, bool)
    return number and 0 < float(share) < 1  # type: ignore[arg-type]


def counts(own: int, sources: Sequence[tuple[int, float | None]]) -> list[int]:
    """Return how many rows each source gives.

    Parameters
    ----------
    own : int
        Rows of the training set that are of the data set itself; all of them stay.
    sources : sequence of (int, float or None)
        Rows of each source, and its share of the training set; None: all of its rows.

    Raises
    ------
    DataError
        A source has too few rows for its share.
    """
    left = 1.0 - sum(share or 0.0 for _, share in sources)
    total = (own + sum(rows for rows, share in sources if share is None)) / left
    found = []
    for place, (rows, share) in enumerate(sources):
        wanted = rows if share is None else round(share * total)
        if wanted > rows:
            message = f"a share of {share:g} is {wanted} of {round(total)} training rows, and it has {rows}"
            remedy = f"give at most {rows / (rows + total - wanted):.3g}, more rows, or no share: all of them"
            raise DataError.of(f"dataset.{KEY}.{place}.share", message, remedy)
        found.append(wanted)
    return found


def drawn(seed: int, place: int, rows: int, count: int) -> Array:
    """Return the rows that are drawn of a source, without any twice, in their order there."""
    generator = np.random.Generator(np.random.Philox(key=[seed, _STREAM + place]))
    return np.sort(generator.permutation(rows)[:count])
