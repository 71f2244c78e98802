"""Steering a trial over REST: give commands, see what became of them, take them back."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from caviar.service.api.common import answer, if_match
from caviar.service.api.services import Services
from caviar.service.ids import TrialId, trial_id
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import commands, panda
from caviar.service.usecases.command_validation import NewCommand


class When(BaseModel):
    """The moment at which a command takes effect."""

    model_config = ConfigDict(extra="forbid")
    at: str = Field(default="now", description="now, epoch_end, epoch:30 or no_improvement:5", max_length=40)


class CommandRequest(BaseModel):
    """One thing asked of a trial."""

    model_config = ConfigDict(extra="forbid")
    kind: str = Field(
        description="set, pause, resume, checkpoint, rewind, fork, extend, stop or note", max_length=40
    )
    arguments: dict[str, JsonValue] = {}
    when: When = When()


class Commands(BaseModel):
    """Commands that are taken together or not at all."""

    model_config = ConfigDict(extra="forbid")
    commands: list[CommandRequest] = Field(max_length=1000)


class Command(BaseModel):
    """A command and what became of it."""

    id: int
    trial: str
    kind: str
    arguments: dict[str, Any]
    when: When
    state: str = Field(description="waiting, applied or refused")
    branch: int | None
    step: int | None = Field(description="mini-batches done when it took effect")
    epoch: int | None = Field(description="epochs ended when it took effect")
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str | None
    created: str
    answered: str | None


class CommandList(BaseModel):
    """Commands of a trial, oldest first."""

    items: list[Command]
    version: int = Field(description="number of the newest command; the ETag for If-Match")


def router(services: Services) -> APIRouter:
    """Serve steering below the prefix of the API."""
    routes = APIRouter(prefix="/trials/{name}", tags=["steering"])
    store = services.store

    @routes.post("/commands", response_model=CommandList, status_code=201, summary="Steer a trial")
    async def give(
        name: str,
        body: Commands,
        request: Request,
        key: Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)] = None,
    ) -> Response:
        trial, match = trial_id(name), if_match(request)
        asks = [NewCommand(one.kind, one.arguments, one.when.at) for one in body.commands]

        def work(tx: Transaction) -> dict[str, Any]:
            given = commands.give(tx, services.proposer, trial, asks, match, key)
            return panda.command_list(tx, trial, given)

        return _tagged(await store.write(work), 201)

    @routes.get("/commands", response_model=CommandList, summary="Its commands, and what became of them")
    async def read(name: str) -> Response:
        trial = trial_id(name)
        return _tagged(await store.read(lambda snapshot: panda.command_list(snapshot, trial)))

    @routes.delete("/commands/{number}", response_model=CommandList, summary="Take a waiting command back")
    async def withdraw(name: str, number: int) -> Response:
        trial = trial_id(name)

        def work(tx: Transaction) -> dict[str, Any]:
            commands.withdraw(tx, trial, number)
            return panda.command_list(tx, trial)

        return _tagged(await store.write(work))

    @routes.get("/steering", response_model=panda.Steering, summary="All that steering a trial needs")
    async def steering(name: str) -> Response:
        trial = trial_id(name)
        return _tagged(await _read(services, trial, panda.steering))

    @routes.get(
        "/log", response_model=panda.Log, summary="Seed, settings and changes: all that replays a branch"
    )
    async def log(name: str, branch: int | None = None) -> Response:
        trial = trial_id(name)
        return answer(await store.read(lambda snapshot: panda.log(snapshot, trial, branch)))

    @routes.get(
        "/schedule", response_model=panda.Schedule, summary="The changes of a branch, for another search"
    )
    async def schedule(name: str, branch: int | None = None) -> Response:
        trial = trial_id(name)
        return answer(await store.read(lambda snapshot: panda.schedule(snapshot, trial, branch)))

    return routes


async def _read(services: Services, trial: TrialId, query: Any) -> dict[str, Any]:
    def run(snapshot: Snapshot) -> dict[str, Any]:
        found: dict[str, Any] = query(snapshot, trial)
        return found

    return await services.store.read(run)


def _tagged(body: dict[str, Any], status: int = 200) -> Response:
    return answer(body, status, {"ETag": f'"{body["version"]}"'})
