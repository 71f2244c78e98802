"""Studies of Optuna over REST: what `caviar.optuna.CaviarStorage` calls."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any, Literal

import orjson
from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from caviar.service.api.http import answer
from caviar.service.api.services import App
from caviar.service.errors import ConflictError
from caviar.service.store import studies as study_rows
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.studies import StoredStudy
from caviar.service.usecases import studies, study_trials
from caviar.service.usecases.study_trials import Change, Description, Key, Outcome

MOST = 5000  # trials in one call
BRIDGE = "caviar.search.optuna_bridge"


class NewStudy(BaseModel):
    """A study as Optuna makes one."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=512)
    directions: list[Literal["minimize", "maximize"]] = Field(min_length=1, max_length=1000)
    key: Key


class Attributes(BaseModel):
    """Attributes of a study, each as JSON."""

    model_config = ConfigDict(extra="forbid")

    user: dict[str, str] = Field(default_factory=dict)
    system: dict[str, str] = Field(default_factory=dict)


class NewTrials(BaseModel):
    """Trials to add; null: one that begins to run now."""

    model_config = ConfigDict(extra="forbid")

    trials: list[Description | None] = Field(min_length=1, max_length=MOST)
    key: Key
    again: bool = Field(default=False, description="An earlier call with this key was not answered.")
    after: int = Field(default=0, ge=0, description="The revision of the last reading.")


class Changes(BaseModel):
    """Changes of trials."""

    model_config = ConfigDict(extra="forbid")

    changes: list[Change] = Field(min_length=1, max_length=MOST)


class Study(BaseModel):
    """A study; its id is that of its search."""

    id: int
    name: str
    directions: list[str]
    user: dict[str, str]
    system: dict[str, str]


class Studies(BaseModel):
    """Studies by id."""

    items: list[Study]


class Outcomes(BaseModel):
    """What became of each change."""

    outcomes: list[Outcome]


class StudyTrials(BaseModel):
    """The trials that have changed, and the revision to ask from next time."""

    revision: int
    items: list[dict[str, Any]]


class Added(StudyTrials):
    """The number of the first trial added (null: the study is paused, ask again), and what has changed."""

    first: int | None


class Numbers(BaseModel):
    """Numbers of trials."""

    numbers: list[int] = Field(max_length=MOST)


router = APIRouter(prefix="/studies", tags=["studies"])


@router.post("", status_code=201, response_model=Study, summary="Create a study of Optuna")
async def create_study(services: App, request: Request, new: NewStudy) -> Response:
    made = await services.write(request, lambda tx: studies.create(tx, new.name, new.directions, new.key))
    if made is None:
        raise ConflictError(f"there is a study {new.name!r} already: load it, or take another name")
    return answer(_shown(await services.store.read(lambda snapshot: study_rows.get(snapshot, made))), 201)


@router.get("", response_model=Studies, summary="List studies, or find one by name")
async def list_studies(services: App, name: str | None = None) -> Response:
    found = await services.store.read(lambda snapshot: study_rows.named(snapshot, name))
    return answer({"items": [_shown(one) for one in found]})


@router.get("/{study}", response_model=Study, summary="Read a study")
async def read_study(services: App, study: int) -> Response:
    return answer(_shown(await services.store.read(lambda snapshot: study_rows.get(snapshot, study))))


@router.post("/{study}/attributes", status_code=204, summary="Set attributes of a study")
async def set_attributes(services: App, study: int, new: Attributes) -> Response:
    await services.store.write(lambda tx: studies.set_attributes(tx, study, new.user, new.system))
    return Response(status_code=204)


@router.post("/{study}/trials", status_code=201, response_model=Added, summary="Add trials to a study")
async def add_trials(services: App, study: int, new: NewTrials) -> Response:
    await _load_optuna()
    first = await services.store.write(
        lambda tx: study_trials.make(tx, study, new.key, new.trials, new.again)
    )
    changed = await services.store.read(lambda snapshot: _changed(snapshot, study, new.after))
    return answer({"first": first, **changed}, 201)


@router.get("/{study}/trials", response_model=StudyTrials, summary="Trials of a study that have changed")
async def read_trials(services: App, study: int, after: Annotated[int, Query(ge=0)] = 0) -> Response:
    return answer(await services.store.read(lambda snapshot: _changed(snapshot, study, after)))


@router.post("/{study}/changes", response_model=Outcomes, summary="Change trials of a study")
async def change_trials(services: App, study: int, new: Changes) -> Response:
    await _load_optuna()
    ask: tuple[int, Sequence[Change]] = (study, new.changes)
    return answer({"outcomes": await services.store.write_shared(study_trials.write, ask)})


@router.get("/{study}/silent", response_model=Numbers, summary="Running trials without a heartbeat of late")
async def read_silent(services: App, study: int, seconds: Annotated[float, Query(ge=0)]) -> Response:
    numbers = await services.store.read(
        lambda snapshot: study_rows.silent(snapshot, study, services.store.now(snapshot) - seconds)
    )
    return answer({"numbers": numbers})


@router.post("/{study}/rest", status_code=204, summary="Note that a script's loop has ended")
async def rest(services: App, study: int) -> Response:
    await services.store.write(lambda tx: studies.rest(tx, study))
    return Response(status_code=204)


async def _load_optuna() -> None:
    """Load Optuna, which takes a second, here rather than in the writer, for whom all others wait."""
    if BRIDGE not in sys.modules:
        await to_thread.run_sync(import_module, BRIDGE)


def _changed(snapshot: Snapshot, study: int, after: int) -> dict[str, Any]:
    """Return the trials of a study that changed after a revision. Raises NotFoundError."""
    study_rows.get(snapshot, study)
    revision, rows = study_rows.changed(snapshot, study, after)
    return {"revision": revision, "items": [study_trials.shown(row) for row in rows]}


def _shown(row: StoredStudy) -> dict[str, Any]:
    document = orjson.loads(row.document)
    return {"id": row.search_id, "name": row.name, **{k: v for k, v in document.items() if k != "key"}}
