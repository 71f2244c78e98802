"""Tokens over REST, for those who may do everything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from caviar.service.api.services import App
from caviar.service.errors import NotFoundError, RefusedError
from caviar.service.store.tokens import StoredToken


class TokenInfo(BaseModel):
    """A token without its text."""

    id: str
    name: str
    scope: str
    created: str


class TokenList(BaseModel):
    """The stored tokens."""

    items: list[TokenInfo]


class NewToken(BaseModel):
    """What a token is to be called and to do."""

    name: str = Field(min_length=1, max_length=60)
    scope: Literal["read", "submit", "steer", "admin", "agent"]


class MadeToken(TokenInfo):
    """A token with its text, which is shown this once."""

    token: str


def _shown(token: StoredToken) -> dict[str, str]:
    created = datetime.fromtimestamp(token.created, UTC).isoformat(timespec="seconds")
    return {"id": token.id, "name": token.name, "scope": token.scope, "created": created}


router = APIRouter(prefix="/tokens", tags=["tokens"])


@router.get("", summary="List tokens")
def list_tokens(services: App) -> TokenList:
    return TokenList(items=[TokenInfo(**_shown(token)) for token in services.tokens.stored()])


@router.post("", status_code=201, summary="Make a token")
def create_token(services: App, request: Request, new: NewToken) -> MadeToken:
    try:
        token, text = services.tokens.create(new.name, new.scope, request.state.caller.name)
    except ValueError as error:
        field, _, message = str(error).partition(": ")
        raise RefusedError.of(field, message, "Choose another") from None
    return MadeToken(**_shown(token), token=text)


@router.delete("/{name}", status_code=204, summary="Revoke a token")
def revoke_token(services: App, request: Request, name: Annotated[str, Path(max_length=60)]) -> None:
    if not services.tokens.revoke(name, request.state.caller.name):
        raise NotFoundError(f"There is no token called {name!r}")
