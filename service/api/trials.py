"""Trials over REST: pages, the best, columns, one trial with its curve."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from caviar.service.api import answers, records
from caviar.service.api.common import answer
from caviar.service.api.searches import Limit
from caviar.service.api.services import Services
from caviar.service.ids import TrialId, trial_id
from caviar.service.store import curves, pages, reads
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases import diagnosing
from caviar.service.usecases.rerun import rerun, rerun_all


class Attempts(BaseModel):
    """Attempts that did not end their trial, or ended it as failed."""

    items: list[records.Attempt]


def router(services: Services) -> APIRouter:
    """Serve trials below the prefix of the API."""
    routes = APIRouter(tags=["trials"])
    store, proposer, columns = services.store, services.proposer, services.columns

    @routes.get("/searches/{search}/trials", response_model=records.TrialPage, summary="List trials")
    async def list_trials(
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
        wish = pages.Wish(sort, state, tuple(filter or ()), limit, cursor)
        body = await store.read(lambda snapshot: pages.trials_page(snapshot, search, wish, columns))
        return answer(body)

    @routes.get("/searches/{search}/best", response_model=records.Trials, summary="The best trials")
    async def best_trials(search: int, k: Limit = 5) -> Response:
        rows = await store.read(lambda snapshot: reads.best(snapshot, search, k))
        return answer({"items": [records.trial(row) for row in rows]})

    @routes.get("/trials/{name}", response_model=records.Trial, summary="Read a trial")
    async def read_trial(name: str) -> Response:
        trial = trial_id(name)
        return answer(records.trial(await store.read(lambda snapshot: reads.trial_row(snapshot, trial))))

    @routes.post(
        "/trials/{name}/rerun",
        status_code=201,
        response_model=records.Trial,
        summary="Run a failed or cancelled trial again",
    )
    async def rerun_trial(name: str) -> Response:
        trial = trial_id(name)
        made = trial_id(await store.write(lambda tx: rerun(tx, proposer, trial)))
        return answer(records.trial(await store.read(lambda snapshot: reads.trial_row(snapshot, made))), 201)

    @routes.post(
        "/searches/{search}/rerun",
        status_code=201,
        response_model=records.Trials,
        summary="Run all failed or cancelled trials again",
    )
    async def rerun_trials(
        search: int, state: Annotated[str, Query(description="failed or cancelled")] = "failed"
    ) -> Response:
        made = await store.write(lambda tx: rerun_all(tx, proposer, search, state))
        rows = await store.read(lambda snapshot: [reads.trial_row(snapshot, trial_id(name)) for name in made])
        return answer({"items": [records.trial(row) for row in rows]}, 201)

    @routes.get("/trials/{name}/curve", response_model=answers.Curve, summary="Its learning curve")
    async def read_curve(
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
        return answer(await store.read(lambda snapshot: _curve(snapshot, trial, points)))

    @routes.get(
        "/trials/{name}/attempts", response_model=Attempts, summary="Attempts that were lost or failed"
    )
    async def read_attempts(name: str) -> Response:
        trial = trial_id(name)

        def query(snapshot: Snapshot) -> list[dict[str, Any]]:
            reads.trial_row(snapshot, trial)
            return reads.attempts_of(snapshot, trial)

        return answer({"items": await store.read(query)})

    @routes.get(
        "/trials/{name}/diagnosis",
        response_model=diagnosing.DiagnosisRecord,
        summary="Bias, variance, and what to do next",
    )
    async def read_diagnosis(name: str) -> Response:
        trial = trial_id(name)
        return answer(await store.read(lambda snapshot: diagnosing.diagnose(snapshot, trial)))

    return routes


def _curve(snapshot: Snapshot, trial: TrialId, points: int | None) -> dict[str, Any]:
    reads.trial_row(snapshot, trial)
    objective = orjson.loads(reads.search_row(snapshot, trial.search).spec).get("objective", {})
    metric = objective.get("metric", "dev_error")
    return curves.read(snapshot, trial.search, trial.number, points, metric)
