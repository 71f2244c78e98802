"""What a trial's model gets right and wrong on the dev set, and what it says about rows, over REST."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from caviar.service.api.http import answer
from caviar.service.api.services import App
from caviar.service.ids import trial_id
from caviar.trainer.boundary import LEAST, MOST, USUAL

router = APIRouter(tags=["trials"])
MOST_ROWS = 1000  # of one request; caviar predict takes files of any length
Number = Annotated[float, Field(allow_inf_nan=False)]


class Confused(BaseModel):
    """How often one class was taken for another."""

    actual: str
    predicted: str
    count: int


class Residuals(BaseModel):
    """A target of a regression: measures over all rows, and points in the user's own units."""

    name: str
    mean_absolute_error: float
    root_mean_squared_error: float
    r2: float | None
    row: list[int] = Field(
        description="of many rows the worst and an even spread; 0 is the first of the part"
    )
    actual: list[float]
    predicted: list[float]


class Predictions(BaseModel):
    """What a model gets right and wrong."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)
    kind: str = Field(description="binary, multiclass or regression")
    part: str = Field(description="dev")
    rows: int
    error: float = Field(description="as in training: a share, or in standard deviations of the target")
    classes: list[str] | None = None
    matrix: list[list[int]] | None = Field(
        None, description="actual down, predicted across; null: over 50 classes"
    )
    confused: list[Confused] | None = Field(None, description="the pairs most often confused")
    targets: list[Residuals] | None = None


@router.get(
    "/trials/{name}/predictions",
    response_model=Predictions,
    summary="What its model gets right and wrong on the dev set",
)
async def read_predictions(services: App, name: str) -> Response:
    found = await services.evaluator.predictions(trial_id(name))
    return answer(Predictions(**found).model_dump())


class Axis(BaseModel):
    """A column and the places along it."""

    name: str
    kind: str = Field(description="number or category")
    values: list[float] | list[str] = Field(
        description="the range in training and dev set with a margin, or the texts of training"
    )


class Held(BaseModel):
    """A column that stands still, and at what."""

    name: str
    value: float | str | None


class Points(BaseModel):
    """Rows of the dev set: place, truth, and the answer to the whole row."""

    row: list[int] = Field(description="in its file, from 1")
    x: list[float | str | None]
    y: list[float | str | None]
    truth: list[float] = Field(description="class numbers, or values")
    answer: list[float]
    total: int = Field(description="rows of the dev set; these are evenly spaced among them")


class Boundary(BaseModel):
    """What a model answers over two columns, the others held."""

    kind: str = Field(description="binary, multiclass or regression")
    classes: list[str]
    targets: list[str]
    target: str | None = Field(description="of a regression: the one that `answers` are of")
    x: Axis
    y: Axis
    answers: list[list[float]] = Field(
        description="a row for each place of y: class numbers, or values in the target's own units"
    )
    probabilities: list[list[float]] | None = Field(description="of the class that is answered")
    threshold: float | None = Field(description="of the second of two classes")
    exact: bool = Field(description="the model has no other columns")
    row: int | None
    held: list[Held] = Field(description="the other columns, 1000 at most")
    columns: list[str] = Field(description="to choose from, 1000 at most")
    more_columns: int
    points: Points


@router.get(
    "/trials/{name}/decision-boundary",
    response_model=Boundary,
    summary="What its model answers over two columns",
)
async def read_boundary(
    services: App,
    name: str,
    x: Annotated[
        str | None, Query(description="a column; by default of those that move the answer most")
    ] = None,
    y: Annotated[str | None, Query(description="another one")] = None,
    resolution: Annotated[
        int, Query(ge=LEAST, le=MOST, description="places along a column of numbers")
    ] = USUAL,
    row: Annotated[
        int | None,
        Query(
            ge=1, le=1 << 53, description="of the dev set, whose values the other columns take; else medians"
        ),
    ] = None,
    target: Annotated[str | None, Query(description="of a regression with several")] = None,
) -> Response:
    asked = {"x": x, "y": y, "resolution": resolution, "row": row, "target": target}
    found = await services.evaluator.boundary(trial_id(name), asked)
    return Response(found, media_type="application/json")


class NewRows(BaseModel):
    """Rows to predict on."""

    model_config = ConfigDict(extra="forbid")
    rows: list[dict[str, bool | Number | str | None]] | list[list[Number | None]] = Field(
        min_length=1,
        max_length=MOST_ROWS,
        description="columns by name, null where a cell is missing; or the numbers of each row in the "
        "order of training, as for images",
    )


class FarColumn(BaseModel):
    """A column of which cells lie far from what the model was trained on."""

    column: str
    kind: str = Field(description="outside the range of training, an unseen text, or missing as never there")
    rows: int = Field(description="that have such a cell")
    row: int = Field(description="the worst of them, from 1; of texts and gaps the first")
    value: float | str | None = Field(description="its cell")
    low: float | None = Field(description="of training, as the next one")
    high: float | None
    text: str


class MovedColumn(BaseModel):
    """A column that is distributed otherwise than in training, all rows taken together."""

    column: str
    chance: float = Field(description="that rows like those of training differ so much; corrected by Holm")
    what: str = Field(description="what moved most")
    text: str


class Predicted(BaseModel):
    """What a model says about each row."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)
    kind: str = Field(description="binary, multiclass or regression")
    classes: list[str] | None = None
    labels: list[str] | None = Field(None, description="the class of each row, by the model's threshold")
    probabilities: list[list[float]] | None = Field(None, description="of each row, in the order of classes")
    targets: list[str] | None = None
    values: list[list[float]] | None = Field(
        None, description="of each row, in the order of targets and in their units"
    )
    far: list[FarColumn] | None = Field(
        None, description="what lies far from training; null: the model was stored without what tells it"
    )
    moved: list[MovedColumn] | None = Field(
        None, description="what moved as a whole; null for less than 30 rows, too"
    )


@router.post(
    "/trials/{name}/predict", response_model=Predicted, summary="Predict on a few rows with its model"
)
async def predict_rows(services: App, name: str, new: NewRows) -> Response:
    found = await services.evaluator.predict(trial_id(name), new.rows)
    return answer(Predicted(**found).model_dump())
