"""`caviar retest --wait`, without a server."""

from contextlib import contextmanager

import pytest
from typer.testing import CliRunner

from caviar import cli, transport
from caviar.cli import retests
from caviar.errors import UnreachableError
from caviar.records import Search

RUNNING = {"id": 7, "nth": 1, "created": "today", "state": "running", "drifted": False}
RUNNING |= {"baseline": 2, "again": 3, "fresh": None}
ENDED = RUNNING | {"state": "done", "report": {"reasons": [], "text": ["as it was"], "winners": []}}


class Connection:
    """A server that is away when it is asked for the first time."""

    def __init__(self) -> None:
        self.answers = iter([RUNNING, ENDED])
        self.away = True

    def search(self, number: int) -> Search:
        return Search(number, "s", "completed")

    def retest(self, *_: object, **__: object) -> dict[str, object]:
        return RUNNING

    def retests(self, _search: int) -> dict[str, object]:
        if self.away:
            self.away = False
            raise UnreachableError("nobody there")
        return {"items": [next(self.answers)]}


def test_a_server_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def client(*_: object):
        yield Connection()

    monkeypatch.setattr(retests, "client", client)
    monkeypatch.setattr(retests, "WAIT_SECONDS", 0.0)
    monkeypatch.setattr(transport, "RESUME_SECONDS", 0.0)
    done = CliRunner().invoke(cli.app, ["retest", "1", "--wait"])
    assert done.exit_code == 0, done.output
    assert "no drift" in done.output and "as it was" in done.output
