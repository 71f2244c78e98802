"""How a report writes numbers and settings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import BaseModel

from caviar.search.problem import written
from caviar.service.api.records import iso


def number(value: Any) -> str:
    """Write a number as a paper does; a dash for none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value if isinstance(value, str) else written(value)
    return str(value) if isinstance(value, int) else f"{value:.5g}"


def short(value: Any) -> str:
    """Write a setting, one that has parts too."""
    if isinstance(value, BaseModel):
        told = value.model_dump(exclude_none=True)
        name = str(told.pop("name", ""))
        return ", ".join(filter(None, (name, short(told))))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {short(one)}" for name, one in value.items() if name != "upload")
    return number(value)


def as_yaml(value: Any) -> str:
    """Write a document as people submit it."""
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=90)
    return text


def moment(seconds: float | None) -> str:
    """Write a time to the minute; a dash for none."""
    told = iso(seconds)
    return "–" if told is None else f"{told[:10]} {told[11:16]} UTC"
