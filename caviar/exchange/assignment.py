"""A trial as an agent gets it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

Key = tuple[str, int]  # trial and attempt: what every write names


@dataclass(frozen=True)
class Assignment:
    """One attempt at a trial, with what the agent must know of its search."""

    trial: str
    attempt: int
    number: int
    params: Mapping[str, Any]
    seed: int
    search: Mapping[str, Any]  # name, trainer, dataset, settings, objective, mode
    epochs: int | None = None
    stop: Mapping[str, Any] | None = None
    resume: Mapping[str, Any] | None = None
    line: Mapping[str, Any] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, given: Mapping[str, Any], search: Mapping[str, Any]) -> Self:
        """Read a trial of an answer; what another version adds is left out."""
        names = ("trial", "attempt", "number", "params", "seed", "epochs", "stop", "resume", "line")
        return cls(search=search, **{name: given[name] for name in names if name in given})

    @property
    def key(self) -> Key:
        """Give the trial and the attempt."""
        return self.trial, self.attempt

    @property
    def search_id(self) -> int:
        """Give the id of the search it belongs to."""
        return int(self.trial.partition(".")[0])
