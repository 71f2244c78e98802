"""Re-tests over REST: the winners of a search trained again, on newer data, also on a schedule."""

from __future__ import annotations

from typing import Any, Literal

import orjson
from anyio import to_thread
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from caviar.service.api.http import answer
from caviar.service.api.records import Record, iso
from caviar.service.api.services import App
from caviar.service.store import retests as rows
from caviar.service.store import searches as search_rows
from caviar.service.store.retests import StoredRetest, StoredSchedule
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import retests
from caviar.service.usecases.retests import Wish

router = APIRouter(prefix="/searches/{search}/retests", tags=["searches"])
Reason = Literal["columns", "target", "relation", "error"]


class NewRetest(BaseModel):
    """What to re-test, and how often."""

    model_config = ConfigDict(extra="forbid")
    data: str | dict[str, JsonValue] | None = Field(
        None,
        description="newer data: a data set's name, the beginning of one and * for the newest of these, or a "
        "dataset object; what the search says of target, split and so on holds. null: the same data",
    )
    leaders: int = Field(retests.LEADERS, ge=1, le=20, description="winners that are trained again")
    seeds: int = Field(retests.SEEDS, ge=2, le=50, description="trainings of each, on each data")
    fresh: int = Field(0, ge=0, le=1000, description="trials of a fresh search on the newer data; 0: none")
    every: float | None = Field(
        None, ge=60, le=366 * 86400, description="seconds after which to re-test it again; null: once"
    )


class RetestedWinner(Record):
    """A winner's trainings on the earlier and on the newer data."""

    trial: str
    params: dict[str, Any]
    values_before: list[float]
    values_after: list[float]
    before: float = Field(description="mean, as `after`")
    after: float
    spread_before: float | None = Field(description="standard deviation, as `spread_after`")
    spread_after: float | None
    rank_before: int
    rank_after: int
    low: float | None = Field(description="of the 95 % interval of after - before; null: nothing tells it")
    high: float | None
    p: float | None = Field(description="Welch's t-test with the chance that rows bring; not yet corrected")


class MovedPart(Record):
    """A column that was compared."""

    name: str
    p: float = Field(description="corrected by Holm for the number of columns")
    what: str


class RetestReport(Record):
    """What a re-test has found."""

    same_data: bool
    reasons: list[Reason] = Field(description="why it has drifted, the main one first")
    chances: dict[str, float] = Field(
        description="p of the families columns, target, model (the earlier one, on newer rows) and error "
        "(trained again), corrected for all of them"
    )
    winners: list[RetestedWinner]
    columns: list[MovedPart] = Field(description="the clearest first")
    target: MovedPart | None
    fresh: dict[str, Any] | None = Field(description="the winner of the fresh search, and whether it beats")
    text: list[str]


class Retest(Record):
    """A re-test of a search."""

    id: int
    search: int
    nth: int
    created: str
    who: str | None
    data: dict[str, Any] | None = Field(description="null: the same data")
    seeds: int
    state: Literal["running", "ended", "failed"]
    ended: str | None
    drifted: bool | None = Field(description="it has failed: something moved, or the error is worse")
    baseline: int = Field(description="the search that trains the winners on the earlier data")
    again: int = Field(description="the one on the newer data")
    fresh: int | None = Field(description="the fresh search")
    problem: str | None = Field(description="why it came to nothing")
    report: RetestReport | None


class RetestSchedule(Record):
    """How often a search is re-tested."""

    every: float = Field(description="seconds")
    due: str
    who: str | None
    data: Any
    leaders: int
    seeds: int
    fresh: int
    problem: str | None = Field(description="why the last one could not begin")


class Retests(Record):
    """The re-tests of a search, the newest first."""

    items: list[Retest]
    schedule: RetestSchedule | None


@router.post("", status_code=201, response_model=Retest, summary="Train its winners again, on newer data")
async def create_retest(services: App, request: Request, search: int, new: NewRetest) -> Response:
    wish = Wish(new.data, new.leaders, new.seeds, new.fresh)
    made = await to_thread.run_sync(retests.plan, services.store, services.blobs, search, wish)
    models = await retests.copies(services.store, services.blobs, made)
    workers = services.config.workers_for(made.again.resources)

    def work(tx: Transaction) -> StoredRetest:
        begun = retests.begin(tx, made, workers, models)
        if new.every is not None:
            retests.schedule(tx, search, wish, new.every)
        return begun

    return answer(shown(await services.write(request, work)), 201)


@router.get("", response_model=Retests, summary="Its re-tests, and their schedule")
async def list_retests(services: App, search: int) -> Response:
    def look(snapshot: Snapshot) -> tuple[list[StoredRetest], StoredSchedule | None]:
        search_rows.get(snapshot, search)
        return rows.of_search(snapshot, search), rows.schedule_of(snapshot, search)

    found, schedule = await services.store.read(look)
    told = None if schedule is None else _schedule(schedule)
    return answer({"items": [shown(one) for one in found], "schedule": told})


@router.delete("/schedule", status_code=204, summary="Re-test it no more on a schedule")
async def delete_schedule(services: App, request: Request, search: int) -> Response:
    await services.write(request, lambda tx: retests.unschedule(tx, search))
    return Response(status_code=204)


def _schedule(row: StoredSchedule) -> dict[str, Any]:
    return {
        "every": row.seconds,
        "due": iso(row.due),
        "who": row.who,
        "problem": row.problem,
        **orjson.loads(row.wish),
    }


def shown(row: StoredRetest) -> dict[str, Any]:
    """Return a re-test as `Retest`, ready for JSON."""
    report = None if row.report is None else orjson.loads(row.report)
    if report is not None:
        data = report.pop("data") or {}
        target = data.get("target")
        report["columns"] = data.get("columns", [])
        report["target"] = None if target is None else {"name": "target", **target}
    return {
        "id": row.id,
        "search": row.search_id,
        "nth": row.nth,
        "created": iso(row.created),
        "who": row.who,
        "data": None if row.data is None else orjson.loads(row.data),
        "seeds": row.seeds,
        "state": row.state,
        "ended": iso(row.ended),
        "drifted": row.drifted,
        "baseline": row.baseline,
        "again": row.again,
        "fresh": row.fresh,
        "problem": row.problem,
        "report": report,
    }
