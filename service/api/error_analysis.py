"""Where a trial's model goes wrong, over REST: rows of the dev set, tags by hand, which parts are worse."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from caviar.service.api.datasets import DatasetInfo, info
from caviar.service.api.http import answer
from caviar.service.api.records import iso
from caviar.service.api.services import App, Services
from caviar.service.ids import trial_id
from caviar.service.security.scopes import Token
from caviar.service.store.row_tags import StoredTag
from caviar.service.usecases import dataset_versions, error_analysis
from caviar.service.usecases.error_analysis import WRONG_LABEL, Analysis, Part, Shown
from caviar.service.usecases.error_export import as_csv
from caviar.service.usecases.examples import Example

MOST_ROWS = 200  # of a page

router = APIRouter(prefix="/trials/{name}/errors", tags=["trials"])

InPart = Annotated[Part, Query(description="of the data; train_dev where the split has one")]
Only = Annotated[
    Shown | None, Query(alias="show", description="wrong answers (default), or all; of a regression all")
]
Tagged = Annotated[str | None, Query(max_length=100, description="rows with this tag")]


class Tag(BaseModel):
    """What somebody said of a row."""

    tag: str
    who: str
    created: str


class Row(BaseModel):
    """A row under the model."""

    row: int = Field(description="in its file, from 1, a header not counted")
    truth: str | float | list[float]
    answer: str | float | list[float]
    wrong: bool | None = Field(description="null for a regression")
    confidence: float | None = Field(description="the probability of the answer; null for a regression")
    loss: float = Field(description="-log of the truth's probability, or the mean squared difference")
    weight: float = Field(description="1 without dataset.weights")
    tags: list[Tag]
    label: str | None = Field(description="the right one, where somebody says that the label is wrong")
    cells: list[bool | int | float | str | None] | None = Field(
        description="of `columns`, as in the file; null beyond the rows whose input is told"
    )
    pixels: list[float] | None = Field(description="of an image, row by row, channels last")


class Rows(BaseModel):
    """A page of rows, largest loss first."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)
    trial: str
    part: Part
    kind: str = Field(description="binary, multiclass or regression")
    dataset: str
    rows: int = Field(description="of the part")
    wrong: int | None
    error: float = Field(description="as in training: a share, or in standard deviations of the target")
    classes: list[str]
    targets: list[str]
    parts: list[str] = Field(description="that can be shown")
    columns: list[str] = Field(description="of `cells`")
    more_columns: int = Field(description="that the file has beyond these")
    image_shape: list[int] | None = Field(description="height, width, channels of `pixels`")
    pixel_range: list[float] | None
    total: int = Field(description="rows that were asked for, of which this is a page")
    offset: int
    items: list[Row]


class Cause(BaseModel):
    """A tag: its share of the error, and what mending it would bring at most."""

    tag: str
    rows: int = Field(description="that have it, right answers among them")
    wrong: int | None
    share: float = Field(description="of the error: of wrong answers, or of the sum of losses")
    ceiling: float = Field(description="the error if all its rows were answered perfectly")
    share_of_examined: float | None = Field(description="the share among rows that have any tag")
    projected: float | None = Field(description="the error if that share were mended in all rows")


class Causes(BaseModel):
    """The table of an error analysis."""

    error: float
    wrong: int | None
    examined: int = Field(description="rows with any tag: wrong ones; of a regression all")
    causes: list[Cause]


class Slice(BaseModel):
    """Rows that have something in common."""

    name: str
    rows: int
    error: float
    rest: float = Field(description="the error of all other rows")
    p: float = Field(description="of the difference, adjusted for the number of slices")
    real: bool = Field(description="p is below 0.05")


class Sliced(BaseModel):
    """A column and its slices, worst first."""

    name: str
    slices: list[Slice]


class Slices(BaseModel):
    """Which parts are worse: the columns with the clearest differences first."""

    error: float
    test: str
    columns: list[Sliced]


class NewTags(BaseModel):
    """All that is said of a row; what is not repeated is taken away."""

    model_config = ConfigDict(extra="forbid")
    tags: list[Annotated[str, Field(max_length=200)]] = Field(default_factory=list, max_length=50)
    label: Annotated[str, Field(max_length=1000)] | None = Field(
        None, description="the right one, where the label is wrong"
    )


class NewVersion(BaseModel):
    """How to call the data with corrected labels."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(min_length=1, max_length=100)
    part: Part = "dev"


class Corrected(BaseModel):
    """Data with corrected labels, and the search on them."""

    dataset: DatasetInfo
    search: dict[str, Any] = Field(description="the search of the trial on these data, ready to be submitted")


@router.get("", response_model=Rows, summary="Rows of the dev set that its model gets wrong")
async def read_errors(
    services: App,
    name: str,
    part: InPart = "dev",
    show: Only = None,
    tag: Tagged = None,
    offset: Annotated[int, Query(ge=0, le=1_000_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 50,
) -> Response:
    found = await _analysis(services, name, part)
    chosen = found.chosen(show, tag)
    told = found.part.told
    page = Rows(
        trial=str(found.trial),
        part=part,
        dataset=found.data_name,
        parts=list(found.whole.parts),
        total=len(chosen),
        offset=offset,
        items=[_row(found, one) for one in chosen[offset : offset + limit]],
        kind=found.whole.kind,
        classes=found.whole.classes,
        targets=found.whole.targets,
        **{key: told[key] for key in ("rows", "wrong", "error", "columns", "more_columns")},
        **{key: told[key] for key in ("image_shape", "pixel_range")},
    )
    return answer(page.model_dump())


@router.get("/tags", response_model=Causes, summary="What mending each tagged cause would bring at most")
async def read_causes(services: App, name: str, part: InPart = "dev") -> Response:
    return answer(asdict(error_analysis.causes(await _analysis(services, name, part))))


@router.get("/slices", response_model=Slices, summary="Which parts of the data are worse")
async def read_slices(services: App, name: str, part: InPart = "dev") -> Response:
    found = await _analysis(services, name, part)
    test = "Mann-Whitney test of the losses" if found.whole.kind == "regression" else "Fisher's exact test"
    told = found.part.told
    words = f"{test}, two-sided, each slice against all other rows; Holm's adjustment over all slices"
    return answer({"error": told["error"], "test": words, "columns": told["slices"]})


@router.get(
    "/export",
    summary="These rows as CSV",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}}},
)
async def export_errors(
    services: App, name: str, part: InPart = "dev", show: Only = None, tag: Tagged = None
) -> Response:
    found = await _analysis(services, name, part)
    text = await asyncio.to_thread(as_csv, found, found.chosen(show, tag))
    headers = {"Content-Disposition": f'attachment; filename="errors-{found.trial}-{part}.csv"'}
    return Response(text, headers=headers, media_type="text/csv")


@router.put("/{part}/{row}", response_model=Row, summary="Say what is the matter with a row")
async def tag_row(
    services: App,
    request: Request,
    name: str,
    part: Part,
    row: Annotated[int, Path(ge=1, le=1 << 53)],
    new: NewTags,
) -> Response:
    caller: Token = request.state.caller
    found = await _analysis(services, name, part)
    tags = await error_analysis.tag(services.store, found, row, new.tags, new.label, caller.name)
    example = next(one for one in found.part.examples if one.row == row)
    return answer(_row_with(example, tags))


@router.post(
    "/versions",
    status_code=201,
    response_model=Corrected,
    summary="Make a new version of its data, with the labels that were said to be right",
)
async def correct_labels(services: App, request: Request, name: str, new: NewVersion) -> Corrected:
    caller: Token = request.state.caller
    found = await _analysis(services, name, new.part)
    made, search = await dataset_versions.correct_labels(
        services.store, services.uploads, services.datasets, found, new.name, caller.name
    )
    return Corrected(dataset=info(made), search=search)


async def _analysis(services: Services, name: str, part: Part) -> Analysis:
    return await error_analysis.analyse(services.store, services.evaluator, trial_id(name), part)


def _row(found: Analysis, example: Example) -> dict[str, Any]:
    return _row_with(example, found.tags.get(example.row, []))


def _row_with(example: Example, tags: list[StoredTag]) -> dict[str, Any]:
    fields = ("row", "truth", "answer", "wrong", "confidence", "loss", "weight")
    return {
        **{key: getattr(example, key) for key in fields},
        "tags": [{"tag": one.tag, "who": one.who, "created": iso(one.created)} for one in tags],
        "label": next((one.label for one in tags if one.tag == WRONG_LABEL), None),
        "cells": example.cells,
        "pixels": example.pixels,
    }
