"""Searches on uploaded arrays, and on files of very many columns, are held against what was uploaded.

The rule is the trainer's own: what it refuses when it loads the file is refused at submission, and no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caviar.trainer.data import load
from caviar.trainer.problem import DataError
from tests.support.inprocess import App, running

API = "/api/v1"
ROWS = 60
COLUMNS = [f"column {place}" for place in range(300)]
X = np.random.default_rng(0).standard_normal((ROWS, 12))
CLASSES = np.arange(ROWS) % 3


def files(folder: Path) -> dict[str, Path]:
    """The files that a case may name, by name."""
    holes = np.where(np.arange(12) == 5, np.nan, X)
    arrays: dict[str, dict[str, Any]] = {
        "plain": {"X": X, "y": CLASSES},
        "narrow": {"X": X[:, :8], "y": CLASSES},
        "more classes": {"X": X, "y": np.arange(ROWS) % 4},
        "images": {"X": X.reshape(ROWS, 3, 4), "y": CLASSES},
        "holes": {"X": holes, "y": CLASSES},
        "several": {
            "X": X,
            "y": CLASSES,
            "data": X[:, :6],
            "labels": np.array(["a", "b", "c"] * 20),
            "short": CLASSES[:9],
            "two": X[:, :2],
            "texts": np.array([["a"] * 6] * ROWS),
            "flat": X[:, 0],
        },
    }
    for name, members in arrays.items():
        np.savez(folder / f"{name}.npz", **members)
    np.save(folder / "one.npy", np.column_stack([X, CLASSES]))
    header = ",".join([*COLUMNS, "kind"])
    cells = (
        ",".join([*(str(row * place % 17) for place in range(300)), "abc"[row % 3]]) for row in range(ROWS)
    )
    (folder / "wide.csv").write_text("\n".join([header, *cells]))
    (folder / "less.csv").write_text((folder / "wide.csv").read_text().replace("column 299,", "column 399,"))
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def uploaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[App, dict[str, Path]]]:
    made = files(tmp_path_factory.mktemp("files"))
    with running(tmp_path_factory.mktemp("data")) as app:
        for name, path in made.items():
            sent = app.request("POST", f"{API}/datasets", params={"name": name}, content=path.read_bytes())
            assert sent.status_code == 201, sent.text
        yield app, made


def told(app: App, dataset: dict[str, Any]) -> dict[str, str]:
    space = {"learning_rate": {"scale": "log", "low": 1e-4, "high": 1.0}}
    body = {"dataset": dataset, "strategy": "random", "space": space, "budget": {"trials": 3}}
    found = app.request("POST", f"{API}/searches/check", json=body).json()["errors"]
    assert all(one["message"] and one["remedy"] for one in found)
    return {one["field"]: f"{one['message']} ({one['remedy']})" for one in found}


def trained_on(made: dict[str, Path], dataset: dict[str, Any]) -> str | None:
    """Load as an agent would; gives what is wrong."""
    local = {**dataset, "path": str(made[dataset["name"]])}
    for part in ("dev", "test"):
        if part in dataset:
            local[part] = {**dataset[part], "path": str(made[dataset[part]["name"]])}
    if dataset["name"].endswith("csv"):
        local.setdefault("target", "kind")
    try:
        load(local)
    except DataError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    "dataset",
    [
        {"name": "plain.npz"},
        {"name": "plain.npz", "image_shape": [3, 4]},
        {"name": "plain.npz", "image_shape": [3, 3], "ignore": ["x0", "x11", "x5"]},
        {"name": "plain.npz", "categorical": ["y"]},
        {"name": "images.npz", "dev": {"name": "plain.npz"}},
        {"name": "narrow.npz", "dev": {"name": "plain.npz"}},
        {"name": "plain.npz", "dev": {"name": "narrow.npz"}, "ignore": ["x8", "x9", "x10", "x11"]},
        {"name": "holes.npz", "missing": "impute", "ignore": ["x5"]},
        {"name": "holes.npz", "ignore": ["x5"]},
        {"name": "several.npz", "arrays": ["data", "labels"]},
        {"name": "several.npz", "arrays": ["X", "two"]},
        {"name": "plain.npz", "dev": {"name": "several.npz"}},
        {"name": "one.npy"},
        {"name": "one.npy", "target": -2, "task": "regression"},
        {"name": "wide.csv", "ignore": ["column 299"], "dev": {"name": "less.csv"}},
        {"name": "wide.csv", "categorical": ["column 250"]},
    ],
)
def test_what_can_be_trained_on_is_taken(uploaded: Any, dataset: dict[str, Any]) -> None:
    app, made = uploaded
    assert trained_on(made, dataset) is None
    assert told(app, dataset) == {}


@pytest.mark.parametrize(
    ("dataset", "field", "text"),
    [
        (
            {"name": "several.npz", "arrays": ["X", "labls"]},
            "dataset.arrays",
            "several.npz has the arrays X, y, data, labels, short, two, texts, flat, not X and labls",
        ),
        (
            {"name": "several.npz", "arrays": ["X", "short"]},
            "dataset.arrays",
            "y has the shape (9,), X has 60 rows",
        ),
        (
            {"name": "several.npz", "arrays": ["texts", "y"]},
            "dataset.arrays",
            "X has the type <U1 (give numbers)",
        ),
        ({"name": "several.npz", "arrays": ["flat", "y"]}, "dataset.arrays", "X has the shape (60,)"),
        (
            {"name": "plain.npz", "dev": {"name": "several.npz", "arrays": ["X", "z"]}},
            "dataset.dev.arrays",
            "not X and z",
        ),
        (
            {"name": "several.npz", "arrays": ["data", "labels"], "dev": {"name": "plain.npz"}},
            "dataset.dev.arrays",
            "plain.npz has the arrays X, y, not data and labels",
        ),
        ({"name": "plain.npz", "categorical": ["x12"]}, "dataset.categorical", "its columns are x0 to x11"),
        (
            {"name": "plain.npz", "image_shape": [3, 5]},
            "dataset.image_shape",
            "12 numbers in a row of plain.npz",
        ),
        (
            {"name": "plain.npz", "image_shape": [3, 4], "ignore": ["x1"]},
            "dataset.image_shape",
            "11 numbers in a row of plain.npz are not 3 x 4",
        ),
        (
            {"name": "plain.npz", "dev": {"name": "narrow.npz"}},
            "dataset.dev.name",
            "has 8 columns, training has 12",
        ),
        (
            {"name": "plain.npz", "test": {"name": "more classes.npz"}, "split": {"train": 0.8, "dev": 0.2}},
            "dataset.test.name",
            "has the class '3'",
        ),
        ({"name": "holes.npz"}, "dataset.missing", "holes.npz has 60 missing numbers"),
        (
            {"name": "plain.npz", "dev": {"name": "holes.npz"}},
            "dataset.missing",
            "holes.npz has 60 missing numbers",
        ),
        ({"name": "one.npy", "target": 13}, "dataset.target", "(13,) is not a column of one.npy"),
        ({"name": "one.npy", "target": "kind"}, "dataset.target", "give the number of one column, 0 to 12"),
        ({"name": "wide.csv", "target": "colum 7"}, "dataset.target", "did you mean 'column 7'?"),
        (
            {"name": "wide.csv", "categorical": ["column 300"]},
            "dataset.categorical",
            "no column 'column 300'",
        ),
        (
            {"name": "wide.csv", "dev": {"name": "less.csv"}},
            "dataset.dev.name",
            "lacks the columns column 299",
        ),
    ],
)
def test_what_cannot_is_refused(uploaded: Any, dataset: dict[str, Any], field: str, text: str) -> None:
    app, made = uploaded
    assert trained_on(made, dataset) is not None
    found = told(app, dataset)
    assert list(found) == [field] and text in found[field], found


def test_a_column_of_arrays_that_is_ignored_has_to_be_there(uploaded: Any) -> None:
    found = told(uploaded[0], {"name": "plain.npz", "ignore": ["x12", "y"]})
    assert list(found) == ["dataset.ignore"] and "no column 'y'" in found["dataset.ignore"]


@pytest.mark.parametrize("odd", [{"a": 1}, [["a"]], [{}], 1.5, True, None, [], [1, 2], ["X", "y", "z"]])
@pytest.mark.parametrize(
    "key", ["target", "ignore", "categorical", "arrays", "image_shape", "missing", "dev"]
)
def test_odd_values_of_arrays_break_nothing(uploaded: Any, key: str, odd: Any) -> None:
    for name in ("plain.npz", "one.npy"):
        told(uploaded[0], {"name": name, key: odd})


def test_what_is_kept_of_many_columns_is_not_listed(uploaded: Any) -> None:
    listed = {one["name"]: one for one in uploaded[0].request("GET", f"{API}/datasets").json()["items"]}
    wide = listed["wide.csv"]
    constant = [note for note in wide["notes"] if note["kind"] == "left out"]
    assert len(wide["features"]) == 200 and wide["columns"] == 300 - len(constant)
    assert not {"names", "arrays"} & listed["wide.csv"].keys() | {"arrays"} & listed["several.npz"].keys()
