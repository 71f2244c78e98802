"""The model that a search's trials start from (`init_from`): found, checked, and kept with the search.

What a search keeps is a copy: the trial it is of, and all of its search, may be deleted. In the search its
name is written with the digest of the file, as 3.17@sha256:..., so that its record says which model it was.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from caviar.search.spec import SearchSpec
from caviar.service.errors import FieldProblem, NotFoundError, RefusedError, UnavailableError
from caviar.service.ids import TrialId
from caviar.service.store import checkpoints, starting_models
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.blobs import Blobs, in_thread
from caviar.service.store.database import Database
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.starting_models import StoredStartingModel
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import datasets, submit_model
from caviar.trainer.problem import ProblemsError

MLP, SETTING, FIELD = "mlp", "init_from", "settings.init_from"
KIND = "safetensors"
KEPT = "one is kept of trials that were the best when they ended, and of long ones"
_NAME = re.compile(r"(\d{1,9})\.(\d{1,9})(?:@(sha256:[0-9a-f]{64}))?")


@dataclass(frozen=True)
class Content:
    """A model file that was read: the trial it is of, its digest and its bytes."""

    trial: str
    digest: str
    saved: bytes


@dataclass(frozen=True)
class Named:
    """A submission whose `init_from` was looked up.

    Attributes
    ----------
    data : Any
        The submission, with the digest of the model and what its network is.
    model : Content or None
        None where it names none, or none that can be used.
    problems : list of FieldProblem
    """

    data: Any
    model: Content | None = None
    problems: list[FieldProblem] = field(default_factory=list)


def named_in(snapshot: Snapshot, blobs: Blobs, data: Any) -> Named:
    """Look up the model that a submission names, and write its network into it."""
    if not isinstance(data, dict) or data.get("trainer", MLP) != MLP:
        return Named(data)
    settings, space = data.get("settings"), data.get("space")
    if isinstance(space, dict) and SETTING in space:
        message, remedy = "all trials of a search start from one model", f"write it as {FIELD}"
        return Named(data, None, [FieldProblem(f"space.{SETTING}", message, remedy)])
    if not isinstance(settings, dict) or settings.get(SETTING) is None:
        return Named(data)
    try:
        model = _read(snapshot, blobs, _name_of(snapshot, settings[SETTING]))
    except RefusedError as error:
        rest = {name: value for name, value in settings.items() if name not in (SETTING, "frozen_layers")}
        return Named({**data, "settings": rest}, None, list(error.problems))
    try:
        settings = {**settings, SETTING: f"{model.trial}@{model.digest}"}
        return Named(submit_model.with_network({**data, "settings": settings}, model.saved), model)
    except ProblemsError as error:
        message = f"the model of trial {model.trial} cannot be gone on from: {error.problems[0].message}"
        return Named(data, None, [FieldProblem(FIELD, message, "name a trial of the trainer mlp")])


def _name_of(snapshot: Snapshot, value: Any) -> tuple[TrialId, str | None]:
    """Return the trial that a value of `init_from` names, and the digest, if it says one.

    A number is what YAML makes of 3.17. It drops zeros at the end: 3.1 may have been 3.10.

    Raises RefusedError.
    """
    text = repr(value) if isinstance(value, float) else value
    match = _NAME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        message = f"{value!r:.80} does not name a trial"
        raise RefusedError.of(FIELD, message, 'name one whose model is kept, such as "3.17"')
    trial = TrialId(int(match[1]), int(match[2]))
    if isinstance(value, float):
        row = search_rows.find(snapshot, trial.search)
        if row is not None and trial.number and trial.number * 10 < row.proposed:
            remedy = f'write it in quotes: "{trial}" or "{trial}0"'
            raise RefusedError.of(FIELD, f"the number {text} may stand for {trial} or {trial}0", remedy)
    return trial, match[3]


def _read(snapshot: Snapshot, blobs: Blobs, named: tuple[TrialId, str | None]) -> Content:
    """Return the file of a model. Raises RefusedError where there is none that can be read."""
    trial, digest = named
    kept = None if digest is None else starting_models.by_digest(snapshot, digest)
    place = (kept.file, kept.digest) if kept else _model_of(snapshot, trial, digest)
    try:
        return Content(str(trial), place[1], blobs.read(*place))
    except OSError as error:
        message = f"the model of trial {trial} cannot be read: {error.strerror or error}"
        raise RefusedError.of(FIELD, message, "name another trial, or restore the data folder") from None


def _model_of(snapshot: Snapshot, trial: TrialId, digest: str | None) -> tuple[str, str]:
    """Return name and digest of the file of a trial's model. Raises RefusedError."""
    if trial not in trial_rows.states_of(snapshot, [trial]):
        raise RefusedError.of(FIELD, f"there is no trial {trial}", "name a trial of this server")
    number = checkpoints.newest_model(snapshot, trial)
    found = None if number is None else checkpoints.find(snapshot, number)
    if found is None:
        remedy = f"{KEPT}: name another, or train it again (caviar rerun {trial})"
        raise RefusedError.of(FIELD, f"trial {trial} has no stored model", remedy)
    if digest not in (None, found.digest):
        message = f"the model of trial {trial} is another one than {digest}"
        raise RefusedError.of(FIELD, message, f'name the trial alone: "{trial}"')
    return found.name, found.digest


async def copied(store: Database, blobs: Blobs, model: Content | None) -> StoredStartingModel | None:
    """Write a copy of a model for a search that is not stored yet. Raises UnavailableError."""
    if model is None:
        return None
    file = f"{store.identity}/models/{secrets.token_hex(16)}"
    try:
        await in_thread(blobs.write, file, [model.saved], model.digest)
    except OSError as error:
        raise UnavailableError(f"the model cannot be copied: {error.strerror or error}") from error
    return StoredStartingModel(0, model.trial, model.digest, len(model.saved), file)


def keep(tx: Transaction, search: int, model: StoredStartingModel | None) -> None:
    """Store with a search the model that its trials start from, if they do."""
    if model is not None:
        starting_models.add(tx, model._replace(search_id=search))


async def load(store: Database, blobs: Blobs, search: int) -> tuple[bytes, str]:
    """Return the bytes of the model that a search starts from, and their digest.

    Raises NotFoundError, UnavailableError when the file cannot be read.
    """
    row = await store.read(lambda snapshot: _of(snapshot, search))
    try:
        return await in_thread(blobs.read, row.file, row.digest), row.digest
    except OSError as error:
        message = f"the model that search {search} starts from cannot be read: {error.strerror or error}"
        raise UnavailableError(message) from None


def _of(snapshot: Snapshot, search: int) -> StoredStartingModel:
    search_rows.get(snapshot, search)
    found = starting_models.of_search(snapshot, search)
    if found is None:
        raise NotFoundError(f"the trials of search {search} start from no model")
    return found


def dataset_of(snapshot: Snapshot, spec: SearchSpec) -> dict[str, Any]:
    """Return where the examples of a search come from, and the model that its trials start from.

    Raises RefusedError when one of them is gone.
    """
    return _resolved(snapshot, spec.dataset, spec.settings, spec.trainer)


def dataset_of_stored(snapshot: Snapshot, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same for a search as it is stored."""
    return _resolved(
        snapshot, spec.get("dataset") or {}, spec.get("settings") or {}, spec.get("trainer") or MLP
    )


def _resolved(
    snapshot: Snapshot, dataset: Mapping[str, Any], settings: Mapping[str, Any], trainer: str
) -> dict[str, Any]:
    resolved = datasets.resolve(snapshot, dataset)
    name = settings.get(SETTING)
    if name is None or trainer != MLP:
        return resolved
    trial, _, digest = str(name).partition("@")
    kept = starting_models.by_digest(snapshot, digest)
    if kept is None:
        message = f"the model of trial {trial}, which trials start from, is gone"
        raise RefusedError.of(FIELD, message, "submit the search again with another model")
    upload = {"id": kept.search_id, "digest": kept.digest, "kind": KIND}
    return {**resolved, SETTING: {"name": trial, "upload": upload}}
