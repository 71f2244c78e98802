"""The worker protocol: what agents and server say to each other (docs/interfaces.md, section 5).

Agents make requests of these models and read answers into them; the server reads requests into them, and
writes answers from its rows as they describe.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator

from caviar.exchange.device import DEVICE_LIMIT
from caviar.search.resources import MOST

LEASE_SECONDS, INTERVAL_SECONDS = 30.0, 1.0  # of a server by default; its answers tell its own
AGENT_SECRET = "Caviar-Agent-Secret"  # noqa: S105 - the name of a header: drawn once by each agent


def readable(text: Any) -> Any:
    """Put U+FFFD for what a database, a terminal or a reader is not to get.

    That is NUL and half a pair of surrogates, all other control characters but tabs and ends of lines, and
    marks that turn round the direction of what follows. Reasons, logs and names of hosts come from whatever
    there is; a report must never be lost for a character of them.
    """
    if not isinstance(text, str) or text.isprintable():
        return text
    return _UNREADABLE.sub("\ufffd", text)


def storable(value: Any) -> Any:
    """Make of JSON what any database and parser holds: readable texts, floats for integers beyond 64 bits."""
    if isinstance(value, dict):
        return {readable(name): storable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return float(value) if value.bit_length() <= _MOST_BITS else None
    return readable(value)


Text = Annotated[str, BeforeValidator(readable)]
Settings = Annotated[dict[str, JsonValue], BeforeValidator(storable)]
_MOST_BITS = 1023  # of an integer that is a finite float for certain
_UNREADABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
TrialName = Annotated[str, Field(pattern=r"^\d{1,9}\.\d{1,9}$", max_length=19)]
Number = float | None
Count = Annotated[int, Field(ge=0, lt=2**31)]
Columns = Annotated[list[Annotated[Text, Field(max_length=64)]], Field(max_length=10_000)]
# Characters of why a trial ended as it did, of its log, and of why a command was refused.
REASON_LIMIT, LOG_LIMIT, REFUSED_LIMIT = 10_000, 100_000, 2000

EndState = Literal["completed", "stopped", "diverged", "failed", "cancelled"]


class Message(BaseModel):
    """What both sides have: unknown fields are ignored, so that an older server understands a newer agent."""

    model_config = ConfigDict(extra="ignore")


class Slot(Message):
    """What an agent has for a trial."""

    cpus: Annotated[float, Field(gt=0, le=MOST)] = 1.0
    gpus: Annotated[float, Field(ge=0, le=MOST)] = 0.0
    custom: Annotated[dict[Text, Annotated[float, Field(gt=0, le=MOST)]], Field(max_length=20)] = {}
    exact: bool = False  # it was made for searches that ask for just that, and takes no others


class Agent(Message):
    """Who is speaking; the id is random, one for each process."""

    id: Annotated[str, Field(pattern=r"^a-[0-9a-f]{16}$")]
    host: Annotated[Text, Field(max_length=255)] = ""
    pid: Count = 0
    engine: Annotated[Text, Field(max_length=32)] = "script"
    version: Annotated[Text, Field(max_length=32)] = ""
    trainers: list[Text] = []
    searches: list[Count] | None = None  # only trials of these searches
    slot: Slot | None = None  # one CPU
    device: Annotated[Text, Field(max_length=DEVICE_LIMIT)] | None = None  # its CUDA_VISIBLE_DEVICES, if set


class Result(Message):
    """How a trial ended."""

    state: EndState
    metrics: dict[Text, Number] = {}
    epoch: Count = 0
    reason: Annotated[Text, Field(max_length=REASON_LIMIT)] | None = None
    log: Annotated[Text, Field(max_length=LOG_LIMIT)] | None = None


class Acknowledgement(Message):
    """A command that took effect, perhaps later than it was to, or that was refused."""

    command: Annotated[int, Field(ge=0, lt=2**63)]
    step: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    epoch: Count | None = None
    before: Settings = {}
    after: Settings = {}
    refused: Annotated[Text, Field(max_length=REFUSED_LIMIT)] | None = None
    late: Annotated[Text, Field(max_length=REFUSED_LIMIT)] | None = None  # its epoch had passed, and how far


class Report(Message):
    """News of one attempt at one trial."""

    trial: TrialName
    attempt: Annotated[int, Field(ge=1, lt=2**31)]
    branch: Count = 0
    first: Annotated[int, Field(ge=1, lt=2**31)] = 1
    replace_from: Annotated[int, Field(ge=1, lt=2**31)] | None = None  # known epochs from here on go first
    columns: Columns = []
    rows: list[list[Number]] = []
    costs: list[tuple[Annotated[float, Field(ge=0, lt=2**53)], Number]] = []
    acknowledged: list[Acknowledgement] = []
    state: Literal["running", "paused", "released"] | None = None  # released: handed back
    age: Annotated[float, Field(ge=0)] | None = None  # seconds since the training began; with result or state
    result: Result | None = None


class InTraining(Message):
    """The one attempt of those in an agent's hands that it trains, and for how many seconds."""

    trial: TrialName
    attempt: Annotated[int, Field(ge=1, lt=2**31)]
    seconds: Annotated[float, Field(ge=0, lt=1e9)]
    quiet: Annotated[float, Field(ge=0, lt=1e9)] | None = None  # seconds since an epoch ended


Cause = Literal["trial", "unknown", "outside"]


class AgentEnd(Message):
    """How an agent's process ended, as its supervisor saw it, and whether the trial in training did it."""

    reason: Annotated[Text, Field(max_length=1000)]
    cause: Cause = "unknown"
    training: InTraining | None = None
    limit: Annotated[Text, Field(max_length=1000)] | None = None  # that it has broken: why its trial fails


class ExchangeRequest(Message):
    """Reports, heartbeats and the wish for work, in one message."""

    agent: Agent
    sequence: int = 0
    leaving: bool = False  # the last message of this agent: it gives back what it still holds
    ended: AgentEnd | None = None  # said for an agent that is gone, by its supervisor
    training: InTraining | None = None
    want: Annotated[int, Field(ge=0, le=10_000)] = 0
    known: Annotated[list[Count], Field(max_length=10_000)] = []
    holding: Annotated[list[tuple[TrialName, Count]], Field(max_length=10_000)] = []
    reports: Annotated[list[Report], Field(max_length=10_000)] = []

    @model_validator(mode="after")
    def _rectangular(self) -> Self:
        for report in self.reports:
            width = len(report.columns)
            for row in report.rows:
                if len(row) != width:
                    raise ValueError("every row of a report has one number for each of its `columns`")
        return self


class SearchSettings(Message):
    """What an agent needs to know of a search, sent once."""

    name: str
    trainer: str
    dataset: dict[str, Any]
    settings: dict[str, Any]
    objective: dict[str, Any]
    metrics: list[str] = []  # all that the search names, the objective's first
    mode: str
    threads: int = 1  # that libraries may take
    continued_below: int | None = None  # another trial may continue one that ends before this epoch
    population: bool = False  # most trials are gone on from, whatever epoch they end at


class OlderCheckpoint(Message):
    """A checkpoint to fall back on, when a newer one is damaged."""

    checkpoint: int
    digest: str
    epoch: int = 0
    position: int = 0


class Resume(Message):
    """The checkpoint from which an attempt goes on."""

    checkpoint: int
    digest: str
    epoch: int = 0
    branch: int = 0
    position: int = 0  # changes of the log that it contains
    older: list[OlderCheckpoint] = []
    curve: list[float | None] = []  # the objective's metric of epochs 1 .. epoch, for a stopping rule


class StopTable(Message):
    """The stopping rule of one trial: bounds the agent obeys without asking."""

    checks: list[tuple[int, float]] = []
    patience: int | None = None
    warmup: int = 0
    why: str = "stopping rule"
    last: int | None = None  # the last epoch that the budget of the search allows


class LoggedChange(Message):
    """Settings that were changed after so many mini-batches."""

    step: int
    settings: dict[str, Any]


class ChangeLog(Message):
    """The way to a state: changes to make again, in order, and where the server last saw the trial."""

    changes: list[LoggedChange] = []
    step: int = 0
    epoch: int = 0
    branch: int = 0


class RewindState(Message):
    """Where a rewind leads, as its command's arguments tell it to the agent."""

    resume: Resume | None = None
    change_log: Annotated[
        ChangeLog,
        Field(validation_alias=AliasChoices("change_log", "line")),  # line: of stored commands
    ]


class TrialLimits(Message):
    """What a trial may take; `left` are the seconds that earlier attempts have not used."""

    seconds: float | None = None
    left: float | None = None
    silent_seconds: float | None = None
    memory: int | None = None


class Assignment(Message):
    """A trial handed to an agent."""

    trial: TrialName
    attempt: int
    number: int
    params: dict[str, Any]
    seed: int
    epochs: int | None = None
    stop: StopTable | None = None
    limits: TrialLimits | None = None
    resume: Resume | None = None
    change_log: Annotated[
        ChangeLog | None, Field(validation_alias=AliasChoices("change_log", "line"))  # line: of older servers
    ] = None


class CommandOrder(Message):
    """A command for a trial in hand; sent again until it is acknowledged."""

    id: int
    trial: TrialName
    attempt: int
    kind: str
    arguments: dict[str, Any] = {}
    when: dict[str, Any] = {}


class Drop(Message):
    """A trial the agent must let go of, and report no more."""

    trial: TrialName
    attempt: int
    why: str = "the server does not want it any more"


class ExchangeResponse(Message):
    """What the server answers."""

    lease: float
    interval: float
    database: str | None = None  # what tells it from all others
    revision: int = 0  # lower than before: the database was put back to an earlier state
    searches: dict[str, SearchSettings] = {}
    trials: list[Assignment] = []
    commands: list[CommandOrder] = []
    drop: list[Drop] = []
