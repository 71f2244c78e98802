"""Submitting a search: everything wrong is said at once, or the search is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from caviar import trainers
from caviar.search.problem import SearchError
from caviar.search.spec import SearchSpec
from caviar.service.errors import ConflictError, FieldProblem, RefusedError
from caviar.service.store import audit, search_labels
from caviar.service.store import searches as search_rows
from caviar.service.store.blobs import Blobs
from caviar.service.store.database import Database
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.starting_models import StoredStartingModel
from caviar.service.store.summary import agents_alive
from caviar.service.store.tables import SPEC_VERSION
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import (
    datasets,
    populations,
    starting_model,
    submit_data,
    submit_effects,
    submit_model,
    warm_start,
)
from caviar.service.usecases.names import name_problems
from caviar.service.usecases.starting_model import Content
from caviar.service.usecases.submit_checks import (
    spec_names,
    target_problems,
    trainer_problems,
    with_direction,
)
from caviar.trainer.data.more_rows import other_sources

ROUNDS = 8  # of taking out what is wrong, until the rest of a submission can be read
Resolve = Callable[[Mapping[str, Any]], dict[str, Any]]


def check(data: Any, resolve: Resolve = dict) -> SearchSpec:
    """Read and check a search as submitted, its data sets found by `resolve`. Raises RefusedError."""
    return _checked(data, lambda spec: _search_problems(spec, resolve))


def check_change(before: Any, after: Any, resolve: Resolve = dict) -> SearchSpec:
    """Read and check a search that is edited; what was wrong before, by rules of today, may stay.

    Raises RefusedError.
    """
    known = _search_problems(SearchSpec.parse(before), resolve)
    return _checked(after, lambda spec: [one for one in _search_problems(spec, resolve) if one not in known])


def accept(store: Database, blobs: Blobs, data: Any) -> tuple[SearchSpec, Content | None]:
    """Read and check a search with what the store knows: uploaded data, what it starts from.

    Returns it with the model that its trials start from. Raises RefusedError.
    """
    with store.reading() as snapshot:
        found = starting_model.named_in(snapshot, blobs, data)
        spec = _checked(
            found.data, lambda spec: [*found.problems, *_all_problems(spec, snapshot, found.model)]
        )
        return spec, found.model


def _checked(data: Any, problems_of: Callable[[SearchSpec], list[FieldProblem]]) -> SearchSpec:
    """Read a search and ask for its problems; where it cannot be read, for those of what is sound in it."""
    try:
        spec = SearchSpec.parse(data)
    except SearchError as error:
        sound = _sound(data, error.problems)
        raise refused([*error.problems, *(problems_of(sound) if sound else ())]) from None
    problems = problems_of(spec)
    if problems:
        raise refused(problems)
    return with_direction(spec)


def _sound(data: Any, problems: Sequence[Any]) -> SearchSpec | None:
    """Read a search without all that is wrong in it; None if nothing can be made of it."""
    if not isinstance(data, dict):
        return None
    for _ in range(ROUNDS):
        data = {"space": {}, "budget": {"trials": 1}, **_without(data, [one.field for one in problems])}
        try:
            return SearchSpec.parse(data)
        except SearchError as error:
            problems = error.problems
    return None


def _without(data: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """Take fields out: one parameter or setting where it is named, else the whole part of the search."""
    kept = {key: dict(value) if isinstance(value, dict) else value for key, value in data.items()}
    for field in fields:
        part, _, rest = field.partition(".")
        inner, name = kept.get(part), rest.split(".")[0]
        if name and part in ("space", "settings", "dataset") and isinstance(inner, dict):
            inner.pop(name, None)
        else:
            kept.pop(part, None)
    return kept


def _search_problems(spec: SearchSpec, resolve: Resolve) -> list[FieldProblem]:
    """Say what is wrong with data sets, settings and the rest, which only a trainer can tell."""
    try:
        resolve(spec.dataset)
    except RefusedError as error:
        found = list(error.problems)
    else:
        found = []
    # Of files and names of data sets the trainer knows its own alone: what was resolved has the say.
    judged = {one.field for one in found} | _named(spec.dataset)
    return [*found, *(one for one in trainer_problems(spec) if one.field not in judged)]


def _all_problems(spec: SearchSpec, snapshot: Snapshot, model: Content | None) -> list[FieldProblem]:
    """Say also what is wrong with uploaded data and with the search or model that this one starts from."""
    looked: list[FieldProblem] = []

    def resolve(dataset: Mapping[str, Any]) -> dict[str, Any]:
        resolved = datasets.resolve(snapshot, dataset)
        looked.extend(submit_data.problems_of(snapshot, resolved, spec.trainer))
        looked.extend(target_problems(spec, *submit_data.target_of(snapshot, resolved)))
        known = datasets.described(snapshot, str(resolved.get("name")))
        looked.extend(submit_effects.augmentation_problems(spec, resolved, known))
        if model is not None:
            looked.extend(submit_model.problems_of(spec, model.saved, known))
        return resolved

    found = [*name_problems(spec_names(spec)), *_search_problems(spec, resolve), *looked]
    try:
        warm_start.resolved(snapshot, spec)  # submit() does it again
    except RefusedError as error:
        found += error.problems
    return found


def _named(dataset: Mapping[str, Any]) -> set[str]:
    """Name the fields that name data sets."""
    others = {f"dataset.{part}": one for part, one in other_sources(dataset).items()}
    parts = [("dataset", dataset), *others.items()]
    return {f"{field}.name" for field, part in parts if isinstance(part, Mapping) and part.get("name")}


def refused(problems: Any) -> RefusedError:
    """Make the error of a list of problems; its text says the first ones."""
    found = [FieldProblem(one.field or "body", one.message, one.remedy) for one in problems]
    return RefusedError.of_all(found)


def submit(
    tx: Transaction,
    spec: SearchSpec,
    key: str | None = None,
    workers: int = 0,
    model: StoredStartingModel | None = None,
) -> tuple[int, bool]:
    """Store a search; give its id, and whether it is new (False: this key was used for it before).

    `workers` is how many agents for it the server starts by itself: they may not have come yet. `model` is
    the copy of that which its trials start from.

    Raises ConflictError when the key was used for another search, RefusedError when there is nothing to warm
    start from, or when a data set was deleted since `accept` found it.
    """
    text = orjson.dumps(spec.submitted(), option=orjson.OPT_SORT_KEYS)
    digest = hashlib.sha256(text).hexdigest()
    if key is not None and (used := search_rows.key_used(tx, key)) is not None:
        if used[0] != digest:
            raise ConflictError(f"the Idempotency-Key {key!r} was used for another search; use a new one")
        return int(used[1]), False
    datasets.resolve(tx, spec.dataset)
    # After the digest: a repeated submission is the same one, whatever the earlier search has found since.
    resolved = populations.with_varied(_with_parallel(tx, warm_start.resolved(tx, spec), workers))
    search = search_rows.insert_search(tx, **_columns(tx, resolved))
    starting_model.keep(tx, search, model)
    search_labels.set_tags(tx, search, resolved.tags)
    audit.record(tx, "submit", search, after={"name": resolved.name, "trials": resolved.total})
    if key is not None:
        search_rows.use_key(tx, key, digest, search)
    tx.wake = True
    return search, True


def _with_parallel(tx: Transaction, spec: SearchSpec, workers: int) -> SearchSpec:
    """Write down how many agents may train a search that does not say: as many as there are.

    What is kept must not change with the agents: the lag, and so the trials, follow from it.
    """
    if "parallel" in spec.model_fields_set or spec.mode == "panda":
        return spec
    own = workers if spec.trainer in trainers.names() else 0
    agents = max(own, len(agents_alive(tx, spec.trainer, spec.resources)))
    return spec.model_copy(update={"parallel": max(1, min(agents, spec.budget.trials))})


def _columns(tx: Transaction, spec: SearchSpec) -> Mapping[str, Any]:
    # The lag too is written into what is kept: later edits of `parallel` must not change what trials may see.
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
