"""Too few rows for the parts of a search, one-hot targets and workbooks are refused before anything trains.

The rule is the trainer's own: what it refuses when it loads the file is refused at submission, and no more.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caviar.trainer.data import load
from caviar.trainer.problem import DataError
from tests.support.inprocess import App, running

API = "/api/v1"
X = np.random.default_rng(0).standard_normal((240, 3))
ENDS = {"train": 0.5, "dev": 0.5}


def cells(target: Any) -> bytes:
    rows = (f"{a},{b},{c},{y}" for (a, b, c), y in zip(X, target, strict=False))
    return "\n".join(["a,b,c,kind", *rows]).encode()


def arrays(y: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, X=X[: len(y)], y=y)
    return file.getvalue()


FILES = {
    "one row.csv": cells([0.5]),
    "two rows.csv": cells(["a", "b"]),
    "three rows.csv": cells([0.1, 0.2, 0.3]),
    "sound.csv": cells(["a", "b", "c"] * 20),
    "single.csv": cells(["a", "b"] * 20 + ["c"]),
    "pair.csv": cells(["a", "b"] * 20 + ["c"] * 2),
    "many classes.csv": cells([f"k{row // 2}" for row in range(240)]),
    "numbers.csv": cells(np.repeat(np.arange(73), [1, 1, *[3] * 71])),
    "numbers.npz": arrays(np.repeat(np.arange(73), [1, 1, *[3] * 71])),
    "one-hot.npz": arrays(np.eye(3)[np.arange(60) % 3]),
    "quantities.npz": arrays(X[:60]),
}
UPLOADED_AS = {"one-hot as numbers.npz": ("one-hot.npz", {"task": "regression"})}


@pytest.fixture(scope="module")
def uploaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[App, Path]]:
    folder = tmp_path_factory.mktemp("files")
    with running(tmp_path_factory.mktemp("data")) as app:
        for name in (*FILES, *UPLOADED_AS):
            of, options = UPLOADED_AS.get(name, (name, {}))
            (folder / name).write_bytes(FILES[of])
            sent = app.request("POST", f"{API}/datasets", params={"name": name, **options}, content=FILES[of])
            assert sent.status_code == 201, sent.text
        yield app, folder


def told(app: App, dataset: dict[str, Any], trainer: str = "mlp") -> dict[str, str]:
    space = {"learning_rate": {"scale": "log", "low": 1e-4, "high": 1.0}}
    body = {"dataset": dataset, "strategy": "random", "space": space, "budget": {"trials": 3}}
    found = app.request("POST", f"{API}/searches/check", json={**body, "trainer": trainer}).json()["errors"]
    return {one["field"]: f"{one['message']} ({one['remedy']})" for one in found}


def trained_on(folder: Path, dataset: dict[str, Any]) -> str | None:
    """Load as an agent would; gives what is wrong."""
    local = {**dataset, "path": str(folder / dataset["name"])}
    for part in ("dev", "test"):
        if part in dataset:
            local[part] = {**dataset[part], "path": str(folder / dataset[part]["name"])}
    if dataset["name"].endswith("csv"):
        local.setdefault("target", "kind")
    for key, value in UPLOADED_AS.get(dataset["name"], ("", {}))[1].items():
        local.setdefault(key, value)
    try:
        load(local)
    except DataError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    "dataset",
    [
        {"name": "three rows.csv"},
        {"name": "two rows.csv", "dev": {"name": "two rows.csv"}, "test": {"name": "two rows.csv"}},
        {"name": "sound.csv"},
        {"name": "sound.csv", "dev": {"name": "two rows.csv"}},
        {"name": "single.csv", "dev": {"name": "sound.csv"}},
        {"name": "pair.csv", "split": ENDS},
        {"name": "sound.csv", "dev": {"name": "pair.csv"}, "split": {"dev": 0.5, "test": 0.5}},
        {"name": "numbers.csv", "task": "regression"},
        {"name": "numbers.npz", "task": "regression"},
        {"name": "one-hot.npz", "task": "regression"},
        {"name": "one-hot as numbers.npz"},
        {"name": "quantities.npz"},
    ],
)
def test_what_can_be_trained_on_is_taken(uploaded: Any, dataset: dict[str, Any]) -> None:
    app, folder = uploaded
    assert trained_on(folder, dataset) is None
    assert told(app, dataset) == {}


@pytest.mark.parametrize(
    ("dataset", "field", "text"),
    [
        ({"name": "one row.csv"}, "dataset.split", "one row.csv: 1 row cannot be cut into 3 parts"),
        ({"name": "two rows.csv"}, "dataset.split", "2 rows cannot be cut into 3 parts (give more rows"),
        ({"name": "two rows.csv", "stratify": False}, "dataset.split", "2 rows cannot be cut"),
        ({"name": "single.csv"}, "dataset.stratify", "one in each of train, dev, test: class c (1) (drop"),
        ({"name": "single.csv", "split": ENDS}, "dataset.stratify", "in each of train, dev: class c (1)"),
        ({"name": "pair.csv"}, "dataset.stratify", "pair.csv: too few rows"),
        ({"name": "many classes.csv"}, "dataset.stratify", "class k0 (2), k1 (2)"),
        (
            {"name": "sound.csv", "dev": {"name": "single.csv"}, "split": {"dev": 0.5, "test": 0.5}},
            "dataset.stratify",
            "single.csv: too few rows",
        ),
        ({"name": "numbers.csv"}, "dataset.stratify", "set dataset.task: regression"),
        ({"name": "numbers.npz"}, "dataset.stratify", "class 0 (1), 1 (1) (drop"),
        ({"name": "one-hot.npz"}, "dataset.target", "y.argmax(axis=1); or set dataset.task: regression"),
    ],
)
def test_what_cannot_is_refused(uploaded: Any, dataset: dict[str, Any], field: str, text: str) -> None:
    app, folder = uploaded
    assert trained_on(folder, dataset) is not None
    found = told(app, dataset)
    assert list(found) == [field] and text in found[field], found


def test_what_may_do_is_left_to_the_trials(uploaded: Any) -> None:
    """Without stratification the seed decides; a script cuts its rows as it likes."""
    assert told(uploaded[0], {"name": "single.csv", "stratify": False}) == {}
    assert told(uploaded[0], {"name": "two rows.csv"}, trainer="external") == {}


def test_a_workbook_is_called_one(uploaded: Any) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("[Content_Types].xml", "xl/workbook.xml"):
            archive.writestr(name, "<?xml version='1.0'?>")
    sent = uploaded[0].request("POST", f"{API}/datasets", params={"name": "w"}, content=file.getvalue())
    assert sent.status_code == 422
    [problem] = sent.json()["errors"]
    assert "an Excel workbook" in problem["message"] and "save the sheet as CSV" in problem["remedy"]
