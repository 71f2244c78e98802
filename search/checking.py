"""From pydantic's errors and our own to problems that name a field and a remedy."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from caviar.search.problem import Problem, unknown, written

_UNIONS = {"space": 2, "strategy": 1, "stopping": 1}  # where in the path the tag of a union stands
_EXAMPLES = {  # of what is to be an object, by its place or by pydantic's name of its class
    "dataset": "write {name: digits}",
    "settings": "write {epochs: 30}",
    "space": "write {learning_rate: {scale: log, low: 1.0e-4, high: 1}}",
    "strategy": "write tpe, or {name: tpe}",
    "stopping": "write median, or {name: median}",
    "SearchSpec": "send an object with a space, a budget and so on",
    "Range": "write {low: 0, high: 1}, {choices: [a, b]} or {value: a}",
    "Budget": "write {trials: 60}",
    "Limits": "write {seconds: 600, memory: 2 GiB}",
    "Objective": "write {metric: dev_error, direction: minimize}",
    "Constraint": "write {max: 2}",
    "Reevaluate": "write {leaders: 3, seeds: 2}",
    "WarmStart": "write {search: 3, points: 5}",
    "ScheduledChange": "write {epoch: 15, set: {learning_rate: 0.01}}",
}
_SIMPLE = ("bool", "int", "float", "str", "list[any]")  # what a condition may be besides part of a range
_TEXTS = {  # message and remedy by the beginning of pydantic's type of an error
    "missing": ("is missing", "add it"),
    "extra_forbidden": ("is not known here", "leave it out, or check its spelling"),
    "json_invalid": ("is not JSON: {error}", "send valid JSON"),
    "model_": ("{value} is not an object", "write {{key: value}}"),
    "dict_type": ("{value} is not an object", "write {{key: value}}"),
    "list_type": ("{value} is not a list", "write [first, second]"),
    "string_type": ("{value} is not a text", "write a text"),
    "string_too_short": ("is empty", "write a text"),
    "string_too_long": ("is longer than {max_length} characters", "shorten it"),
    "finite_number": ("{value} is not finite", "give a finite number"),
    "float_": ("{value} is not a number", "give a finite number"),
    "int_": ("{value} is not an integer", "give an integer"),
    "bool_": ("{value} is neither true nor false", "write true or false"),
    "greater_than_equal": ("{value} is below {ge}", "give at least {ge}"),
    "greater_than": ("{value} is not above {gt}", "give more than {gt}"),
    "less_than_equal": ("{value} is above {le}", "give at most {le}"),
    "less_than": ("{value} is not below {lt}", "give less than {lt}"),
    "too_short": ("has {actual_length} entries", "give at least {min_length}"),
    "too_long": ("has {actual_length} entries", "give at most {max_length}"),
}
Names = Callable[[Sequence[str]], list[str]]  # what may stand at a path


def refuse_all(problems: list[Problem]) -> PydanticCustomError:
    """Make one pydantic error that carries several problems."""
    message = "; ".join(f"{one.field} {one.message}".strip() for one in problems)
    return PydanticCustomError("rules", "{message}", {"message": message, "problems": problems})


def refuse_boolean(value: Any) -> Any:
    """Refuse true and false where a number stands: pydantic would read 1 and 0."""
    if isinstance(value, bool):
        raise refuse_all([Problem("", f"{_short(value)} is not a number", "give a number")])
    return value


def problems_of(error: ValidationError, names_at: Names) -> list[Problem]:
    """Turn a pydantic error into problems; `names_at` knows what may stand where an unknown name does."""
    found: dict[Problem, None] = {}  # a union reports some things once per member
    for detail in error.errors(include_url=False):
        for problem in _problems(detail, names_at):
            found.setdefault(problem)
    return list(found)


def _problems(detail: ErrorDetails, names_at: Names) -> list[Problem]:
    parts = [str(part) for part in detail["loc"]]
    field = _join(*_without_tags(parts))
    context: dict[str, Any] = detail.get("ctx", {})
    kind = detail["type"]
    if "when" in parts[3:4] and parts[-1] in _SIMPLE:
        return []  # pydantic tries all a condition may be; that it is no part of a range says enough
    if kind == "rules":
        return [Problem(_join(field, one.field), one.message, one.remedy) for one in context["problems"]]
    if kind == "rule":
        return [Problem(_join(field, context["field"]), context["message"], context["remedy"])]
    if kind == "extra_forbidden":
        return [unknown(field, parts[-1], names_at(parts))]
    return [wrong_value(field, detail)]


def wrong_value(field: str, detail: ErrorDetails) -> Problem:
    """Say in words of ours what pydantic found wrong with the value of a field."""
    context: dict[str, Any] = detail.get("ctx", {})
    kind, value = detail["type"], detail["input"]
    if kind == "literal_error":
        known = re.findall("'([^']*)'", context["expected"])
        return unknown(field, value, known)
    for beginning, (message, remedy) in _TEXTS.items():
        if kind.startswith(beginning):
            texts = {**context, "value": _short(value)}
            example = _EXAMPLES.get(context.get("class_name", field)) if "object" in message else None
            return Problem(field, message.format(**texts), example or remedy.format(**texts))
    message = detail["msg"][0].lower() + detail["msg"][1:]
    return Problem(field, f"{message}, not {_short(value)}", "correct the value")


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
    """Write a value as JSON and YAML have it, cut short. Both of them lose what is not finite on the way."""
    text = "null (empty, or not finite)" if value is None else written(value)
    return text if len(text) <= 60 else text[:57] + "..."
