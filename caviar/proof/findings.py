"""What a check of a record finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from caviar.proof.chain import equal, fields_of

LONGEST = 120  # characters of a value in a sentence

Kind = Literal["differs", "not provable"]


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be, or that cannot be told."""

    kind: Kind
    where: str  # trial 3.7, search, data, code
    field: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}, {self.field}: {self.text}" if self.field else f"{self.where}: {self.text}"

    def as_dict(self) -> dict[str, str]:
        """Return it as a report has it."""
        return {"kind": self.kind, "where": self.where, "field": self.field, "text": self.text}


def compared(where: str, stored: Mapping[str, Any], found: Mapping[str, Any], by: str) -> Iterator[Finding]:
    """Compare what is stored with what `by` gives, field by field, to the last bit."""
    for name, value in found.items():
        if not equal(stored.get(name), value):
            yield from _apart(where, name, stored.get(name), value, by)


def _apart(where: str, name: str, stored: Any, found: Any, by: str) -> Iterator[Finding]:
    if isinstance(stored, Mapping) and isinstance(found, Mapping):
        one, other = dict(fields_of(stored)), dict(fields_of(found))
        for path in sorted({*one, *other}):
            if path not in one or path not in other or not equal(one[path], other[path]):
                there, here = (side.get(path, "nothing") for side in (one, other))
                yield differs(where, f"{name}.{path}", there, here, by)
        return
    yield differs(where, name, stored, found, by)


def differs(where: str, field: str, stored: Any, found: Any, by: str) -> Finding:
    """Say that a stored value is another than what `by` gives."""
    return Finding("differs", where, field, f"stored is {short(stored)}, {by} gives {short(found)}")


def broke(where: str, what: str, error: Exception) -> Finding:
    """Say that a check broke: it met what no server would have stored."""
    said = f"{what} breaks on what is stored: {type(error).__name__}: {error}"
    return Finding("differs", where, "", said)


def guarded(where: str, what: str, found: Iterator[Finding]) -> Iterator[Finding]:
    """Pass findings on, the last of them that the check broke, if it did."""
    try:
        yield from found
    except Exception as error:  # noqa: BLE001 - what is stored may be anything
        yield broke(where, what, error)


def not_provable(where: str, field: str, text: str) -> Finding:
    """Say that something cannot be told, and why."""
    return Finding("not provable", where, field, text)


def short(value: Any) -> str:
    """Write a value in a sentence."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
