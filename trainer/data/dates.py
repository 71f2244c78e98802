"""Dates and times as texts: how they are written, and the numbers that are made of them on request."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

WAYS = ("parts", "cycle", "elapsed")
ISO, TIME_ONLY = "iso", ("%H:%M", "%H:%M:%S", "%I:%M %p")
_DAYS = (
    "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y",
    "%d-%m-%Y", "%m-%d-%Y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%b %d %Y", "%d %B %Y",
    "%B %d, %Y", "%d. %B %Y", "%a, %d %b %Y", "%Y-%m", "%b %Y", "%B %Y", "%m/%Y",
)  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_FORMATS = (ISO, *TIME_ONLY, *(day + time for day in _DAYS for time in _TIMES))
_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?")
_MAYBE = re.compile(r"(?=.*\d)[\w.,/:+ -]{4,40}")
_SAMPLE = 100


@dataclass(frozen=True)
class DateFeatures:
    """How a column of dates becomes columns of numbers.

    Attributes
    ----------
    format : str
        "iso", or as `datetime.strptime` takes it.
    ways : tuple of {"parts", "cycle", "elapsed"}
        Year, month, day, weekday (Monday is 0), hour, minute; sine and cosine of the place in the year, the
        week and the day; days since `origin`.
    timed : bool
        Whether there are times of day.
    origin : str
        The earliest date of the file.
    """

    format: str
    ways: tuple[str, ...]
    timed: bool
    origin: str

    def names(self, column: str) -> tuple[str, ...]:
        """Return the names of the numbers made of a column."""
        return tuple(f"{column} {part}" for part in self._of(datetime(2000, 1, 1)))

    def numbers(self, text: str) -> tuple[float, ...] | None:
        """Return the numbers made of a date; None if the text is none in this format."""
        moment = parse(text, self.format)
        return None if moment is None else tuple(self._of(moment).values())

    def _of(self, moment: datetime) -> dict[str, float]:
        found: dict[str, float] = {}
        time_only = self.format in TIME_ONLY
        hours = moment.hour + moment.minute / 60 + moment.second / 3600
        if "parts" in self.ways:
            if not time_only:
                found |= {"year": moment.year, "month": moment.month, "day": moment.day}
                found |= {"weekday": moment.weekday()}
            if self.timed:
                found |= {"hour": moment.hour, "minute": moment.minute}
        if "cycle" in self.ways:
            turns = {} if time_only else _turns(moment)
            turns |= {"of day": hours / 24} if self.timed else {}
            for name, turn in turns.items():
                found |= {f"sin {name}": math.sin(math.tau * turn), f"cos {name}": math.cos(math.tau * turn)}
        if "elapsed" in self.ways:
            found["elapsed"] = (moment - datetime.fromisoformat(self.origin)).total_seconds() / 86400
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {
            "format": self.format,
            "ways": list(self.ways),
            "timed": self.timed,
            "origin": self.origin,
        }

    @classmethod
    def of(cls, texts: Sequence[str], form: str, ways: Sequence[str]) -> DateFeatures:
        """Make the features of dates, all of which are in this format."""
        moments = [moment for moment in (parse(text, form) for text in texts) if moment is not None]
        timed = any((moment.hour, moment.minute, moment.second) != (0, 0, 0) for moment in moments)
        origin = min(moments, default=datetime(1970, 1, 1)).isoformat()
        return cls(form, tuple(way for way in WAYS if way in ways), timed or form in TIME_ONLY, origin)


def parse(text: str, form: str) -> datetime | None:
    """Return the moment, in UTC where the text has a time zone; None if it is not in this format."""
    try:
        if form != ISO:
            moment = datetime.strptime(text, form)
        elif _ISO.fullmatch(text):
            moment = datetime.fromisoformat(text)
        else:
            return None
    except ValueError:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def formats(texts: Sequence[str]) -> list[str]:
    """Return the formats in which all texts are dates, one of those that agree on every text."""
    sample = list(islice(texts, _SAMPLE))
    if not all(_MAYBE.fullmatch(text) for text in sample):
        return []
    likely = [form for form in _FORMATS if all(parse(text, form) is not None for text in sample)]
    different: dict[tuple[datetime | None, ...], str] = {}
    for form in likely:
        moments = tuple(parse(text, form) for text in texts)
        if None not in moments:
            different.setdefault(moments, form)
    return list(different.values())


def _turns(moment: datetime) -> dict[str, float]:
    """Return the place in the year and in the week, each from 0 to 1."""
    day = moment.timetuple().tm_yday - 1
    return {"of year": day / 365.25, "of week": moment.weekday() / 7}
