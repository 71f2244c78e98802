"""Models of steering: commands, what became of them, and what a person needs to give the next one."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class When(BaseModel):
    """The moment at which a command takes effect."""

    model_config = ConfigDict(extra="forbid")
    at: str = Field(default="now", description="now, epoch_end, epoch:30 or no_improvement:5", max_length=40)
    late: Literal["refuse", "apply"] = Field(
        default="refuse", description="what to do when the epoch it names has passed"
    )


class CommandRequest(BaseModel):
    """One thing asked of a trial."""

    model_config = ConfigDict(extra="forbid")
    kind: str = Field(
        description="set, pause, resume, checkpoint, rewind, fork, extend, stop or note", max_length=40
    )
    arguments: dict[str, JsonValue] = {}
    when: When = When()


class Commands(BaseModel):
    """Commands that are taken together or not at all."""

    model_config = ConfigDict(extra="forbid")
    commands: list[CommandRequest] = Field(max_length=1000)


class Command(BaseModel):
    """A command and what became of it."""

    id: int
    trial: str
    kind: str
    arguments: dict[str, Any]
    when: When
    state: str = Field(description="waiting, applied or refused")
    branch: int | None
    step: int | None = Field(description="mini-batches done when it took effect")
    epoch: int | None = Field(description="epochs ended when it took effect")
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str | None
    created: str
    answered: str | None


class CommandList(BaseModel):
    """Commands of a trial, oldest first."""

    items: list[Command]
    version: int = Field(description="number of the newest command; the ETag for If-Match")


class Setting(BaseModel):
    """A setting that may change while the trial runs."""

    name: str
    type: str
    low: float | None
    high: float | None
    choices: list[str]
    unit: str
    help: str
    value: Any = Field(description="in force now")


class BranchRecord(BaseModel):
    """A line of the trial's history."""

    branch: int
    parent: int | None
    from_epoch: int
    changes: list[dict[str, Any]]


class AdviceRecord(BaseModel):
    """An observation, and what would act on it."""

    kind: str
    since: int
    text: str
    command: dict[str, Any] | None
    settings: dict[str, Any] | None = Field(
        description="of another trial, instead of those of this one, where no command would help it"
    )


class Steering(BaseModel):
    """All that steering a trial needs, in one answer."""

    version: int = Field(description="number of the newest command; the ETag for If-Match")
    state: str
    branch: int
    epoch: int
    settings: list[Setting]
    commands: list[dict[str, Any]]
    branches: list[BranchRecord]
    checkpoints: list[dict[str, Any]]
    advice: list[AdviceRecord] = Field(description="what is wrong; empty for a trial that learns well")
    outlook: AdviceRecord | None = Field(description="what more epochs would bring: improving or converged")


class Log(BaseModel):
    """What a branch of a trial follows from, bit for bit."""

    trial: str
    branch: int
    current: bool = Field(description="whether the trial is on this branch now")
    state: str
    trainer: str
    dataset: dict[str, Any]
    settings: dict[str, Any] = Field(description="at the beginning")
    seed: int
    changes: list[dict[str, Any]] = Field(description="step, epoch and settings, in order")
    epoch: int = Field(description="how far it has come")
    end: int | None = Field(description="the last step of a trial that has ended")
    stopped: bool = Field(description="whether a person ended it, which keeps the best weights")
    kept_epoch: int | None = Field(description="whose model is kept, with `objective.value: best`")
    checkpoints: list[dict[str, Any]] = Field(description="states of this branch to compare with")


class Schedule(BaseModel):
    """The settings of a branch by epoch."""

    trial: str
    settings: dict[str, JsonValue] = Field(description="with which its training began")
    schedule: list[dict[str, Any]] = Field(description="changes by epoch, as `schedule` of a search")
    epochs: int = Field(description="how far it has come")
    search: dict[str, Any] = Field(description="one that trains so from a few seeds, to be submitted")


class Rewind(BaseModel):
    """What a rewind or a fork has to train again before it is where it leads to."""

    branch: int
    epoch: int
    checkpoint: int | None = Field(description="the nearest state that is kept; null: from the seed")
    from_epoch: int = Field(description="its epoch")
    epochs: int = Field(description="to be trained again")
    seconds: float | None = Field(description="about; null where the trainer does not tell its speed")
