"""Webhooks over REST, for those who may do everything."""

from __future__ import annotations

import secrets
import time
from ipaddress import ip_network
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from caviar.search.labels import ProjectName
from caviar.service.api.http import answer
from caviar.service.api.records import Record, iso
from caviar.service.api.services import App, Services
from caviar.service.errors import NotFoundError, RefusedError
from caviar.service.messages.outgoing import ForbiddenTargetError, allowed_address, target_of
from caviar.service.messages.sender import WebhookSender
from caviar.service.store import webhooks as rows
from caviar.service.store.webhooks import StoredWebhook
from caviar.service.usecases import webhooks
from caviar.service.usecases.webhooks import Message

Event = Literal["ended", "paused", "failed", "best", "drift"]
REMEDY = "give an address of the internet, or have an admin name its network in CAVIAR_WEBHOOK_NETWORKS"


class NewWebhook(BaseModel):
    """Whom to tell of what."""

    model_config = ConfigDict(extra="forbid")
    url: str = Field(max_length=2000, description="https://... or http://...; where messages are posted")
    style: Literal["json", "slack"] = Field(
        "json", description="slack: a text, as Slack and its like take it"
    )
    events: list[Event] = Field(["ended", "paused"], min_length=1, description="of which it is told")
    project: ProjectName | None = Field(None, description="of whose searches; null: of all")


class Webhook(Record):
    """A webhook; of its address only the host is shown, for the rest of it may be a secret."""

    id: str
    host: str
    style: str
    events: list[str]
    project: str | None
    who: str | None = Field(description="made it")
    created: str
    sent: str | None = Field(description="when a message last arrived")
    problem: str | None = Field(description="why the last try did not arrive")


class MadeWebhook(Webhook):
    """A webhook with the secret that its messages are signed with, which is shown this once."""

    secret: str


class Webhooks(Record):
    """The webhooks, oldest first."""

    items: list[Webhook]


class Tried(Record):
    """What became of a message that was sent to try a webhook."""

    arrived: bool
    problem: str | None


router = APIRouter(prefix="/webhooks", tags=["webhooks"])


@router.post("", status_code=201, response_model=MadeWebhook, summary="Have an address told of events")
async def create_webhook(services: App, request: Request, new: NewWebhook) -> Response:
    await _check(services, new.url)
    secret = secrets.token_hex(24)
    events = list(dict.fromkeys(new.events))
    made = await services.write(
        request, lambda tx: webhooks.create(tx, new.url, new.style, events, new.project, secret)
    )
    return answer({**_shown(made), "secret": secret}, 201)


@router.get("", response_model=Webhooks, summary="List webhooks")
async def list_webhooks(services: App) -> Response:
    return answer({"items": [_shown(one) for one in await services.store.read(rows.all_of_them)]})


@router.delete("/{webhook}", status_code=204, summary="Remove a webhook, with what it was still to be told")
async def remove_webhook(
    services: App, request: Request, webhook: Annotated[str, Path(max_length=60)]
) -> Response:
    await services.write(request, lambda tx: webhooks.remove(tx, webhook))
    return Response(status_code=204)


@router.post("/{webhook}/test", response_model=Tried, summary="Send it a message to try it")
async def try_webhook(services: App, webhook: Annotated[str, Path(max_length=60)]) -> Response:
    found = {one.id: one for one in await services.store.read(rows.all_of_them)}.get(webhook)
    if found is None:
        raise NotFoundError(f"there is no webhook {webhook!r}")
    text = "This is a test: messages of Caviar arrive here."
    message = Message(secrets.token_hex(8), "test", 0, "", None, "Test", text, None, None, time.time())
    problem = await WebhookSender(services.store, services.config).send(found, message)
    return answer({"arrived": problem is None, "problem": problem})


async def _check(services: Services, url: str) -> None:
    """Raise RefusedError for an address that nothing may be sent to, or whose name is not there."""
    try:
        host, port = target_of(url)
    except ValueError as error:
        raise RefusedError.of("url", str(error), "write https://host/path") from None
    try:
        await allowed_address(host, port, map(ip_network, services.config.webhook_networks))
    except ForbiddenTargetError as error:
        raise RefusedError.of("url", str(error), REMEDY) from None
    except OSError as error:
        raise RefusedError.of("url", f"{host} cannot be looked up: {error}", "check the name") from None


def _shown(one: StoredWebhook) -> dict[str, Any]:
    return {
        "id": one.id,
        "host": target_of(one.url)[0],
        "style": one.style,
        "events": orjson.loads(one.events),
        "project": one.project,
        "who": one.who,
        "created": iso(one.created),
        "sent": iso(one.sent),
        "problem": one.problem,
    }
