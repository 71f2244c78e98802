"""The hash chain of a report: whoever has its last link can tell whether anything in it was changed.

A link is SHA-256 of the link before it, the name of its part, the digests of the part's fields, and the part.
Parts are written as JSON: keys sorted, no spaces, UTF-8, numbers in the shortest form that reads back alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

FIELD_DIGITS = 12  # of the digests that tell which field of a part was changed
BEGINNING = "0" * 64


@dataclass(frozen=True)
class Part:
    """What one link covers."""

    name: str  # code, data, search, trial 3.7, verdict
    content: Mapping[str, Any]


def canonical(value: Any) -> bytes:
    """Write a value as the chain covers it."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def equal(one: Any, other: Any) -> bool:
    """Return whether two values are the same to the last bit; 1 and 1.0 are not."""
    return canonical(one) == canonical(other)


def fields_of(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Go through what a part holds, by path: `params.l2`, `curves.0.dev_error`."""
    for name, value in content.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping) and value:
            yield from fields_of(value, f"{path}.")
        else:
            yield path, value


def chained(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """Return the links of some parts in turn."""
    links, before = [], BEGINNING
    for part in parts:
        fields = {path: _short(value) for path, value in fields_of(part.content)}
        before = _link(before, part, fields)
        links.append({"part": part.name, "fields": fields, "link": before})
    return links


def broken(parts: Iterable[Part], links: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return where parts and chain do not fit, each as a part and the field at fault; nothing: they do."""
    found: list[tuple[str, str]] = []
    known = list(parts)
    before = BEGINNING
    if [part.name for part in known] != [link.get("part") for link in links]:
        have, linked = {part.name for part in known}, {str(link.get("part")) for link in links}
        found += [(name, "missing from the report") for name in sorted(linked - have)]
        found += [(name, "not in the chain") for name in sorted(have - linked)]
        return found or [("chain", "its parts are in another order, or there twice")]
    for part, link in zip(known, links, strict=True):
        told = link.get("fields") or {}
        fields = {path: _short(value) for path, value in fields_of(part.content)}
        wrong = sorted(path for path in {*fields, *told} if fields.get(path) != told.get(path))
        found += [(part.name, path) for path in wrong]
        if not wrong and _link(before, part, fields) != link.get("link"):
            found.append((part.name, "link of the chain"))
        before = str(link.get("link"))
    return found


def _short(value: Any) -> str:
    return sha256(canonical(value)).hexdigest()[:FIELD_DIGITS]


def _link(before: str, part: Part, fields: Mapping[str, str]) -> str:
    return sha256(canonical([before, part.name, fields, part.content])).hexdigest()
