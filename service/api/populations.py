"""The population of a search over REST: its turns, and who copied whom."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, JsonValue

from caviar.service.api.http import answer
from caviar.service.api.services import App
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases.population_view import read_population

router = APIRouter(prefix="/searches/{search}", tags=["figures"])


class PopulationTurns(BaseModel):
    """The turns of a population as columns, by number."""

    reason: str | None = Field(description="why there is no population")
    members: int
    epochs_per_turn: int
    vary: list[str] = Field(description="parameters that copies vary")
    best: int | None = Field(description="the best trial")
    lineage: list[int] = Field(description="the trials that led to it, the first one first")
    number: list[int]
    member: list[int]
    turn: list[int] = Field(description="from 0")
    parent: list[int | None] = Field(description="the trial each goes on from; another member's: a copy")
    begun: list[int] = Field(description="the epoch after which each begins")
    epoch: list[int] = Field(description="how far each has come")
    state: list[str]
    value: list[float | None]
    params: dict[str, list[JsonValue]] = Field(description="of the parameters that vary")


@router.get("/population", response_model=PopulationTurns, summary="Turns of a population, and its lineage")
async def population(services: App, search: int) -> Response:
    def query(snapshot: Snapshot) -> dict[str, Any]:
        return asdict(read_population(snapshot, search))

    return answer(await services.store.read(query))
