"""Searches over REST: submit, list, read, edit, pause, resume, cancel, delete, enqueue."""

from __future__ import annotations

from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, Field, JsonValue

from caviar.service.api import answers, records
from caviar.service.api.common import answer, body_schema, if_match, json_body, tagged
from caviar.service.api.problems import told
from caviar.service.api.services import Services
from caviar.service.errors import RefusedError
from caviar.service.ids import TrialId
from caviar.service.store import reads, search_pages
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import checkpoints, steer_search
from caviar.service.usecases.submit import accept, submit

Limit = Annotated[int, Query(ge=1, le=1000)]


class Points(BaseModel):
    """Points to be trained before the next proposals."""

    points: list[dict[str, JsonValue]] = Field(max_length=10_000)


def router(services: Services) -> APIRouter:
    """Serve searches below the prefix of the API."""
    routes = APIRouter(prefix="/searches", tags=["searches"])
    store, proposer = services.store, services.proposer

    async def shown(search: int) -> dict[str, Any]:
        return await store.read(lambda snapshot: reads.search(snapshot, search, store.now(snapshot)))

    @routes.post(
        "",
        status_code=201,
        response_model=records.Search,
        summary="Submit a search",
        openapi_extra=body_schema("SearchSpec"),
    )
    async def submit_search(
        request: Request,
        idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
    ) -> Response:
        data = await json_body(request)
        spec = await to_thread.run_sync(accept, store, data)
        search, fresh = await store.write(lambda tx: submit(tx, spec, idempotency_key))
        body = await shown(search)
        return tagged(body, 201 if fresh else 200, Location=f"/api/v1/searches/{search}")

    @routes.post(
        "/check",
        response_model=answers.SearchCheck,
        summary="Check a search without storing it",
        openapi_extra=body_schema("SearchSpec"),
    )
    async def check_search(request: Request) -> Response:
        data = await json_body(request)
        try:
            await to_thread.run_sync(accept, store, data)
        except RefusedError as error:
            return answer({"errors": told(error.problems)})
        return answer({"errors": []})

    @routes.get("", response_model=records.SearchPage, summary="List searches")
    async def list_searches(
        state: str | None = None,
        name: str | None = None,
        sort: str = "-created",
        limit: Limit = 50,
        cursor: str | None = None,
    ) -> Response:
        wish = search_pages.Wish(state, name, sort, limit, cursor)
        return answer(
            await store.read(lambda snapshot: search_pages.page(snapshot, wish, store.now(snapshot)))
        )

    @routes.get("/{search}", response_model=records.Search, summary="Read a search")
    async def read_search(search: int) -> Response:
        return tagged(await shown(search))

    @routes.patch(
        "/{search}", response_model=records.Search, summary="Edit budget, parallel, space, name or note"
    )
    async def edit_search(search: int, request: Request) -> Response:
        changes = await json_body(request)
        if not isinstance(changes, dict):
            raise RefusedError.of("body", "is not a JSON object", "send the fields to change")
        match = if_match(request)
        await store.write(lambda tx: steer_search.edit(tx, proposer, search, changes, match))
        return tagged(await shown(search))

    @routes.delete("/{search}", status_code=204, summary="Delete a search and all that belongs to it")
    async def delete_search(search: int) -> Response:
        def work(tx: Transaction) -> list[str]:
            outside = checkpoints.outside(store, tx, search)
            steer_search.delete(tx, proposer, search)
            return outside

        named = await store.write(work)
        await to_thread.run_sync(services.blobs.remove_all, checkpoints.folder_of(store, search))
        for name in named:
            await to_thread.run_sync(services.blobs.remove, name)
        return Response(status_code=204)

    @routes.post("/{search}/pause", response_model=records.Search, summary="Hand out no more trials")
    async def pause_search(search: int) -> Response:
        await store.write(lambda tx: steer_search.switch(tx, search, "paused"))
        return tagged(await shown(search))

    @routes.post("/{search}/resume", response_model=records.Search, summary="Go on handing out trials")
    async def resume_search(search: int) -> Response:
        await store.write(lambda tx: steer_search.switch(tx, search, "active"))
        return tagged(await shown(search))

    @routes.post(
        "/{search}/cancel", response_model=records.Search, summary="End a search and its running trials"
    )
    async def cancel_search(search: int) -> Response:
        await store.write(lambda tx: steer_search.cancel(tx, search))
        return tagged(await shown(search))

    @routes.post(
        "/{search}/points", status_code=201, response_model=records.Trials, summary="Enqueue points by hand"
    )
    async def enqueue_points(search: int, body: Points) -> Response:
        numbers = await store.write(lambda tx: steer_search.enqueue(tx, proposer, search, body.points))
        rows = await store.read(
            lambda snapshot: [reads.trial_row(snapshot, TrialId(search, n)) for n in numbers]
        )
        return answer({"items": [records.trial(row) for row in rows]}, 201)

    @routes.get("/{search}/edits", response_model=answers.EditList, summary="What was changed while it ran")
    async def list_edits(search: int) -> Response:
        def query(snapshot: Any) -> list[dict[str, Any]]:
            reads.search_row(snapshot, search)
            return reads.edits_of(snapshot, search)

        return answer({"items": await store.read(query)})

    return routes
