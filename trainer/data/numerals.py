"""Numbers as people write them: money, per cent signs, units, thousands separators, decimal commas."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

CURRENCIES = ("$", "€", "£", "¥", "₹", "USD", "EUR", "GBP", "CHF", "JPY")
_MARKS = (".", ",")
_GROUPS = ("", ",", ".", " ", "'")
_AROUND = re.compile(r"(?P<before>[^\d.,+\-]*)(?P<core>[+-]?[\d.,].*?)(?P<after>[^\d.,]*)", re.DOTALL)
_SAMPLE = 100  # texts that are looked at before all of them are
_MOST_UNIT = 8  # characters; beyond this it is a sentence that begins with a number


def plain(text: str) -> float | None:
    """Return the number that a text is as it stands, or None."""
    try:
        return None if "_" in text else float(text)  # Python reads 1_000 as a number, nobody else does
    except ValueError:
        return None


@dataclass(frozen=True)
class Style:
    """How the numbers of a column are written.

    Attributes
    ----------
    decimal : {".", ","}
    group : {"", ",", ".", " ", "'"}
        Between thousands.
    unit : str
        What stands before or after them all, such as % or kg; it is dropped.
    """

    decimal: str = "."
    group: str = ""
    unit: str = ""

    def parse(self, text: str) -> float | None:
        """Return the number; None if the text is not written in this style."""
        bare, unit = _split(text)
        if unit != self.unit and not (unit == "" and self.unit in CURRENCIES):
            return None
        if not _pattern(self).fullmatch(bare):
            return None
        return float(
            bare.replace(self.group, "").replace(self.decimal, ".")
            if self.group
            else bare.replace(self.decimal, ".")
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON."""
        return asdict(self)


def styles(texts: Sequence[str], decimal: str | None = None) -> list[Style]:
    """Return the styles in which all of these texts are numbers; the plainest comes first.

    Several remain where the texts do not tell, as in 1,234: read by them, some text is another number.
    """
    if len(texts) > _SAMPLE and not styles(texts[:_SAMPLE], decimal):
        return []
    units = {_split(text)[1] for text in texts}
    if units - {""} and not (len(units) == 1 or (len(units) == 2 and "" in units and units & {*CURRENCIES})):
        return []
    unit = max(units, default="")
    marks = (decimal,) if decimal else _MARKS
    found = [Style(mark, group, unit) for mark in marks for group in _GROUPS if group != mark]
    left = [one for one in found if all(one.parse(text) is not None for text in texts)]
    different: dict[tuple[float | None, ...], Style] = {}
    for one in left:
        different.setdefault(tuple(one.parse(text) for text in texts), one)
    return list(different.values())


def looks_like_number(text: str) -> bool:
    """Return whether a text is a number in some style."""
    return plain(text) is not None or bool(styles([text]))


def _split(text: str) -> tuple[str, str]:
    """Return a number without what surrounds it, and its unit; (5.00) is -5.00, as bookkeepers write it."""
    text = text.strip().replace("\u2212", "-").replace("\u00a0", " ").replace("\u202f", " ")
    text = text.replace("\u2019", "'")
    sign = ""
    if text.startswith("(") and text.endswith(")"):
        text, sign = text[1:-1].strip(), "-"
    elif re.match(r"[+-]\s*[^\d.,\s]", text):  # -$5
        sign, text = text[0], text[1:].strip()
    found = _AROUND.fullmatch(text)
    if found is None:
        return text, ""
    before, core, after = found["before"].strip(), found["core"].strip(), found["after"].strip()
    unit = before or after
    if (before and after) or len(unit) > _MOST_UNIT or (sign and core[0] in "+-"):
        return text, ""
    if before and before not in CURRENCIES:  # v2 and A7 are codes
        return text, ""
    return sign + core, unit


def _pattern(style: Style) -> re.Pattern[str]:
    mark = re.escape(style.decimal)
    if not style.group:
        return re.compile(rf"[+-]?(\d+({mark}\d*)?|{mark}\d+)([eE][+-]?\d+)?")
    group = re.escape(style.group)
    return re.compile(rf"[+-]?([1-9]\d{{0,2}}({group}\d{{3}})+|\d{{1,3}})({mark}\d+)?")
