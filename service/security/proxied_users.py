"""Users whom a proxy names: single sign-on ends at the proxy, which says in a header who calls."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from starlette.types import Scope

from caviar.service.security.refusals import Refusal
from caviar.service.security.scopes import Token
from caviar.service.single_sign_on import SingleSignOn

STREAM_SECONDS = 3600.0  # then a stream ends, and its reader comes back through the proxy
LONGEST = 200  # bytes of a name


def named_by_proxy(
    sign_on: SingleSignOn, scope: Scope, header: Callable[[bytes], str | None]
) -> Token | None:
    """Return the user whom a trusted proxy names; None where there is none, or who sends it is not trusted.

    A header that comes twice counts as none: a caller may have put one beside the proxy's own. Raises Refusal
    for a name that is none, and for a user without a scope.
    """
    if not sign_on.networks or not sign_on.trusts(_peer(scope)):
        return None
    raw = header(sign_on.user_header.lower().encode())
    if not raw:
        return None
    name = _text(raw, sign_on.user_header)
    groups = _text(header(sign_on.groups_header.lower().encode()) or "", sign_on.groups_header, longest=8192)
    allowed = sign_on.scope_of([one.strip() for one in groups.split(",")])
    if allowed is None:
        detail = f"No group of the user {name!r} has a scope on this server"
        raise Refusal(403, "No scope", detail, sign_on.groups_header, "Ask who runs it: CAVIAR_GROUP_SCOPES")
    digest = hashlib.sha256(f"user {name}".encode()).hexdigest()
    return Token(name, allowed, digest, expires=time.time() + STREAM_SECONDS, by_proxy=True)


def _peer(scope: Scope) -> str:
    """Return the address that the connection comes from, whatever X-Forwarded-For says of the client."""
    connection = scope["state"].get("connection")
    peer = scope.get("client") if connection is None else connection.client
    return str(peer[0]) if peer else ""


def _text(raw: str, header: str, longest: int = LONGEST) -> str:
    """Read a header as UTF-8. Raises Refusal for what no name is made of."""
    try:
        text = raw.encode("latin-1").decode().strip()
    except UnicodeDecodeError:
        text = ""
    if (raw and not text) or not text.isprintable() or len(raw) > longest:
        raise Refusal(400, "Bad user", f"{header} holds no name", header, "Have the proxy send one name")
    return text
