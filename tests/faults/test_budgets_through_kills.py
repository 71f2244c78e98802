"""Budgets end a search where they would have without kill -9 of its server, to the epoch and the second."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.faults.plugins.caviar_test_trainers import error_after
from tests.support.postgres_process import own_postgres
from tests.support.server_process import Server
from tests.support.waiting import wait

TRIALS, EPOCHS = 40, 6
BUDGETS: dict[str, dict[str, Any]] = {
    "target": {"target": 0.1435},
    "stale": {"stale": 6},
    "epochs, cut": {"epochs": 53, "at_end": "stop"},
    "epochs, finished": {"epochs": 53},
    "all": {"target": 0.0001, "stale": 30, "epochs": 71, "at_end": "stop"},
}
SECONDS = 9.0


def fields(budget: dict[str, Any], epoch_seconds: float) -> dict[str, Any]:
    return {
        "budget": {"trials": TRIALS, **budget},
        "settings": {"epochs": EPOCHS, "epoch_seconds": epoch_seconds},
        "strategy": "coarse_to_fine",
        "stopping": {"name": "successive_halving", "first": 2},
        "parallel": 3,
        "lag": 4,
    }


def outcome(server: Server, search: int) -> tuple[Any, ...]:
    """Return what counts of a search that has ended, and which budget ended it."""
    names = ("number", "state", "params", "seed", "epoch", "value")
    end = dict(server.search(search)["ended_by"])
    end["trial"] = end["trial"].partition(".")[2]
    rows = [trial for trial in server.trials(search) if trial["state"] != "cancelled"]
    return end, [[trial[name] for name in names] for trial in rows]


def kill(server: Server, away: float = 0.0) -> None:
    """Kill the server with SIGKILL and start it again after so many seconds."""
    server.kill()
    time.sleep(away)
    server.start()


@contextlib.contextmanager
def database(kind: str) -> Iterator[str | None]:
    if kind == "SQLite":
        yield None
    else:
        with own_postgres() as postgres:
            yield postgres.url


@pytest.mark.soak
@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["SQLite", "Postgres"])
def test_budgets_end_searches_at_the_same_trial_and_epoch(
    make_server: Callable[..., Server], kind: str
) -> None:
    undisturbed = make_server(workers=1)
    undisturbed.start()
    expected = [undisturbed.submit(**fields(budget, 0.0)) for budget in BUDGETS.values()]
    for search in expected:
        undisturbed.wait_finished(search, 240)
    with database(kind) as url:
        server = make_server(workers=3, database=url)
        server.start()
        found = [server.submit(**fields(budget, 0.15)) for budget in BUDGETS.values()]

        def trained() -> int:
            return sum(sum(trial["epoch"] for trial in server.trials(search)) for search in found)

        kills = 0
        while not all(server.finished(search) for search in found) and kills < 8:
            before = trained()
            wait(
                lambda before=before: trained() >= before + 25 or all(map(server.finished, found)),  # type: ignore[misc]
                120,
                lambda: f"25 more epochs:\n{server.tail()}",
            )
            kill(server)
            kills += 1
        for search in found:
            server.wait_finished(search, 240)
        assert kills >= 4
        for name, one, other in zip(BUDGETS, expected, found, strict=True):
            end, rows = outcome(server, other)
            assert (end, rows) == outcome(undisturbed, one), name
            if name.startswith("epochs"):
                epochs = sum(row[4] for row in rows)
                assert end["budget"] == "epochs" and 53 <= epochs < 53 + EPOCHS
                assert epochs == 53 or name == "epochs, finished"
        server.close()


def when(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.soak
@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["SQLite", "Postgres"])
@pytest.mark.parametrize("away", [0.0, 2 * SECONDS], ids=["back in time", "away at the end"])
def test_seconds_end_searches_in_time_although_the_server_was_killed(
    make_server: Callable[..., Server], kind: str, away: float
) -> None:
    with database(kind) as url:
        server = make_server(workers=2, database=url)
        server.start()
        server.wait_agents(2)
        searches = {}
        for at_end in ("stop", "finish"):
            budget = {"seconds": SECONDS, "at_end": at_end, "trials": 900}
            searches[at_end] = server.submit(
                **{**fields(budget, 0.2), "strategy": "random", "stopping": "none", "parallel": 1}
            )
        wait(lambda: all(server.trial(search)["epoch"] for search in searches.values()), 60, "both train")
        kill(server, away)
        back = time.time()
        for at_end, search in searches.items():
            server.wait_finished(search, SECONDS + 60)
            trials = server.trials(search)
            began = min(when(trial["started"]) for trial in trials if trial["started"])
            due = max(began + SECONDS, back)
            ran = server.search(search)["ran"]
            assert server.search(search)["ended_by"]["budget"] == "seconds"
            assert all(when(trial["started"]) <= due + 1 for trial in trials if trial["started"])
            ended = [trial for trial in trials if trial["state"] in ("completed", "stopped")]
            assert ended and {trial["state"] for trial in trials} <= {"completed", "stopped", "cancelled"}
            for trial in ended:
                assert trial["value"] == pytest.approx(error_after(trial["params"]["x"], trial["epoch"]))
            assert ran >= SECONDS
            if at_end == "stop":  # `finish` lasts for as long as its last trial does
                assert ran <= due - began + 1.0
        server.close()
