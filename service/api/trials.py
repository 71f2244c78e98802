"""Trials over REST: pages, the best, columns, one trial with its curve."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from caviar.service.api import answers, records
from caviar.service.api.http import answer
from caviar.service.api.searches import Limit
from caviar.service.api.services import App
from caviar.service.ids import TrialId, trial_id
from caviar.service.store import curves, pages, reads
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.memory import Columns
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases.rerun import rerun, rerun_all


class Attempts(BaseModel):
    """Attempts that did not end their trial, or ended it as failed."""

    items: list[records.Attempt]


router = APIRouter(tags=["trials"])


@router.get("/searches/{search}/trials", response_model=records.TrialPage, summary="List trials")
async def list_trials(
    services: App,
    search: int,
    sort: Annotated[str, Query(description="a field, with - in front: descending")] = "number",
    state: Annotated[str | None, Query(description="states, comma-separated")] = None,
    filter: Annotated[
        list[str] | None,
        Query(description="such as params.l2<0.1 or value!=null; several, or with and: all hold"),
    ] = None,
    limit: Limit = 100,
    cursor: str | None = None,
) -> Response:
    wanted = pages.PageRequest(sort, state, tuple(filter or ()), limit, cursor)
    return answer(
        await services.store.read(lambda snapshot: _page(snapshot, search, wanted, services.columns))
    )


@router.get("/searches/{search}/best", response_model=records.Trials, summary="The best trials")
async def best_trials(services: App, search: int, k: Limit = 5) -> Response:
    rows = await services.store.read(lambda snapshot: reads.best(snapshot, search, k))
    return answer({"items": [records.trial(row) for row in rows]})


@router.get("/trials/{name}", response_model=records.Trial, summary="Read a trial")
async def read_trial(services: App, name: str) -> Response:
    trial = trial_id(name)
    return answer(records.trial(await services.store.read(lambda snapshot: trial_rows.get(snapshot, trial))))


@router.post(
    "/trials/{name}/rerun",
    status_code=201,
    response_model=records.Trial,
    summary="Rerun a failed or cancelled trial",
)
async def rerun_trial(services: App, request: Request, name: str) -> Response:
    trial = trial_id(name)
    made = trial_id(await services.write(request, lambda tx: rerun(tx, services.proposer, trial)))
    return answer(
        records.trial(await services.store.read(lambda snapshot: trial_rows.get(snapshot, made))), 201
    )


@router.post(
    "/searches/{search}/rerun",
    status_code=201,
    response_model=records.Trials,
    summary="Rerun all failed or cancelled trials",
)
async def rerun_trials(
    services: App,
    request: Request,
    search: int,
    state: Annotated[str, Query(description="failed or cancelled")] = "failed",
) -> Response:
    made = await services.write(request, lambda tx: rerun_all(tx, services.proposer, search, state))
    rows = await services.store.read(
        lambda snapshot: [trial_rows.get(snapshot, trial_id(name)) for name in made]
    )
    return answer({"items": [records.trial(row) for row in rows]}, 201)


@router.get("/trials/{name}/curve", response_model=answers.Curve, summary="Its learning curve")
async def read_curve(
    services: App,
    name: str,
    points: Annotated[
        int | None,
        Query(
            ge=10,
            le=100_000,
            description="of more epochs of a branch about so many, with the first, last and best",
        ),
    ] = None,
) -> Response:
    trial = trial_id(name)
    return answer(await services.store.read(lambda snapshot: _curve(snapshot, trial, points)))


@router.get("/trials/{name}/attempts", response_model=Attempts, summary="Attempts that were lost or failed")
async def read_attempts(services: App, name: str) -> Response:
    trial = trial_id(name)

    def query(snapshot: Snapshot) -> list[reads.StoredAttempt]:
        trial_rows.get(snapshot, trial)
        return reads.attempts_of(snapshot, trial)

    return answer({"items": [records.attempt(one) for one in await services.store.read(query)]})


def _page(snapshot: Snapshot, search: int, wanted: pages.PageRequest, columns: Columns) -> dict[str, Any]:
    """Shape a page in the reader's thread: a large one would hold up everybody else."""
    found = pages.trials_page(snapshot, search, wanted, columns)
    items = [records.trial(one) for one in found.items]
    return {"items": items, "next": found.next, "total": found.total}


def _curve(snapshot: Snapshot, trial: TrialId, points: int | None) -> dict[str, Any]:
    trial_rows.get(snapshot, trial)
    objective = orjson.loads(search_rows.get(snapshot, trial.search).spec).get("objective", {})
    metric = objective.get("metric", "dev_error")
    return curves.read(snapshot, trial.search, trial.number, points, metric)
