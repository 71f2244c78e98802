"""What is answered before the application is asked, in the shape of every other error."""

from __future__ import annotations

import json
from dataclasses import dataclass

from starlette.types import Send

_CLOSE = ((b"connection", b"close"),)


@dataclass(eq=False)
class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """Why a request goes no further, in the shape of every other error."""

    status: int
    title: str
    detail: str
    field: str
    remedy: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


def unauthorised(detail: str) -> Refusal:
    """Make the refusal of a caller without a valid token."""
    remedy = "Send Authorization: Bearer TOKEN; `caviar token new NAME` makes one"
    return Refusal(
        401, "Not authorised", detail, "Authorization", remedy, ((b"www-authenticate", b"Bearer"),)
    )


def too_much(status: int) -> Refusal:
    """Make the refusal of a body that is too large (413) or too slow (408)."""
    if status == 408:
        return Refusal(408, "Body too slow", "The body stopped coming", "body", "Send it again", _CLOSE)
    return Refusal(
        413, "Body too large", "The body is larger than this route takes", "body", "Send less", _CLOSE
    )


def not_json() -> Refusal:
    """Make the refusal of a body that does not say it is JSON: a form of another site's page never does."""
    remedy = "Send JSON, with the header Content-Type: application/json"
    return Refusal(415, "Unsupported media type", "This address takes JSON", "Content-Type", remedy, _CLOSE)


def too_many_failures(seconds: int) -> Refusal:
    """Make the refusal of a token that is not known, from where many came that were not either."""
    detail = "Too many unknown tokens came from this address"
    remedy = f"Wait {seconds} s, or use a token that is known: those are served"
    headers = ((b"retry-after", str(seconds).encode()),)
    return Refusal(429, "Too many failed logins", detail, "Authorization", remedy, headers)


async def refuse(send: Send, refusal: Refusal) -> None:
    """Answer with a refusal."""
    body = json.dumps(
        {
            "type": "about:blank",
            "title": refusal.title,
            "status": refusal.status,
            "detail": refusal.detail,
            "errors": [{"field": refusal.field, "message": refusal.detail, "remedy": refusal.remedy}],
        }
    ).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        *refusal.headers,
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
