"""A grammar of mistakes at any depth of any request: valid examples with one to three places made wrong."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

UNREADABLE = ["\x00", "a\x00b", " ", "\t\n", "\u202e", "\u200b", "\ufeff", "a\u202eb", "\u0001", "\u0085"]
TEXTS = ["", "x" * 300, "NaN", "nan", "Infinity", "1e400", "=1+1", "{}", "null", "../..", "é", "\U0001f600"]
TEXTS += ["'; DROP TABLE searches; --", "%s", "{0}", "\uffff", "2024-99-99", "1.1", "0.0", "9" * 30]
NUMBERS = [0, -1, 1, -1.5, 1e308, -1e308, 5e-324, 2**31, 2**53, 2**63, 2**64, -(2**63) - 1, 10**30, 10**400]
OTHERS = [None, True, False, [], {}, [None], [[]], {"": None}, {"x": {}}, [1, "a"], {"upload": {}}]
OTHERS += [{"upload": []}, {"name": {}}, {"name": None}, [{}] * 20, {"low": 0, "high": 1}, {"choices": [{}]}]
RAW = ["NaN", "-Infinity", "1e400", '"\\ud800"', '"\\udc00a"', '{"a":1,"a":[]}', "[" * 120 + "]" * 120]
RAW += ["[" * 5000 + "]" * 5000, '{"a":' * 300 + "1" + "}" * 300, "1" * 5000, "01", "'a'", "", '"\\u0000"']
HEADERS = [
    "idempotency-key",
    "if-match",
    "if-none-match",
    "content-type",
    "accept",
    "range",
    "caviar-agent-secret",
]
MARK = "@raw@"  # stands for a piece of text that is no JSON value, or none that `json` would write


@dataclass(frozen=True)
class Case:
    """One request."""

    method: str
    path: str
    query: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content: str | None = None  # in place of a body: what is no JSON
    weight: float = 1.0  # less where a process of its own is started for each


@dataclass(frozen=True)
class Sent:
    """One request as bytes."""

    method: str
    url: str
    content: bytes | None
    headers: dict[str, str]


def mistakes(cases: list[Case], seed: int, count: int) -> Iterator[Sent]:
    """Make so many requests from valid ones."""
    dice = random.Random(seed)
    for case in dice.choices(cases, [case.weight for case in cases], k=count):
        yield _spoilt(case, dice)


def _spoilt(case: Case, dice: random.Random) -> Sent:
    body, query, path, raw = copy.deepcopy(case.body), dict(case.query), case.path, []
    content, headers = case.content, {"content-type": "application/json", **case.headers}
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        kind = dice.random()
        if dice.random() < 0.03:
            headers[dice.choice(HEADERS)] = quote(str(_wrong(dice))[:300], safe=" '\"{}[]:;,=%/@")
            continue
        if content is not None and kind < 0.4:
            content = _torn(content, dice)
            continue
        if query and kind < (0.25 if body is not None else 0.8):
            query[dice.choice(list(query))] = str(_wrong(dice))[:2000]
        elif body is not None and kind < 0.95:
            body = _spoil(body, dice, raw)
        elif kind > (0.97 if query or body is not None or content is not None else 0.4):
            query[dice.choice(["limit", "sort", "x"])] = str(_wrong(dice))[:2000]
        else:
            parts = path.split("/")
            parts[dice.randrange(3, len(parts)) if len(parts) > 3 else -1] = dice.choice(
                [
                    "0",
                    "-1",
                    "99999999999999999999",
                    "1.0",
                    "1.99",
                    "2.2147483648",
                    "x",
                    "a-0",
                    "1e3",
                    "9" * 30,
                ]
            )
            path = "/".join(parts)
    text = content
    if body is not None:
        text = json.dumps(body)
        for number, piece in enumerate(raw):
            text = text.replace(f'"{MARK}{number}"', piece)
        if dice.random() < 0.05:
            text = text[: dice.randrange(len(text) + 1)]
    url = path + ("?" + "&".join(f"{quote(k)}={quote(v)}" for k, v in query.items()) if query else "")
    return Sent(case.method, url, None if text is None else text.encode(), headers)


def _torn(content: str, dice: random.Random) -> str:
    """Cut, repeat or replace a piece of a text."""
    first, last = sorted(dice.randrange(len(content) + 1) for _ in range(2))
    new = dice.choice(["", content[first:last] * 3, *RAW[:8], *(str(_wrong(dice)) for _ in range(4))])
    return content[:first] + new + content[last:]


def _wrong(dice: random.Random) -> Any:
    return copy.deepcopy(dice.choice(dice.choice([UNREADABLE, TEXTS, NUMBERS, OTHERS])))


def _spoil(body: Any, dice: random.Random, raw: list[str]) -> Any:
    """Make one place wrong, at any depth."""
    places = list(_places(body, ()))
    place = dice.choice(places)
    if not place:
        return _new(dice, raw)
    inside = body
    for step in place[:-1]:
        inside = inside[step]
    last, way = place[-1], dice.random()
    if way < 0.7:
        inside[last] = _new(dice, raw)
    elif way < 0.8:
        del inside[last]
    elif isinstance(inside, dict):
        if way < 0.9:  # a name that is wrong, or not known
            inside[dice.choice([*UNREADABLE, *TEXTS, "upload", "name", "when"])] = inside.pop(last)
        else:  # the same name twice
            raw.append(f"{json.dumps(inside[last])},{json.dumps(last)}:{json.dumps(_wrong(dice))}")
            inside[last] = f"{MARK}{len(raw) - 1}"
    else:
        inside.append(_new(dice, raw))
    return body


def _new(dice: random.Random, raw: list[str]) -> Any:
    if dice.random() < 0.12:
        raw.append(dice.choice(RAW))
        return f"{MARK}{len(raw) - 1}"
    return _wrong(dice)


def _places(value: Any, place: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    yield place
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in steps:
        yield from _places(item, (*place, step))
