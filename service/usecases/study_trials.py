"""Trials of a study: made and changed by a script's storage, each change as a whole or not at all.

What Optuna knows of a trial is its document: `params` (by name the value as Optuna codes it, and its
distribution as JSON), `user` and `system` (attributes as JSON texts), `steps` (intermediate values) and
`values`; numbers that are not finite are texts. The row of the trial is what Caviar shows of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from caviar.service.errors import ConflictError
from caviar.service.ids import TrialId
from caviar.service.store import measurements
from caviar.service.store import searches as search_rows
from caviar.service.store import studies as study_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.measurements import CurvePiece
from caviar.service.store.rows import StoredSearch
from caviar.service.store.studies import StudyTrial
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import studies, study_space
from caviar.trial_fields import ENDED

State = Literal["RUNNING", "WAITING", "COMPLETE", "PRUNED", "FAIL"]
Number = Annotated[float, Field(allow_inf_nan=False)] | Literal["inf", "-inf", "nan"]
Key = Annotated[str, Field(min_length=8, max_length=32)]
Outcome = Literal["done", "kept", "finished", "missing"]
STATES: Mapping[str, State] = {
    "queued": "WAITING",
    "running": "RUNNING",
    "paused": "WAITING",
    "completed": "COMPLETE",
    "diverged": "COMPLETE",  # with a value that is not finite
    "stopped": "PRUNED",
    "failed": "FAIL",
    "cancelled": "FAIL",
}
_SHOWN = {
    "WAITING": "queued",
    "RUNNING": "running",
    "COMPLETE": "completed",
    "PRUNED": "stopped",
    "FAIL": "failed",
}
LAST_EPOCH = 100_000  # of a curve; later steps are only in the document
CONSTRAINTS = "constraints"  # the attribute, or how the attributes begin, in which Optuna keeps them


class Description(BaseModel):
    """What a script says of a trial; of a new one, all there is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: State | None = None
    values: list[Number] | None = Field(default=None, max_length=1000)
    params: dict[str, tuple[float, str]] = Field(
        default_factory=dict, description="By name: the value as Optuna codes it, its distribution as JSON."
    )
    user: dict[str, str] = Field(default_factory=dict, description="Attributes, each as JSON.")
    system: dict[str, str] = Field(default_factory=dict, description="Optuna's attributes, each as JSON.")
    steps: dict[Annotated[int, Field(ge=0)], Number] = Field(
        default_factory=dict, description="Intermediate values."
    )
    started: float | None = None
    ended: float | None = None


class Change(Description):
    """What a script says of one of its trials: added to what is known."""

    number: int
    key: Key = Field(description="Of this change: repeated, it does nothing.")
    alive: bool = Field(default=False, description="A heartbeat.")


def make(
    tx: Transaction, search: int, key: str, new: Sequence[Description | None], again: bool
) -> int | None:
    """Add trials to a study and give the number of the first; None: a person paused it, so ask again.

    A change without a state begins to run now. `again`: the answer to an earlier call was lost.

    Raises NotFoundError, ConflictError where the study was cancelled.
    """
    study = orjson.loads(study_rows.get(tx, search).document)
    if again and (known := study_rows.first_of(tx, search, key)) is not None:
        return known
    row = search_rows.get(tx, search)
    if row.switch == "cancelled":
        raise ConflictError(f"search {search} was cancelled: no trial of it begins any more")
    if row.switch == "paused":
        return None
    first = row.proposed
    made = [_new(tx, study, TrialId(search, first + place), key, one) for place, one in enumerate(new)]
    trial_rows.insert_trials(tx, [_row(tx, one) for one in made])
    study_rows.insert_trials(tx, [(TrialId.of(one), key, one.document) for one in made])
    for one, change in zip(made, new, strict=True):
        if change is not None and change.steps:
            _draw(tx, study, one, change.steps, 0)
    study_space.learn(tx, search, [one.params for one in new if one is not None and one.params])
    _note_best(tx, study, made)
    _count(tx, row, made)
    return first


def _count(tx: Transaction, row: StoredSearch, made: Sequence[StudyTrial]) -> None:
    """Count new trials; a study that had ended goes on, unless they have ended too."""
    going_on = row.queued + row.running > 0 or any(one.state not in ENDED for one in made)
    clock = search_rows.clock_on(row, tx.now, None) if row.started is None or row.ended is not None else {}
    proposed = row.proposed + len(made)
    search_rows.change(
        tx,
        row.id,
        proposed=proposed,
        total=proposed + going_on,  # another one may follow
        started=tx.now if row.started is None else row.started,
        ended=None if going_on else tx.now,
        **clock,
    )


def _new(
    tx: Transaction, study: Mapping[str, Any], name: TrialId, key: str, change: Description | None
) -> StudyTrial:
    document = orjson.dumps({"params": {}, "user": {}, "system": {}, "steps": {}, "values": None}).decode()
    started = tx.now if change is None else change.started
    blank = StudyTrial(
        *name,
        state="running",
        value=None,
        metrics=None,
        params="{}",
        epoch=0,
        reason=None,
        started=started,
        ended=None,
        withheld=None,
        broken=None,
        key=key,
        seen=None,
        document=document,
    )
    if change is None:
        return blank
    made = _changed(tx, study, blank, change)
    return made if change.ended is None or made.ended is None else made._replace(ended=change.ended)


def _row(tx: Transaction, one: StudyTrial) -> Any:
    row = trial_rows.new_trial(
        tx,
        TrialId.of(one),
        params=one.params,
        unit=None,  # the space still grows: who needs coordinates computes them
        seed=0,
        epochs=None,
        origin="optuna",
        why="suggested by the sampler of its script",
    )
    kept = {name: value for name, value in one._asdict().items() if name in row._fields}
    return row._replace(**kept, attempt=int(one.state != "queued"))


def write(tx: Transaction, asks: Sequence[tuple[int, Sequence[Change]]]) -> list[list[Outcome]]:
    """Take in changes of trials, of any number of scripts; say of each whether it was done.

    kept: it was running already; finished: it has ended, so nothing changes; missing: there is no such trial.
    """
    names = {TrialId(search, one.number) for search, changes in asks for one in changes}
    rows, documents = study_rows.several(tx, names), dict[int, Any]()
    answers = []
    written: dict[TrialId, StudyTrial] = {}
    learned: dict[int, list[Mapping[str, tuple[float, str]]]] = {}
    for search, changes in asks:
        outcomes: list[Outcome] = []
        for change in changes:
            name = TrialId(search, change.number)
            before = rows.get(name)
            outcome = _outcome(before, change)
            outcomes.append(outcome)
            if outcome != "done" or before is None or before.key == change.key:
                continue
            if search not in documents:
                documents[search] = orjson.loads(study_rows.get(tx, search).document)
            study = documents[search]
            rows[name] = written[name] = after = _changed(tx, study, before, change)
            if after.state != before.state:
                tx.move(search, before.state, after.state)
            if change.steps:
                _draw(tx, study, after, change.steps, before.epoch)
            if change.params:
                learned.setdefault(search, []).append(change.params)
            tx.touched.add(search)
        answers.append(outcomes)
    study_rows.write(tx, list(written.values()))
    for search, points in learned.items():
        study_space.learn(tx, search, points)
    for search, study in documents.items():
        _note_best(tx, study, [row for row in written.values() if row.search_id == search])
    return answers


def _outcome(row: StudyTrial | None, change: Change) -> Outcome:
    if row is None:
        return "missing"
    if row.key == change.key:
        return "done"
    if row.state in ENDED:
        return "finished"
    return "kept" if change.state == "RUNNING" and row.state == "running" else "done"


def _changed(tx: Transaction, study: Mapping[str, Any], row: StudyTrial, change: Description) -> StudyTrial:
    """Return a trial with a change taken in."""
    document = orjson.loads(row.document)
    for part in ("params", "user", "system", "steps"):
        document[part] |= {str(name): value for name, value in getattr(change, part).items()}
    if change.values is not None:
        document["values"] = change.values
    row = row._replace(
        params=orjson.dumps(study_space.shown(document["params"])).decode() if change.params else row.params,
        document=orjson.dumps(document).decode(),
        epoch=max([row.epoch, *(step + 1 for step in change.steps if step < LAST_EPOCH)]),
    )
    if isinstance(change, Change):
        row = row._replace(key=change.key, seen=tx.now if change.alive else row.seen)
    if change.state is None or _SHOWN[change.state] == row.state:
        return row
    row = row._replace(state=_SHOWN[change.state])
    if change.state == "RUNNING":
        return row._replace(started=tx.now)
    return row._replace(**_end(tx, study, document, change.state)) if row.state in ENDED else row


def _end(
    tx: Transaction, study: Mapping[str, Any], document: Mapping[str, Any], state: State
) -> dict[str, Any]:
    """Return what a trial comes to, as Caviar shows it. As in Optuna, only a completed one has a value."""
    values = [float(one) for one in document["values"] or ()]
    told = {
        name: one for name, one in zip(studies.metrics_of(study), values, strict=False) if math.isfinite(one)
    }
    found: dict[str, Any] = {"ended": tx.now, "metrics": orjson.dumps(told).decode() if told else None}
    if state == "FAIL":
        return {**found, "reason": "its script failed, or gave no value that counts"}
    if state == "PRUNED":
        return {**found, "reason": "pruned by its script"}
    if not values or len(told) < len(values):
        return {**found, "state": "diverged", "reason": "its value is not finite"}
    broken = _broken(document["system"])
    return {**found, "withheld" if broken else "value": values[0], "broken": broken}


def _broken(system: Mapping[str, str]) -> str | None:
    """Name the constraints that a trial breaks: those above 0."""
    told: dict[str, Any] = {}
    for name, text in system.items():
        if name == CONSTRAINTS:
            told |= {f"constraint {place}": one for place, one in enumerate(json.loads(text) or ())}
        elif name.startswith(f"{CONSTRAINTS}:"):
            told[name.removeprefix(f"{CONSTRAINTS}:")] = float(text)
    return "; ".join(f"{name} is {one:g}, above 0" for name, one in told.items() if one > 0) or None


def _draw(
    tx: Transaction, study: Mapping[str, Any], row: StudyTrial, new: Mapping[int, Number], known: int
) -> None:
    """Write intermediate values as a curve: step s is its epoch s + 1; anew where some are written over."""
    branch = (row.search_id, row.number, 0)
    steps: Mapping[int, Number] = new
    if min(new) < known:
        measurements.cut(tx, branch, 1)
        steps = {int(step): value for step, value in orjson.loads(row.document)["steps"].items()}
    runs: list[tuple[int, list[list[float | None]]]] = []  # steps without a gap: the first epoch, the rows
    for step in sorted(step for step in steps if step < LAST_EPOCH):
        if not runs or sum((runs[-1][0], len(runs[-1][1]))) != step + 1:
            runs.append((step + 1, []))
        value = float(steps[step])
        runs[-1][1].append([value if math.isfinite(value) else None])
    names = (studies.metrics_of(study)[0],)
    measurements.append_curves(tx, [CurvePiece(branch, first, names, rows) for first, rows in runs])


def _note_best(tx: Transaction, study: Mapping[str, Any], rows: Sequence[StudyTrial]) -> None:
    """Note the best of some trials as the best of their study, unless that has a better one."""
    direction = study["directions"][0]
    sign = -1.0 if direction == "maximize" else 1.0
    valued = [(sign * row.value, row.number, row) for row in rows if row.value is not None]
    if valued:
        _, number, row = min(valued)
        assert row.value is not None
        search_rows.note_best(tx, row.search_id, number, row.value, direction)


def told(row: StudyTrial) -> dict[str, Any]:
    """Return what a trial's script reads of it beside its document."""
    return {"number": row.number, "state": STATES[row.state], "started": row.started, "ended": row.ended}


def shown(row: StudyTrial) -> dict[str, Any]:
    """Return a trial as its script reads it, ready for JSON."""
    return {**told(row), "document": orjson.Fragment(row.document)}
