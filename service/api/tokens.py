"""Tokens over REST, for those who may do everything."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from caviar.service.errors import NotFoundError, RefusedError
from caviar.service.security.tokens import TokenBook


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


def router(book: TokenBook) -> APIRouter:
    """Serve tokens below the prefix of the API; on threads, because the book is a file."""
    routes = APIRouter(prefix="/tokens", tags=["tokens"])

    @routes.get("", summary="List tokens")
    def list_tokens() -> TokenList:
        items = [TokenInfo(id=t.id, name=t.name, scope=t.scope, created=t.created) for t in book.stored()]
        return TokenList(items=items)

    @routes.post("", status_code=201, summary="Make a token")
    def create_token(new: NewToken) -> MadeToken:
        try:
            token, text = book.create(new.name, new.scope)
        except ValueError as error:
            field, _, message = str(error).partition(": ")
            raise RefusedError.of(field, message, "Choose another") from None
        return MadeToken(id=token.id, name=token.name, scope=token.scope, created=token.created, token=text)

    @routes.delete("/{name}", status_code=204, summary="Revoke a token")
    def revoke_token(name: Annotated[str, Path(max_length=60)]) -> None:
        if not book.revoke(name):
            raise NotFoundError(f"There is no token called {name!r}")

    return routes
