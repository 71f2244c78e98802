"""What a person reads, and a script learns, at the end of a search that came to nothing."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from caviar.cli import searches
from caviar.client import Client
from caviar.records import Search, Trial

WRONG = "DataError: flower has no column 'kind'"
WARNING = {"field": "search", "message": f"5 trials failed: {WRONG}", "remedy": "resume it"}


class Connection:
    """A client whose server knows one search."""

    def __init__(self, trials: list[Trial], **search: Any) -> None:
        self._search = Search.of({"id": 10, "name": "flower", "budget": {"trials": 12}, **search})
        self._trials = trials

    def search(self, search: int) -> Search:
        return self._search

    def best(self, search: int, count: int) -> list[Trial]:
        return self._trials

    def standings(self, search: int) -> dict[str, Any]:
        return {"items": [], "winner": None, "reason": "none"}

    def summary(self, search: int) -> dict[str, Any]:
        return {"winner": None}

    wait = Client.wait


def followed(connection: Connection, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    try:
        searches._follow(connection, 10)
        code = 0
    except typer.Exit as end:
        code = end.exit_code
    return code, capsys.readouterr().out


def test_a_search_that_failed_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    failures = [{"reason": WRONG, "count": 9}, {"reason": "MemoryError", "count": 3}]
    code, said = followed(Connection([], state="completed", counts={"failed": 12}, failures=failures), capsys)
    assert code == 1
    assert "No trial of search 10 has a value (12 failed)." in said
    assert f"9 failed: {WRONG}\n3 failed: MemoryError" in said


def test_a_search_that_paused_itself_is_watched_no_further(capsys: pytest.CaptureFixture[str]) -> None:
    counts = {"failed": 5, "running": 0}
    code, said = followed(Connection([], state="paused", counts=counts, warnings=[WARNING]), capsys)
    assert code == 1
    assert f"5 trials failed: {WRONG}" in said and "resume it" in said


def test_waiting_ends_there_too() -> None:
    assert Connection([], state="paused", warnings=[WARNING]).wait(10, timeout=5).state == "paused"


@pytest.mark.parametrize(
    "search", [{"state": "paused"}, {"state": "paused", "warnings": [WARNING], "counts": {"running": 1}}]
)
def test_other_pauses_are_waited_through(search: dict[str, Any]) -> None:
    with pytest.raises(TimeoutError, match="still paused"):
        Connection([], **search).wait(10, timeout=0.01)


def test_some_failures_beside_results(capsys: pytest.CaptureFixture[str]) -> None:
    trial = Trial("10.1", 10, 1, "completed", value=0.25)
    failures = [{"reason": "MemoryError", "count": 1}]
    code, said = followed(
        Connection([trial], state="completed", counts={"failed": 1, "completed": 1}, failures=failures),
        capsys,
    )
    assert code == 0
    assert "10.1" in said and "1 failed: MemoryError" in said
