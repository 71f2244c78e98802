"""A search as a file (CSV, Parquet, JSON, Optuna's storage), and an Optuna study as a search."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import optuna
import pyarrow.parquet
import pytest
import yaml
from typer.testing import CliRunner

from caviar.cli import app as cli
from caviar.search.spec import SearchSpec
from tests.support.inprocess import App
from tests.support.simulated_agents import EPOCHS, Players
from tests.support.stores import ManualClock, World

API = "/api/v1"
SPACE = {
    "a": {"scale": "log", "low": 1e-4, "high": 1.0},
    "b": {"scale": "linear", "low": 0.0, "high": 1.0},
    "layers": {"type": "int", "low": 1, "high": 3},
    "units": {"type": "int", "low": 4, "high": 64, "each": "layers"},
    "kind": {"choices": ["x", True, None]},
    "only": {"scale": "log", "low": 1e-6, "high": 1, "zero": 0.5, "when": {"kind": "x"}},
}


@pytest.fixture(scope="module")
def search(app: App) -> int:
    spec = {
        "trainer": "external",
        "settings": {"epochs": EPOCHS},
        "space": SPACE,
        "strategy": "random",
        "stopping": "median",
        "budget": {"trials": 16},
        "lag": 1,
    }
    response = app.request("POST", f"{API}/searches", json=spec)
    assert response.status_code == 201, response.text
    services = app.app.state.services
    Players(World(services.store, ManualClock(), services.proposer), 1).play(response.json()["id"], most=15)
    return int(response.json()["id"])


def exported(app: App, search: int, kind: str) -> bytes:
    response = app.request("GET", f"{API}/searches/{search}/export", params={"format": kind})
    assert response.status_code == 200, response.text
    assert f"search-{search}." in response.headers["content-disposition"]
    return response.content


def test_every_form_holds_the_same_trials(app: App, search: int) -> None:
    whole = json.loads(exported(app, search, "json"))
    trials = whole["trials"]
    assert whole["search"]["id"] == search and len(trials) == 15
    rows = list(csv.DictReader(io.StringIO(exported(app, search, "csv").decode())))
    columns = pyarrow.parquet.read_table(io.BytesIO(exported(app, search, "parquet"))).to_pydict()
    for place, trial in enumerate(trials):
        assert int(rows[place]["number"]) == columns["number"][place] == trial["number"]
        assert float(rows[place]["value"]) == columns["value"][place] == trial["value"]
        assert float(rows[place]["params.a"]) == columns["params.a"][place] == trial["params"]["a"]
        assert json.loads(columns["params.units"][place]) == trial["params"]["units"]
        assert columns["params.only"][place] == trial["params"].get("only")


def test_optuna_reads_its_study(app: App, search: int, tmp_path: Path) -> None:
    file = tmp_path / "study.db"
    file.write_bytes(exported(app, search, "optuna"))
    trials = json.loads(exported(app, search, "json"))["trials"]
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{file}")
    states = {"completed": "COMPLETE", "stopped": "PRUNED"}
    assert [one.state.name for one in study.trials] == [states[trial["state"]] for trial in trials]
    assert {"COMPLETE", "PRUNED"} == {one.state.name for one in study.trials}
    completed = [trial for trial in trials if trial["state"] == "completed"]
    assert study.best_value == min(trial["value"] for trial in completed)
    for one, trial in zip(study.trials, trials, strict=True):
        assert one.params["a"] == trial["params"]["a"]
        assert [one.params[f"units.{layer}"] for layer in range(trial["params"]["layers"])] == trial[
            "params"
        ]["units"]
        assert len(one.intermediate_values) == trial["epoch"]
    study._storage.remove_session()
    study._storage._backend.engine.dispose() if hasattr(study._storage, "_backend") else None


def test_an_unknown_format_and_an_unknown_search_are_refused(app: App, search: int) -> None:
    response = app.request("GET", f"{API}/searches/{search}/export", params={"format": "xls"})
    assert response.status_code == 422 and "csv, parquet" in response.json()["errors"][0]["remedy"]
    assert app.request("GET", f"{API}/searches/999/export").status_code == 404


def test_a_study_becomes_a_search(tmp_path: Path) -> None:
    file = tmp_path / "mine.db"
    study = optuna.create_study(storage=f"sqlite:///{file}", study_name="mine", direction="maximize")
    for number in range(6):
        trial = study.ask()
        rate, units = trial.suggest_float("rate", 1e-4, 1.0, log=True), trial.suggest_int("units", 4, 64)
        trial.suggest_categorical("kind", ["a", "b"])
        study.tell(trial, rate * units if number else None, state=None if number else fail())
    best = study.best_params
    result = CliRunner().invoke(cli, ["import", str(file), "--points", "2"])
    assert result.exit_code == 0, result.output
    spec: Any = SearchSpec.parse(yaml.safe_load(result.stdout))
    assert spec.objective.direction == "maximize" and len(spec.enqueued) == 2
    assert spec.enqueued[0] == best
    assert spec.space.root["rate"].scale == "log" and spec.space.root["units"].type == "int"
    wrong = CliRunner().invoke(cli, ["import", str(file), "--study", "other"])
    assert wrong.exit_code == 2 and "there are: mine" in wrong.output


def fail() -> optuna.trial.TrialState:
    return optuna.trial.TrialState.FAIL


@pytest.mark.parametrize("content", [b"", b"no database at all"], ids=["empty", "text"])
def test_a_file_without_a_study_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "other.db"
    file.write_bytes(content)
    result = CliRunner().invoke(cli, ["import", str(file)])
    assert result.exit_code == 2 and "holds no study of Optuna" in result.output
    assert file.read_bytes() == content
