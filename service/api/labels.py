"""What lists of searches may be filtered by, over REST."""

from __future__ import annotations

from fastapi import APIRouter, Response

from caviar.service.api.http import answer
from caviar.service.api.records import Record
from caviar.service.api.services import App
from caviar.service.store import search_labels


class Label(Record):
    """A project, a tag or an owner."""

    name: str
    searches: int


class LabelLists(Record):
    """The projects, tags and owners of the searches that are not archived, by name."""

    projects: list[Label]
    tags: list[Label]
    owners: list[Label]


router = APIRouter(tags=["searches"])


@router.get("/labels", response_model=LabelLists, summary="Projects, tags and owners of searches")
async def read_labels(services: App) -> Response:
    found = await services.store.read(search_labels.labels)
    return answer(
        {
            kind: [{"name": name, "searches": count} for name, count in counted]
            for kind, counted in found._asdict().items()
        }
    )
