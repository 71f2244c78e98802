"""What the pictures of a search draw, over REST: columns rather than records, thinned on request."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response

from caviar.service.api import answers, records
from caviar.service.api.services import App
from caviar.service.store import columns, curves, figures
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases import analysis, fronts
from caviar.service.usecases.courses import CoursePart
from caviar.trial_fields import TIMES

router = APIRouter(prefix="/searches/{search}", tags=["figures"])
Points = Annotated[
    int | None,
    Query(ge=10, le=100_000, description="of more trials, the best and an even spread of about so many"),
]


@router.get(
    "/history",
    response_model=answers.CourseOfSearch,
    summary="Values in order of completion, with the best so far",
)
async def read_history(services: App, search: int, points: Points = None) -> Response:
    def query(snapshot: Snapshot) -> bytes:
        return _course(services.courses.read(snapshot, search, points))

    return _json(await services.store.read(query))


@router.get("/columns", response_model=answers.TrialColumns, summary="Fields of trials as columns")
async def read_columns(
    services: App,
    search: int,
    fields: Annotated[str, Query(description="comma-separated")] = "number,value,state",
    limit: Annotated[int, Query(ge=1, le=1_000_000)] = 1_000_000,
    points: Points = None,
) -> Response:
    names = [name.strip() for name in fields.split(",") if name.strip()]

    def query(snapshot: Snapshot) -> bytes:
        def make() -> dict[str, Any]:
            which = None if points is None else figures.thinned(snapshot, search, points)
            return _columns(columns.read(snapshot, search, names, limit, which))

        return services.answers.get(snapshot, search, ("columns", *names, limit, points), make, live=True)

    return _json(await services.store.read(query))


@router.get(
    "/curves",
    response_model=answers.CurveList,
    summary="Learning curves of the leading trials and of some others",
)
async def read_curves(
    services: App,
    search: int,
    metric: Annotated[str | None, Query(description="by default that of the objective")] = None,
    leading: Annotated[int, Query(ge=0, le=100)] = 10,
    others: Annotated[int, Query(ge=0, le=500)] = 100,
) -> Response:
    def query(snapshot: Snapshot) -> bytes:
        def make() -> dict[str, Any]:
            return _curves(search, figures.leading_and_others(snapshot, search, metric, leading, others))

        return services.answers.get(snapshot, search, ("curves", metric, leading, others), make, live=True)

    return _json(await services.store.read(query))


@router.get(
    "/timeline", response_model=answers.Timeline, summary="Timeline: which agent trained what, and when"
)
async def read_timeline(services: App, search: int) -> Response:
    def query(snapshot: Snapshot) -> bytes:
        def make() -> dict[str, Any]:
            found = figures.timeline(snapshot, search)
            return {**vars(found), "origin": records.iso(found.origin)}

        return services.answers.get(snapshot, search, ("timeline",), make, live=True)

    return _json(await services.store.read(query))


@router.get("/front", response_model=answers.Front, summary="The Pareto front, and the hypervolume")
async def read_front(services: App, search: int) -> Response:
    def query(snapshot: Snapshot) -> bytes:
        def make() -> dict[str, Any]:
            return _front(search, fronts.read_front(snapshot, search))

        return services.answers.get(snapshot, search, ("front",), make, live=True)

    return _json(await services.store.read(query))


@router.get("/importance", response_model=answers.Importance, summary="How much each parameter matters")
async def read_importance(services: App, search: int) -> Response:
    def query(snapshot: Snapshot) -> bytes:
        def make() -> dict[str, Any]:
            found = analysis.read_importance(snapshot, search)
            items = [{"parameter": name, "importance": share} for name, share in found.shares.items()]
            return {"items": items, "trials": found.trials, "reason": found.reason}

        return services.answers.get(snapshot, search, ("importance",), make)

    return _json(await services.store.read(query))


@router.get(
    "/rounds", name="rounds", response_model=answers.Rounds, summary="Where coarse to fine looked, and why"
)
async def read_rounds(services: App, search: int) -> Response:
    def query(snapshot: Snapshot) -> bytes:
        def make() -> dict[str, Any]:
            found = services.rounds.read(snapshot, search)
            return {"items": [_round(search, one) for one in found.items], "reason": found.reason}

        return services.answers.get(snapshot, search, ("rounds",), make)

    return _json(await services.store.read(query))


@router.get(
    "/standings",
    name="standings",
    response_model=answers.Standings,
    summary="Leaders retrained with fresh seeds",
)
async def read_standings(services: App, search: int) -> Response:
    def query(snapshot: Snapshot) -> bytes:
        def make() -> dict[str, Any]:
            found = analysis.read_standings(snapshot, search)
            winner = None if found.winner is None else _leader(found.winner)
            items = list(map(_leader, found.items))
            return {"items": items, "winner": winner, "reason": found.reason, "text": found.text}

        return services.answers.get(snapshot, search, ("standings",), make)

    return _json(await services.store.read(query))


@router.get(
    "/remaining", name="remaining", response_model=answers.Outlook, summary="What further trials may bring"
)
async def read_remaining(services: App, search: int) -> Response:
    def query(snapshot: Snapshot) -> bytes:
        def make() -> dict[str, Any]:
            found, left = analysis.read_remaining(snapshot, search)
            return {**asdict(found), "left": left}

        return services.answers.get(snapshot, search, ("remaining",), make)

    return _json(await services.store.read(query))


def _course(part: CoursePart) -> bytes:
    shown = {**vars(part), "ended": [records.iso(time) for time in part.ended.tolist()]}
    return orjson.dumps(shown, option=orjson.OPT_SERIALIZE_NUMPY)


def _front(search: int, found: fronts.Front) -> dict[str, Any]:
    objectives = [
        {"metric": one.metric, "direction": one.direction, "reference": at if math.isfinite(at) else None}
        for one, at in zip(found.spec.objectives, found.reference, strict=False)
    ]
    items = [
        {
            "trial": f"{search}.{found.numbers[place]}",
            "number": found.numbers[place],
            "values": found.values[place].tolist(),
            "params": orjson.loads(found.params.get(found.numbers[place], "{}")),
        }
        for place in found.best
    ]
    shown = {"number": found.numbers, "hypervolume": found.hypervolumes, "values": found.values.T.tolist()}
    return {"objectives": objectives, "items": items, **shown, "reason": found.reason}


def _columns(found: columns.TrialColumns) -> dict[str, Any]:
    shown = {
        name: [records.iso(time) for time in values] if name in TIMES else values
        for name, values in found.columns.items()
    }
    return {"total": found.total, "columns": shown}


def _curves(search: int, found: figures.Curves) -> dict[str, Any]:
    items = [
        {
            "trial": f"{search}.{one.number}",
            "number": one.number,
            "state": one.state,
            "leading": one.leading,
            "epoch": list(range(1, len(one.values) + 1)),
            "values": curves.floats(one.values),
        }
        for one in found.items
    ]
    return {"metric": found.metric, "items": items, "total": found.total}


def _round(search: int, one: analysis.BoxRound) -> dict[str, Any]:
    trials = [f"{search}.{number}" for number in one.round.trials]
    return {**asdict(one.round), "box": list(map(_side, one.box)), "trials": trials}


def _side(side: analysis.Side) -> dict[str, Any]:
    if side.choices is not None:
        return {"parameter": side.parameter, "choices": side.choices}
    return {"parameter": side.parameter, "low": side.low, "high": side.high}


def _leader(one: analysis.Leader) -> dict[str, Any]:
    return {**vars(one), "params": orjson.Fragment(one.params)}


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
