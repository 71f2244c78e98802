"""What a search has found, over REST."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from caviar.service.api.http import answer
from caviar.service.api.services import App
from caviar.service.errors import ConflictError, NotFoundError, UnavailableError
from caviar.service.ids import trial_id
from caviar.service.usecases.findings import End, Finding, Kind, of_model
from caviar.service.usecases.predictions import Evaluator
from caviar.service.usecases.summary import summarize

router = APIRouter(prefix="/searches", tags=["searches"])


class PlaceRecord(BaseModel):
    """Where the winner's value of a parameter lies in its range."""

    parameter: str
    value: Any
    second: Any = Field(description="of the second best trial")
    low: float | None
    high: float | None
    at: float | None = Field(description="from 0, the low end, to 1 on the parameter's own scale")
    edge: End | None = Field(description="the end of the range where it lies")


class WinnerRecord(BaseModel):
    """The trial to take."""

    trial: str
    number: int
    value: float = Field(description="of the objective; by fresh seeds their mean")
    by: Literal["value", "fresh seeds"]
    places: list[PlaceRecord]
    model: bool = Field(description="its model is stored: GET /trials/{trial}/model")


class RunnerUpRecord(BaseModel):
    """The second best trial."""

    trial: str
    number: int
    value: float
    behind: float = Field(description="how much worse than the winner; 0: as good")


class VersusRecord(BaseModel):
    """The winner against a trivial model."""

    value: float = Field(description="what the trivial model scores")
    text: str = Field(description="what it does: always answering ...")
    better_by: float = Field(description="above 0: the winner is better")


class FindingRecord(BaseModel):
    """Something that a reader of the results must know, and what to do about it."""

    kind: Kind
    level: Literal["warning", "note"]
    message: str
    remedy: str
    parameter: str | None = Field(description="whose range is meant")


class NextStepRecord(BaseModel):
    """One thing to do now."""

    kind: Literal["widen", "next_search", "retrain", "test"]
    text: str
    trial: str | None = Field(description="next_search: the diagnosis of this trial has it ready to submit")


class SummaryRecord(BaseModel):
    """What a search has found so far, or for good."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)
    final: bool = Field(description="no trial of it will change any more")
    metric: str
    direction: Literal["minimize", "maximize"]
    valued: int = Field(description="trials with a value")
    winner: WinnerRecord | None
    runner_up: RunnerUpRecord | None
    trivial: VersusRecord | None = Field(description="null: not known for this metric or data set")
    diagnosis: str | None = Field(description="bias and variance of the winner, in a sentence")
    findings: list[FindingRecord]
    next: list[NextStepRecord]


@router.get(
    "/{search}/summary",
    response_model=SummaryRecord,
    summary="The winner, what it is better than, what would mislead, what to do next",
)
async def read_summary(services: App, search: int) -> Response:
    found = await services.store.read(lambda snapshot: summarize(snapshot, search))
    shown = asdict(found)
    if found.final and found.winner and found.winner.model:  # while it runs, the winner still changes
        seen = await _of_model(services.evaluator, found.winner.trial)
        said = {one.kind for one in seen}
        rest = [one for one in found.findings if not (one.kind == "trivial" and "one_class" in said)]
        shown["findings"] = [asdict(one) for one in (*seen, *rest)]
    return answer(shown)


async def _of_model(evaluator: Evaluator, trial: str) -> list[Finding]:
    """Return what the confusion matrix of a stored model shows; nothing where there is none to be had."""
    try:
        outcomes = await evaluator.predictions(trial_id(trial))
    except (NotFoundError, ConflictError, UnavailableError):  # the page of the trial tells the reason
        return []
    return of_model(trial, outcomes.get("matrix"), outcomes.get("classes"))
