"""The diagnosis of a trial over REST."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from caviar.service.api.http import answer
from caviar.service.api.services import App
from caviar.service.ids import trial_id
from caviar.service.usecases.diagnosing import diagnose
from caviar.trainer.diagnosis import THRESHOLD

router = APIRouter(tags=["trials"])


class StepRecord(BaseModel):
    """One thing to try."""

    name: str = Field(description="bigger_network, train_longer, more_data, regularise, ...")
    text: str
    in_search: bool = Field(description="the next search does it")


class DiagnosisRecord(BaseModel):
    """Bias, variance and mismatch of a trial, and the recipe's next steps."""

    base_error: float | None = Field(description="null: of a regression for which nobody gave one")
    train_error: float
    dev_error: float
    train_dev_error: float | None
    avoidable_bias: float | None = Field(description="train error - base error; null without one")
    variance: float = Field(description="dev error - train error, or train-dev error - train error")
    mismatch: float | None = Field(description="dev error - train-dev error, with a train-dev slice")
    problems: list[str] = Field(
        description="bias, variance, variance_or_mismatch (with a dev set of another source and no train-dev "
        "slice), mismatch: those that are high, in the order of treatment"
    )
    threshold: float = Field(description="a gap above it is high")
    summary: str
    uncertainty: float | None = Field(description="two standard errors of the dev error, where known")
    steps: list[StepRecord]
    next_search: dict[str, Any] | None = Field(description="ready to be submitted; null: no search can help")


@router.get(
    "/trials/{name}/diagnosis", response_model=DiagnosisRecord, summary="Bias, variance, and what to do next"
)
async def read_diagnosis(services: App, name: str) -> Response:
    trial = trial_id(name)
    found = await services.store.read(lambda snapshot: diagnose(snapshot, trial))
    return answer({**found.as_dict(), "threshold": THRESHOLD})
