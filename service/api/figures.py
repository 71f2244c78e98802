"""What the pictures draw, over REST: columns rather than records, thinned on request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from caviar.service.api import answers, search_text
from caviar.service.api.services import Services
from caviar.service.store import columns, figures
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases import export, outlook
from caviar.service.usecases.figures import Figures, importances

Points = Annotated[
    int | None,
    Query(ge=10, le=100_000, description="of more trials, the best and an even spread of about so many"),
]
Reading = Callable[[Snapshot, int], dict[str, Any]]


def router(services: Services) -> APIRouter:
    """Serve the data of pictures below the prefix of the API."""
    routes = APIRouter(prefix="/searches", tags=["figures"])
    store, kept = services.store, Figures()

    @routes.get(
        "/{search}/history",
        response_model=answers.CourseOfSearch,
        summary="Values in order of ending, with the best so far",
    )
    async def read_history(search: int, points: Points = None) -> Response:
        return _json(await store.read(lambda snapshot: kept.history(snapshot, search, points)))

    @routes.get(
        "/{search}/columns", response_model=answers.TrialColumns, summary="Fields of trials as columns"
    )
    async def read_columns(
        search: int,
        fields: Annotated[str, Query(description="comma-separated")] = "number,value,state",
        limit: Annotated[int, Query(ge=1, le=1_000_000)] = 1_000_000,
        points: Points = None,
    ) -> Response:
        names = [name.strip() for name in fields.split(",") if name.strip()]

        def query(snapshot: Snapshot) -> bytes:
            def make() -> dict[str, Any]:
                which = None if points is None else figures.thinned(snapshot, search, points)
                return columns.read(snapshot, search, names, limit, which)

            return kept.kept(snapshot, search, ("columns", *names, limit, points), make, live=True)

        return _json(await store.read(query))

    @routes.get(
        "/{search}/curves",
        response_model=answers.CurveList,
        summary="Learning curves of the leading trials and of some others",
    )
    async def read_curves(
        search: int,
        metric: Annotated[str | None, Query(description="by default that of the objective")] = None,
        leading: Annotated[int, Query(ge=0, le=100)] = 10,
        others: Annotated[int, Query(ge=0, le=500)] = 100,
    ) -> Response:
        def query(snapshot: Snapshot) -> bytes:
            return kept.kept(
                snapshot,
                search,
                ("curves", metric, leading, others),
                lambda: figures.leading_and_others(snapshot, search, metric, leading, others),
                live=True,
            )

        return _json(await store.read(query))

    @routes.get(
        "/{search}/timeline", response_model=answers.Timeline, summary="Which agent trained what, and when"
    )
    async def read_timeline(search: int) -> Response:
        return _json(
            await store.read(
                lambda snapshot: kept.kept(
                    snapshot, search, ("timeline",), lambda: figures.timeline(snapshot, search), live=True
                )
            )
        )

    @routes.get(
        "/{search}/importance", response_model=answers.Importance, summary="How much each parameter matters"
    )
    async def read_importance(search: int) -> Response:
        return _json(
            await store.read(
                lambda snapshot: kept.kept(
                    snapshot, search, ("importance",), lambda: importances(snapshot, search)
                )
            )
        )

    def kept_route(name: str, summary: str, model: type[BaseModel], make: Reading) -> None:
        @routes.get(f"/{{search}}/{name}", summary=summary, response_model=model, name=name)
        async def read(search: int) -> Response:
            def query(snapshot: Snapshot) -> bytes:
                return kept.kept(snapshot, search, (name,), lambda: make(snapshot, search))

            return _json(await store.read(query))

    kept_route("rounds", "Where coarse to fine looked, and why", outlook.Rounds, outlook.RoundsReader().read)
    kept_route("standings", "Leaders trained again", outlook.Standings, outlook.read_standings)
    kept_route("remaining", "What further trials may bring", outlook.Outlook, outlook.read_remaining)

    @routes.get(
        "/{search}/export",
        summary="The trials as a file",
        response_class=Response,
        responses={200: {"content": {media: {} for media in export.FORMATS.values()}}},
    )
    async def export_search(
        search: int, format: Annotated[str, Query(json_schema_extra={"enum": list(export.FORMATS)})] = "csv"
    ) -> Response:
        body = await store.read(lambda snapshot: export.export(snapshot, search, format, store.now(snapshot)))
        suffix = "db" if format == "optuna" else format
        name = f'attachment; filename="search-{search}.{suffix}"'
        return Response(body, headers={"Content-Disposition": name}, media_type=export.FORMATS[format])

    @routes.post(
        "/parse",
        response_model=answers.ParsedSearch,
        summary="Read a search from YAML; nothing is checked or stored",
        openapi_extra=_YAML,
    )
    async def parse_search(request: Request) -> Response:
        return _json(await to_thread.run_sync(search_text.read, await request.body()))

    return routes


_YAML = {"requestBody": {"required": True, "content": {"application/yaml": {"schema": {"type": "string"}}}}}


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
