"""Definitions of parameters as a user writes them: a range, a list of choices, or one fixed value."""

import math
import re
import sys
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from caviar.search.checking import refuse_all, refuse_boolean
from caviar.search.problem import unknown, written
from caviar.search.scales import ALIASES, FARTHEST, SCALES, describe_scales

Value = bool | int | float | str | None | list[Any]
LARGEST_INTEGER = 2**53
FINEST = 1e11  # times a step goes into the larger end: grid values have twelve digits
RAREST = 1e-6  # share of the zero, and of the rest beside it
DEEPEST = 20
_YAML_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+")


def plain(value: Any, depth: int = 0) -> Any:
    """Make sure of finite numbers and sane nesting, and turn `1e-4` back into a number.

    YAML 1.1 reads it as text unless it is written 1.0e-4.
    """
    if depth > DEEPEST:
        raise refuse("", "is nested too deeply", f"nest at most {DEEPEST} lists or objects")
    if isinstance(value, str) and _YAML_NUMBER.fullmatch(value):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise refuse("", f"{value} is not finite", "give a finite number, or leave it out")
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        raise refuse("", "is a larger number than can be computed with", "give a smaller one")
    if isinstance(value, list):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {key: plain(item, depth + 1) for key, item in value.items()}
    return value


def refuse(field: str, message: str, remedy: str) -> PydanticCustomError:
    """Make an error that search.checking turns into a Problem with a field and a remedy."""
    return PydanticCustomError("rule", "{message}", {"field": field, "message": message, "remedy": remedy})


class FrozenModel(BaseModel):
    """Frozen, strict about names, finite numbers only."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Between(FrozenModel):
    """Part of a range, both ends included; an end left out is open."""

    low: float | None = None
    high: float | None = None

    _numbers = field_validator("low", "high", mode="before")(refuse_boolean)

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.low is None and self.high is None:
            raise refuse("low", "the condition has neither low nor high", "give at least one of them")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise refuse("low", "low is above high", "no value can meet this condition; swap them")
        return self


When = dict[str, Between | Value]


class Definition(FrozenModel):
    """What every parameter may have: a condition, and a list whose length another parameter sets."""

    when: When | None = Field(default=None, description="Active only where all of these hold.")
    each: str | int | None = Field(
        default=None, description="One value for each of this number, or of this parameter's value."
    )

    @field_validator("when", mode="before")
    @classmethod
    def _numbers(cls, value: Any) -> Any:
        return plain(value)

    @model_validator(mode="after")
    def _each(self) -> Self:
        if isinstance(self.each, int) and not 1 <= self.each <= 1000:
            raise refuse("each", f"{self.each} values are asked for", "give 1 to 1000")
        return self


class Range(Definition):
    """Numbers from low to high on a scale."""

    scale: str = Field(default="linear", json_schema_extra=describe_scales)
    type: Literal["float", "int"] = "float"
    low: float
    high: float
    step: float | None = Field(default=None, description="Only low, low + step, low + 2 step, ...")
    zero: float | None = Field(default=None, description="Exactly zero with this probability.")

    _ends = field_validator("low", "high", "step", "zero", mode="before")(refuse_boolean)

    @field_validator("scale", mode="before")
    @classmethod
    def _known_scale(cls, value: Any) -> Any:
        if not isinstance(value, str) or value not in SCALES:
            meant = ALIASES.get(str(value).lower().replace(" ", ""))
            raise refuse_all([unknown("", value, list(SCALES), meant)])
        return value

    @model_validator(mode="after")
    def _rules(self) -> Self:
        _check_ends(self)
        _check_scale(self)
        if self.type == "int":
            _check_integers(self)
        _check_step(self)
        if self.zero is not None and not RAREST <= self.zero <= 1 - RAREST:
            remedy = f"give a probability from {RAREST:f} to {1 - RAREST:f}"
            raise refuse("zero", f"{self.zero!r} is no share that can be drawn", remedy)
        return self


def _check_ends(range_: Range) -> None:
    low, high = range_.low, range_.high
    if low >= high:
        raise refuse(
            "low", f"low {low:g} is not below high {high:g}", "swap them, or fix the value with {value: ...}"
        )
    for field, end in (("low", low), ("high", high)):
        if abs(end) > FARTHEST:
            raise refuse(field, f"{end:g} is too far from 0", f"choose ends up to {FARTHEST:g}")


def _check_scale(range_: Range) -> None:
    scale, low, high = SCALES[range_.scale], range_.low, range_.high
    found = scale.problem(low, high)
    if found is not None:
        raise refuse(found.field, found.message, found.remedy)
    if not scale.counts and (range_.type == "int" or range_.step is not None):
        field = "type" if range_.type == "int" else "step"
        counting = " or ".join(name for name, one in SCALES.items() if one.counts)
        raise refuse(field, f"{range_.scale} has floats without steps only", f"use {counting}")
    if scale(low, high).width == 0:
        raise refuse(
            "high",
            f"{high!r} is one with low {low!r} on the {range_.scale} scale",
            "choose ends farther apart, or fix the value with {value: ...}",
        )


def _check_step(range_: Range) -> None:
    low, high, step = range_.low, range_.high, range_.step
    if step is not None and not 0 < step <= high - low:
        raise refuse("step", f"{step:g} does not fit", "give a step above 0 and up to high - low")
    if step is None and range_.type == "float":
        return
    # Whole numbers are exact as far as they can be counted; all else must be told apart by its digits.
    exact = range_.type == "int" and SCALES[range_.scale].even
    reach, most = (high - low, float(LARGEST_INTEGER)) if exact else (max(-low, high), FINEST)
    if reach > most * (step or 1.0):
        enough = float(f"{2 * reach / most:.1g}")
        remedy = f"give a step of {enough:.12g} or more, or a narrower range"
        raise refuse("step", f"{step or 1.0:g} is too small beside {reach:g}", remedy)


def _check_integers(range_: Range) -> None:
    for field in ("low", "high", "step"):
        number = getattr(range_, field)
        if number is not None and (number != int(number) or abs(number) > LARGEST_INTEGER):
            raise refuse(field, f"{number!r} is not an integer up to 2^53", "round it, or use type: float")


class Choice(Definition):
    """One of several values; ordered says that neighbours in the list resemble each other."""

    choices: list[Value]
    ordered: bool = False

    @field_validator("choices", mode="before")
    @classmethod
    def _numbers(cls, value: Any) -> Any:
        return plain(value)

    @field_validator("choices", mode="after")
    @classmethod
    def _distinct(cls, value: list[Value]) -> list[Value]:
        if not value:
            raise refuse("", "there is nothing to choose from", "give at least one choice")
        keys = [identity(item) for item in value]
        twice = [item for item, key in zip(value, keys, strict=True) if keys.count(key) > 1]
        if twice:
            raise refuse("", f"{written(twice[0])} appears more than once", "name each choice once")
        return value


class Fixed(Definition):
    """One value for every trial."""

    value: Value

    @field_validator("value", mode="before")
    @classmethod
    def _numbers(cls, value: Any) -> Any:
        return plain(value)


def identity(value: Any) -> Any:
    """Key under which two values are the same: 1 is 1.0 (JSON does not tell them apart) but not true."""
    if isinstance(value, list | tuple):
        return ("list", *map(identity, value))
    if isinstance(value, bool) or value is None or isinstance(value, dict):
        return (repr(value),)
    if isinstance(value, int | float):
        return float(value)
    return value


def _kind(value: Any) -> str:
    """Return which definition is meant, so that errors are about it and not about all three."""
    if isinstance(value, Fixed) or (isinstance(value, dict) and "value" in value):
        return "fixed"
    if isinstance(value, Choice) or (isinstance(value, dict) and "choices" in value):
        return "choice"
    return "range"


Parameter = Annotated[
    Annotated[Range, Tag("range")] | Annotated[Choice, Tag("choice")] | Annotated[Fixed, Tag("fixed")],
    Discriminator(_kind),
]
