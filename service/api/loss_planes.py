"""The cost in the plane through a trial's path, over REST."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from caviar.service.api.services import App
from caviar.service.ids import trial_id
from caviar.trainer.landscape_bounds import LEAST_PLACES, LEAST_ROWS, MOST_PLACES, MOST_ROWS

router = APIRouter(tags=["trials"])


class Path(BaseModel):
    """The states of a training: where they are in the plane, and what each costs off it."""

    step: list[int]
    epoch: list[int]
    x: list[float]
    y: list[float]
    cost: list[float | None]


class LossPlane(BaseModel):
    """The cost over the first two principal components of a trial's weights."""

    trial: str
    branch: int
    source: str = Field(description="of the path: trained again, or checkpoints")
    parameters: int = Field(description="learned numbers of the network")
    rows: int = Field(description="of the training set that the cost is of, evenly spaced")
    of_rows: int = Field(description="of the training set")
    batch_norm: bool = Field(description="whether it normalises by these rows' own mean and variance")
    explained: list[float] = Field(description="share of the path's variance along x and along y")
    x: list[float] = Field(description="distance of the weights from the last ones")
    y: list[float]
    costs: list[list[float | None]] = Field(
        description="a row for each place of y; without dropout and regulariser; null: not finite"
    )
    path: Path


@router.get(
    "/trials/{name}/loss-plane",
    response_model=LossPlane,
    summary="The cost in the plane through the path of its training",
)
async def read_loss_plane(
    services: App,
    name: str,
    resolution: Annotated[
        int | None,
        Query(
            ge=LEAST_PLACES,
            le=MOST_PLACES,
            description="along either axis; 25 if that is not too much",
        ),
    ] = None,
    rows: Annotated[
        int | None,
        Query(ge=LEAST_ROWS, le=MOST_ROWS, description="of the training set; 1024 if that is not too much"),
    ] = None,
) -> Response:
    found = await services.loss_planes.plane(trial_id(name), resolution, rows)
    return Response(found, media_type="application/json")
