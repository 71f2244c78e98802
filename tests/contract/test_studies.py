"""Studies of Optuna in the store: what is written whole or not at all, whoever writes at the same time."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    distribution_to_json,
)

from caviar.service.errors import ConflictError, NotFoundError, RefusedError
from caviar.service.ids import TrialId
from caviar.service.store import curves
from caviar.service.store import studies as study_rows
from caviar.service.usecases import analysis, steer_search, studies, study_trials
from caviar.service.usecases.agents_wanted import agents_wanted
from caviar.service.usecases.rerun import rerun
from caviar.service.usecases.study_trials import Change, Description
from tests.support.stores import World, handed

UNIT = FloatDistribution(0.0, 1.0)


def made(world: World, name: str = "mine", directions: tuple[str, ...] = ("minimize",)) -> int:
    found = world.write(lambda tx: studies.create(tx, name, directions, "key-of-the-study"))
    assert isinstance(found, int)
    return found


def begun(world: World, study: int, *new: Description | None, key: str = "key-of-new-trials") -> int:
    first = world.write(lambda tx: study_trials.make(tx, study, key, new or (None,), False))
    assert isinstance(first, int)
    return first


def change(world: World, study: int, number: int, key: str, **what: Any) -> str:
    one = Change(number=number, key=key, **what)
    ((outcome,),) = world.write(lambda tx: study_trials.write(tx, [(study, [one])]))
    return str(outcome)


def suggested(**params: tuple[float, BaseDistribution]) -> dict[str, tuple[float, str]]:
    return {name: (code, distribution_to_json(kind)) for name, (code, kind) in params.items()}


def documents(world: World, study: int) -> list[dict[str, Any]]:
    _, rows = world.read(lambda snapshot: study_rows.changed(snapshot, study, 0))
    return [orjson.loads(row.document) for row in sorted(rows, key=lambda row: row.number)]


def test_a_waiting_trial_is_taken_by_one_of_many_who_ask_together(world: World) -> None:
    study = made(world)
    number = begun(world, study, Description(state="WAITING"))
    asks = [(study, [Change(number=number, key=f"key-of-{one:08}", state="RUNNING")]) for one in range(5)]
    told = world.write(lambda tx: study_trials.write(tx, asks))
    assert sorted(outcome for (outcome,) in told) == ["done", "kept", "kept", "kept", "kept"]
    assert world.trial(f"{study}.{number}").started == world.clock.time


def test_a_call_whose_answer_was_lost_changes_nothing_when_it_is_repeated(world: World) -> None:
    study = made(world)
    assert made(world) == study
    assert world.write(lambda tx: studies.create(tx, "mine", ("minimize",), "another-key")) is None
    again = [world.write(lambda tx: study_trials.make(tx, study, "key-of-trial", [None], True)) for _ in "ab"]
    assert again == [0, 0] and len(world.trials(study)) == 1
    for _ in "ab":
        assert change(world, study, 0, "key-of-the-end", state="COMPLETE", values=[1.0]) == "done"
    assert change(world, study, 0, "key-of-others", state="COMPLETE", values=[2.0]) == "finished"
    assert change(world, study, 1, "key-of-others") == "missing"
    assert world.trial(f"{study}.0").value == 1.0 and documents(world, study)[0]["values"] == [1.0]


def test_what_a_trial_suggests_reports_and_comes_to_is_shown(world: World) -> None:
    study = made(world, directions=("maximize",))
    begun(world, study)
    kind = CategoricalDistribution(["a", None])
    change(
        world,
        study,
        0,
        "key-0001",
        params=suggested(x=(0.25, UNIT), kind=(1, kind)),
        steps={0: 0.5, 1: "nan"},
    )
    change(world, study, 0, "key-0002", steps={4: 0.75}, system={"note": "1"}, user={"seen": '"yes"'})
    row = world.trial(f"{study}.0")
    assert json.loads(row.params) == {"x": 0.25, "kind": None} and row.epoch == 5
    drawn = world.read(lambda snapshot: curves.read(snapshot, study, 0, None, "value"))
    assert drawn["branches"][0]["epoch"] == [1, 2, 5]
    assert drawn["branches"][0]["value"] == [0.5, None, 0.75]
    change(world, study, 0, "key-0003", steps={1: 0.625})  # it is written over
    drawn = world.read(lambda snapshot: curves.read(snapshot, study, 0, None, "value"))
    assert drawn["branches"][0]["value"] == [0.5, 0.625, 0.75]
    change(world, study, 0, "key-0004", state="COMPLETE", values=[3.0])
    row, search = world.trial(f"{study}.0"), world.search(study)
    assert (row.state, row.value, json.loads(row.metrics)) == ("completed", 3.0, {"value": 3.0})
    assert (search.best_number, search.best_value, search.completed, search.ended) == (0, 3.0, 1, None)
    assert documents(world, study)[0]["steps"] == {"0": 0.5, "1": 0.625, "4": 0.75}
    space = json.loads(search.spec)["space"]
    assert space == {"x": {"low": 0.0, "high": 1.0}, "kind": {"choices": ["a", None]}}


@pytest.mark.parametrize(
    ("end", "state", "value", "withheld"),
    [
        ({"state": "PRUNED", "values": [0.5]}, "stopped", None, None),
        ({"state": "FAIL"}, "failed", None, None),
        ({"state": "COMPLETE", "values": ["inf"]}, "diverged", None, None),
        (
            {"state": "COMPLETE", "values": [2.0], "system": {"constraints:size": "0.5"}},
            "completed",
            None,
            2.0,
        ),
        (
            {"state": "COMPLETE", "values": [2.0], "system": {"constraints": "[-1.0, 0]"}},
            "completed",
            2.0,
            None,
        ),
    ],
    ids=["pruned", "failed", "endless", "constraint broken", "constraints kept"],
)
def test_ends(
    world: World, end: dict[str, Any], state: str, value: float | None, withheld: float | None
) -> None:
    study = made(world)
    begun(world, study)
    change(world, study, 0, "key-of-the-end", **end)
    row = world.trial(f"{study}.0")
    assert (row.state, row.value, row.withheld, row.ended) == (state, value, withheld, world.clock.time)


def test_several_objectives_have_the_names_that_the_script_gives_them(world: World) -> None:
    study = made(world, directions=("minimize", "maximize"))
    world.write(lambda tx: studies.set_attributes(tx, study, {}, {"study:metric_names": '["cost", "hits"]'}))
    begun(world, study)
    change(world, study, 0, "key-of-the-end", state="COMPLETE", values=[1.0, 2.0])
    assert json.loads(world.trial(f"{study}.0").metrics) == {"cost": 1.0, "hits": 2.0}
    spec = json.loads(world.search(study).spec)
    assert spec["objective"] == {"metric": "cost", "direction": "minimize"}
    assert spec["further"] == [{"metric": "hits", "direction": "maximize"}]


def test_the_space_holds_all_ranges_that_were_suggested(world: World) -> None:
    study = made(world)
    begun(world, study, *[None] * 20)
    for number in range(20):
        kind = FloatDistribution(-1.0 - number, 1.0 + number)
        params = suggested(x=(number / 20, kind), odd=(0, CategoricalDistribution([float("nan")])))
        change(world, study, number, f"key-{number:08}", params=params)
        change(world, study, number, f"key-of-end-{number}", state="COMPLETE", values=[number / 20])
    assert json.loads(world.search(study).spec)["space"] == {"x": {"low": -20.0, "high": 20.0}}
    found = world.read(lambda snapshot: analysis.read_importance(snapshot, study))
    assert (list(found.shares), found.trials) == (["x"], 20)


def test_a_study_rests_when_its_script_does_and_goes_on_with_the_next_trial(world: World) -> None:
    study = made(world)
    begun(world, study)
    world.write(lambda tx: studies.rest(tx, study))
    assert world.search(study).ended is None  # one is in training
    change(world, study, 0, "key-of-the-end", state="FAIL")
    world.write(lambda tx: studies.rest(tx, study))
    assert (world.search(study).ended, world.search(study).total) == (world.clock.time, 1)
    begun(world, study)
    assert (world.search(study).ended, world.search(study).total) == (None, 3)


def test_no_agent_gets_a_trial_of_a_study_and_none_is_wanted_for_it(world: World) -> None:
    study = made(world)
    begun(world, study, Description(state="WAITING"))
    assert handed(world.exchange(1, want=5)) == [] and world.read(agents_wanted).wanted == 0


def test_a_person_pauses_and_cancels_a_study_and_leaves_the_rest_to_its_script(world: World) -> None:
    study = made(world)
    begun(world, study)
    world.write(lambda tx: steer_search.switch(tx, study, "paused"))
    assert world.write(lambda tx: study_trials.make(tx, study, "key-of-trial", [None], False)) is None
    world.write(lambda tx: steer_search.switch(tx, study, "active"))
    for steer in (
        lambda tx: steer_search.edit(tx, world.proposer, study, {"budget": {"trials": 3}}, None),
        lambda tx: steer_search.enqueue(tx, world.proposer, study, [{}]),
    ):
        with pytest.raises(ConflictError, match="study of Optuna"):
            world.write(steer)
    world.write(lambda tx: steer_search.edit(tx, world.proposer, study, {"note": "seen"}, None))
    world.write(lambda tx: steer_search.cancel(tx, study))
    assert change(world, study, 0, "key-of-the-end", state="COMPLETE", values=[1.0]) == "finished"
    with pytest.raises(ConflictError, match="was cancelled"):
        begun(world, study)
    with pytest.raises(ConflictError, match="enqueue_trial"):
        world.write(lambda tx: rerun(tx, world.proposer, TrialId(study, 0)))


def test_a_value_that_its_distribution_does_not_have_is_refused_and_harms_no_other(world: World) -> None:
    study = made(world)
    begun(world, study, None, None)
    wrong = suggested(kind=(7, CategoricalDistribution(["a"])))
    with pytest.raises(RefusedError, match="is no value of"):
        change(world, study, 0, "key-0001", params=wrong)
    with pytest.raises(RefusedError, match="is no distribution"):
        change(world, study, 0, "key-0002", params={"x": (1.0, "{}")})
    with pytest.raises(NotFoundError):
        begun(world, study + 1)
    assert change(world, study, 1, "key-0003", params=suggested(x=(0.5, UNIT))) == "done"


def test_a_trial_is_silent_once_its_heartbeats_stop(world: World) -> None:
    study = made(world)
    begun(world, study, None, None, None)
    change(world, study, 0, "key-0001", alive=True)
    change(world, study, 1, "key-0002", alive=True)
    world.clock.time += 100
    change(world, study, 1, "key-0003", alive=True)
    now = world.clock.time
    assert world.read(lambda snapshot: study_rows.silent(snapshot, study, now - 60)) == [0]  # 2 never had one
