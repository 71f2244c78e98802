"""Who the caller is, and the cookie by which a browser stays signed in."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from caviar.service.api.services import App, Services
from caviar.service.security import links
from caviar.service.security.middleware import COOKIE
from caviar.service.security.scopes import LOCAL, Token
from caviar.service.security.tokens import SESSION_SECONDS

OLD_COOKIE = "caviar_token"  # it held a token itself


class Session(BaseModel):
    """The caller as the server sees them."""

    name: str
    scope: str
    token_required: bool
    search: int | None = Field(None, description="the only one that a link shows")


router = APIRouter(prefix="/session", tags=["session"])


@router.get("", summary="Who am I?")
async def read_session(services: App, request: Request) -> Session:
    return _session(services, request)


@router.post("", summary="Sign a browser in with the token of this request")
def open_session(services: App, request: Request, response: Response) -> Session:
    caller: Token = request.state.caller
    if caller.search is not None:
        _keep_link(services, request, response, caller)
    elif caller != LOCAL and not caller.session and not caller.by_proxy:
        # Strict: no other site's page or link makes the browser send it. Not readable for scripts.
        response.set_cookie(
            COOKIE,
            services.tokens.open_session(caller),
            max_age=int(SESSION_SECONDS),
            path=_path(services),
            httponly=True,
            samesite="strict",
            secure=request.scope["scheme"] == "https",
        )
        response.delete_cookie(OLD_COOKIE, httponly=True, samesite="strict")
    return _session(services, request)


@router.delete("", status_code=204, summary="Sign out")
def close_session(services: App, request: Request, response: Response) -> None:
    text = request.cookies.get(COOKIE)
    if text is not None:
        services.tokens.end_session(text)
    response.delete_cookie(COOKIE, path=_path(services), httponly=True, samesite="strict")
    response.delete_cookie(OLD_COOKIE, httponly=True, samesite="strict")


def _path(services: Services) -> str:
    """Return where the cookie is sent to: behind a proxy to no other application of the same host."""
    return services.config.path_prefix or "/"


def _keep_link(services: Services, request: Request, response: Response, caller: Token) -> None:
    """Have a browser show a link by itself from now on: it holds no more than the address did."""
    _, _, text = request.headers.get("authorization", "").partition(" ")
    if text:
        response.set_cookie(
            f"{links.COOKIE}{caller.search}",
            text.strip(),
            max_age=max(1, int(caller.expires - time.time())),
            path=_path(services),
            httponly=True,
            samesite="strict",
            secure=request.scope["scheme"] == "https",
        )


def _session(services: Services, request: Request) -> Session:
    caller: Token = request.state.caller
    required = services.config.token_required
    return Session(name=caller.name, scope=caller.scope, token_required=required, search=caller.search)
