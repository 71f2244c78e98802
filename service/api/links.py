"""Links that show a search to people without a token, over REST."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from caviar.service.api.http import answer
from caviar.service.api.records import Record, iso
from caviar.service.api.services import App
from caviar.service.security import links as link_texts
from caviar.service.security.tokens import digest_of
from caviar.service.store import links as link_rows
from caviar.service.store import searches as search_rows
from caviar.service.store.links import StoredLink
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases import links

DAY = 86400.0


class NewLink(BaseModel):
    """How long a link is to work."""

    model_config = ConfigDict(extra="forbid")
    seconds: float = Field(default=7 * DAY, ge=1, le=366 * DAY)


class Link(Record):
    """A link without its text."""

    id: str
    search: int
    who: str | None = Field(description="made it")
    created: str
    expires: str


class MadeLink(Link):
    """A link with its address, which is shown this once."""

    path: str = Field(description="on this server; what stands behind # opens the search")


class Links(Record):
    """The links of a search that work, oldest first."""

    items: list[Link]


router = APIRouter(prefix="/searches/{search}/links", tags=["links"])


@router.post("", status_code=201, response_model=MadeLink, summary="Make a link that shows it for a while")
async def create_link(services: App, request: Request, search: int, new: NewLink | None = None) -> Response:
    text, seconds = link_texts.draw(), (new or NewLink()).seconds
    made = await services.write(request, lambda tx: links.create(tx, search, digest_of(text), seconds))
    await services.tokens.refreshed()
    return answer({**_shown(made), "path": f"/searches/{search}#link={text}"}, 201)


@router.get("", response_model=Links, summary="Its links that work")
async def list_links(services: App, search: int) -> Response:
    def query(snapshot: Snapshot) -> list[StoredLink]:
        search_rows.get(snapshot, search)
        return link_rows.of_search(snapshot, search, services.store.now(snapshot))

    return answer({"items": [_shown(one) for one in await services.store.read(query)]})


@router.delete("/{link}", status_code=204, summary="Revoke a link")
async def revoke_link(
    services: App, request: Request, search: int, link: Annotated[str, Path(max_length=60)]
) -> Response:
    await services.write(request, lambda tx: links.revoke(tx, search, link))
    await services.tokens.refreshed()
    return Response(status_code=204)


def _shown(link: StoredLink) -> dict[str, Any]:
    named = {"id": link.id, "search": link.search_id, "who": link.who}
    return {**named, "created": iso(link.created), "expires": iso(link.expires)}
