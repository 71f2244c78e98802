"""What the routes share: JSON answers, ETags, bodies."""

from __future__ import annotations

import re
from typing import Any

import orjson
from fastapi import Request, Response

from caviar.service.api.json_bodies import read_json
from caviar.service.errors import RefusedError

_ETAG = re.compile(r'(?:W/)?"(\d+)"')


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Write JSON; numbers that are not finite become null."""
    return Response(orjson.dumps(body), status, headers, "application/json")


def tagged(body: dict[str, Any], status: int = 200, **headers: str) -> Response:
    """Write a record that people edit, with the ETag of its version."""
    return answer(body, status, {"ETag": f'"{body["version"]}"', **headers})


def if_match(request: Request) -> int | None:
    """Read If-Match: the version the caller has seen. Raises RefusedError."""
    text = request.headers.get("if-match")
    if text is None or text.strip() == "*":
        return None
    match = _ETAG.fullmatch(text.strip())
    if match is None:
        raise RefusedError.of(
            "If-Match", f"{text!r} is not an ETag of this server", "send back the ETag of a GET"
        )
    return int(match[1])


async def json_body(request: Request) -> Any:
    """Return the JSON that was read of a body (json_bodies.py). Raises RefusedError where there was none."""
    return request.state.json if hasattr(request.state, "json") else read_json(await request.body())


def body_schema(reference: str) -> dict[str, Any]:
    """Describe a body that is parsed by hand, for OpenAPI."""
    schema = {"$ref": f"#/components/schemas/{reference}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
