"""Studies of Optuna become searches: conditions, layers, points and values are kept, or named as left out."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml
from typer.testing import CliRunner

from caviar.cli import app as cli
from caviar.search.optuna_study import Trained, read, write
from caviar.search.space import Space
from caviar.search.spec import SearchSpec


def studied(
    folder: Path, objective: Callable[[optuna.Trial], float], trials: int = 30, **options: Any
) -> Path:
    file = folder / "study.db"
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.RandomSampler(seed=1)
    study = optuna.create_study(storage=f"sqlite:///{file}", study_name="mine", sampler=sampler)
    study.optimize(objective, n_trials=trials)
    study._storage._backend.engine.dispose()
    return file


def conditional(trial: optuna.Trial) -> float:
    kind = trial.suggest_categorical("kind", ["svm", "forest", "trees"])
    if kind == "svm":
        value = trial.suggest_float("c", 1e-3, 10.0, log=True)
        if trial.suggest_categorical("kernel", ["rbf", "poly"]) == "poly":
            value += trial.suggest_int("degree", 2, 5)
        return value
    return float(trial.suggest_int("depth", 1, 9))


def layers(trial: optuna.Trial) -> float:
    count = trial.suggest_int("n_layers", 1, 3)
    return sum(trial.suggest_int(f"n_units_l{layer}", 4, 64, log=True) for layer in range(count)) / 100


def imported(file: Path, *options: str) -> tuple[int, Any, str, str]:
    done = CliRunner().invoke(cli, ["import", str(file), *options])
    return done.exit_code, yaml.safe_load(done.stdout), done.stdout, done.stderr


def test_conditions_come_back_and_every_point_with_its_value(tmp_path: Path) -> None:
    code, search, text, told = imported(studied(tmp_path, conditional), "--points", "30")
    assert code == 0, told
    space = SearchSpec.parse(search).space
    when = {name: space.root[name].when for name in space.root}
    assert when == {
        "kind": None,
        "c": {"kind": "svm"},
        "kernel": {"kind": "svm"},
        "degree": {"kernel": "poly"},
        "depth": {"kind": ["forest", "trees"]},
    }
    assert len(search["enqueued"]) == 30 and all(not space.check(one) for one in search["enqueued"])
    values = [float(line.rpartition(": ")[2]) for line in text.splitlines() if "of the study:" in line]
    assert len(values) == 30 and values == sorted(values)
    assert "degree is there where kernel: poly, as in all 30 completed trials" in told.replace("'", "")
    assert "30 of 30 completed trials are enqueued" in told


def test_parameters_of_layers_hang_on_their_number(tmp_path: Path) -> None:
    code, search, _, _ = imported(studied(tmp_path, layers))
    assert code == 0 and len(search["enqueued"]) == 10
    assert search["space"]["n_units_l1"]["when"] == {"n_layers": {"low": 2}}
    assert search["space"]["n_units_l2"]["when"] == {"n_layers": {"low": 3}}
    assert "when" not in search["space"]["n_units_l0"]
    SearchSpec.parse(search)


def test_numbered_layers_are_a_list_again(tmp_path: Path) -> None:
    def numbered(trial: optuna.Trial) -> float:
        count = trial.suggest_int("depth", 1, 3)
        return float(sum(trial.suggest_int(f"units.{layer}", 4, 64) for layer in range(count)))

    code, search, _, _ = imported(studied(tmp_path, numbered))
    assert code == 0 and search["space"]["units"]["each"] == "depth"
    assert all(len(one["units"]) == one["depth"] for one in search["enqueued"])
    SearchSpec.parse(search)


def test_what_nothing_explains_is_named_and_ends_with_a_code(tmp_path: Path) -> None:
    def moody(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0.0, 1.0)
        return x + (trial.suggest_float("y", 0.0, 1.0) if trial.number % 2 else 0.0)

    code, search, _, told = imported(studied(tmp_path, moody, trials=10))
    assert code == 3
    assert "Left out: when y is there: 5 of 10 completed trials lack it" in told
    assert len(search["enqueued"]) == 5 and told.count("y is missing") == 5


def test_a_range_that_was_changed_names_the_points_outside(tmp_path: Path) -> None:
    def narrowed(trial: optuna.Trial) -> float:
        return trial.suggest_float("x", 0.0, 4.0 if trial.number < 5 else 1.0)

    code, search, _, told = imported(studied(tmp_path, narrowed, trials=10), "--points", "10")
    assert code == 3 and "the point of trial" in told and "Left out" in told
    assert all(one["x"] <= 1.0 for one in search["enqueued"])


def test_pruned_and_failed_trials_and_their_curves_are_counted(tmp_path: Path) -> None:
    def uneven(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0.0, 1.0)
        trial.report(x, 1)
        if trial.number == 2:
            raise optuna.TrialPruned
        return float("nan") if trial.number == 3 else x  # which Optuna counts as failed

    code, _, _, told = imported(studied(tmp_path, uneven, trials=6))
    assert code == 0 and "4 of 4 completed" in told
    assert "1 fail, 1 pruned" in told and "intermediate values" in told


def test_of_several_objectives_the_front_comes_first(tmp_path: Path) -> None:
    file = tmp_path / "two.db"
    study = optuna.create_study(storage=f"sqlite:///{file}", directions=["minimize", "maximize"])
    study._storage.set_study_system_attr(study._study_id, "study:metric_names", ["cost", "hits"])
    for x, values in ((0.1, (3.0, 1.0)), (0.2, (1.0, 1.0)), (0.3, (2.0, 5.0)), (0.4, (2.0, 4.0))):
        study.enqueue_trial({"x": x})
        trial = study.ask({"x": optuna.distributions.FloatDistribution(0.0, 1.0)})
        study.tell(trial, values)
    study._storage._backend.engine.dispose()
    code, search, text, _ = imported(file)
    assert code == 0 and [one["x"] for one in search["enqueued"]] == [0.2, 0.3, 0.4, 0.1]
    spec = SearchSpec.parse(search)
    assert [(one.metric, one.direction) for one in spec.objectives] == [
        ("cost", "minimize"),
        ("hits", "maximize"),
    ]
    assert "# trial 2 of the study: 2, 5" in text


SPACE = Space.model_validate(
    {
        "a": {"scale": "one_minus_log", "low": 0.9, "high": 0.999},
        "flag": {"choices": [True, 1, "1", None, [1, 2], "[1, 2]"]},
        "layers": {"type": "int", "low": 1, "high": 3},
        "units": {"scale": "log", "type": "int", "low": 4, "high": 64, "each": "layers"},
        "bias": {"low": 0.0, "high": 1.0, "when": {"layers": {"low": 2}}},
    }
)


@pytest.mark.parametrize("flag", SPACE.root["flag"].choices)  # type: ignore[union-attr]
def test_our_own_export_comes_back_to_the_letter(tmp_path: Path, flag: Any) -> None:
    ended = datetime.now(UTC).replace(tzinfo=None)
    point = {"a": 0.99, "flag": flag, "layers": 2, "units": [5, 6], "bias": 0.5}
    trial = Trained(point, "completed", [0.25], None, ended)
    write(tmp_path / "own.db", "own", {"loss": "minimize"}, SPACE, [trial])
    found = read(tmp_path / "own.db")
    assert Space.model_validate(found.space) == SPACE
    assert repr(found.points) == repr([point]) and found.values == [[0.25]] and not found.lost


def test_choices_of_several_types_and_what_has_no_place_are_told(tmp_path: Path) -> None:
    choices = [None, 1, "1", True, 1.5]

    def mixed(trial: optuna.Trial) -> float:
        trial.set_user_attr("note", "kept by nobody")
        trial.suggest_categorical("kind", choices)
        return trial.suggest_float("width.0", 0, 1)

    code, search, _, told = imported(studied(tmp_path, mixed), "--points", "30")
    assert code == 0 and len(search["enqueued"]) == 30, told
    assert search["space"]["kind"]["choices"] == choices
    assert "width.0" in search["space"], "one entry is no list of layers"
    assert "user attributes (note)" in told


def test_a_study_without_trials_says_that_it_has_no_space(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["import", str(studied(tmp_path, conditional, trials=0))])
    assert done.exit_code == 2 and "no trial that says what its space is" in done.stderr
