"""Studies of Optuna out of files and into them: nothing of a trial is lost on the way."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial
from typer.testing import CliRunner

from caviar import Client
from caviar.cli import app as cli

KINDS = {
    "rate": FloatDistribution(1e-5, 1.0, log=True),
    "width": IntDistribution(4, 64, step=4),
    "kind": CategoricalDistribution(["a", None, True, 1.5]),
}


def trials() -> list[FrozenTrial]:
    """Trials of every state, some without a parameter, with all that a trial may have."""
    every = [state for state in TrialState for _ in range(2)]
    return [
        create_trial(
            state=state,
            values=[number / 3, float("inf")] if state == TrialState.COMPLETE else None,
            params={"rate": 0.1 / (number + 1), "width": 8} | ({"kind": None} if number % 2 else {}),
            distributions={
                name: KINDS[name] for name in ("rate", "width", *(["kind"] if number % 2 else []))
            },
            user_attrs={"note": ["é", number, None]},
            system_attrs={"constraints:size": number - 4.5},
            intermediate_values={0: 0.1, 7: float("nan"), 3: float("-inf")} if number % 3 else {},
        )
        for number, state in enumerate(every)
    ]


def read(file: Path) -> tuple[list[FrozenTrial], dict[str, object]]:
    storage = RDBStorage(f"sqlite:///{file}")
    with closing(storage.engine.raw_connection()):
        study = optuna.load_study(study_name=None, storage=storage)
        found = (
            study.trials,
            {**study.user_attrs, "names": study.metric_names, "directions": study.directions},
        )
    storage.engine.dispose()
    return found


def test_a_study_comes_out_as_it_went_in(server: str, client: Client, tmp_path: Path) -> None:
    first, last = tmp_path / "first.db", tmp_path / "last.db"
    storage = RDBStorage(f"sqlite:///{first}")
    study = optuna.create_study(storage=storage, study_name="whole", directions=["minimize", "maximize"])
    study.set_user_attr("who", {"name": "ann"})
    storage.set_study_system_attr(study._study_id, "study:metric_names", ["cost", "hits"])
    study.add_trials(trials())
    storage.engine.dispose()
    copied = CliRunner().invoke(cli, ["import", str(first), "--trials", "--url", server])
    assert copied.exit_code == 0 and "study 'whole' with 10 trials" in copied.output, copied.output
    search = int(copied.output.split()[1].rstrip(":"))
    spec = client.search(search).spec
    assert [one["metric"] for one in (spec["objective"], *spec["further"])] == ["cost", "hits"]
    last.write_bytes(client.export(search, "optuna"))
    before, after = read(first), read(last)
    assert repr(after) == repr(before)  # NaN is not equal to itself
    again = CliRunner().invoke(cli, ["import", str(first), "--trials", "--url", server])
    assert again.exit_code != 0 and "rename or delete it" in (again.output + str(again.exception))


def test_a_search_comes_out_with_all_its_objectives(client: Client, tmp_path: Path) -> None:
    search = client.submit(
        {
            "trainer": "external",
            "space": {
                "x": {"low": 0.0, "high": 1.0},
                "y": {"low": 0.0, "high": 1.0, "when": {"x": {"low": 0.5}}},
            },
            "strategy": "random",
            "objective": [
                {"metric": "loss", "direction": "minimize"},
                {"metric": "speed", "direction": "maximize"},
            ],
            "subject_to": {"size": {"max": 10}},
            "budget": {"trials": 4},
        }
    )
    for trial in client.ask(search):
        x = trial.params["x"]
        for step in (1, 2):
            trial.report(step=step, loss=x / step, speed=1 - x, size=20 * x)
    file = tmp_path / "search.db"
    file.write_bytes(client.export(search, "optuna"))
    found, attributes = read(file)
    assert attributes["names"] == ["loss", "speed"]
    for one, trial in zip(found, client.trials(search), strict=True):
        assert one.values == [trial.metrics["loss"], trial.metrics["speed"]]
        assert one.constraints == {"size": pytest.approx(trial.metrics["size"] - 10)}
        assert one.params == trial.params and list(one.intermediate_values) == [1, 2]
        assert one.distributions["x"] == FloatDistribution(0.0, 1.0)
        assert one.datetime_complete > one.datetime_start and one.user_attrs["trial"] == trial.id
