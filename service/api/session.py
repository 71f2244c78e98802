"""Who the caller is, and the cookie by which a browser stays signed in."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from caviar.service.security.middleware import COOKIE
from caviar.service.security.tokens import Token

MONTH = 30 * 86400


class Session(BaseModel):
    """The caller as the server sees them."""

    name: str
    scope: str
    token_required: bool


def router(token_required: bool) -> APIRouter:
    """Serve the session below the prefix of the API."""
    routes = APIRouter(prefix="/session", tags=["session"])

    @routes.get("", summary="Who am I?")
    async def read_session(request: Request) -> Session:
        return _session(request)

    @routes.post("", summary="Sign a browser in with the token of this request")
    async def open_session(request: Request, response: Response) -> Session:
        kind, _, text = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and text.strip():
            # Strict: no other site's page or link makes the browser send it. Not readable for scripts.
            response.set_cookie(
                COOKIE,
                text.strip(),
                max_age=MONTH,
                httponly=True,
                samesite="strict",
                secure=request.scope["scheme"] == "https",
            )
        return _session(request)

    @routes.delete("", status_code=204, summary="Sign out")
    async def close_session(response: Response) -> None:
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")

    def _session(request: Request) -> Session:
        caller: Token = request.state.caller
        return Session(name=caller.name, scope=caller.scope, token_required=token_required)

    return routes
