"""What people find a search by again: its project and its tags. Nothing that is trained depends on them."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from caviar.search.checking import refuse_all
from caviar.search.problem import Problem

LABELS = ("project", "tags")
MOST_TAGS = 20
LONGEST_PROJECT, LONGEST_TAG = 100, 60


def _as_text(value: Any) -> Any:
    """Take a number for the text that it is in YAML: `project: 2024`."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _project(value: Any) -> Any:
    value = _as_text(value)
    return None if isinstance(value, str) and not value.strip() else value


def _tags(value: Any) -> Any:
    """Take a text for a list of tags with commas between them; an empty one, and null, for none."""
    value = [] if value is None else _as_text(value)
    if isinstance(value, str):
        value = [one for one in map(str.strip, value.split(",")) if one]
    return list(map(_as_text, value)) if isinstance(value, list) else value


def _without_comma(tag: str) -> str:
    if "," in tag:
        raise refuse_all([Problem("", f"{tag!r} has a comma, which stands between tags", "make it two tags")])
    return tag


def _each_once(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(tags))


ProjectName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_PROJECT)
]
Project = Annotated[ProjectName | None, BeforeValidator(_project)]
Tag = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TAG),
    AfterValidator(_without_comma),
]
Tags = Annotated[list[Tag], Field(max_length=MOST_TAGS), AfterValidator(_each_once), BeforeValidator(_tags)]
