"""The summary of a search: winner, trivial model, what would mislead, what is next; and `parallel`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.inprocess import App, running
from tests.support.stores import ManualClock, World

API = "/api/v1"
RATES = {"learning_rate": {"scale": "log", "low": 1e-3, "high": 1.0}}
ROWS = "".join(f"{i % 17},{(i * 7) % 13},{'yes' if i % 10 == 0 else 'no'}\n" for i in range(400))
Outcome = tuple[str, float | None]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder: Path = tmp_path_factory.mktemp("data")
    with running(folder) as app:
        sent = app.request(
            "POST", f"{API}/datasets", params={"name": "rare"}, content=f"a,b,answer\n{ROWS}".encode()
        )
        assert sent.status_code == 201, sent.text
        yield app


@pytest.fixture
def world(app: App) -> World:
    services = app.app.state.services
    return World(services.store, ManualClock(), services.proposer)


def submitted(app: App, **fields: Any) -> int:
    spec = {
        "dataset": {"name": "rare"},
        "space": RATES,
        "strategy": "random",
        "budget": {"trials": 8},
        **fields,
    }
    made = app.request("POST", f"{API}/searches", json=spec)
    assert made.status_code == 201, made.text
    return int(made.json()["id"])


def end(world: World, agent: int, search: int, outcomes: Sequence[Outcome], **metrics: float) -> list[str]:
    """Train every trial of a search, as one agent: each ends with its state and dev error."""
    only = {"trainers": ["mlp", "external"], "searches": [search]}
    names = []
    for state, error in outcomes:
        [given] = world.exchange(agent, want=1, **only)["trials"]
        measured = {} if error is None else {"dev_error": error, "train_error": error, **metrics}
        reason = None if state == "completed" else "the cost is not finite"
        result = {"state": state, "metrics": measured, "epoch": 2, "reason": reason}
        report = {"trial": given["trial"], "attempt": 1, "branch": 0, "result": result}
        world.exchange(agent, reports=[report], **only)
        names.append(str(given["trial"]))
    return names


def summary(app: App, search: int) -> Any:
    found = app.request("GET", f"{API}/searches/{search}/summary")
    assert found.status_code == 200, found.text
    return found.json()


def kinds(found: Any) -> set[str]:
    return {one["kind"] for one in found["findings"]}


def test_before_the_first_result_there_is_no_winner(app: App) -> None:
    found = summary(app, submitted(app))
    assert (found["winner"], found["runner_up"], found["trivial"], found["next"]) == (None, None, None, [])
    assert not found["final"] and found["findings"] == []
    assert app.request("GET", f"{API}/searches/9999/summary").status_code == 404


def test_the_winner_is_held_against_the_second_and_the_trivial_model(app: App, world: World) -> None:
    search = submitted(app)
    errors = [0.09, 0.02, 0.04, 0.08, 0.07, 0.06, 0.05, 0.03]
    names = end(world, 11, search, [("completed", error) for error in errors])
    found = summary(app, search)
    assert found["final"] and found["valued"] == 8
    assert (found["winner"]["trial"], found["winner"]["value"], found["winner"]["model"]) == (
        names[1],
        0.02,
        False,
    )
    assert (found["runner_up"]["trial"], found["runner_up"]["behind"]) == (names[7], pytest.approx(0.01))
    assert found["trivial"]["value"] == pytest.approx(0.1) and "'no'" in found["trivial"]["text"]
    assert found["trivial"]["better_by"] == pytest.approx(0.08)
    [place] = found["winner"]["places"]
    trial = app.request("GET", f"{API}/trials/{names[1]}").json()
    assert place["value"] == trial["params"]["learning_rate"] and 0 <= place["at"] <= 1
    assert "trivial" not in kinds(found) and "ties" not in kinds(found)
    assert found["next"][0]["kind"] in ("next_search", "widen")


def test_a_winner_that_says_no_to_all_is_not_crowned_without_a_word(app: App, world: World) -> None:
    search = submitted(app)
    end(world, 12, search, [("completed", 0.1)] * 8)
    found = summary(app, search)
    assert found["trivial"]["better_by"] == pytest.approx(0.0)
    assert {"trivial", "ties"} <= kinds(found)
    [first] = [one for one in found["findings"] if one["kind"] == "trivial"]
    assert first["level"] == "warning" and "always answering 'no'" in first["message"]


def test_a_best_at_the_end_of_its_range_is_told(app: App, world: World) -> None:
    points = [{"learning_rate": 10 ** (-3 + 3 * i / 7)} for i in range(8)]
    search = submitted(app, enqueued=points)
    end(world, 13, search, [("completed", 0.05 - 0.005 * i) for i in range(8)])
    found = summary(app, search)
    [edge] = [one for one in found["findings"] if one["kind"] == "edge"]
    assert edge["parameter"] == "learning_rate" and "high end" in edge["message"]
    assert found["winner"]["places"][0]["edge"] == "high" and found["next"][0]["kind"] == "widen"


def test_an_end_that_the_trainer_does_not_let_pass_is_none(app: App, world: World) -> None:
    space = {"keep_prob": {"scale": "linear", "low": 0.5, "high": 1.0}}
    search = submitted(app, space=space, enqueued=[{"keep_prob": 0.5 + i / 14} for i in range(8)])
    end(world, 14, search, [("completed", 0.05 - 0.005 * i) for i in range(8)])
    assert "edge" not in kinds(summary(app, search))


def test_trials_that_diverged_are_told_with_the_bound_beyond_which_they_did(app: App, world: World) -> None:
    points = [{"learning_rate": 10 ** (-3 + 3 * i / 15)} for i in range(16)]
    search = submitted(app, enqueued=points, budget={"trials": 16})
    end(
        world,
        15,
        search,
        [("completed", 0.05 + 0.001 * i) if i < 9 else ("diverged", None) for i in range(16)],
    )
    found = summary(app, search)
    [diverged] = [one for one in found["findings"] if one["kind"] == "diverged"]
    assert diverged["message"].startswith("7 of 16 trials diverged, most with learning_rate above 0.")
    assert diverged["parameter"] == "learning_rate"


def test_a_few_failures_among_many_are_told_with_their_reason(app: App, world: World) -> None:
    search = submitted(app)
    end(world, 16, search, [("failed" if i < 2 else "completed", None if i < 2 else 0.05) for i in range(8)])
    [failed] = [one for one in summary(app, search)["findings"] if one["kind"] == "failed"]
    assert failed["message"].startswith("2 of 8 trials failed, 2 of them with: the cost is not finite")
    assert failed["level"] == "note"


def test_idle_agents_are_told_while_parallel_keeps_them_so(app: App, world: World) -> None:
    search = submitted(app, parallel=1)
    for agent in (21, 22, 23):
        world.exchange(agent, want=0, trainers=["mlp"], searches=[0])
    world.exchange(21, want=1, trainers=["mlp"], searches=[search])
    [idle] = [one for one in summary(app, search)["findings"] if one["kind"] == "idle"]
    assert "parallel is 1" in idle["message"] and "set parallel to" in idle["remedy"]


def test_parallel_is_as_many_as_there_are_agents_and_written_down(app: App, world: World) -> None:
    for agent in (31, 32):
        world.exchange(agent, want=0, trainers=["mlp"], searches=[0])
    made = app.request("GET", f"{API}/searches/{submitted(app)}").json()
    assert made["parallel"] == made["spec"]["parallel"] >= 2
    few = app.request("GET", f"{API}/searches/{submitted(app, budget={'trials': 1})}").json()
    assert few["parallel"] == 1, "never more than there are trials"
    said = app.request("GET", f"{API}/searches/{submitted(app, parallel=7)}").json()
    assert said["parallel"] == 7
