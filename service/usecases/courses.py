"""The course of a search, kept so that 100,000 trials are not read again and again."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import orjson
from cachetools import LRUCache

from caviar.service.store import figures
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.rows import Edition
from caviar.service.store.snapshot import Snapshot
from caviar.trial_fields import StoredTrial

COURSES = 16  # searches
MOST_ASIDE = 2000  # values that do not count, of one search


@dataclass(frozen=True)
class CoursePart:
    """Columns of ended trials in order of completion; `total`: those left out included."""

    total: int
    order: npt.NDArray[np.int64]  # place in order of completion, from 1
    number: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]  # NaN: none
    best: npt.NDArray[np.float64]  # so far
    ended: npt.NDArray[np.float64]  # seconds since 1970
    aside: Sequence[AsideResult]


@dataclass(frozen=True)
class AsideResult:
    """A value that does not count, where it stands in order of completion, and why."""

    order: int
    number: int
    value: float
    why: str


class Course:
    """The ended trials of one search in order of completion.

    What is shown of an ended trial does not change within an edition of its search, so this only grows; an
    edited space gives them all a new revision nevertheless.
    """

    def __init__(self, search: int, edition: Edition, maximize: bool) -> None:
        self.search, self.edition, self.maximize = search, edition, maximize
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

    def aside(self, snapshot: Snapshot) -> list[AsideResult]:
        """Return values that do not count."""
        rows = trial_rows.put_by(snapshot, self.search, MOST_ASIDE)
        found = np.flatnonzero(np.isin(self.number, [row.number for row in rows]))
        places = dict(zip(self.number[found].tolist(), (found + 1).tolist(), strict=True))
        return [
            AsideResult(places[row.number], row.number, row.withheld, why_aside(row))
            for row in rows
            if row.number in places and row.withheld is not None
        ]

    def part(self, points: int | None, aside: Sequence[AsideResult] = ()) -> CoursePart:
        """Return it whole; of more than `points` trials every improvement and an even spread of the rest."""
        total = len(self.number)
        keep = np.arange(total)
        if points is not None and total > points:
            improved = np.flatnonzero(self.best[1:] != self.best[:-1]) + 1
            spread = np.linspace(0, total - 1, points, dtype=np.int64)
            keep = np.unique(np.concatenate([spread, improved[~np.isnan(self.best[improved])]]))
        return CoursePart(
            total, keep + 1, self.number[keep], self.value[keep], self.best[keep], self.ended[keep], aside
        )


def why_aside(row: StoredTrial) -> str:
    """Say why a trial's value does not count."""
    return f"excluded: {row.excluded}" if row.excluded is not None else row.broken or ""


class Courses:
    """The courses of the searches looked at last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._courses: LRUCache[int, Course] = LRUCache(COURSES)

    def read(self, snapshot: Snapshot, search: int, points: int | None) -> CoursePart:
        """Return the course of a search. Raises NotFoundError."""
        row = search_rows.get(snapshot, search)
        with self._lock:
            course = self._courses.get(search)
            if course is None or course.edition != row.edition:
                maximize = orjson.loads(row.spec).get("objective", {}).get("direction") == "maximize"
                course = self._courses[search] = Course(search, row.edition, maximize)
            course.catch_up(snapshot)
            return course.part(points, course.aside(snapshot))
