"""What can go wrong between a user and a server, each as one class with one clear sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Problem:
    """One thing wrong with what was asked: where it stands, what is wrong, what to do about it."""

    field: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" + (f" — {self.remedy}" if self.remedy else "")


class CaviarError(Exception):
    """Anything that Caviar refuses or cannot do; the text says why."""

    @property
    def may_pass(self) -> bool:
        """Return whether the same call may succeed in a while, because the server is away or in trouble."""
        return False


class TrialLimitError(CaviarError):
    """A trial has broken one of its limits: it has failed, and the training of it is to end."""


class UnreachableError(CaviarError):
    """No server answers at the address; `timed_out` where somebody may listen there, and be slow."""

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        self.timed_out = timed_out
        super().__init__(message)

    @property
    def may_pass(self) -> bool:
        """Return True: the server may come back."""
        return True


class RefusedError(CaviarError):
    """The server answered with a problem (RFC 9457); `problems` names the fields, if any."""

    def __init__(self, status: int, title: str, detail: str = "", problems: Sequence[Problem] = ()) -> None:
        self.status = status
        self.title = title
        self.detail = detail
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)) or detail or title)

    @property
    def may_pass(self) -> bool:
        """Return whether it was the server's trouble, or too many callers, rather than what was asked."""
        return self.status >= 500 or self.status == 429

    @classmethod
    def of(cls, status: int, body: Any) -> Self:
        """Make the error of an answer: the right class for its status, the problems it names."""
        body = body if isinstance(body, Mapping) else {}
        kind = _KINDS.get(status, RefusedError)
        problems = [
            Problem(str(one.get("field", "")), str(one.get("message", "")), str(one.get("remedy") or ""))
            for one in body.get("errors") or ()
        ]
        title = str(body.get("title") or f"the server answered {status}")
        return kind(status, title, str(body.get("detail") or ""), problems)  # type: ignore[return-value]


class InvalidError(RefusedError):
    """What was submitted cannot be accepted (422); nothing was stored."""


class NotFoundError(RefusedError):
    """There is no such search, trial or other thing (404)."""


class ConflictError(RefusedError):
    """It does not fit what is there: changed by somebody else, or not possible in this state (409, 412)."""


_KINDS: dict[int, type[RefusedError]] = {
    404: NotFoundError,
    409: ConflictError,
    412: ConflictError,
    422: InvalidError,
}
