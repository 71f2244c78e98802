"""Searches over REST: submit, list, read, edit, pause, resume, cancel, delete, enqueue."""

from __future__ import annotations

from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, Field, JsonValue

from caviar.service.api import answers, records
from caviar.service.api.http import answer, body_schema, if_match, json_body, tagged
from caviar.service.api.problems import told
from caviar.service.api.services import App, Services
from caviar.service.errors import RefusedError
from caviar.service.ids import TrialId
from caviar.service.store import audit, reads, search_pages
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.blobs import in_thread
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import checkpoints, starting_model, steer_search
from caviar.service.usecases.submit import accept, submit

Limit = Annotated[int, Query(ge=1, le=1000)]


class Points(BaseModel):
    """Points to be trained before the next proposals."""

    points: list[dict[str, JsonValue]] = Field(max_length=10_000)


router = APIRouter(prefix="/searches", tags=["searches"])


@router.post(
    "",
    status_code=201,
    response_model=records.Search,
    summary="Submit a search",
    openapi_extra=body_schema("SearchSpec"),
)
async def submit_search(
    services: App,
    request: Request,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> Response:
    data = await json_body(request)
    spec, content = await to_thread.run_sync(accept, services.store, services.blobs, data)
    workers = services.config.workers_for(spec.resources)
    model = await starting_model.copied(services.store, services.blobs, content)
    search, fresh = await services.write(
        request, lambda tx: submit(tx, spec, idempotency_key, workers, model)
    )
    if model is not None and not fresh:
        await in_thread(services.blobs.remove, model.file)  # the search of before has its own
    body = await _shown(services, search)
    address = f"{services.config.path_prefix}/api/v1/searches/{search}"
    return tagged(body, 201 if fresh else 200, Location=address)


@router.post(
    "/check",
    response_model=answers.SearchCheck,
    summary="Check a search without storing it",
    openapi_extra=body_schema("SearchSpec"),
)
async def check_search(services: App, request: Request) -> Response:
    data = await json_body(request)
    try:
        await to_thread.run_sync(accept, services.store, services.blobs, data)
    except RefusedError as error:
        return answer({"errors": told(error.problems)})
    return answer({"errors": []})


@router.get("", response_model=records.SearchPage, summary="List searches")
async def list_searches(
    services: App,
    state: str | None = None,
    name: str | None = None,
    project: str | None = None,
    tag: Annotated[list[str] | None, Query(max_length=20, description="all of them")] = None,
    owner: str | None = None,
    text: Annotated[str | None, Query(max_length=200, description="words of name, project, tags ...")] = None,
    archived: search_pages.Archived = "no",
    sort: str = "-created",
    limit: Limit = 50,
    cursor: str | None = None,
) -> Response:
    wanted = search_pages.SearchPageRequest(
        state, name, project, tag or (), owner, text, archived, sort, limit, cursor
    )
    found = await services.store.read(
        lambda snapshot: search_pages.page(snapshot, wanted, services.store.now(snapshot))
    )
    items = [records.search(one) for one in found.items]
    return answer({"items": items, "next": found.next, "total": found.total})


@router.get("/{search}", response_model=records.Search, summary="Read a search")
async def read_search(services: App, search: int) -> Response:
    return tagged(await _shown(services, search))


@router.patch("/{search}", response_model=records.Search, summary="Edit budget, space, name, tags and others")
async def edit_search(services: App, search: int, request: Request) -> Response:
    changes = await json_body(request)
    if not isinstance(changes, dict):
        raise RefusedError.of("body", "is not a JSON object", "send the fields to change")
    match = if_match(request)
    await services.write(request, lambda tx: steer_search.edit(tx, services.proposer, search, changes, match))
    return tagged(await _shown(services, search))


@router.delete("/{search}", status_code=204, summary="Delete a search and all that belongs to it")
async def delete_search(services: App, request: Request, search: int) -> Response:
    def work(tx: Transaction) -> list[str]:
        outside = checkpoints.outside(services.store, tx, search)
        steer_search.delete(tx, services.proposer, search)
        return outside

    named = await services.write(request, work)
    await in_thread(services.blobs.remove_all, checkpoints.folder_of(services.store, search))
    for name in named:
        await in_thread(services.blobs.remove, name)
    return Response(status_code=204)


@router.get("/{search}/init-model", summary="The model its trials start from", response_class=Response)
async def read_starting_model(services: App, search: int) -> Response:
    data, digest = await starting_model.load(services.store, services.blobs, search)
    return Response(data, media_type="application/octet-stream", headers={"Caviar-Digest": digest})


@router.post("/{search}/pause", response_model=records.Search, summary="Stop starting new trials")
async def pause_search(services: App, request: Request, search: int) -> Response:
    await services.write(request, lambda tx: steer_search.switch(tx, search, "paused"))
    return tagged(await _shown(services, search))


@router.post("/{search}/resume", response_model=records.Search, summary="Resume starting trials")
async def resume_search(services: App, request: Request, search: int) -> Response:
    await services.write(request, lambda tx: steer_search.switch(tx, search, "active"))
    return tagged(await _shown(services, search))


@router.post("/{search}/cancel", response_model=records.Search, summary="End a search and its running trials")
async def cancel_search(services: App, request: Request, search: int) -> Response:
    await services.write(request, lambda tx: steer_search.cancel(tx, search))
    return tagged(await _shown(services, search))


@router.post("/{search}/archive", response_model=records.Search, summary="Leave it out of lists")
async def archive_search(services: App, request: Request, search: int) -> Response:
    await services.write(request, lambda tx: steer_search.archive(tx, search, True))
    return tagged(await _shown(services, search))


@router.post("/{search}/unarchive", response_model=records.Search, summary="Have it back in lists")
async def unarchive_search(services: App, request: Request, search: int) -> Response:
    await services.write(request, lambda tx: steer_search.archive(tx, search, False))
    return tagged(await _shown(services, search))


@router.post("/{search}/points", status_code=201, response_model=records.Trials, summary="Add trials by hand")
async def enqueue_points(services: App, request: Request, search: int, body: Points) -> Response:
    numbers = await services.write(
        request, lambda tx: steer_search.enqueue(tx, services.proposer, search, body.points)
    )
    rows = await services.store.read(
        lambda snapshot: [trial_rows.get(snapshot, TrialId(search, n)) for n in numbers]
    )
    return answer({"items": [records.trial(row) for row in rows]}, 201)


@router.get("/{search}/edits", response_model=answers.EditList, summary="Edits made while it ran")
async def list_edits(services: App, search: int) -> Response:
    def query(snapshot: Snapshot) -> list[audit.StoredEdit]:
        search_rows.get(snapshot, search)
        return audit.edits_of(snapshot, search)

    return answer({"items": [records.edit(one) for one in await services.store.read(query)]})


async def _shown(services: Services, search: int) -> dict[str, Any]:
    return records.search(
        await services.store.read(
            lambda snapshot: reads.search(snapshot, search, services.store.now(snapshot))
        )
    )
