"""The trainers installed here and their settings over REST: what forms and checks are made of."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from caviar import trainers


class SettingRecord(BaseModel):
    """A setting of a trainer, fixed for a search or one of its parameters."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)
    name: str
    type: str = Field(description="float, int, choice, flags, bool or json")
    default: Any = None
    low: float | None = None
    high: float | None = None
    choices: list[str] = []
    unit: str = ""
    help: str = ""
    steerable: bool = Field(False, description="may change while a trial runs")
    nullable: bool = Field(False, description="null is allowed: chosen by the rule that `help` gives")
    meanings: dict[str, str] = Field({}, description="what each of the choices is, in one line")
    only_with: dict[str, list[str]] = Field(
        {}, description="by another setting, its choices with which this one has an effect; none: always"
    )
    form: str = Field("", description="of type json: what is allowed, in words")
    per_layer: bool = Field(False, description="a list with one value for each hidden layer is allowed")


class TrainerRecord(BaseModel):
    """A trainer and its settings."""

    name: str
    settings: list[SettingRecord]
    metrics: list[str] = Field(description="what a search can optimize, the usual one first; empty: not told")


class TrainerList(BaseModel):
    """All trainers; `external`, a user's own script, takes any settings and is not among them."""

    items: list[TrainerRecord]


router = APIRouter(prefix="/trainers", tags=["trainers"])


@router.get("", summary="List trainers with their settings")
def list_trainers() -> TrainerList:
    return TrainerList(items=[_record(name) for name in trainers.names()])


def _record(name: str) -> TrainerRecord:
    """Describe one; what a plugin does not say about a setting has its default."""
    trainer = trainers.get(name)
    # What a search names as `metrics` reaches a trainer as its setting of that name.
    infos: list[Any] = [one for one in (trainer.settings() if trainer else ()) if one.name != "metrics"]
    known = SettingRecord.model_fields
    settings = [{key: getattr(info, key) for key in known if hasattr(info, key)} for info in infos]
    tells = getattr(trainer, "metrics", None)
    metrics = [one for one in tells({}) if trainers.direction(name, one) is not None] if tells else []
    return TrainerRecord(
        name=name, settings=[SettingRecord(**setting) for setting in settings], metrics=metrics
    )
