"""Trials that hang, where only their limits end them: they cost nobody else anything."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.support.server_process import Server

SPACE = {"x": {"choices": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]}}


def seconds_of(trial: dict[str, Any]) -> float:
    began, ended = (datetime.fromisoformat(trial[name]) for name in ("started", "ended"))
    return (ended - began).total_seconds()


def run(server: Server, points: list[float], limits: dict[str, Any], **settings: Any) -> list[dict[str, Any]]:
    search = server.submit(
        len(points),
        trainer="stuck",
        space=SPACE,
        settings={"epochs": 3, "epoch_seconds": 0.1, **settings},
        enqueued=[{"x": x} for x in points],
        limits=limits,
        parallel=1,
    )
    server.wait_finished(search, 120)
    found: list[dict[str, Any]] = server.trials(search)
    return found


def test_a_trial_that_hangs_ends_at_its_limit_and_the_next_one_trains(
    make_server: Callable[..., Server],
) -> None:
    server = make_server(workers=1)
    server.start()
    server.wait_agents(1)
    hung, held, sound = run(server, [2.0, 4.0, 0.0], {"silent_seconds": 1.0})
    assert [one["state"] for one in (hung, held, sound)] == ["failed", "failed", "completed"]
    assert all(one["attempt"] == 1 and "no epoch ended" in one["reason"] for one in (hung, held))
    assert all(1.0 <= seconds_of(one) < 20.0 for one in (hung, held))


@pytest.mark.soak
def test_hangs_in_loading_and_saving_and_too_much_memory_end_too(make_server: Callable[..., Server]) -> None:
    server = make_server(workers=1, environment={"CAVIAR_CHECKPOINT_SECONDS": "0.3"})
    server.start()
    server.wait_agents(1)
    limits = {"seconds": 6, "memory": "450 MB"}
    found = run(server, [0.0, 1.0, 3.0, 6.0, 0.0, 5.0, 0.0], limits, epoch_seconds=0.4)
    states = [one["state"] for one in found]
    assert states == ["completed", "failed", "failed", "failed", "completed", "failed", "completed"]
    assert "memory" in found[5]["reason"] and found[5]["attempt"] == 2  # measured in a process of its own
