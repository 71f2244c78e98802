"""Names of things on the wire: a search is `3`, its trial number 17 is `3.17`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol, Self

from caviar.service.errors import NotFoundError

PIECE = 500  # ids that one statement names: databases bound its length and its parameters
_TRIAL = re.compile(r"(\d{1,9})\.(\d{1,9})")


class OfTrial(Protocol):
    """A row that belongs to a trial, or is one."""

    @property
    def search_id(self) -> int:
        """The search."""

    @property
    def number(self) -> int:
        """Its number there."""


class TrialId(NamedTuple):
    """A trial: its search and its number there."""

    search: int
    number: int

    @classmethod
    def of(cls, row: OfTrial) -> Self:
        """Return the trial that a row belongs to."""
        return cls(row.search_id, row.number)

    def __str__(self) -> str:
        return f"{self.search}.{self.number}"


def trial_id(text: str) -> TrialId:
    """Read the id of a trial. Raises NotFoundError when the text cannot name one."""
    match = _TRIAL.fullmatch(text)
    if match is None:
        raise NotFoundError(f"{text!r} does not name a trial; trials are named like 3.17")
    return TrialId(int(match[1]), int(match[2]))


def in_pieces(ids: Iterable[TrialId]) -> Iterator[tuple[int, list[int]]]:
    """Return the searches of trials, each with some of their numbers: what one statement can name.

    By search, since for pairs of search and number SQLite walks through the whole table.
    """
    numbers = defaultdict(list)
    for one in ids:
        numbers[one.search].append(one.number)
    for search, wanted in numbers.items():
        for start in range(0, len(wanted), PIECE):
            yield search, wanted[start : start + PIECE]
