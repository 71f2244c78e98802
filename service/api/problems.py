"""Every error has one shape: RFC 9457 problem details, with the field and the remedy where there is one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.exceptions import HTTPException

from caviar.search.checking import wrong_value
from caviar.service.errors import FieldProblem, RefusedError, ServiceError

log = logging.getLogger(__name__)
RETRY_SECONDS = {429: 60, 503: 1}  # by status
MEDIA_TYPE = "application/problem+json"
MOST_TOLD = 100  # of one request: each of 10,000 points can be wrong in every parameter


class ProblemField(BaseModel):
    """One thing wrong in a request."""

    field: str
    message: str
    remedy: str
    fixes: list[dict[str, Any]] = []  # options of a data set, each of which ends the problem


class Problem(BaseModel):
    """An error, as RFC 9457 has it."""

    model_config = ConfigDict(extra="forbid")

    type: str
    title: str
    status: int
    detail: str
    errors: list[ProblemField] = []


RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "model": Problem,
        "description": "The request was not carried out",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}


def problem(
    status: int,
    title: str,
    detail: str,
    errors: Sequence[FieldProblem] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """Write a problem as a response."""
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "errors": told(errors),
    }
    return Response(orjson.dumps(body), status, headers, MEDIA_TYPE)


def told(errors: Sequence[FieldProblem]) -> list[dict[str, Any]]:
    """Return problems as REST tells them: the first ones, then how many more there are."""
    found = list(errors[:MOST_TOLD])
    if len(errors) > MOST_TOLD:
        found.append(FieldProblem("body", f"has {len(errors) - MOST_TOLD} more problems", "mend these first"))
    return [
        {"field": one.field, "message": one.message, "remedy": one.remedy}
        | ({"fixes": list(one.fixes)} if one.fixes else {})
        for one in found
    ]


def install(app: FastAPI) -> None:
    """Answer every error of an application with a problem."""

    @app.exception_handler(ServiceError)
    async def service_error(request: Request, error: ServiceError) -> Response:
        pause = RETRY_SECONDS.get(error.status)
        headers = None if pause is None else {"Retry-After": str(pause)}
        return problem(error.status, error.title, error.detail, error.problems, headers)

    @app.exception_handler(RequestValidationError)
    async def validation(request: Request, error: RequestValidationError) -> Response:
        found = [_field(one, one["loc"][1:]) for one in error.errors()]
        return refused(found)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        title = HTTPStatus(error.status_code).phrase
        headers = dict(error.headers) if error.headers else None
        return problem(error.status_code, title, str(error.detail), headers=headers)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        closing = {"Connection": "close"}  # uvicorn will; a client must not send its next request on it
        return problem(500, "Internal error", "the server failed; its log says more", headers=closing)


def refused(found: Sequence[FieldProblem]) -> Response:
    """Write the problem of a request that breaks rules."""
    return problem(422, RefusedError.title, RefusedError.of_all(found).detail, found)


def of_validation(error: ValidationError) -> RefusedError:
    """Make the error of a body that pydantic refused."""
    return RefusedError.of_all([_field(one, one["loc"]) for one in error.errors()])


def _field(error: Any, location: Sequence[Any]) -> FieldProblem:
    found = wrong_value(".".join(str(part) for part in location) or "body", error)
    return FieldProblem(found.field, found.message, found.remedy)


async def known_query(request: Request) -> None:
    """Refuse query parameters that a route does not know: a misspelt filter must not answer everything."""
    route = request.scope.get("route")
    dependant = getattr(route, "dependant", None)
    if dependant is None or not request.query_params:
        return
    known = _names(dependant)
    remedy = f"known: {', '.join(sorted(known))}" if known else "this address takes none"
    unknown = [
        FieldProblem(name, "is not a query parameter of this address", remedy)
        for name in dict.fromkeys(request.query_params.keys())
        if name not in known
    ]
    unknown += [
        FieldProblem(name, "holds a NUL", "leave the character U+0000 out")
        for name, value in request.query_params.multi_items()
        if "\0" in value and name in known
    ]
    if unknown:
        raise RefusedError("; ".join(f"{one.field}: {one.message}" for one in unknown), unknown)


def _names(dependant: Dependant) -> set[str]:
    """Name the query parameters of a route and of what it depends on."""
    names = {one.alias for one in dependant.query_params}
    return names.union(*(_names(inner) for inner in dependant.dependencies))
