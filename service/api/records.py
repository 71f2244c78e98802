"""What the REST interface shows: models, which are the OpenAPI schema, made from rows."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Literal, get_type_hints

import orjson
from pydantic import BaseModel, ConfigDict, Field, create_model

from caviar import trial_fields
from caviar.records import SearchState
from caviar.service.api import ends, search_warnings
from caviar.service.store import clock, slots
from caviar.service.store.audit import AuditRow, StoredEdit
from caviar.service.store.reads import AgentSeen, SearchSummary, StoredAttempt
from caviar.service.store.rows import (
    StoredArtifact,
    StoredAttribute,
    StoredCheckpoint,
    StoredCommand,
    StoredSearch,
)
from caviar.service.usecases.studies import OPTUNA
from caviar.trial_fields import ENDED, FIELDS, STATES, StoredTrial, Use


class Record(BaseModel):
    """What all records have."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


_COUNTS: dict[str, Any] = dict.fromkeys(STATES, (int, 0))
Counts = create_model("Counts", __base__=Record, __doc__="Trials by state.", **_COUNTS)


FROM_EPOCH = "its own curve begins after this epoch: what lies before is that of `origin.parent`"


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


class EndedBy(Record):
    """What ended a search, or ends it now."""

    budget: Literal["trials", "seconds", "epochs", "target", "stale"]
    text: str
    trial: str | None = Field(description="the trial that decided, where one did")


class Search(Record):
    """A search and how far it has come."""

    id: int
    name: str
    note: str | None
    project: str | None
    tags: list[str]
    owner: str | None = Field(description="who submitted it, by token; null: before this was recorded")
    archived: str | None = Field(description="since when lists leave it out")
    state: SearchState = Field(description="derived")
    mode: str
    spec: dict[str, Any] = Field(description="as submitted, with the lag resolved and edits applied")
    version: int = Field(description="grows with every edit; the ETag")
    created: str
    started: str | None
    ended: str | None
    ended_by: EndedBy | None = Field(description="the budget that was used up first")
    ran: float | None = Field(description="seconds since its first trial began, pauses left out")
    finished: int
    total: int = Field(
        description="trials it will have when it has ended: its budget, re-evaluations, forks and re-runs"
    )
    budget: dict[str, Any]
    parallel: int
    task: Literal["classification", "regression"] | None = Field(
        description="of its data set; errors are shares of rows, or standard deviations of the target"
    )
    counts: Counts
    rate: float | None = Field(
        description="trials ended per second, lately; over the whole when it has ended"
    )
    best: Best | None
    retest_of: int | None = Field(description="the search whose winners it trains again, for a re-test")
    drift: str | None = Field(description="what its last re-test says, if that has failed")
    warnings: list[Warning] = []
    failures: list[Failure] = Field(
        [], description="why trials failed, of the newest 100; the commonest first"
    )


def _model(shape: type, at: str = "") -> type[BaseModel]:
    """Make the model of a trial, or of a part of one, from the table of its fields."""
    helps = {one.path: one.help for one in FIELDS if one.path}
    hints = get_type_hints(shape)
    fields: dict[str, Any] = {name: (hints[name], Field(description=helps.get(at + name))) for name in hints}
    if "origin" in fields:
        fields["origin"] = (Origin, ...)
        fields["from_epoch"] = (int, Field(description=FROM_EPOCH))
    extra = {} if at else {"json_schema_extra": {"x-fields": _uses()}}
    return create_model(
        shape.__name__, __base__=Record, __doc__=shape.__doc__, __cls_kwargs__=extra, **fields
    )


def _uses() -> list[dict[str, Any]]:
    """Return what each shown field of a trial may be asked for, for forms and tables."""
    uses = (Use.FILTER, Use.SORT, Use.PLOT, Use.EXPORT)
    return [
        {
            "name": one.column,
            "path": one.path,
            "use": [str(use.name).lower() for use in uses if use in one.use],
            "time": one.form == "time",
        }
        for one in FIELDS
        if one.path
    ]


Origin = _model(trial_fields.Origin, "origin.")
Trial = _model(trial_fields.Trial)


class SearchPage(Record):
    """A page of searches."""

    items: list[Search]
    next: str | None
    total: int


class TrialPage(Record):
    """A page of trials."""

    items: list[Trial]  # type: ignore[valid-type]
    next: str | None
    total: int


class Trials(Record):
    """Trials, all at once."""

    items: list[Trial]  # type: ignore[valid-type]


class Attempt(Record):
    """An attempt that did not end its trial, or ended it as failed."""

    attempt: int
    agent: str | None
    epoch: int
    started: str | None
    ended: str
    reason: str
    log: str | None


def iso(seconds: float | None) -> str | None:
    """Return a time as JSON shows it."""
    return None if seconds is None else clock.iso(seconds)


def _trial_shaper() -> Callable[[StoredTrial], dict[str, Any]]:
    """Make the function that returns a trial as `Trial`, ready for JSON.

    Made once, from the table of fields: a call fetches all columns at once, then touches times and documents.
    """
    paths = {one.path: one.column for one in FIELDS if one.path}
    names = list(get_type_hints(trial_fields.Trial))
    values = attrgetter(*(paths.get(name, "number") for name in names))  # "number" keeps a place
    parts = list(get_type_hints(trial_fields.Origin))
    origin = attrgetter(*(paths[f"origin.{part}"] for part in parts))
    times = [one.path for one in FIELDS if one.path and one.form == "time"]
    documents = [one.path for one in FIELDS if one.path and one.form == "document" and one.path != "changed"]

    def shape(row: StoredTrial) -> dict[str, Any]:
        shown = dict(zip(names, values(row), strict=True))
        shown["id"] = f"{row.search_id}.{row.number}"
        shown["origin"] = dict(zip(parts, origin(row), strict=True))
        for name in times:
            shown[name] = iso(shown[name])
        for name in documents:
            shown[name] = orjson.Fragment(text) if (text := shown[name]) else {}
        shown["from_epoch"] = int(orjson.loads(row.change_log)["epoch"]) if row.change_log else 0
        changed = shown["changed"] = orjson.loads(row.changed) if row.changed else {}
        if "epochs" in changed:
            shown["epochs"] = changed["epochs"]
        return shown

    return shape


trial = _trial_shaper()


def search_state(row: StoredSearch) -> str:
    """Derive the state of a search from its switch and its trials."""
    if row.switch == "cancelled":
        return "cancelled"
    if row.ended is not None:
        return "completed"
    if row.switch == "paused":
        return "paused"
    return "queued" if row.started is None else "running"


def search(found: SearchSummary) -> dict[str, Any]:
    """Return a search as `Search`, ready for JSON."""
    row = found.row
    spec, state = orjson.loads(row.spec), search_state(row)
    if spec.get("trainer") == OPTUNA:  # its script says when it has had enough
        spec["budget"] = {"trials": max(1, row.total)}
    best = None
    if row.best_number is not None and found.best_params is not None:
        best = {
            "trial": f"{row.id}.{row.best_number}",
            "number": row.best_number,
            "value": row.best_value,
            "params": orjson.Fragment(found.best_params),
        }
    return {
        "id": row.id,
        "name": row.name,
        "note": row.note,
        "project": row.project,
        "tags": spec.get("tags") or [],
        "owner": row.owner,
        "archived": iso(row.archived),
        "state": state,
        "mode": row.mode,
        "spec": spec,
        "version": row.version,
        "created": iso(row.created),
        "started": iso(row.started),
        "ended": iso(row.ended),
        "ended_by": ends.ended_by(row),
        "ran": found.ran,
        "finished": sum(getattr(row, state) for state in ENDED),
        "total": row.total,
        "budget": spec["budget"],
        "parallel": row.parallel,
        "task": found.target.task,
        "counts": {state: getattr(row, state) for state in STATES},
        "rate": found.rate,
        "best": best,
        "retest_of": row.retest_of,
        "drift": row.drift,
        "warnings": search_warnings.of_search(found, spec, state),
        "failures": [{"reason": reason, "count": count} for reason, count in found.failures],
    }


def checkpoint(row: StoredCheckpoint) -> dict[str, Any]:
    """Return a checkpoint, ready for JSON."""
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


def attribute(row: StoredAttribute) -> dict[str, Any]:
    """Return an attribute, ready for JSON."""
    return {"key": row.key, "value": orjson.loads(row.value), "changed": iso(row.changed)}


def artifact(row: StoredArtifact) -> dict[str, Any]:
    """Return what there is to know of an artifact, ready for JSON."""
    told = {"name": row.name, "attempt": row.attempt, "digest": row.digest, "size": row.size}
    return {**told, "created": iso(row.created)}


def command(row: StoredCommand) -> dict[str, Any]:
    """Return a command, ready for JSON."""
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


def attempt(row: StoredAttempt) -> dict[str, Any]:
    """Return an attempt as `Attempt`, ready for JSON."""
    return {**row._asdict(), "started": iso(row.started), "ended": iso(row.ended)}


def edit(row: StoredEdit) -> dict[str, Any]:
    """Return an edit, ready for JSON."""
    documents = {"before": orjson.Fragment(row.before), "after": orjson.Fragment(row.after)}
    return {**row._asdict(), "created": iso(row.created), **documents}


def audited(row: AuditRow) -> dict[str, Any]:
    """Return a row of the audit trail, ready for JSON."""
    on = None if row.number is None else f"{row.search_id}.{row.number}"
    named = {"id": row.id, "created": iso(row.created), "who": row.who, "what": row.what}
    before, after = (None if one is None else orjson.Fragment(one) for one in (row.before, row.after))
    return {**named, "search": row.search_id, "trial": on, "subject": row.subject} | {
        "before": before,
        "after": after,
    }


def agent(found: AgentSeen, now: float, expected: float) -> dict[str, Any]:
    """Return an agent, ready for JSON; one alive that was not heard of since `expected` is silent."""
    silent = round(now - found.seen, 1) if found.state == "alive" and found.seen < expected else None
    have = slots.resources_of(found.slot).model_dump()
    shown = {name: value for name, value in vars(found).items() if name != "slot"}
    return {
        **shown,
        "resources": have,
        "started": iso(found.started),
        "seen": iso(found.seen),
        "silent": silent,
    }
