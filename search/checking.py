"""From pydantic's errors and our own to problems that name a field and a remedy."""

from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from search.problem import Problem

_UNIONS = {"space": 2, "strategy": 1, "stopping": 1}  # where in the path the tag of a union stands
_REMEDIES = {
    "missing": "add it",
    "extra_forbidden": "remove it, or check its spelling",
    "finite_number": "give a finite number",
}


def refuse_all(problems: list[Problem]) -> PydanticCustomError:
    """Make one pydantic error that carries several problems."""
    message = "; ".join(f"{one.field} {one.message}".strip() for one in problems)
    return PydanticCustomError("rules", "{message}", {"message": message, "problems": problems})


def problems_of(error: ValidationError, prefix: str = "") -> list[Problem]:
    """Turn a pydantic error into problems."""
    found: dict[Problem, None] = {}  # a union reports some things once per member
    for detail in error.errors(include_url=False):
        for problem in _problems(detail, prefix):
            found.setdefault(problem)
    return list(found)


def _problems(detail: ErrorDetails, prefix: str) -> list[Problem]:
    parts = [str(part) for part in detail["loc"]]
    field = _join(prefix, *_without_tags(parts))
    context: dict[str, Any] = detail.get("ctx", {})
    if detail["type"] == "rules":
        return [Problem(_join(field, one.field), one.message, one.remedy) for one in context["problems"]]
    if detail["type"] == "rule":
        return [Problem(_join(field, context["field"]), context["message"], context["remedy"])]
    message = detail["msg"][0].lower() + detail["msg"][1:]
    if detail["type"] not in ("missing", "extra_forbidden"):
        message += f", not {_short(detail['input'])}"
    return [Problem(field, message, _REMEDIES.get(detail["type"], "correct the value"))]


def _without_tags(parts: list[str]) -> list[str]:
    """Drop what pydantic adds for the member of a union: space.beta1.range.low is space.beta1.low."""
    kept = []
    for position, part in enumerate(parts):
        tag = position == _UNIONS.get(parts[0])
        if not tag and not (position > 0 and part.startswith(("function-", "is-instance["))):
            kept.append(part)
    return kept


def _join(*parts: str) -> str:
    return ".".join(part for part in parts if part)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
