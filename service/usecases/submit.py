"""Submitting a search: everything wrong is said at once, or the search is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from search.problem import SearchError
from search.spec import SearchSpec
from service import trainers
from service.errors import ConflictError, FieldProblem, RefusedError
from service.ports import Store
from service.store import searches as search_rows
from service.store.tables import SPEC_VERSION
from service.store.transaction import Transaction
from service.usecases import datasets, warm_start

EXTERNAL = "external"  # no plugin: a user's own script trains


def check(data: Any, resolve: Callable[[Mapping[str, Any]], dict[str, Any]] = dict) -> SearchSpec:
    """Read and check a search as submitted, its data sets found by `resolve`. Raises RefusedError."""
    try:
        spec = SearchSpec.parse(data)
    except SearchError as error:
        raise refused(error.problems) from None
    uploaded = _uploaded(resolve(spec.dataset))
    problems = [one for one in trainer_problems(spec) if one.field not in uploaded]
    if problems:
        raise refused(problems)
    return spec


def _uploaded(dataset: Mapping[str, Any]) -> set[str]:
    """Name the fields that name uploaded data sets: the trainer itself knows only its own."""
    parts = [("dataset", dataset), *((f"dataset.{part}", dataset.get(part)) for part in ("dev", "test"))]
    return {f"{field}.name" for field, part in parts if isinstance(part, Mapping) and "upload" in part}


def accept(store: Store, data: Any) -> SearchSpec:
    """Read and check a search with what the store knows (uploaded data sets). Raises RefusedError."""
    with store.reading() as connection:
        spec = check(data, lambda dataset: datasets.resolve(connection, dataset))
        warm_start.resolved(connection, spec)  # to say what is wrong with it; submit() does it again
        return spec


def refused(problems: Any) -> RefusedError:
    """Make the error of a list of problems; its text says the first ones."""
    found = [FieldProblem(one.field, one.message, one.remedy) for one in problems]
    return RefusedError("; ".join(f"{one.field}: {one.message}" for one in found[:5]), found)


def trainer_problems(spec: SearchSpec) -> list[Any]:
    """Ask the trainer what is wrong with data set, settings and the corners of the space."""
    if spec.trainer == EXTERNAL:
        return []
    trainer = trainers.get(spec.trainer)
    if trainer is None:
        known = ", ".join(trainers.names())
        return [
            FieldProblem("trainer", f"{spec.trainer!r} is not installed on this server", f"known: {known}")
        ]
    problems: dict[tuple[str, str], Any] = {}
    fixed = {k: v for k, v in spec.settings.items() if k not in spec.space.names}
    for settings in ({**fixed, **point} for point in corners(spec)):
        for problem in trainer.check(settings, spec.dataset):
            field = _field(problem.field, spec)
            problems.setdefault(
                (field, problem.message), FieldProblem(field, problem.message, problem.remedy)
            )
    for position, turn in enumerate(spec.schedule):
        for problem in _schedule_problems(trainer, {**fixed, **turn.set}, turn.set, spec):
            place = f"schedule.{position}.set.{problem.field.removeprefix('settings.')}"
            problems[place, problem.message] = FieldProblem(place, problem.message, problem.remedy)
    return list(problems.values())


def _schedule_problems(
    trainer: Any, settings: Mapping[str, Any], turn: Mapping[str, Any], spec: SearchSpec
) -> list[Any]:
    """Say what is wrong with one turn of a schedule: only what may change while a trial runs can be in it."""
    steerable = [info.name for info in trainer.settings() if getattr(info, "steerable", False)]
    remedy = f"changeable: {', '.join(steerable)}"
    found: list[Any] = [
        FieldProblem(name, "cannot change while a trial runs", remedy)
        for name in turn
        if name not in steerable
    ]
    wrong = trainer.check(settings, spec.dataset)
    return found + [one for one in wrong if one.field.removeprefix("settings.").split(".")[0] in turn]


def corners(spec: SearchSpec) -> list[dict[str, Any]]:
    """Give the points at both ends and in the middle of the space: where settings go out of range first."""
    dimensions = spec.space.dimensions
    return [spec.space.from_unit([share] * dimensions) for share in (0.0, 0.5, 1.0)]


def _field(field: str, spec: SearchSpec) -> str:
    """Name a setting where the user wrote it: in the space if it is searched."""
    name = field.removeprefix("settings.").split(".")[0].split("[")[0]
    if field.startswith("dataset"):
        return field
    return f"space.{name}" if name in spec.space.names else f"settings.{field.removeprefix('settings.')}"


def submit(tx: Transaction, spec: SearchSpec, key: str | None = None) -> tuple[int, bool]:
    """Store a search; give its id, and whether it is new (False: this key was used for it before).

    Raises ConflictError when the key was used for another search, RefusedError when there is nothing to warm
    start from.
    """
    text = orjson.dumps(spec.submitted(), option=orjson.OPT_SORT_KEYS)
    digest = hashlib.sha256(text).hexdigest()
    if key is not None and (used := search_rows.key_used(tx, key)) is not None:
        if used.digest != digest:
            raise ConflictError(f"the Idempotency-Key {key!r} was used for another search; use a new one")
        return int(used.search_id), False
    # After the digest: a repeated submission is the same one, whatever the earlier search has found since.
    search = search_rows.insert_search(tx, **_columns(tx, warm_start.resolved(tx.connection, spec)))
    if key is not None:
        search_rows.use_key(tx, key, digest, search)
    tx.wake = True
    return search, True


def _columns(tx: Transaction, spec: SearchSpec) -> Mapping[str, Any]:
    # The lag is written into what is kept: later edits of `parallel` must not change what trials may see.
    kept = {**spec.submitted(), "lag": spec.resolved_lag()}
    return {
        "name": spec.name,
        "note": spec.note,
        "switch": "active",
        "mode": spec.mode,
        "spec": orjson.dumps(kept).decode(),
        "spec_version": SPEC_VERSION,
        "version": 1,
        "parallel": spec.parallel,
        "lag": spec.resolved_lag(),
        "total": spec.total,
        "by_hand": 0,
        "seed": spec.seed,
        "proposed": 0,
        "exhausted": False,
        "created": tx.now,
    }
