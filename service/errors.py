"""What a use case may refuse, with what the caller needs to know; REST maps them to problems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class FieldProblem:
    """One thing wrong in a request: where, what, and what to do about it, in words and as options."""

    field: str
    message: str
    remedy: str = ""
    fixes: Iterable[Mapping[str, Any]] = ()


class ServiceError(Exception):
    """A request that was not carried out; `status` is its HTTP status."""

    status = 500
    title = "Internal error"

    def __init__(self, detail: str, problems: Iterable[FieldProblem] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.problems = tuple(problems)

    @classmethod
    def of_all(cls, problems: Sequence[FieldProblem]) -> Self:
        """Make the error of several problems; its text names the first ones."""
        return cls("; ".join(f"{one.field}: {one.message}" for one in problems[:5]), problems)


class ForbiddenError(ServiceError):
    """It is another's."""

    status = 403
    title = "Not yours"


class NotFoundError(ServiceError):
    """What was named does not exist."""

    status = 404
    title = "Not found"


class ConflictError(ServiceError):
    """The state of the thing does not allow it."""

    status = 409
    title = "Conflict"


class ChangedError(ServiceError):
    """Somebody else changed it meanwhile (If-Match)."""

    status = 412
    title = "Changed meanwhile"


class RefusedError(ServiceError):
    """The request is understood but wrong; `problems` names every reason."""

    status = 422
    title = "Refused"

    @classmethod
    def of(cls, field: str, message: str, remedy: str = "") -> RefusedError:
        """Make the error of a single problem."""
        return cls(f"{field}: {message}", [FieldProblem(field, message, remedy)])


class TooManyError(ServiceError):
    """So much is asked for only by mistake, or to hurt."""

    status = 429
    title = "Too many"


class UnavailableError(ServiceError):
    """The database or the disk cannot be written now; the same request may be repeated."""

    status = 503
    title = "The store is not available"

    @property
    def remedy(self) -> str:
        """Say what a probe tells anybody: a driver's own words may hold the address and the user."""
        return "it cannot be read or written now; it is tried again and again"


class DamagedError(UnavailableError):
    """The database is not the one that was opened, or is damaged; nothing but a restart ends this."""

    title = "The database is gone or damaged"
    _REMEDY = (
        "stop the server, put the database right (docs/operations.md, Restore), then start it again; "
        "agents keep their results meanwhile"
    )

    @classmethod
    def because(cls, reason: str) -> DamagedError:
        """Make the error from what happened to the database."""
        return cls(
            f"The database cannot be trusted: {reason}. Nothing is read or written any more: {cls._REMEDY}.",
            [FieldProblem("database", reason, cls._REMEDY)],
        )

    @property
    def remedy(self) -> str:
        """Say all of it where a probe asks."""
        return self.detail
