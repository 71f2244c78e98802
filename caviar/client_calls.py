"""What the calls of `Client` share: one transport, pages of a list, and how searches and trials are named."""

from collections.abc import Iterator, Mapping
from typing import Any

from caviar.errors import CaviarError
from caviar.notebook.view import View
from caviar.records import Search, Trial
from caviar.transport import Transport

SearchLike = Search | int
TrialLike = Trial | str


class Calls:
    """A group of calls of one server over one transport."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._view = View(transport)

    def _pages(self, path: str, filters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        asked = {name: value for name, value in filters.items() if value is not None}
        return self.transport.pages(path, {"limit": 500} | asked)


def number_of(search: SearchLike) -> int:
    """Return the number of a search. Raises CaviarError."""
    if isinstance(search, Search):
        return search.id
    text = str(search)
    if isinstance(search, bool) or not text.isascii() or not text.isdigit():
        raise CaviarError(f"{search!r:.100} is not a search; give its number, such as 3, or a Search")
    return int(text)


def name_of(trial: TrialLike) -> str:
    """Return the name of a trial, such as 3.17. Raises CaviarError."""
    name = trial.id if isinstance(trial, Trial) else str(trial)
    search, dot, number = name.partition(".")
    if not (dot and search.isdigit() and number.isdigit()):
        raise CaviarError(f"{name!r} is not a trial; a trial is search.number, such as 3.17")
    return name
