"""The trials of a search as a file."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Response

from caviar.service.api import records
from caviar.service.api.services import App
from caviar.service.store import reads
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases import export

router = APIRouter(prefix="/searches", tags=["figures"])


@router.get(
    "/{search}/export",
    summary="The trials as a file",
    response_class=Response,
    responses={200: {"content": {media: {} for media in export.FORMATS.values()}}},
)
async def export_search(
    services: App,
    search: int,
    format: Annotated[str, Query(json_schema_extra={"enum": list(export.FORMATS)})] = "csv",
) -> Response:
    def query(snapshot: Snapshot) -> bytes:
        if format == "json":
            found = reads.search(snapshot, search, services.store.now(snapshot))
            trials = [records.trial(one) for one in reads.all_trials(snapshot, search)]
            return orjson.dumps({"search": records.search(found), "trials": trials})
        return export.export(snapshot, search, format)

    body = await services.store.read(query)
    suffix = "db" if format == "optuna" else format
    name = f'attachment; filename="search-{search}.{suffix}"'
    return Response(body, headers={"Content-Disposition": name}, media_type=export.FORMATS[format])
