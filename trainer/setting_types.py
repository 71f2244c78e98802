"""The kinds a setting can have: a number, an integer, a choice or a switch, with its range."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .problem import Problem


@dataclass(frozen=True, slots=True)
class SettingInfo:
    """One setting, as forms and documents need it.

    Attributes
    ----------
    type : {"float", "int", "choice", "flags", "bool", "json"}
        Of the choices one, or for flags any number, joined by "+"; "none" for none.
    low, high : float or None
        The range; both ends belong to it unless `low_open` or `high_open`.
    nullable : bool
        None is allowed and means: chosen by a rule that `help` gives.
    per_layer : bool
        A list with one value per hidden layer is allowed.
    steerable : bool
        May change while a run is in progress.
    meanings : dict
        What each of the choices is, in one line.
    only_with : dict
        Another setting, and those of its choices with which this one has an effect; with others it has none.
    form, read : str, callable
        Of type json: what is allowed, in words, and what makes it a value or raises a ValueError.
    """

    type: str
    default: Any = None
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    choices: tuple[str, ...] = ()
    unit: str = ""
    symbol: str = ""
    steerable: bool = False
    nullable: bool = False
    per_layer: bool = False
    help: str = ""
    name: str = ""
    meanings: Mapping[str, str] = dataclasses.field(default_factory=dict)
    only_with: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    form: str = ""
    read: Callable[[Any], Any] | None = None

    @property
    def range(self) -> str:
        """The range as a person reads it."""
        if self.type == "choice":
            return ", ".join(self.choices)
        if self.type == "flags":
            return f"none, or some of {', '.join(self.choices)} joined by +"
        if self.type == "bool":
            return "true, false"
        if self.type == "json":
            return self.form
        return f"{'(' if self.low_open else '['}{self.low:g}, {self.high:g}{')' if self.high_open else ']'}"


def number(default: float | None, **rest: Any) -> Any:
    """Declare a real number."""
    return _field("float", default, **rest)


def integer(default: int | None, **rest: Any) -> Any:
    """Declare an integer."""
    return _field("int", default, **rest)


def choice(default: str | None, choices: tuple[str, ...], **rest: Any) -> Any:
    """Declare one of some names."""
    return _field("choice", default, choices=choices, **rest)


def flags(default: str, choices: tuple[str, ...], **rest: Any) -> Any:
    """Declare any number of some names, as one text: none, or names joined by +."""
    return _field("flags", default, choices=choices, **rest)


def switch(default: bool, **rest: Any) -> Any:
    """Declare true or false."""
    return _field("bool", default, **rest)


def json_value(default: Any, form: str, read: Callable[[Any], Any], **rest: Any) -> Any:
    """Declare a value of a form of its own."""
    return _field("json", default, form=form, read=read, **rest)


def parse(info: SettingInfo, value: Any) -> Any:
    """Return the value in its proper type, or the `Problem` with it."""
    if value is None:
        return None if info.nullable else _problem(info, value)
    if info.read is not None:
        try:
            return info.read(value)
        except ValueError:
            return _problem(info, value)
    if isinstance(value, list | tuple):
        if not info.per_layer:
            return _problem(info, value)
        values = [_parse_one(info, item) for item in value]
        return next((item for item in values if isinstance(item, Problem)), tuple(values))
    return _parse_one(info, value)


def _field(kind: str, default: Any, **rest: Any) -> Any:
    return dataclasses.field(default=default, metadata={"info": SettingInfo(kind, **rest)})


def _parse_one(info: SettingInfo, value: Any) -> Any:
    if info.type == "bool":
        return bool(value) if isinstance(value, bool) else _problem(info, value)
    if info.type == "choice":
        return str(value) if isinstance(value, str) and value in info.choices else _problem(info, value)
    if info.type == "flags":
        return _parse_flags(info, value)
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        return _problem(info, value)
    try:
        number = int(value) if info.type == "int" else float(value)  # a float would round integers above 2^53
    except (ValueError, OverflowError):  # int(nan), int(inf), float(10**400)
        return _problem(info, value)
    whole = info.type == "float" or number == value
    return number if whole and _inside(info, number) else _problem(info, value)


def _parse_flags(info: SettingInfo, value: Any) -> Any:
    names = value.split("+") if isinstance(value, str) and value != "none" else []
    if not isinstance(value, str) or any(name not in info.choices for name in names):
        return _problem(info, value)
    return "+".join(name for name in info.choices if name in names) or "none"


def _inside(info: SettingInfo, number: float) -> bool:
    assert info.low is not None and info.high is not None
    above = number > info.low if info.low_open else number >= info.low
    below = number < info.high if info.high_open else number <= info.high
    return above and below


def _problem(info: SettingInfo, value: Any) -> Problem:
    kinds = {"float": "a number in", "int": "an integer in", "choice": "one of", "bool": "one of"}
    remedy = f"{kinds.get(info.type, '')} {info.range}".strip()
    if info.per_layer:
        remedy += ", or a list of one per hidden layer"
    if info.nullable:
        remedy += ", or null"
    known = value is None or isinstance(value, bool)
    said = {None: "null", True: "true", False: "false"}[value] if known else repr(value)  # as users write it
    return Problem(f"settings.{info.name}", f"{said} is not allowed", remedy)
