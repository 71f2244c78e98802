"""`caviar gradcheck` and `caviar predict`: what they print, and how they end."""

import csv
import io
import json

import numpy as np
import onnxruntime
import pytest
from typer.testing import CliRunner

from caviar.cli import app
from caviar.errors import CaviarError
from caviar.records import Search
from caviar.trainer.data.builtin import read
from caviar.trainer.plugin import MLP

SEARCH = (
    "dataset: {name: iris}\nsettings: {hidden_units: [5], activation: tanh, learning_rate: 1e-3}\nspace: {}\n"
)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def search(tmp_path):
    path = tmp_path / "search.yaml"
    path.write_text(SEARCH)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    trainer = MLP()
    settings = {"epochs": 60, "learning_rate": 0.05}
    data = trainer.load({"name": "iris"}, settings)
    training = trainer.start(settings, data, 0)
    while training.status == "running":
        training.advance()
    path = tmp_path_factory.mktemp("model") / "iris.safetensors"
    path.write_bytes(training.model())
    return path


@pytest.fixture
def flowers(tmp_path):
    table = read("iris")
    path = tmp_path / "flowers.csv"
    rows = [",".join(table.number_names), *(",".join(map(str, row)) for row in table.numbers[[0, 60, 120]])]
    path.write_text("\n".join(rows))
    return path


def test_gradcheck_reports_before_and_after_training(search):
    done = run("gradcheck", search)
    assert done.exit_code == 0
    assert "at initialisation: great" in done.output
    assert "after 3 epochs: great" in done.output
    assert done.output.count("<- worst") == 2


def test_gradcheck_as_json(search):
    done = run("gradcheck", search, "--json", "--epochs", "0", "--dropout", "--all")
    checks = json.loads(done.output)
    assert [check["verdict"] for check in checks] == ["great"]
    assert set(checks[0]["errors"]) == {"W1", "b1", "W2", "b2"}
    assert checks[0]["checked"] == 4 * 5 + 5 + 5 * 3 + 3


def test_gradcheck_of_a_wrong_gradient_ends_with_1(search, monkeypatch):
    from caviar.trainer import gradcheck

    right = gradcheck.CostFunction.__call__
    monkeypatch.setattr(
        gradcheck.CostFunction, "__call__", lambda self, W: (right(self, W)[0], 2 * right(self, W)[1])
    )
    done = run("gradcheck", search, "--epochs", "0")
    assert done.exit_code == 1
    assert "WRONG" in done.output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SEARCH.replace("iris", "iriss"), "did you mean iris?"),
        (SEARCH.replace("tanh", "tan"), "settings.activation"),
        (SEARCH.replace("1e-3", ".nan"), "not finite"),
        ("[]", "must be a mapping"),
    ],
)
def test_gradcheck_says_what_is_wrong(search, text, words):
    search.write_text(text)
    done = run("gradcheck", search)
    assert isinstance(done.exception, CaviarError)
    assert words in str(done.exception)


def test_predict_writes_csv(model, flowers, tmp_path):
    done = run("predict", model, flowers)
    assert done.exit_code == 0
    rows = list(csv.DictReader(io.StringIO(done.output)))
    assert [row["class"] for row in rows] == ["setosa", "versicolor", "virginica"]
    shares = [[float(row[f"p({name})"]) for name in ("setosa", "versicolor", "virginica")] for row in rows]
    assert np.sum(shares, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    done = run("predict", model, flowers, "--output", tmp_path / "out.csv")
    assert "3 predictions" in done.output
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 4


@pytest.mark.parametrize(
    "words", [("predict", "{model}", "{data}", "-o"), ("export", "3"), ("replay", "3.1", "--schedule")]
)
def test_a_file_that_cannot_be_written_is_named(model, flowers, tmp_path, monkeypatch, words):
    monkeypatch.setattr("caviar.client.Client.export", lambda *_: b"a")
    monkeypatch.setattr("caviar.client.Client.schedule", lambda *_: {"schedule": []})
    done = run(*(word.format(model=model, data=flowers) for word in words), tmp_path / "none" / "out.csv")
    assert isinstance(done.exception, CaviarError)
    assert str(done.exception).endswith("out.csv cannot be written: No such file or directory")


def test_model_writes_a_graph_of_onnx(model, tmp_path, monkeypatch):
    monkeypatch.setattr("caviar.client.Client.model", lambda self, trial: model.read_bytes())
    monkeypatch.chdir(tmp_path)
    done = run("model", "3.17", "--onnx")
    assert "Model of trial 3.17: " in done.output and "trial-3.17.onnx" in done.output
    session = onnxruntime.InferenceSession("trial-3.17.onnx", providers=["CPUExecutionProvider"])
    found = session.run(["label"], {"numbers": read("iris").numbers[[0, 60, 120]].astype(float)})
    assert list(found[0]) == ["setosa", "versicolor", "virginica"]


def test_no_graph_is_made_of_the_model_of_another_program(tmp_path, monkeypatch):
    monkeypatch.setattr("caviar.client.Client.model", lambda self, trial: b"a pickle, say")
    done = run("model", "3.17", "--onnx", "-o", tmp_path / "m.onnx")
    assert isinstance(done.exception, CaviarError)
    assert not (tmp_path / "m.onnx").exists()


def test_predict_says_what_is_wrong(model, tmp_path):
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    done = run("predict", model, tmp_path / "bad.csv")
    said = str(done.exception)
    assert "lacks the columns sepal length" in said and said.count("sepal length") == 1
    done = run("predict", tmp_path / "none", tmp_path / "bad.csv")
    assert "cannot open" in str(done.exception)
    done = run("predict", "24", tmp_path / "bad.csv")
    assert "the model of a trial has its name, as 24.0: caviar best 24 lists" in str(done.exception)


def test_predict_takes_the_model_of_a_trial(model, flowers, monkeypatch):
    asked = []

    def download(self, trial):
        asked.append(trial)
        return model.read_bytes()

    monkeypatch.setattr("caviar.client.Client.model", download)
    assert run("predict", "3.17", flowers).exit_code == 0
    assert asked == ["3.17"]


@pytest.mark.parametrize(("suffix", "notes"), [(".db", 1), (".csv", 0)])
def test_export_says_which_scales_optuna_cannot_hold(tmp_path, monkeypatch, suffix, notes):
    scales = {
        "beta1": {"scale": "one_minus_log", "low": 0.9, "high": 0.999},
        "l2": {"scale": "log", "low": 1e-6, "high": 0.1, "zero": 0.2},
        "learning_rate": {"scale": "log", "low": 1e-4, "high": 0.1},
        "optimizer": ["adam", "rmsprop"],
    }
    monkeypatch.setattr("caviar.client.Client.export", lambda *_: b"a")
    monkeypatch.setattr(
        "caviar.client.Client.search", lambda *_: Search(3, "a", "completed", {"space": scales})
    )
    done = run("export", "3", tmp_path / f"a{suffix}")
    assert done.exit_code == 0 and done.output.count("Note: Optuna has linear scales") == notes
    assert ("beta1, l2 are linear" in done.output) == bool(notes)
