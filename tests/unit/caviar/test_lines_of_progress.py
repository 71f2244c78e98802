"""Without a terminal a search is followed in lines: one where something has changed."""

import io

from rich.console import Console

from caviar.cli import progress
from caviar.records import Search


class Past:
    """A client that shows a search as it was, look after look."""

    def __init__(self, states):
        self.states = states

    def search(self, number):
        state, finished, rate = self.states.pop(0)
        return Search(number, "s", state, finished=finished, budget={"trials": 3}, rate=rate)


def test_a_line_is_printed_only_when_something_changed(monkeypatch):
    monkeypatch.setattr(progress, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    waiting, running = (
        [("queued", 0, None)] * 7,
        [("running", 1, 1.0), ("running", 1, 2.0), ("running", 2, 2.0)],
    )
    client = Past([*waiting, *running, ("completed", 3, None), ("completed", 3, None)])
    text = io.StringIO()
    assert progress.follow_search(client, 1, Console(file=text, width=80)).done
    assert text.getvalue().splitlines() == [
        "0/3 trials, waiting for an agent",
        "1/3 trials, 1 trials/s",
        "2/3 trials, 2 trials/s",
        "3/3 trials",
    ]


def test_what_a_search_waits_for_is_named():
    lacking = {"field": "trainer", "message": "no agent has the trainer 'tree'", "remedy": "install it"}
    assert progress._rate(Search(1, "s", "queued", warnings=[lacking])) == lacking["message"]
    other = {**lacking, "field": "objective.direction"}
    assert progress._rate(Search(1, "s", "queued", warnings=[other])) == "waiting for an agent"
