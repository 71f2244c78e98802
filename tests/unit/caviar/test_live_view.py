"""The keys of `caviar watch TRIAL`, with no terminal around them."""

import pytest
from rich.console import Console

from caviar.cli.live_view import LiveView
from caviar.client import Client
from caviar.errors import RefusedError, UnreachableError
from caviar.records import Search, Trial

TRIAL = Trial("3.17", 3, 17, "running", epoch=0, epochs=9)
RATE = {"name": "learning_rate", "value": 0.03}
COLUMNS = {
    "before the first epoch": {},
    "without a dev error": {"epoch": [1, 2], "train_cost": [0.5, 0.4]},
    "with one": {"epoch": [1, 2, 3], "train_cost": [0.5, None, 0.4], "dev_error": [0.3, 0.1, None]},
}


class Steered:
    """A client of one trial, which keeps the commands it was given."""

    def __init__(self, columns):
        self.columns = columns
        self.commanded = []
        self.trouble = None

    def trial(self, _name):
        if self.trouble:
            raise self.trouble
        return TRIAL

    def search(self, _number):
        return Search(3, "s", "running")

    def steering(self, _name):
        return {"commands": [], "advice": [], "settings": [RATE], "branch": 0}

    def curve(self, _name, _points):
        return {"branches": [self.columns] if self.columns else []}

    command = Client.command  # by way of `commands`

    def commands(self, _name, commands):
        self.commanded += commands
        when = {"at": "now"}
        return [{"id": 1, "kind": one["kind"], "state": "waiting", "when": when} for one in commands]


def shown(view):
    console = Console(width=120, height=40, record=True)
    console.print(view.screen(console))
    return console.export_text()


@pytest.mark.parametrize("columns", COLUMNS.values(), ids=COLUMNS)
def test_every_key_does_something_at_any_time(columns):
    client = Steered(columns)
    view = LiveView(client, "3.17")
    for key in "lhpcsx\x1b[A":
        view.key(key)
        assert "3.17" in shown(view)
    assert [one["kind"] for one in client.commanded] == ["set", "set", "pause", "checkpoint", "stop"]


def test_back_to_the_best_needs_a_best():
    for columns, said in (
        (COLUMNS["without a dev error"], "No epoch has a dev_error"),
        (COLUMNS["with one"], ""),
    ):
        client = Steered(columns)
        view = LiveView(client, "3.17")
        view.key("b")
        assert said in shown(view)
        assert [one["arguments"] for one in client.commanded] == ([] if said else [{"epoch": 2}])


@pytest.mark.parametrize("line", ["set learning_rate", "set x=[1", "set x=2026-13-01", "set 'x"])
def test_a_line_that_is_wrong_is_said_on_the_screen(line):
    client = Steered({})
    view = LiveView(client, "3.17")
    before = shown(view)
    for key in f":{line}\n":
        view.key(key)
    assert shown(view) != before and not client.commanded


def test_a_server_that_is_away_is_said_and_waited_for():
    client = Steered({})
    view = LiveView(client, "3.17")
    client.trouble = UnreachableError("no connection")
    view.refresh()
    assert "no connection" in shown(view)
    client.trouble = None
    view.refresh()
    assert "no connection" not in shown(view)
    client.trouble = RefusedError(404, "there is no trial 3.17")
    with pytest.raises(RefusedError):
        view.refresh()
