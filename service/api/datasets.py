"""Data sets over REST: list, upload, read, preview, content, delete."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from caviar.service.api.services import App
from caviar.service.errors import RefusedError, ServiceError


class MediaTypeError(ServiceError):
    """A body in a form that is not taken."""

    status = 415
    title = "Media type not taken"


class Column(BaseModel):
    """One column: a number with its range, or a category with its levels."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)
    name: str
    kind: Literal["number", "category"]
    missing: int
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    levels: int | None = None
    different: int | None = Field(default=None, description="values that differ; null: not counted")
    most: int | None = Field(default=None, description="rows with the most frequent value")


class ClassCount(BaseModel):
    """A class and how many rows have it."""

    name: str
    count: int


class TargetInfo(BaseModel):
    """What is to be predicted, or why this target will not do."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)
    names: list[str]
    task: str | None = None
    classes: list[ClassCount] | None = None
    ranges: list[dict[str, float | None]] | None = None
    problem: str | None = None


class NoteInfo(BaseModel):
    """What a person should know of how the file is read: a column left out or changed, or a doubt."""

    kind: Literal["left out", "changed", "doubtful"]
    column: str  # empty where it is the whole file
    message: str
    remedy: str


class Correction(BaseModel):
    """A label that was corrected."""

    row: int = Field(description="in the file, from 1")
    old: str
    new: str
    who: str
    when: datetime


class Version(BaseModel):
    """Where a data set with corrected labels comes from."""

    of: str = Field(description="the data set whose labels were corrected")
    by: str = Field(description="who made the version")
    trial: str = Field(description="whose errors were looked at")
    corrections: list[Correction] = Field(description="empty in a list of data sets")


class DatasetInfo(BaseModel):
    """A data set as the server knows it. Those that come with the trainer have their name as id."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)
    id: int | str
    name: str
    builtin: bool
    kind: str
    digest: str | None = None
    size: int | None = None
    created: datetime | None = None
    rows: int
    columns: int
    missing: int
    features: list[Column]
    target: TargetInfo | None = None
    image_shape: list[int] | None = None
    notes: list[NoteInfo] = Field(default_factory=list)
    options: dict[str, Any] = Field(default_factory=dict)
    version: Version | None = None


class DatasetList(BaseModel):
    """All data sets, the built-in ones first."""

    items: list[DatasetInfo]


class Preview(BaseModel):
    """The first rows, the target last."""

    columns: list[str]
    rows: list[list[float | str | None]]


Names = Annotated[list[str] | None, Query(max_length=1000)]
Key = str
HEADER = "Whether the first line of a CSV file names the columns"
DATES = 'Columns of dates and what they become, as JSON: {"day": "parts"}, "cycle" or "elapsed", or a list'

_BODY = {
    "requestBody": {
        "required": True,
        "description": "The file itself: CSV, JSON lines, Parquet, Feather, Excel, npz or npy; "
        "packed with gzip, bz2, xz or zip, too. Its first bytes tell which.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}

router = APIRouter(prefix="/datasets", tags=["data sets"])


@router.get("", summary="List data sets")
async def list_datasets(services: App) -> DatasetList:
    return DatasetList(items=[info(item) for item in await services.datasets.listed()])


@router.post("", status_code=201, summary="Upload a data set", openapi_extra=_BODY)
async def upload_dataset(
    services: App,
    request: Request,
    response: Response,
    name: Annotated[str, Query(min_length=1, max_length=100)],
    target: Names = None,
    task: Literal["classification", "regression"] | None = None,
    categorical: Names = None,
    ignore: Names = None,
    header: Annotated[bool | None, Query(description=HEADER)] = None,
    encoding: Annotated[str | None, Query(max_length=40, description="Of a CSV file")] = None,
    sheet: Annotated[str | None, Query(max_length=100, description="Of an Excel workbook")] = None,
    decimal: Annotated[Literal[".", ","] | None, Query(description="The decimal mark of its numbers")] = None,
    dates: Annotated[str | None, Query(max_length=10000, description=DATES)] = None,
    missing_values: Names = None,
    as_is: Names = None,
) -> DatasetInfo:
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise MediaTypeError("Send the file itself as the body, with the name in the query: no form")
    given: dict[str, Any] = {"target": target, "task": task, "categorical": categorical, "ignore": ignore}
    given |= {"encoding": encoding, "decimal": decimal, "missing_values": missing_values, "as_is": as_is}
    given |= {"sheet": sheet, "dates": None if dates is None else _dates(dates)}
    options: dict[str, Any] = {key: value for key, value in given.items() if value}
    if header is not None:
        options["header"] = header
    if target and len(target) == 1:
        options["target"] = target[0]
    found, fresh = await services.datasets.upload(name, request.stream(), options, request.state.caller.name)
    response.status_code = 201 if fresh else 200
    response.headers["Location"] = f"{services.config.path_prefix}/api/v1/datasets/{found['id']}"
    return info(found)


@router.get("/{key}", summary="Read a data set")
async def read_dataset(services: App, key: Key) -> DatasetInfo:
    return info(await services.datasets.get(key))


@router.delete("/{key}", status_code=204, summary="Delete an uploaded data set that no search uses")
async def delete_dataset(services: App, request: Request, key: Key) -> Response:
    await services.datasets.delete(key, request.state.caller.name)
    return Response(status_code=204)


@router.get("/{key}/preview", summary="Its first rows")
async def preview_dataset(services: App, key: Key) -> Preview:
    return Preview(**await services.datasets.preview(key))


@router.get("/{key}/content", summary="The file, as it was uploaded", response_class=FileResponse)
async def download_dataset(services: App, key: Key) -> FileResponse:
    path, digest = await services.datasets.content(key)
    headers = {"ETag": f'"{digest}"', "Caviar-Digest": digest}
    return FileResponse(path, media_type="application/octet-stream", headers=headers)


def _dates(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise RefusedError.of("dates", f"{text!r:.60} is no JSON object of columns", DATES)
    return found


def info(dataset: dict[str, Any]) -> DatasetInfo:
    """Shape what the use cases give of a data set."""
    created = dataset["created"]
    moment = None if created is None else datetime.fromtimestamp(created, UTC)
    return DatasetInfo(**{**dataset, "created": moment})
