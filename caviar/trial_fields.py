"""The fields of a trial: the one table that database, REST, filters, plots, exports and client follow.

A new field takes a line in `StoredTrial`, a line in `Trial` if it is shown over REST, a migration, and the
place that computes it. This module imports nothing but Python's own library.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Flag, auto
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args, get_type_hints

TrialState = Literal["queued", "running", "paused", "completed", "stopped", "diverged", "failed", "cancelled"]
STATES: tuple[str, ...] = get_args(TrialState)
ENDED = ("completed", "stopped", "diverged", "failed", "cancelled")  # states that never change again
GIVEN_UP = "given up"  # how the reason of a trial begins that cost too many agents


class Use(Flag):
    """What a field may be asked for, beyond being shown."""

    NONE = 0
    FILTER = auto()
    SORT = auto()
    PLOT = auto()  # as a column of all trials
    EXPORT = auto()  # as a column of a CSV or Parquet file
    FIND = FILTER | SORT | PLOT
    ALL = FIND | EXPORT


@dataclass(frozen=True)
class Field:
    """How one field is stored and where it is shown."""

    help: str
    use: Use = Use.NONE
    json: str | None = None  # path in a trial's JSON, such as "origin.kind"; "": not shown; None: as column
    form: Literal["plain", "time", "document"] = "plain"  # time: seconds since 1970; document: JSON text
    length: int | None = None  # of a short text, in characters
    big: bool = False  # an integer of 64 bits
    key: bool = False  # part of the primary key
    column: str = ""
    type: type[int] | type[float] | type[str] | type[bytes] = str
    null: bool = False

    @property
    def path(self) -> str:
        """Return its path in a trial's JSON; empty when it is not shown."""
        return self.column if self.json is None else self.json

    @property
    def members(self) -> bool:
        """Return whether it is a document whose members are filtered, plotted and exported one by one."""
        return self.form == "document" and bool(self.use & Use.FIND)


class StoredTrial(NamedTuple):
    """A row of the table `trials`, column by column. Columns exist for what is filtered, sorted or locked."""

    search_id: Annotated[int, Field("the search it belongs to", json="search", key=True)]
    number: Annotated[int, Field("counts the trials of a search from 0", Use.ALL, key=True)]
    state: Annotated[str, Field("where it is in its life", Use.ALL, length=9)]
    value: Annotated[float | None, Field("of the objective", Use.ALL)]
    epoch: Annotated[int, Field("epochs trained so far", Use.ALL)]
    epochs: Annotated[int | None, Field("planned, as things stand now", Use.ALL)]
    seed: Annotated[int, Field("of its training", Use.ALL, big=True)]
    attempt: Annotated[int, Field("tries of workers so far, this one included", Use.ALL)]
    origin: Annotated[str, Field("what proposed its point", Use.ALL, json="origin.kind", length=24)]
    round: Annotated[int | None, Field("of coarse to fine", Use.ALL, json="origin.round")]
    parent: Annotated[
        str | None, Field("the trial it was made from", Use.EXPORT, json="origin.parent", length=32)
    ]
    params: Annotated[str, Field("its point of the space", Use.ALL, form="document")]
    metrics: Annotated[str | None, Field("final results", Use.ALL, form="document")]
    changed: Annotated[  # as they are in force; NULL: none
        str | None, Field("settings changed on its way, and to what", Use.EXPORT, form="document")
    ]
    reason: Annotated[str | None, Field("why it ended, or what last befell it", Use.EXPORT)]
    created: Annotated[float, Field("when it was made", Use.ALL, form="time")]
    started: Annotated[float | None, Field("when its training began", Use.ALL, form="time")]
    ended: Annotated[float | None, Field("when it ended", Use.ALL, form="time")]
    agent: Annotated[str | None, Field("the worker that has it, or had it last", Use.FIND, length=32)]
    why: Annotated[str | None, Field("the proposal's reason in words", json="origin.why")]
    branch: Annotated[int, Field("its line of history; grows with every rewind")]
    unit: Annotated[
        bytes | None, Field("float64 coordinates; NULL: the point lies outside the edited space", json="")
    ]
    stop: Annotated[str | None, Field("the stopping rule's bounds, fixed with the proposal", json="")]
    continues: Annotated[
        str | None, Field("the trial from whose last checkpoint it starts", json="", length=32)
    ]
    change_log: Annotated[
        str | None, Field("of a fork: the changes behind the point it left, and where that is", json="")
    ]
    unseen: Annotated[  # NULL: what a proposal sees follows from its number, or nobody wrote it down
        str | None,
        Field(
            "the trials whose results its proposal did not know yet; of a search that is not repeatable",
            json="",
            form="document",
        ),
    ]
    trained: Annotated[float | None, Field("seconds in the hands of attempts that are over", json="")]
    withheld: Annotated[
        float | None, Field("its value where it does not count: excluded, or a constraint broken", Use.ALL)
    ]
    broken: Annotated[str | None, Field("the constraints (`subject_to`) it breaks", Use.PLOT | Use.EXPORT)]
    excluded: Annotated[str | None, Field("why a person excluded it", Use.PLOT | Use.EXPORT)]
    excluded_by: Annotated[str | None, Field("who excluded it", Use.EXPORT, length=200)]
    excluded_at: Annotated[float | None, Field("when it was excluded", Use.EXPORT, form="time")]
    revision: Annotated[int, Field("grows with every change of any row", json="", big=True)]


def _table() -> Iterator[Field]:
    for column, hint in get_type_hints(StoredTrial, include_extras=True).items():
        stored, meant = get_args(hint)
        kinds = get_args(stored) if isinstance(stored, types.UnionType) else (stored,)
        yield replace(meant, column=column, type=kinds[0], null=type(None) in kinds)


FIELDS = tuple(_table())


def used(use: Use) -> tuple[str, ...]:
    """Return the columns of a use that hold one value a trial, in the order of the table."""
    return tuple(one.column for one in FIELDS if use in one.use and not one.members)


TIMES = tuple(one.column for one in FIELDS if one.form == "time")


@dataclass(frozen=True)
class Record:
    """What all records have: a server of another version may tell more or less."""

    @classmethod
    def of(cls, data: Mapping[str, Any], view: Any = None) -> Self:
        """Return a record of what the server told; what this version does not know is left out."""
        known = {one.name for one in fields(cls)}
        made = cls(**{name: value for name, value in data.items() if name in known})
        if view is not None:
            object.__setattr__(made, "_view", view)
        return made

    @property
    def view(self) -> Any:
        """Return what shows it in a notebook and reads more of it; None for one that no client read."""
        return self.__dict__.get("_view")

    def __getstate__(self) -> dict[str, Any]:
        """Return its fields: a copy elsewhere has no connection."""
        return {name: value for name, value in self.__dict__.items() if name != "_view"}


@dataclass(frozen=True)
class Origin:
    """Where a trial's point came from."""

    kind: str
    round: int | None
    parent: str | None
    why: str | None


@dataclass(frozen=True)
class Trial(Record):
    """One point of a search's space and what came of it."""

    id: str
    search: int
    number: int
    state: TrialState
    attempt: int = 0
    params: Mapping[str, Any] = field(default_factory=dict)
    value: float | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    epoch: int = 0
    epochs: int | None = None
    changed: Mapping[str, Any] = field(default_factory=dict)
    origin: Mapping[str, Any] = field(default_factory=dict, repr=False)  # as `Origin`
    reason: str | None = None
    agent: str | None = None
    created: str = ""
    started: str | None = None
    ended: str | None = None
    seed: int = 0
    branch: int = 0
    from_epoch: int = 0
    withheld: float | None = None
    broken: str | None = None
    excluded: str | None = None
    excluded_by: str | None = None
    excluded_at: str | None = None

    @property
    def done(self) -> bool:
        """Return whether it has reached a state that never changes again."""
        return self.state in ENDED

    def curve_frame(self, library: str | None = None) -> Any:
        """Return its learning curve as a data frame of pandas or polars, a row for each epoch."""
        return self.view.curve_frame(self, library)

    def _repr_html_(self) -> str | None:
        """Show it in a notebook."""
        return None if self.view is None else str(self.view.trial(self))
