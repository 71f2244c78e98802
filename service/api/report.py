"""The report of a search as a page, its model card, and what verifications of it came to."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from caviar.service.api import report_written
from caviar.service.api.http import answer
from caviar.service.api.report_content import document
from caviar.service.api.services import App
from caviar.service.security.scopes import Token
from caviar.service.usecases import paper

router = APIRouter(prefix="/searches", tags=["searches"])
MEDIA = {"html": "text/html; charset=utf-8", "md": "text/markdown; charset=utf-8"}
Count = Annotated[int, Field(ge=0, lt=2**31)]


class NewVerification(BaseModel):
    """What a verification came to, as whoever ran it tells."""

    model_config = ConfigDict(extra="forbid")

    verdict: Literal["passed", "passed in part", "failed"]
    trials: Count
    proposed_again: Count
    trained_again: Count
    differs: Count
    not_provable: Count
    last_link: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


@router.get(
    "/{search}/report",
    summary="All that a reader of a paper asks, as one HTML file or a model card",
    response_class=Response,
    responses={200: {"content": {"text/html": {}, "text/markdown": {}}}},
)
async def read_report(
    services: App,
    request: Request,
    search: int,
    format: Annotated[str, Query(json_schema_extra={"enum": list(MEDIA)}, pattern="^(html|md)$")] = "html",
) -> Response:
    caller: Token = request.state.caller
    found = await services.store.read(
        lambda snapshot: paper.read_paper(snapshot, search, services.store.now(snapshot))
    )
    made = document(found, caller.allows("submit"))
    write: Any = report_written.html if format == "html" else report_written.markdown
    return Response(write(made), media_type=MEDIA[format])


@router.post("/{search}/verifications", status_code=201, summary="Tell what a verification came to")
async def note(services: App, request: Request, search: int, new: NewVerification) -> Response:
    result = new.model_dump()
    await services.write(request, lambda tx: paper.note_verification(tx, search, result))
    return answer(result, 201)
