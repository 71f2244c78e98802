"""What the pictures of a search need, kept so that 100,000 trials are not read again and again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson

from caviar.search.history import History
from caviar.search.spec import SearchSpec
from caviar.service.api import records
from caviar.service.store import figures, reads
from caviar.service.store.snapshot import Snapshot

COURSES = 16
ANSWERS = 64
FOR_IMPORTANCE = 2000
ENOUGH_FOR_IMPORTANCE = 5


class Course:
    """The ended trials of one search in order of ending.

    What is shown of an ended trial never changes, so this only grows; an edited space gives them all a new
    revision nevertheless.
    """

    def __init__(self, search: int, maximize: bool) -> None:
        self.search, self.maximize = search, maximize
        self.revision = 0
        self.number = np.empty(0, dtype=np.int64)
        self.value, self.best, self.ended = np.empty(0), np.empty(0), np.empty(0)

    def catch_up(self, snapshot: Snapshot) -> None:
        """Append what ended since the last time."""
        rows, self.revision = figures.ended_since(snapshot, self.search, self.revision)
        known = np.isin([row[0] for row in rows], self.number)
        fresh = [row for row, old in zip(rows, known, strict=True) if not old]
        if not fresh:
            return
        number, value, ended = zip(*fresh, strict=True)
        values = np.array(value, dtype=np.float64)  # None becomes NaN
        lead = np.fmax if self.maximize else np.fmin
        best = lead.accumulate(np.concatenate([self.best[-1:], values]))[-len(values) :]
        self.number = np.concatenate([self.number, np.array(number, dtype=np.int64)])
        self.value = np.concatenate([self.value, values])
        self.best = np.concatenate([self.best, best])
        self.ended = np.concatenate([self.ended, np.array(ended)])

    def shown(self, points: int | None) -> dict[str, Any]:
        """Give it as columns; of more than `points`, every improvement and an even spread of the rest."""
        total = len(self.number)
        keep = np.arange(total)
        if points is not None and total > points:
            improved = np.flatnonzero(self.best[1:] != self.best[:-1]) + 1
            spread = np.linspace(0, total - 1, points, dtype=np.int64)
            keep = np.unique(np.concatenate([spread, improved[~np.isnan(self.best[improved])]]))
        return {
            "total": total,
            "order": keep + 1,
            "number": self.number[keep],
            "value": self.value[keep],
            "best": self.best[keep],
            "ended": [records.iso(time) for time in self.ended[keep].tolist()],
        }


class Figures:
    """Answers kept by the revision of their search."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._courses: OrderedDict[int, Course] = OrderedDict()
        self._answers: OrderedDict[tuple[Any, ...], tuple[int, bytes]] = OrderedDict()

    def history(self, snapshot: Snapshot, search: int, points: int | None) -> bytes:
        """Give the course of a search as JSON. Raises NotFoundError."""
        row = reads.search_row(snapshot, search)
        with self._lock:
            course = self._courses.get(search)
            if course is None:
                maximize = orjson.loads(row.spec).get("objective", {}).get("direction") == "maximize"
                course = self._courses[search] = Course(search, maximize)
            self._courses.move_to_end(search)
            if len(self._courses) > COURSES:
                self._courses.popitem(last=False)
            course.catch_up(snapshot)
            return orjson.dumps(course.shown(points), option=orjson.OPT_SERIALIZE_NUMPY)

    def kept(
        self,
        snapshot: Snapshot,
        search: int,
        key: tuple[Any, ...],
        make: Callable[[], Any],
        *,
        live: bool = False,
    ) -> bytes:
        """Give the JSON of `make`, made again only when the search has changed.

        That is when a trial has begun or ended, or a person has changed something; with `live` also when a
        trial has come further. Raises NotFoundError.
        """
        revision = reads.search_row(snapshot, search).revision
        if live:
            revision = max(revision, figures.latest(snapshot, search))
        found = self._answers.get((search, *key))
        if found is not None and found[0] == revision:
            return found[1]
        body = orjson.dumps(make(), option=orjson.OPT_SERIALIZE_NUMPY)
        with self._lock:
            self._answers[search, *key] = (revision, body)
            self._answers.move_to_end((search, *key))
            if len(self._answers) > ANSWERS:
                self._answers.popitem(last=False)
        return body


def importances(snapshot: Snapshot, search: int) -> dict[str, Any]:
    """Give the share of each parameter in being good, the largest first. Raises NotFoundError."""
    row = reads.search_row(snapshot, search)
    spec = SearchSpec.parse(orjson.loads(row.spec))
    numbers, packed, values = figures.units(snapshot, search, FOR_IMPORTANCE)
    width = spec.space.dimensions
    pairs = [
        (number, unit, value)
        for number, unit, value in zip(numbers, packed, values, strict=True)
        if len(unit) == 8 * width
    ]
    if len(pairs) < ENOUGH_FOR_IMPORTANCE:
        return {
            "items": [],
            "trials": len(pairs),
            "reason": "It takes at least five trials with a value to tell.",
        }
    from caviar.search.optuna_bridge import (
        importance,  # Optuna takes a second to load; not every server needs it
    )

    sign = -1.0 if spec.objective.direction == "maximize" else 1.0
    history = History.of(
        [number for number, _, _ in pairs],
        np.array([np.frombuffer(unit) for _, unit, _ in pairs]),
        [sign * value for _, _, value in pairs],
    )
    shares = importance(spec.space, history)
    items = [{"parameter": name, "importance": share} for name, share in shares.items()]
    return {
        "items": sorted(items, key=lambda one: -float(str(one["importance"]))),
        "trials": len(pairs),
        "reason": None,
    }
