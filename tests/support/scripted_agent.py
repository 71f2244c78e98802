"""An agent played by the test: it says exactly what the test wants, when it wants."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from tests.support.server_process import Server, expected

Key = tuple[str, int]


class Player:
    """One agent of the worker protocol, without any training."""

    def __init__(self, server: Server, **agent: Any) -> None:
        self.server = server
        self.agent = {
            "id": f"a-{os.urandom(8).hex()}",
            "engine": "test",
            "trainers": ["counting", "external"],
            **agent,
        }
        self.sequence = 0
        self.held: dict[Key, Mapping[str, Any]] = {}

    def exchange(self, want: int = 0, reports: Sequence[Mapping[str, Any]] = (), holding: bool = True) -> Any:
        """One round trip; what it brings is held from then on, what it drops no more."""
        self.sequence += 1
        body = {
            "agent": self.agent,
            "sequence": self.sequence,
            "want": want,
            "known": [],
            "holding": list(self.held) if holding else [],
            "reports": list(reports),
        }
        response = self.server.call("POST", "/exchange", patience=120, json=body)
        assert response.status_code == 200, response.text
        answer = response.json()
        for trial in answer["trials"]:
            self.held[trial["trial"], trial["attempt"]] = trial
        for drop in answer["drop"]:
            self.held.pop((drop["trial"], drop["attempt"]), None)
        return answer

    def take(self, count: int) -> None:
        """Ask until so many trials are held: an agent is given no more than its part of what is left."""
        while len(self.held) < count:
            assert self.exchange(want=count - len(self.held))["trials"], "nothing is left"

    def result(self, key: Key, epochs: int = 3) -> dict[str, Any]:
        """The report of a trial that ran to its end, with the curve of the counting trainer."""
        trial = self.held[key]
        errors = [expected({"params": trial["params"], "epoch": epoch + 1}) for epoch in range(epochs)]
        return {
            "trial": key[0],
            "attempt": key[1],
            "branch": 0,
            "first": 1,
            "columns": ["dev_error"],
            "rows": [[error] for error in errors],
            "result": {
                "state": "completed",
                "metrics": {"dev_error": errors[-1]},
                "epoch": epochs,
                "reason": None,
            },
        }

    def finish(self, keys: Sequence[Key] | None = None) -> Any:
        """Report the end of trials (default: of all that are held), and hold them no more."""
        ended = list(self.held) if keys is None else list(keys)
        reports = [self.result(key) for key in ended]
        for key in ended:
            self.held.pop(key)
        return self.exchange(reports=reports)
