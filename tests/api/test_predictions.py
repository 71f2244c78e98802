"""Confusion matrix and residuals over REST, of models that were really trained; and the list of trainers."""

from __future__ import annotations

from pathlib import Path

import pytest

from caviar.trainer.data import builtin
from caviar.trainer.predict import Model
from tests.support.inprocess import App
from tests.support.trained_trials import API, Trial, finished, trained

CSV = "a,b,answer\n" + "".join(f"{i % 17},{(i * 7) % 13},{'yes' if i % 2 else 'no'}\n" for i in range(120))


def test_the_confusion_matrix_of_a_classification(app: App) -> None:
    trial = Trial(app, 1, {"name": "digits"})
    model, result = trained({"name": "digits"})
    trial.keep(model)
    trial.end(**result)
    found = trial.predictions().json()
    assert (found["kind"], found["part"], len(found["classes"])) == ("multiclass", "dev", 10)
    assert sum(map(sum, found["matrix"])) == found["rows"]
    right = sum(found["matrix"][i][i] for i in range(10))
    assert 1 - right / found["rows"] == pytest.approx(result["dev_error"])
    assert found["error"] == pytest.approx(result["dev_error"])
    worst = found["confused"][0]
    assert worst["count"] == max(each["count"] for each in found["confused"])
    assert trial.predictions().json() == found


def test_the_residuals_of_a_regression(app: App) -> None:
    trial = Trial(app, 2, {"name": "diabetes"})
    model, result = trained({"name": "diabetes"})
    trial.keep(model)
    trial.end(**result)
    found = trial.predictions().json()
    assert (found["kind"], found["matrix"]) == ("regression", None)
    assert found["error"] == pytest.approx(result["dev_error"], rel=1e-4)
    [target] = found["targets"]
    assert len(target["actual"]) == len(target["predicted"]) == len(target["row"]) == found["rows"]
    assert min(target["actual"]) > 20  # in the user's own units


def test_a_model_of_an_uploaded_data_set(app: App, tmp_path: Path) -> None:
    sent = app.request("POST", f"{API}/datasets", params={"name": "answers"}, content=CSV.encode())
    assert sent.status_code == 201, sent.text
    (tmp_path / "answers.csv").write_text(CSV, encoding="utf-8")
    model, result = trained({"path": str(tmp_path / "answers.csv"), "target": "answer"})
    trial = Trial(app, 3, {"name": "answers"})
    trial.keep(model)
    trial.end(**result)
    found = trial.predictions().json()
    assert (found["kind"], found["classes"]) == ("binary", ["no", "yes"])
    assert found["error"] == pytest.approx(result["dev_error"])


def test_rows_that_are_sent_are_predicted_on(app: App, tmp_path: Path) -> None:
    table = "a,b,answer\n" + "".join(
        f"{i},{'red' if i % 3 else ''},{'yes' if i > 60 else 'no'}\n" for i in range(120)
    )
    (tmp_path / "t.csv").write_text(table, encoding="utf-8")
    model = trained({"path": str(tmp_path / "t.csv"), "target": "answer"})[0]
    trial = Trial(app, 8, {"name": "iris"})
    trial.keep(model)
    rows = [{"a": 3, "b": "red"}, {"a": 115.5, "b": None}, {"a": True, "b": "blue"}]
    found = app.request("POST", f"{API}/trials/{trial.id}/predict", json={"rows": rows}).json()
    columns = {name: [row[name] for row in rows] for name in ("a", "b")}
    expected = Model.load(model).predict(columns)
    assert (found["kind"], found["classes"], found["values"]) == ("binary", ["no", "yes"], None)
    assert found["labels"] == expected.labels
    assert found["probabilities"] == pytest.approx(expected.probabilities, abs=1e-6)
    assert found["moved"] is None
    [far] = found["far"]  # 115.5 lies within the range, "blue" was never there
    told = [far[name] for name in ("column", "kind", "rows", "row", "value")]
    assert told == ["b", "unseen", 1, 3, "blue"]
    for wrong, words in (
        ([{"a": 1, "b": "x"}, {"a": 1}], "row 2 has other columns than row 1"),
        ([{"a": 1}], "lacks the columns b"),
        ([{"a": "old", "b": "red"}], "row 1, column 'a': 'old' is not a number"),
        ([[1.0, 2.0]], "give a CSV or Parquet file, or columns by name"),
        ([], "rows"),
        ([{}], "rows"),
        ([[]], "rows"),
        ([{"a": 1, "b": "x"}] * 1001, "rows"),
        ([{"a": 10**400, "b": "x"}], "infinity"),
        ("all", "rows"),
    ):
        refused = app.request("POST", f"{API}/trials/{trial.id}/predict", json={"rows": wrong})
        assert refused.status_code == 422, refused.text
        assert words in refused.text


def test_rows_of_numbers_and_values_of_a_regression(app: App) -> None:
    model = trained({"name": "diabetes"})[0]
    trial = Trial(app, 9, {"name": "diabetes"})
    trial.keep(model)
    rows = builtin.read("diabetes").numbers[:3]
    sent = app.request("POST", f"{API}/trials/{trial.id}/predict", json={"rows": rows.tolist()})
    found = sent.json()
    assert (found["kind"], found["targets"], found["labels"]) == ("regression", ["progression"], None)
    assert found["values"] == pytest.approx(Model.load(model).predict(rows).values, rel=1e-6)


def test_without_a_stored_model_it_says_so(app: App) -> None:
    trial = Trial(app, 4, {"name": "digits"})
    refused = trial.predictions()
    assert refused.status_code == 404
    assert "has no stored model" in refused.json()["detail"]


def test_a_file_that_is_no_model_is_a_conflict_that_says_so(app: App) -> None:
    trial = Trial(app, 5, {"name": "digits"})
    trial.keep(b"no model at all")
    refused = trial.predictions()
    assert refused.status_code == 409
    assert "cannot be read as caviar-model-1" in refused.json()["detail"]


def test_a_model_of_other_data_is_a_conflict_that_says_so(app: App) -> None:
    trial = Trial(app, 6, {"name": "iris"})
    trial.keep(trained({"name": "digits"})[0])
    refused = trial.predictions()
    assert refused.status_code == 409
    assert "64 columns, the data set has 4" in refused.json()["detail"]


def test_a_model_of_a_users_own_script_is_not_known_here(app: App) -> None:
    trial = Trial(app, 7, {}, trainer="external")
    trial.keep(b"whatever the script saves")
    refused = trial.predictions()
    assert refused.status_code == 404
    assert "trainer external" in refused.json()["detail"]


def test_the_trainers_and_their_settings(app: App) -> None:
    [mlp] = app.request("GET", f"{API}/trainers").json()["items"]
    assert mlp["name"] == "mlp"
    settings = {setting["name"]: setting for setting in mlp["settings"]}
    assert settings["beta1"] == {
        **settings["beta1"],
        "type": "float",
        "low": 0.0,
        "high": 1.0,
        "default": 0.9,
        "steerable": True,
    }
    assert settings["activation"]["choices"] == ["relu", "leaky_relu", "tanh", "sigmoid"]


def test_the_decision_boundary_is_what_rows_are_predicted(app: App) -> None:
    trial = finished(app, 11, {"name": "breast_cancer"})
    path = f"{API}/trials/{trial.id}/decision-boundary"
    asked = {"x": "mean area", "y": "worst texture", "resolution": 4}
    found = app.request("GET", path, params=asked).json()
    held = {one["name"]: one["value"] for one in found["held"]}
    rows = [
        held | {"mean area": x, "worst texture": y}
        for y in found["y"]["values"]
        for x in found["x"]["values"]
    ]
    same = app.request("POST", f"{API}/trials/{trial.id}/predict", json={"rows": rows}).json()
    answers = [found["classes"][int(code)] for along in found["answers"] for code in along]
    assert len(held) == 28 and answers == same["labels"]
    sure = [one for along in found["probabilities"] for one in along]
    assert sure == pytest.approx([max(both) for both in same["probabilities"]], abs=1e-6)
    assert app.request("GET", path, params=asked).json() == found  # remembered
    refused = app.request("GET", path, params={"x": "weight"})
    assert refused.status_code == 422 and refused.json()["errors"][0]["field"] == "x"
    nowhere = Trial(app, 12, {"name": "iris"})
    assert app.request("GET", f"{API}/trials/{nowhere.id}/decision-boundary").status_code == 404
