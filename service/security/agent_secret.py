"""What an agent proves itself by: the secret of its process, or where it has none its token."""

from __future__ import annotations

import hashlib

from starlette.requests import Request

from caviar.exchange.wire import AGENT_SECRET
from caviar.service.errors import RefusedError
from caviar.service.security.scopes import Token

SHORTEST, LONGEST = 32, 200  # characters


def credential_of(request: Request) -> str:
    """Return the digest of what the agent behind a request shows. Raises RefusedError for a poor secret."""
    secret = request.headers.get(AGENT_SECRET)
    caller: Token = request.state.caller
    if secret is None:
        return caller.digest or "local"
    if not SHORTEST <= len(secret) <= LONGEST:
        remedy = f"send from {SHORTEST} to {LONGEST} random characters, drawn once for the process"
        raise RefusedError.of(AGENT_SECRET, f"has {len(secret)} characters", remedy)
    return hashlib.sha256(b"agent " + secret.encode("latin-1")).hexdigest()
