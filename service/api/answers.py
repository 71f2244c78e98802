"""Shapes of answers that are written as they are read: columns, curves, lists."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from caviar.search.resources import Resources
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


class ObjectiveOfFront(Record):
    """One of several objectives; anything worse than its reference adds nothing to the hypervolume."""

    metric: str
    direction: str
    reference: Number


class TrialOfFront(Record):
    """A trial that no other one beats in all objectives."""

    trial: str
    number: int
    values: list[float] = Field(description="in the order of the objectives")
    params: dict[str, Any]


class Front(Record):
    """The Pareto front of a search, its best in the first objective first, and all trials behind it."""

    objectives: list[ObjectiveOfFront]
    items: list[TrialOfFront]
    number: list[int] = Field(description="trials with a value, by number")
    values: list[list[Number]] = Field(description="their values, one list per objective")
    hypervolume: list[float] = Field(description="of the trials up to and including each of these")
    reason: str | None = Field(description="why there is no front")


class AsideResult(Record):
    """A value that does not count: a person excluded its trial, or the trial breaks a constraint."""

    order: int
    number: int
    value: float
    why: str


class CourseOfSearch(Record):
    """Ended trials as columns, in order of completion."""

    total: int = Field(description="trials ended, those left out included")
    order: list[int] = Field(description="place in order of completion, from 1")
    number: list[int]
    value: list[Number]
    best: list[Number] = Field(description="best value so far")
    ended: list[str]
    aside: list[AsideResult] = Field(description="values that do not count")


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


class Side(BaseModel):
    """One parameter's side of a box."""

    parameter: str = Field(description="with its entry, if it has one for each of another")
    low: float | int | str | bool | list[Any] | None = None
    high: float | int | str | bool | list[Any] | None = None
    choices: list[Any] | None = Field(None, description="those left, of choices without an order")


class RoundRecord(BaseModel):
    """One round of coarse to fine: we looked here, because these were good."""

    index: int
    first: int = Field(description="number of its first trial")
    size: int = Field(description="trials it has when it is over")
    epochs: int | None = Field(description="how far its trials train; null: as the settings say")
    box: list[Side]
    trials: list[str] = Field(description="the trials that made the box, best first")
    why: str
    warnings: list[str]


class Rounds(BaseModel):
    """The rounds that have begun."""

    items: list[RoundRecord]
    reason: str | None = Field(description="why there are none")


class StandingRecord(BaseModel):
    """A leading point that was trained again with fresh seeds."""

    trial: str = Field(description="the trial that made it a leader")
    params: dict[str, Any]
    first: float = Field(description="value of that trial, partly luck")
    mean: float = Field(description="of the fresh trainings alone")
    spread: float | None = Field(description="standard deviation between them; null for a single one")
    trainings: list[str]
    chance: float | None = Field(
        description="p-value of its difference from the winner; null for the winner, or without one"
    )


class Standings(BaseModel):
    """Leaders by their fresh trainings, best first, and the winner."""

    items: list[StandingRecord]
    winner: StandingRecord | None
    reason: str | None = Field(description="why there is no winner")
    text: str | None = Field(description="which others the winner beats by more than chance")


class Outlook(BaseModel):
    """How good the best is, and what further trials may add, as if all were drawn at random."""

    trials: int
    left: int
    share: float = Field(description="the best is in the best such share of the space ...")
    confidence: float = Field(description="... with this probability")
    probability: float = Field(description="that one of the trials left is better than the best so far")
    improvement: float = Field(description="expected, in units of the objective")
    text: str


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


class AttributeRecord(Record):
    """What a script noted of a trial."""

    key: str
    value: JsonValue
    changed: str


class AttributeList(Record):
    """Attributes of a trial."""

    items: list[AttributeRecord]


class ArtifactRecord(Record):
    """A file that a script attached to a trial; its bytes: /trials/{id}/artifacts/content?name=."""

    name: str
    attempt: int
    digest: str
    size: int = Field(description="bytes")
    created: str


class ArtifactList(Record):
    """Files of a trial."""

    items: list[ArtifactRecord]


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
    silent: float | None = Field(
        description="seconds for which one that is alive was not heard of, if that is longer than it should "
        "be: it is dead, cut off or stopped, or its trainer holds the interpreter"
    )
    holding: list[str] = Field(description="trials in hand")
    reason: str | None = Field(description="why it left")
    suspended: str | None = Field(
        description="why it gets no trials: more failed on it than on others; /trust lifts this"
    )
    resources: Resources = Field(description="what it has for a trial")
    device: str | None = Field(description="CUDA_VISIBLE_DEVICES of its process, null where it is not set")


class AgentList(Record):
    """Agents alive, and those lost lately."""

    items: list[AgentRecord]


class SlotsWanted(Record):
    """How many agents with certain resources could train now."""

    resources: Resources
    wanted: int


class AgentsWanted(Record):
    """How many agents are of use now, for whatever starts and stops them."""

    wanted: int = Field(description="trials that could start now, queued or not yet proposed")
    busy: int = Field(description="agents that have trials now; they are not counted in `wanted`")
    slots: list[SlotsWanted] = Field(description="`wanted` by what the trials need")
