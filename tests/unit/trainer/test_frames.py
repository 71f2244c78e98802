"""Data frames go where files and arrays go: to a model, and into a search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas
import polars
import pyarrow
import pyarrow.parquet
import pytest

import caviar
from caviar import dataset_upload
from caviar.errors import CaviarError
from caviar.trainer.plugin import MLP

ROWS = 120
COLUMNS: dict[str, list[Any]] = {
    "size": [None if i % 40 == 3 else (i * 7) % 23 + 0.5 for i in range(ROWS)],
    "colour": [("red", "blue", "green")[i % 3] for i in range(ROWS)],
    "day": [None if i % 50 == 7 else i % 2 == 0 for i in range(ROWS)],
    "kind": [("yes", "no")[(i * 5 % 7) > 3] for i in range(ROWS)],
}
FRAMES = {"pandas": pandas.DataFrame, "polars": polars.DataFrame, "pyarrow": pyarrow.table}


@pytest.mark.parametrize("library", FRAMES)
def test_a_frame_is_predicted_as_its_file_is(library: str, tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    pandas.DataFrame(COLUMNS).to_csv(file, index=False)
    trainer, settings = MLP(), {"epochs": 3, "hidden_units": 4}
    run = trainer.start(settings, trainer.load({"path": str(file), "target": "kind"}, settings), 1)
    run.advance(60.0)
    saved = tmp_path / "best.model"
    saved.write_bytes(run.model())
    model = caviar.load_model(saved)
    found = model.predict(FRAMES[library](COLUMNS))
    assert found.labels == model.predict(file).labels
    np.testing.assert_array_equal(found.probabilities, model.predict(file).probabilities)


@pytest.mark.parametrize("library", FRAMES)
def test_a_frame_is_uploaded_as_parquet(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []

    def stored(transport: Any, file: Path, name: str, options: Any) -> dict[str, Any]:
        sent.append(pyarrow.parquet.read_table(file).to_pydict())
        return {"name": name}

    monkeypatch.setattr(dataset_upload, "upload", stored)
    frame = FRAMES[library](COLUMNS)
    for dataset in (frame, {"frame": frame, "name": "mine", "target": "kind"}):
        made = dataset_upload.with_files_uploaded(None, {"dataset": dataset}, Path())["dataset"]  # type: ignore[arg-type]
        assert made["name"] in ("frame.parquet", "mine") and "frame" not in made
    assert sent[0] == sent[1] == COLUMNS


def test_the_index_of_pandas_is_no_column(tmp_path: Path) -> None:
    labelled = pandas.DataFrame({"a": [1.0, 2.0], 3: [0, 1]}, index=["first", "second"])
    dataset_upload._write_frame(tmp_path / "frame.parquet", labelled)
    assert pyarrow.parquet.read_table(tmp_path / "frame.parquet").column_names == ["a", "3"]


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(CaviarError, match=r"dataset\.frame: list is not a data frame"):
        dataset_upload.with_files_uploaded(None, {"dataset": {"frame": [1]}}, Path())  # type: ignore[arg-type]
