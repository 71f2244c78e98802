"""The record of a search over REST: what `caviar verify` checks."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from caviar.service.api.http import answer
from caviar.service.api.services import App
from caviar.service.usecases import record

router = APIRouter(prefix="/searches", tags=["searches"])


class SearchRecord(BaseModel):
    """Everything stored of a search that its results follow from, as it is stored."""

    search: dict[str, Any] = Field(description="its row, with the spec as it is now")
    dataset: dict[str, Any] | None = Field(description="where its examples come from; null: gone")
    dataset_problem: str | None = Field(description="why that is not known any more")
    edits: list[dict[str, Any]] = Field(description="changes by people, oldest first")
    trials: list[dict[str, Any]] = Field(description="with commands, curves, attempts and kept files")
    next: int | None = Field(description="the first trial of the next page")


@router.get("/{search}/record", response_model=SearchRecord, summary="All that its results follow from")
async def read(
    services: App,
    search: int,
    first: Annotated[int, Query(ge=0, lt=2**31)] = 0,
    count: Annotated[int, Query(ge=1, le=record.PAGE)] = record.PAGE,
) -> Response:
    return answer(await services.store.read(lambda snapshot: record.read(snapshot, search, first, count)))
