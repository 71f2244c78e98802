"""What the REST interface shows: models, which are the OpenAPI schema, made from rows."""

from __future__ import annotations

from collections.abc import Set
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from caviar.service.store.tables import ENDED, STATES


class Record(BaseModel):
    """What all records have."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class Counts(Record):
    """Trials by state."""

    queued: int = 0
    running: int = 0
    paused: int = 0
    completed: int = 0
    stopped: int = 0
    diverged: int = 0
    failed: int = 0
    cancelled: int = 0


class Best(Record):
    """The best trial of a search so far."""

    trial: str
    number: int
    value: float
    params: dict[str, Any]


class Warning(Record):
    """What is allowed in a search but worth saying."""

    field: str
    message: str
    remedy: str


class Failure(Record):
    """A reason for which trials failed, and how many of them."""

    reason: str
    count: int


class Search(Record):
    """A search and how far it has come."""

    id: int
    name: str
    note: str | None
    state: str = Field(description="queued, running, paused, completed or cancelled; derived")
    mode: str
    spec: dict[str, Any] = Field(description="as submitted, with the lag resolved and edits applied")
    version: int = Field(description="grows with every edit; the ETag")
    created: str
    started: str | None
    ended: str | None
    finished: int
    total: int = Field(
        description="trials it will have when it has ended: its budget, re-evaluations, forks and re-runs"
    )
    budget: dict[str, Any]
    parallel: int
    counts: Counts
    rate: float | None = Field(
        description="trials ended per second, lately; over the whole when it has ended"
    )
    best: Best | None
    warnings: list[Warning] = []
    failures: list[Failure] = Field(
        [], description="why trials failed, of the newest 100; the commonest first"
    )


class Origin(Record):
    """Where a trial's point came from."""

    kind: str
    round: int | None
    parent: str | None
    why: str | None


class Trial(Record):
    """One point of a search, trained."""

    id: str
    search: int
    number: int
    state: str
    attempt: int
    params: dict[str, Any]
    value: float | None
    metrics: dict[str, float | None]
    epoch: int
    epochs: int | None = Field(description="planned, as things stand now")
    changed: dict[str, Any] = Field(description="settings changed on its way, and to what")
    origin: Origin
    reason: str | None
    agent: str | None
    created: str
    started: str | None
    ended: str | None
    seed: int
    branch: int


class SearchPage(Record):
    """A page of searches."""

    items: list[Search]
    next: str | None
    total: int


class TrialPage(Record):
    """A page of trials."""

    items: list[Trial]
    next: str | None
    total: int


class Trials(Record):
    """Trials, all at once."""

    items: list[Trial]


class Attempt(Record):
    """An attempt that did not end its trial, or ended it as failed."""

    attempt: int
    agent: str | None
    epoch: int
    started: str | None
    ended: str
    reason: str
    log: str | None


class Agent(Record):
    """A worker process."""

    id: str
    host: str
    pid: int
    engine: str
    version: str
    state: str
    started: str
    seen: str
    holding: list[str]
    reason: str | None


class Edit(Record):
    """A change of a search by a person."""

    version: int
    created: str
    proposed: int
    before: dict[str, Any]
    after: dict[str, Any]


def iso(seconds: float | None) -> str | None:
    """Write a time as ISO 8601 in UTC, with milliseconds."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def trial(row: Any) -> dict[str, Any]:
    """Give a row of trials as `Trial`, ready for JSON."""
    changed = orjson.loads(row.changed) if row.changed else {}
    return {
        "id": f"{row.search_id}.{row.number}",
        "search": row.search_id,
        "number": row.number,
        "state": row.state,
        "attempt": row.attempt,
        "params": orjson.Fragment(row.params),
        "value": row.value,
        "metrics": orjson.Fragment(row.metrics) if row.metrics else {},
        "epoch": row.epoch,
        "epochs": changed.get("epochs", row.epochs),
        "changed": changed,
        "origin": {
            "kind": row.origin,
            "round": row.round,
            "parent": row.parent,
            "why": row.why,
        },
        "reason": row.reason,
        "agent": row.agent,
        "created": iso(row.created),
        "started": iso(row.started),
        "ended": iso(row.ended),
        "seed": row.seed,
        "branch": row.branch,
    }


def search_state(row: Any) -> str:
    """Derive the state of a search from its switch and its trials."""
    if row.switch == "cancelled":
        return "cancelled"
    if row.ended is not None:
        return "completed"
    if row.switch == "paused":
        return "paused"
    return "queued" if row.started is None else "running"


_PAUSED_ITSELF = {
    "field": "search",
    "message": "",
    "remedy": "the search was paused: remove the cause and resume it, or submit it again, put right",
}

_MADE_SMALL = ("_error", "_cost")  # metrics of mlp


def search(
    row: Any, best_params: str | None, rate: float | None, failures: list[dict[str, Any]], can: Set[str]
) -> dict[str, Any]:
    """Give a row of searches as `Search`, ready for JSON; `can`: the trainers of the agents it waits for."""
    spec, state = orjson.loads(row.spec), search_state(row)
    best = None
    if row.best_number is not None and best_params is not None:
        best = {
            "trial": f"{row.id}.{row.best_number}",
            "number": row.best_number,
            "value": row.best_value,
            "params": orjson.Fragment(best_params),
        }
    return {
        "id": row.id,
        "name": row.name,
        "note": row.note,
        "state": state,
        "mode": row.mode,
        "spec": spec,
        "version": row.version,
        "created": iso(row.created),
        "started": iso(row.started),
        "ended": iso(row.ended),
        "finished": sum(getattr(row, state) for state in ENDED),
        "total": row.total,
        "budget": spec["budget"],
        "parallel": row.parallel,
        "counts": {state: getattr(row, state) for state in STATES},
        "rate": rate,
        "best": best,
        "warnings": _warnings(row, spec, state, can),
        "failures": failures,
    }


def _warnings(row: Any, spec: dict[str, Any], state: str, can: Set[str]) -> list[dict[str, str]]:
    """Say what keeps a search from going on, or is most likely not meant."""
    if state == "paused":  # clients take a warning for why it paused itself
        return [{**_PAUSED_ITSELF, "message": row.problem}] if row.problem is not None else []
    found = []
    trainer, objective = spec.get("trainer") or "mlp", spec.get("objective") or {}
    metric = objective.get("metric") or "dev_error"
    if can and trainer not in can and trainer != "external":  # a script of one's own comes when it likes
        message = f"no agent has the trainer {trainer!r}, so that nothing of this search is trained"
        remedy = f"install it where the workers run and start them anew; they have: {', '.join(sorted(can))}"
        found.append({"field": "trainer", "message": message, "remedy": remedy})
    if trainer == "mlp" and objective.get("direction") == "maximize" and metric.endswith(_MADE_SMALL):
        message = f"the search makes {metric} as large as it can: the best trial is the worst network"
        remedy = "unless this is meant, submit a copy with direction: minimize"
        found.append({"field": "objective.direction", "message": message, "remedy": remedy})
    return found


def checkpoint(row: Any) -> dict[str, Any]:
    """Give a row of checkpoints, ready for JSON."""
    return {
        "id": row.id,
        "attempt": row.attempt,
        "branch": row.branch,
        "epoch": row.epoch,
        "step": row.step,
        "position": row.position,
        "kind": row.kind,
        "digest": row.digest,
        "size": row.size,
        "created": iso(row.created),
    }


def command(row: Any) -> dict[str, Any]:
    """Give a row of commands, ready for JSON."""
    arguments = orjson.loads(row.arguments)
    if row.kind == "rewind":  # the line and the checkpoints are for the agent
        arguments = {name: arguments[name] for name in ("epoch", "branch", "parent")}
    return {
        "id": row.id,
        "trial": f"{row.search_id}.{row.number}",
        "kind": row.kind,
        "arguments": arguments,
        "when": orjson.Fragment(row.at),
        "state": row.state,
        "branch": row.branch,
        "step": row.step,
        "epoch": row.epoch,
        "before": None if row.before is None else orjson.Fragment(row.before),
        "after": None if row.after is None else orjson.Fragment(row.after),
        "reason": row.reason,
        "created": iso(row.created),
        "answered": iso(row.answered),
    }
