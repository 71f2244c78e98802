"""Searches and trials as the server tells them, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from caviar.trial_fields import ENDED, Record, Trial, TrialState

__all__ = ["ENDED", "Event", "Search", "SearchState", "Trial", "TrialState", "Trials"]

SearchState = Literal["queued", "running", "paused", "completed", "cancelled"]


@dataclass(frozen=True)
class Search(Record):
    """A search and how far it has come."""

    id: int
    name: str
    state: SearchState
    spec: Mapping[str, Any] = field(default_factory=dict, repr=False)
    mode: str = "caviar"
    note: str | None = None
    project: str | None = None
    tags: list[str] = field(default_factory=list)
    owner: str | None = None  # who submitted it
    archived: str | None = None  # since when lists leave it out
    version: int | None = None  # grows with every edit
    created: str | None = None
    started: str | None = None
    ended: str | None = None
    ended_by: Mapping[str, Any] | None = None  # budget, text, trial: which budget was used up first
    ran: float | None = None  # seconds, pauses left out
    finished: int = 0
    total: int = 0
    budget: Mapping[str, Any] = field(default_factory=dict)
    parallel: int = 1
    task: str | None = None  # classification or regression, where the data set tells
    counts: Mapping[str, int] = field(default_factory=dict)
    rate: float | None = None
    best: Mapping[str, Any] | None = None
    retest_of: int | None = None  # the search whose winners it trains again
    drift: str | None = None  # what its last re-test says, if that has failed
    warnings: list[Any] = field(default_factory=list)
    failures: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def waits_for_a_person(self) -> bool:
        """Return whether it paused itself, as `warnings` say, and nothing of it is in training any more."""
        return self.state == "paused" and bool(self.warnings) and not self.counts.get("running")

    @property
    def waits_for(self) -> str:
        """Name who must do something before it goes on: a person, a script or an agent; empty: nobody."""
        if self.state == "paused":
            return "a person"
        if self.state not in ("queued", "running") or self.counts.get("running"):
            return ""
        return "a script" if self.spec.get("trainer") in ("external", "optuna") else "an agent"

    @property
    def metric(self) -> str:
        """Return the metric that it makes best."""
        return str((self.spec.get("objective") or {}).get("metric", "dev_error"))

    @property
    def done(self) -> bool:
        """Return whether no trial of it will change any more."""
        active = sum(self.counts.get(state, 0) for state in ("queued", "running", "paused"))
        return self.state == "completed" or (self.state == "cancelled" and not active)

    @property
    def trials(self) -> int:
        """Count the trials it will have when it has ended: budget, forks, re-runs and points added."""
        return self.total or int(self.budget.get("trials", 0))

    def trials_frame(self, library: str | None = None) -> Any:
        """Return its trials as a data frame of pandas or polars: fields, parameters, metrics, times."""
        return self.view.trials_frame(self, library)

    def curves_frame(self, library: str | None = None) -> Any:
        """Return the curves of its trials as a data frame, a row for each epoch; one call a trial."""
        return self.view.curves_frame(self, library)

    def figure(self, kind: str = "history") -> Any:
        """Return a figure of plotly (caviar[plot]): history, curves, importance, parallel or front."""
        return self.view.figure(self, kind)

    def _repr_html_(self) -> str | None:
        """Show it in a notebook."""
        return None if self.view is None else str(self.view.search(self))


class Trials(list[Trial]):
    """Trials that show themselves in a notebook as a table."""

    def _repr_html_(self) -> str | None:
        return str(self[0].view.trials(self)) if self and self[0].view is not None else None


@dataclass(frozen=True)
class Event:
    """One event of a stream: `search`, `trial`, `epoch`, `cost`, `command`, `checkpoint` or `state`."""

    kind: str
    data: Any
    id: str | None = None
