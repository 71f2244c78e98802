"""Shapes of answers that are written as they are read: columns, curves, lists."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from caviar.service.api.problems import ProblemField
from caviar.service.api.records import Record

Number = float | None  # null: not finite, or not there


class SearchCheck(Record):
    """What is wrong with a search; nothing where it may be submitted."""

    errors: list[ProblemField]


class ParsedSearch(Record):
    """A search as it was read, nothing checked."""

    spec: Any


class Edit(Record):
    """A change of a search by a person."""

    version: int
    created: str
    proposed: int = Field(description="trials there were by then")
    before: dict[str, Any]
    after: dict[str, Any]


class EditList(Record):
    """Changes of a search by people, oldest first."""

    items: list[Edit]


class CourseOfSearch(Record):
    """Ended trials as columns, in order of ending."""

    total: int = Field(description="trials ended, those left out included")
    order: list[int] = Field(description="place in the order of ending, from 1")
    number: list[int]
    value: list[Number]
    best: list[Number] = Field(description="best value so far")
    ended: list[str]


class TrialColumns(Record):
    """Fields of trials, one list for each field, in the order of their numbers."""

    total: int = Field(description="trials of the search, those left out included")
    columns: dict[str, list[Any]]


class TrialCurve(Record):
    """One metric of the newest branch of a trial."""

    trial: str
    number: int
    state: str
    leading: bool
    epoch: list[int]
    values: list[Number]


class CurveList(Record):
    """Curves of the best trials, best first, and of an even spread of the others."""

    metric: str
    items: list[TrialCurve]
    total: int = Field(description="trials of the search, those left out included")


class Timeline(Record):
    """Who trained what when, as columns; agents and states are places in their lists."""

    origin: str
    agents: list[str]
    states: list[str]
    number: list[int]
    agent: list[int]
    state: list[int]
    started: list[float] = Field(description="seconds after origin")
    ended: list[Number] = Field(description="seconds after origin; null: it still runs")


class ParameterImportance(Record):
    """How much a parameter matters."""

    parameter: str
    importance: float = Field(description="its share; all together are 1")


class Importance(Record):
    """How much each parameter matters, the most important first."""

    items: list[ParameterImportance]
    trials: int = Field(description="trials with a value that it was told from")
    reason: str | None = Field(description="why there are no shares")


class CurveBranch(BaseModel):
    """One branch of a trial: a list for each metric, beside its epochs."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, list[Number]]
    branch: int
    parent: int | None
    from_epoch: int | None = Field(description="last epoch that it shares with its parent")
    epoch: list[int]


class Costs(Record):
    """Costs of mini-batches of the newest branch."""

    step: list[int]
    cost: list[Number]


class Curve(Record):
    """The learning curve of a trial, by branch."""

    columns: list[str]
    branches: list[CurveBranch]
    total: int = Field(description="epochs of all branches, those left out included")
    costs: Costs


class CheckpointRecord(Record):
    """A checkpoint or a model."""

    id: int
    attempt: int
    branch: int
    epoch: int
    step: int
    position: int
    kind: str = Field(description="schedule, command, end or model")
    digest: str
    size: int = Field(description="bytes")
    created: str


class CheckpointList(Record):
    """Checkpoints of a trial."""

    items: list[CheckpointRecord]


class StoredCheckpoint(Record):
    """The number under which a checkpoint was stored."""

    id: int


class AgentRecord(Record):
    """A worker process."""

    id: str
    host: str
    pid: int
    engine: str
    version: str
    trainers: list[str] = Field(description="empty: it takes any")
    state: str
    started: str
    seen: str
    holding: list[str] = Field(description="trials in hand")
    reason: str | None = Field(description="why it left")


class AgentList(Record):
    """Agents alive, and those lost lately."""

    items: list[AgentRecord]
