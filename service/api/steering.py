"""Steering a trial over REST: give commands, see what became of them, take them back, replay."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response

from caviar.service.api import records
from caviar.service.api.http import answer, if_match, tagged
from caviar.service.api.services import App
from caviar.service.api.steering_records import (
    CommandList,
    Commands,
    Log,
    Rewind,
    Schedule,
    Setting,
    Steering,
)
from caviar.service.ids import trial_id
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import commands, lineage, schedules, steering_view
from caviar.service.usecases.command_validation import NewCommand
from caviar.service.usecases.rewind_estimate import estimate
from caviar.service.usecases.steering_view import CommandLog
from caviar.trainer.remedies import Advice

router = APIRouter(prefix="/trials/{name}", tags=["steering"])


@router.post("/commands", response_model=CommandList, status_code=201, summary="Steer a trial")
async def give(
    services: App,
    name: str,
    body: Commands,
    request: Request,
    key: Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)] = None,
) -> Response:
    trial, match = trial_id(name), if_match(request)
    asks = [NewCommand(one.kind, one.arguments, one.when.at, one.when.late) for one in body.commands]

    def work(tx: Transaction) -> CommandLog:
        given = commands.give(tx, services.proposer, trial, asks, match, key)
        return steering_view.read_commands(tx, trial, given)

    return tagged(_commands(await services.write(request, work)), 201)


@router.get("/commands", response_model=CommandList, summary="Its commands and their outcomes")
async def read(services: App, name: str) -> Response:
    trial = trial_id(name)
    found = await services.store.read(lambda snapshot: steering_view.read_commands(snapshot, trial))
    return tagged(_commands(found))


@router.delete("/commands/{number}", response_model=CommandList, summary="Withdraw a waiting command")
async def withdraw(services: App, request: Request, name: str, number: int) -> Response:
    trial = trial_id(name)

    def work(tx: Transaction) -> CommandLog:
        commands.withdraw(tx, trial, number)
        return steering_view.read_commands(tx, trial)

    return tagged(_commands(await services.write(request, work)))


@router.get(
    "/steering", response_model=Steering, summary="Settings, commands, branches and advice of a trial"
)
async def steering(services: App, name: str) -> Response:
    trial = trial_id(name)
    found = await services.store.read(lambda snapshot: steering_view.read_steering(snapshot, trial))
    return tagged(_steering(found))


@router.get("/rewind", response_model=Rewind, summary="What a rewind to an epoch has to train again")
async def rewind(
    services: App,
    name: str,
    epoch: Annotated[int, Query(ge=0, lt=2**31)],
    branch: Annotated[int | None, Query(ge=0, lt=2**31)] = None,
) -> Response:
    trial = trial_id(name)
    found = await services.store.read(lambda snapshot: estimate(snapshot, trial, epoch, branch))
    return answer(asdict(found))


@router.get("/log", response_model=Log, summary="Seed, settings and changes to replay a branch")
async def log(services: App, name: str, branch: int | None = None) -> Response:
    trial = trial_id(name)
    found = await services.store.read(lambda snapshot: steering_view.read_log(snapshot, trial, branch))
    return answer(_log(found))


@router.get(
    "/schedule", response_model=Schedule, summary="Settings by epoch, and a search that takes them up"
)
async def schedule(services: App, name: str, branch: int | None = None) -> Response:
    trial = trial_id(name)
    found = await services.store.read(lambda snapshot: schedules.read_schedule(snapshot, trial, branch))
    return answer(asdict(found))


def _commands(found: CommandLog) -> dict[str, Any]:
    return {"items": [records.command(one) for one in found.items], "version": found.version}


def _steering(view: steering_view.SteeringView) -> dict[str, Any]:
    return {
        "version": view.commands.version,
        "state": view.trial.state,
        "branch": view.trial.branch,
        "epoch": view.trial.epoch,
        "settings": [_setting(info, value) for info, value in view.settings],
        "commands": _commands(view.commands)["items"],
        "branches": [_branch(one) for one in view.branches],
        "checkpoints": [records.checkpoint(one) for one in view.checkpoints],
        "advice": [_advice(one, command) for one, command in view.advice],
        "outlook": view.outlook and _advice(*view.outlook),
    }


def _advice(one: Advice, command: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "since": one.since,
        "text": one.text,
        "command": command,
        "settings": one.settings,
    }


def _setting(info: Any, value: Any) -> dict[str, Any]:
    shown = {name: getattr(info, name) for name in Setting.model_fields if name != "value"}
    return {**shown, "value": value}


def _branch(one: lineage.Branch) -> dict[str, Any]:
    changes = list(one.changes)
    return {"branch": one.number, "parent": one.parent, "from_epoch": one.from_epoch, "changes": changes}


def _log(found: steering_view.ReplayLog) -> dict[str, Any]:
    trial = found.trial
    return {
        "trial": f"{trial.search_id}.{trial.number}",
        "branch": found.branch,
        "current": found.branch == trial.branch,
        "state": trial.state,
        "trainer": found.trainer,
        "dataset": found.dataset,
        "settings": found.settings,
        "seed": trial.seed,
        "changes": found.changes,
        "epoch": found.epoch,
        "end": found.end,
        "stopped": found.stopped,
        "kept_epoch": found.kept_epoch,
        "checkpoints": [records.checkpoint(one) for one in found.checkpoints],
    }
