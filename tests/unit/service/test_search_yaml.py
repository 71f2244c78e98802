"""YAML from people: what it may hold, and that nothing in it costs more than it weighs."""

from __future__ import annotations

import orjson
import pytest

from caviar.service.api import search_yaml
from caviar.service.errors import RefusedError

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_a_search_is_read_as_json() -> None:
    text = b"name: 2026-11-21\nspace: {a: {scale: log, low: 1.0e-4, high: .inf}}\n'1': [yes, null, 0x10]\n"
    assert orjson.loads(search_yaml.read(text)) == {
        "spec": {
            "name": "2026-11-21",
            "space": {"a": {"scale": "log", "low": 1e-4, "high": None}},
            "1": [True, None, 16],
        }
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LAUGHS, r"line 2, column 8: an alias \(\*a\)"),
        ("a: &a [*a]", "line 1, column 8: an alias"),
        ("a: !!binary aGk=", "line 1, column 4: a tag"),
        ("a: 1\n1: 2", "line 2, column 1: a key that is not text"),
        ("? [a]\n: 2", "line 1, column 3: a key that is not text"),
        ("a: 2001-99-99", "line 1, column 4: month must be"),
        ("a: 0x_", "line 1, column 4: invalid literal"),
        (f"a: {'1:' * 300}1.5", "line 1, column 4: int too large"),
        (f"a: {2**70}", "Integer exceeds"),
        (f"a: {'[' * 60}{']' * 60}", "line 1, column 53: more than 50"),
        ("a: [1, 2", r"line \d, column \d: "),
        ("a: =", "line 1, column 4: "),
        ("a: \x00", "unacceptable character"),
        ("- a", "is not a mapping"),
        ("a: " + "x" * search_yaml.LIMIT, "has 65539 bytes"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(RefusedError, match=message) as refused:
        search_yaml.read(text.encode())
    assert refused.value.problems[0].remedy
