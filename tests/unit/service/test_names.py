"""A name shows what it is."""

import pytest

from caviar.exchange.wire import readable
from caviar.service.usecases.names import name_problems

TAKEN = [
    "a",
    "learning rate",
    "étude",
    "探索",
    "\u0646\u0627\u0645\u200c\u0647\u0627",
    "\U0001f468\u200d\U0001f52c",
    " a ",
    "a\u00a0b",
]
BLANK = [" ", "\u00a0", "\u3000", "\u2800", "\u3164"]
UNSEEN = [
    "\t",
    "a\nb",
    "a\x1b[31m",
    "\u0085",
    "a\u200b",
    "\ufeffa",
    "a\u200db",
    "\u200d",
    "\u2028",
    "a\u202eb",
    "\u2066",
    "\u061c",
]


@pytest.mark.parametrize("name", TAKEN)
def test_names_that_can_be_seen_are_taken(name: str) -> None:
    assert list(name_problems([("name", name)])) == []


@pytest.mark.parametrize("name", [*BLANK, *UNSEEN])
def test_names_that_hide_something_are_not(name: str) -> None:
    (problem,) = name_problems([("space.x", name)])
    assert problem.field == "space.x" and problem.remedy
    assert ("blank" in problem.message) is (name in BLANK)


def test_what_agents_say_is_replaced_and_never_refused() -> None:
    assert readable("loss\tis\r\nnan \u05d0\u200e") == "loss\tis\r\nnan \u05d0\u200e"
    assert readable("a\0b\x1b[31m\u202ec\ud800\x85") == "a\ufffdb\ufffd[31m\ufffdc\ufffd\ufffd"
    assert readable(3) == 3
