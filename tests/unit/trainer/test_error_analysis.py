"""Error analysis against a forward pass by hand and scikit-learn's measures, on data of several shapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss, mean_squared_error, zero_one_loss

from caviar.trainer.data import builtin
from caviar.trainer.error_analysis import error_analysis
from caviar.trainer.plugin import MLP
from caviar.trainer.predict import Model
from caviar.trainer.run import Run

SETTINGS: dict[str, Any] = {"epochs": 2, "hidden_layers": 1, "hidden_units": 6, "activation": "tanh"}


def finished(dataset: dict[str, Any], **settings: Any) -> Run:
    trainer = MLP()
    chosen = {**SETTINGS, **settings}
    run = trainer.start(chosen, trainer.load(dataset, chosen), 1)
    run.advance(60.0, until_epoch=2)
    return run


def analysed(run: Run, dataset: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    head, *lines = (json.loads(line) for line in error_analysis(Model.load(run.model()), dataset))
    return head, lines


def forward(model: Model, X: Any) -> Any:
    """Z[2] of X as it stands in the file: normalised, tanh, linear."""
    T = {name: np.float64(tensor) for name, tensor in model.tensors.items()}
    A = np.tanh((X - T["mu"]) / T["sigma"] @ T["W1"].T + T["b1"])
    return A @ T["W2"].T + T["b2"]


def rows_of(head: dict[str, Any], part: str = "dev") -> Any:
    return np.array(head["parts"][part]["row"]) - 1


def test_classes_by_hand() -> None:
    run = finished({"name": "digits"})
    head, lines = analysed(run, {"name": "digits"})
    told, rows, table = head["parts"]["dev"], rows_of(head), builtin.read("digits")
    Z = forward(Model.load(run.model()), table.numbers[rows])
    p = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    truth = table.target.codes[rows]  # type: ignore[union-attr]
    assert told["truths"] == truth.tolist()
    assert told["answers"] == p.argmax(axis=1).tolist()
    assert told["losses"] == pytest.approx(-np.log(p[np.arange(len(p)), truth]), rel=1e-3)
    assert told["confidences"] == pytest.approx(p.max(axis=1), rel=1e-3)
    assert told["loss"] == pytest.approx(log_loss(truth, p, labels=range(10)), rel=1e-4)
    assert told["error"] == pytest.approx(zero_one_loss(truth, p.argmax(axis=1)))
    assert [pixels for _, pixels in lines] == table.numbers[rows].tolist()
    assert told["losses"] == sorted(told["losses"], reverse=True)


def test_two_classes_with_weights_and_a_threshold(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    a, w = rng.normal(size=(2, 300)).round(4)
    w = (abs(w) + 0.1).round(3)
    label = np.where(a + rng.normal(size=300) > 0, "yes", "no")
    group = rng.choice(["1", "2"], 300)
    path = tmp_path / "t.csv"
    lines = (",".join(map(str, row)) for row in zip(a, w, group, label, strict=True))
    path.write_text("a,w,ward,answer\n" + "\n".join(lines))
    dataset = {"path": str(path), "target": "answer", "weights": "w", "groups": "ward"}
    run = finished(dataset, threshold=0.6)
    head, inputs = analysed(run, dataset)
    told, rows = head["parts"]["dev"], rows_of(head)
    p = 1 / (1 + np.exp(-forward(Model.load(run.model()), a[rows, None])[:, 0]))
    truth = label[rows] == "yes"
    assert told["answers"] == (p > 0.6).astype(int).tolist()
    assert told["confidences"] == pytest.approx(np.where(p > 0.6, p, 1 - p), rel=1e-3)
    assert told["losses"] == pytest.approx(-np.log(np.where(truth, p, 1 - p)), rel=1e-3)
    assert told["error"] == pytest.approx(zero_one_loss(truth, p > 0.6, sample_weight=w[rows]))
    assert (told["error"], told["loss"]) == pytest.approx(
        (run.result()["dev_error"], run.result()["dev_cost"]), rel=1e-4
    )
    assert told["columns"] == ["a", "w", "ward"]
    assert [cells for cells, _ in inputs] == [[str(a[row]), str(w[row]), group[row]] for row in rows]
    [ward] = [column for column in told["slices"] if column["name"] == "ward"]
    wrong = (p > 0.6) != truth
    for one in ward["slices"]:
        inside = group[rows] == one["name"]
        assert one["error"] == pytest.approx(np.average(wrong[inside], weights=w[rows][inside]))
        assert one["rows"] == inside.sum()


def test_a_regression_by_hand() -> None:
    run = finished({"name": "diabetes"})
    head, _ = analysed(run, {"name": "diabetes"})
    told, rows, table = head["parts"]["dev"], rows_of(head), builtin.read("diabetes")
    model = Model.load(run.model())
    z = forward(model, table.numbers[rows])[:, 0]
    mu, sigma = model.tensors["target_mu"][0], model.tensors["target_sigma"][0]
    truth = table.target[rows, 0]  # type: ignore[index]
    assert np.array(told["truths"])[:, 0].tolist() == truth.tolist()
    assert np.array(told["answers"])[:, 0] == pytest.approx(z * sigma + mu, rel=1e-3)
    assert told["loss"] == pytest.approx(mean_squared_error((truth - mu) / sigma, z), rel=1e-3)
    assert (told["wrong"], told["are_wrong"], told["confidences"]) == (None, None, None)


def test_a_dev_set_from_another_source_of_which_the_test_set_is_a_part(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for name, rows in (("train", 120), ("dev", 80)):
        X = rng.normal(size=(rows, 3, 2, 1))
        np.savez(tmp_path / f"{name}.npz", X=X, y=(X.sum(axis=(1, 2, 3)) > 0).astype(int))
    dataset = {
        "path": str(tmp_path / "train.npz"),
        "dev": {"path": str(tmp_path / "dev.npz")},
        "split": {"train": 0.5, "dev": 0.3, "test": 0.2, "train_dev": 0.25},
    }
    run = finished(dataset)
    head, inputs = analysed(run, dataset)
    dev, train_dev = head["parts"]["dev"], head["parts"]["train_dev"]
    assert (dev["source"], train_dev["source"]) == ("dataset.dev", "dataset")
    assert (dev["rows"], train_dev["rows"], len(inputs)) == (48, 30, 78)
    with np.load(tmp_path / "dev.npz") as saved:
        pixels = saved["X"].reshape(80, 6)[rows_of(head)]
        assert np.array([each for _, each in inputs[:48]]) == pytest.approx(pixels)
        assert dev["truths"] == saved["y"][rows_of(head)].tolist()
    with np.load(tmp_path / "train.npz") as saved:
        assert train_dev["truths"] == saved["y"][rows_of(head, "train_dev")].tolist()
    assert dev["error"] == pytest.approx(run.result()["dev_error"])
    assert train_dev["error"] == pytest.approx(run.result()["train_dev_error"])
    assert dev["image_shape"] == [3, 2, 1]
