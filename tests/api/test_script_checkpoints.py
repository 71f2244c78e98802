"""Scripts that number their steps, keep checkpoints, and go on after a loss, a pause, a rewind or a fork."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from caviar import Client, Search
from caviar.errors import CaviarError
from caviar.external_trial import ExternalTrial
from tests.support.commandline import serving
from tests.support.waiting import wait

SEARCH = {
    "trainer": "external",
    "settings": {"slope": 2.0, "epochs": 6},
    "space": {"x": {"scale": "linear", "low": 0.0, "high": 1.0}},
    "strategy": "random",
    "objective": {"metric": "loss", "direction": "minimize"},
    "budget": {"trials": 1},
    "seed": 1,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("scripts"), workers=0, env={"CAVIAR_INTERVAL": "0.2"}) as url:
        yield url


def curve(client: Client, search: Search) -> list[tuple[int, list[int], list[float]]]:
    """Give branch, epochs and losses."""
    branches = client.curve(f"{search.id}.0")["branches"]
    return [(one["branch"], one["epoch"], one["loss"]) for one in branches]


def handed_back(client: Client, search: Search, train: Callable[[ExternalTrial], object]) -> None:
    """Train a while, and let the trial go as a script does that is told to end."""
    loop = client.ask(search)
    trial = next(loop)
    train(trial)
    trial.hand_back()
    loop.close()


def keep(client: Client, trial: ExternalTrial, step: int) -> None:
    """Make a checkpoint and wait until the server has it: of those that wait only the newest is sent."""
    trial.checkpoint(b"epoch %d" % step)
    path = f"/trials/{trial.id}/checkpoints"
    epochs = lambda: [one["epoch"] for one in client.transport.call("GET", path)["items"]]  # noqa: E731
    wait(lambda: step in epochs(), 20, "the checkpoint")


def test_steps_are_the_epochs_of_the_curve_and_an_earlier_one_replaces_the_later(client: Client) -> None:
    search = client.submit(SEARCH)
    for trial in client.ask(search):
        for step in (10, 20, 30):
            trial.report(step, loss=float(step))
        trial.report(15, loss=5.0)
        trial.report(loss=4.0)
    assert curve(client, search) == [(0, [10, 15, 16], [10.0, 5.0, 4.0])]
    found = client.trial(f"{search.id}.0")
    assert (found.epoch, found.value) == (16, 4.0)


@pytest.mark.parametrize(
    ("step", "said"),
    [(0, "count from 1"), (100_001, "larger steps"), (1.5, "not an integer"), ("3", "integer")],
)
def test_a_step_that_cannot_be_is_refused(client: Client, step: Any, said: str) -> None:
    search = client.submit(SEARCH)
    for trial in client.ask(search):
        with pytest.raises(CaviarError, match=said):
            trial.report(step, loss=1.0)
        with pytest.raises(CaviarError, match="cannot be called 'epoch'"):
            trial.report(epoch=1.0)
        trial.report(loss=1.0)


def test_a_stopping_rule_judges_steps_that_pass_its_rungs(client: Client) -> None:
    stopping = {"name": "successive_halving", "first": 2, "factor": 2}
    search = client.submit(SEARCH, stopping=stopping, budget={"trials": 8}, settings={"epochs": 9})
    for trial in client.ask(search):
        for step in (3, 6, 9):  # the rungs lie between them
            trial.report(step, loss=float(trial.number))
            if trial.should_stop:
                break
    counts = client.search(search).counts
    assert counts["stopped"] > 1 and counts["completed"] > 1


def test_a_script_goes_on_from_its_checkpoint_and_replaces_what_came_after_it(client: Client) -> None:
    def first(trial: ExternalTrial) -> None:
        assert (trial.resume, trial.epoch) == (None, 0)
        for step in range(1, 6):
            trial.report(step, loss=1.0)
            if step == 3:
                trial.checkpoint(b"after three")

    search = client.submit(SEARCH)
    handed_back(client, search, first)
    for trial in client.ask(search):
        assert (trial.resume, trial.epoch) == (b"after three", 3)
        for step in range(trial.epoch + 1, 8):
            trial.report(step, loss=2.0)
    assert curve(client, search) == [(0, [1, 2, 3, 4, 5, 6, 7], [1.0] * 3 + [2.0] * 4)]


def test_a_script_that_begins_again_mixes_no_two_trainings(client: Client) -> None:
    def first(trial: ExternalTrial) -> None:
        for _ in range(5):
            trial.report(loss=1.0)
            trial.checkpoint(b"state")

    search = client.submit(SEARCH)
    handed_back(client, search, first)
    for trial in client.ask(search):
        trial.report(loss=2.0)
        trial.report(loss=2.0)
    assert curve(client, search) == [(0, [1, 2], [2.0, 2.0])]
    path = f"/trials/{search.id}.0/checkpoints"
    assert client.transport.call("GET", path)["items"] == [], "states of the training that was given up"


def test_a_folder_comes_back_as_a_folder_and_a_file_as_a_file(client: Client, tmp_path: Path) -> None:
    given = tmp_path / "given"
    (given / "deep").mkdir(parents=True)
    (given / "deep" / "weights").write_bytes(b"w" * 1000)
    for state, found in ((given, Path("deep/weights")), (given / "deep" / "weights", Path())):
        search = client.submit(SEARCH)
        handed_back(client, search, lambda trial: (trial.report(loss=1.0), trial.checkpoint(state)))  # noqa: B023
        for trial in client.ask(search):
            target = tmp_path / f"back-{search.id}"
            assert trial.restore(target)
            assert (target / found).read_bytes() == b"w" * 1000
            with pytest.raises(CaviarError, match="cannot be read"):
                trial.checkpoint(tmp_path / "nothing")
            trial.report(loss=1.0)


def test_a_trial_is_rewound_paused_and_resumed(client: Client) -> None:
    search = client.submit(SEARCH)
    name = f"{search.id}.0"
    begun: list[tuple[int, bytes | None, float]] = []
    left = []

    def person() -> None:
        wait(lambda: begun and client.trial(name).epoch >= 3, 20, "three epochs")
        client.command(name, "rewind", epoch=2)
        wait(lambda: len(begun) == 2 and client.trial(name).epoch >= 3, 20, "the second training")
        client.command(name, "set", slope=5.0)
        client.command(name, "pause")
        wait(lambda: client.trial(name).state == "paused", 20, "the pause")
        client.command(name, "resume")

    somebody = threading.Thread(target=person)
    somebody.start()
    for trial in client.ask(search):
        begun.append((trial.epoch, trial.resume, trial.params["slope"]))
        for step in range(trial.epoch + 1, 7):
            trial.report(step, loss=1.0)
            keep(client, trial, step)
            if len(begun) < 3 and step > 2:
                wait(lambda: trial.should_stop, 30, "somebody's word")  # noqa: B023
                assert trial.params
                left.append(trial.should_stop)
                break
        trial.complete(loss=0.5)  # does not end one that goes on another time
    somebody.join()
    assert begun[:2] == [(0, None, 2.0), (2, b"epoch 2", 2.0)]
    assert begun[2] == (3, b"epoch 3", 5.0)
    assert left == ["rewound to epoch 2 by a person", "paused by a person"]
    assert [(branch, epochs) for branch, epochs, _ in curve(client, search)] == [
        (0, [1, 2, 3]),
        (1, [3, 4, 5, 6]),
    ]
    assert {one["state"] for one in client.given(name)} == {"applied"}
    assert client.trial(name).state == "completed"


def test_a_pause_without_a_checkpoint_is_refused_and_a_checkpoint_is_made_on_request(client: Client) -> None:
    search = client.submit(SEARCH)
    for trial in client.ask(search):
        trial.report(loss=1.0)
        client.command(trial.id, "pause")
        wait(lambda: trial.should_stop or client.given(trial.id)[0]["state"] == "refused", 20, "no")  # noqa: B023
        asked = client.command(trial.id, "checkpoint")["id"]
        wait(lambda: trial.should_stop or asked in trial._commands._heard, 20, "the command")  # noqa: B023
        trial.checkpoint(b"asked for")
    [kept] = client.transport.call("GET", f"/trials/{trial.id}/checkpoints")["items"]
    assert kept["kind"] == "command"
    assert [one["state"] for one in client.given(trial.id)] == ["refused", "applied"]


def test_a_fork_begins_from_the_checkpoint_with_its_changes(client: Client) -> None:
    search = client.submit(SEARCH)
    begun = []
    for trial in client.ask(search):
        begun.append((trial.epoch, trial.resume, trial.params["slope"]))
        for step in range(trial.epoch + 1, 4):
            trial.report(step, loss=1.0)
            keep(client, trial, step)
        if trial.number == 0:
            client.command(trial.id, "fork", epoch=2, changes={"slope": 9.0})
    assert begun == [(0, None, 2.0), (2, b"epoch 2", 9.0)]


POPULATION = {
    "trainer": "external",
    "settings": {"slope": 2.0},
    "space": {"x": {"scale": "linear", "low": 0.1, "high": 1.0}},
    "strategy": {"name": "population", "members": 2, "epochs_per_turn": 2},
    "objective": {"metric": "loss", "direction": "minimize"},
    "budget": {"trials": 6},
    "lag": 0,
}


def test_a_script_trains_a_population_from_its_checkpoints(client: Client) -> None:
    search = client.submit(POPULATION)
    for trial in client.ask(search):
        done = float(trial.resume or b"0")
        assert set(trial.params) == {"slope", "x"}
        for step in range(trial.epoch + 1, (trial.epochs or 0) + 1):
            done += trial.params["x"]
            trial.report(step, loss=10.0 - done)
        trial.checkpoint(b"%r" % done)
    turns = client.population(search)
    assert (turns["begun"], turns["epoch"]) == ([0, 0, 2, 2, 4, 4], [2, 2, 4, 4, 6, 6])
    gains = [2 * x for x in turns["params"]["x"]]
    for place, parent in enumerate(turns["parent"]):
        before = 10.0 if parent is None else turns["value"][parent]
        assert turns["value"][place] == pytest.approx(before - gains[place])
    winner = client.schedule(f"{search.id}.{turns['best']}")
    assert winner["search"]["settings"] == {"slope": 2.0, "x": winner["settings"]["x"], "epochs": 6}


def test_a_script_that_does_not_go_on_from_the_state_is_told(client: Client) -> None:
    search = client.submit(POPULATION)
    told = ""
    for trial in client.ask(search, catch=CaviarError):
        with trial:
            try:
                trial.report(1, loss=1.0)
            except CaviarError as error:
                told = str(error)
                raise
            trial.report(2, loss=1.0)
            trial.checkpoint(b"state", step=2)
        if told:
            break
    assert "load trial.resume" in told and "trial.epochs" in told
    client.cancel(search)
