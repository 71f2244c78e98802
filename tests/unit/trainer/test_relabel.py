"""Labels corrected in files of every kind: these cells change, no other one does, and no row moves."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.feather as pa_feather
import pyarrow.parquet as pa_parquet
import pytest

from caviar.service.sandbox.inspection import describe
from caviar.trainer.data import builtin
from caviar.trainer.data.load import Prepared
from caviar.trainer.data.relabel import relabel
from caviar.trainer.problem import DataError

RNG = np.random.default_rng(3)
ROWS = 90
CELLS = {
    "a": RNG.normal(size=ROWS).round(3).tolist(),
    "kind": RNG.choice(["x, y", 'say "no"', "z"], ROWS).tolist(),
    "answer": RNG.choice(["yes", "no", "perhaps"], ROWS).tolist(),
}
RIGHT = {3: "yes", 17: "no", 40: "perhaps"}


def written(folder: Path, kind: str) -> Path:
    """The same cells in a file of a kind."""
    path, table = folder / f"old.{kind}", pa.table(CELLS)
    if kind == "csv":
        pa_csv.write_csv(table, path)
    elif kind == "semicolons":
        lines = [";".join(CELLS)]
        lines += [
            f'{a:.3f};"{kind.replace(chr(34), chr(34) * 2)}";{answer}'
            for a, kind, answer in zip(*CELLS.values(), strict=True)
        ]
        path.write_text("\n".join(lines).replace(".", ","), encoding="cp1252")
    elif kind == "parquet":
        pa_parquet.write_table(table.set_column(2, "answer", table["answer"].dictionary_encode()), path)
    elif kind == "feather":
        pa_feather.write_feather(table, path)
    elif kind == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in table.to_pylist()))
    return path


def corrected(path: Path, options: dict[str, Any], labels: dict[int, str]) -> tuple[Path, dict[str, Any]]:
    """The new file and its options, as an upload finds them."""
    found = describe(str(path), options)["options"]
    out = path.with_name("new")
    new = relabel({**found, "path": str(path)}, labels, out)
    return out, describe(str(out), new)["options"]


@pytest.mark.parametrize("kind", ["csv", "semicolons", "parquet", "feather", "jsonl"])
def test_only_these_labels_change(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, kind)
    old = Prepared({"path": str(path), **describe(str(path), {"target": "answer"})["options"]})
    out, options = corrected(path, {"target": "answer"}, RIGHT)
    assert options["target"] == "answer"
    wrong = {"rows": list(RIGHT), "labels": [CELLS["answer"][row - 1] for row in RIGHT]}
    new = Prepared({"path": str(out), **options, "relabelled": wrong})
    answers = list(CELLS["answer"])
    for row, label in RIGHT.items():
        answers[row - 1] = label
    for part in ("dev", "train_dev"):
        before, after = old.origin(part), new.origin(part)  # type: ignore[arg-type]
        if before is None or after is None:
            assert before is after
            continue
        assert before.rows.tolist() == after.rows.tolist(), "no row moves to another part"
        assert before.table.numbers.tolist() == after.table.numbers.tolist()
        assert before.table.categories["kind"].levels == after.table.categories["kind"].levels
        target = after.table.target
        assert [target.levels[code] for code in target.codes] == answers  # type: ignore[union-attr]
    for part in ("X_train", "X_test"):
        assert np.array_equal(getattr(new.data(0), part), getattr(old.data(0), part))


def test_without_the_earlier_labels_rows_would_move(tmp_path: Path) -> None:
    path = written(tmp_path, "csv")
    old = Prepared({"path": str(path), "target": "answer"}).origin("dev")
    many = {row: "no" for row in range(1, 40) if CELLS["answer"][row - 1] != "no"}
    out, options = corrected(path, {"target": "answer"}, many)
    new = Prepared({"path": str(out), **options}).origin("dev")
    assert old is not None
    assert new is not None
    assert old.rows.tolist() != new.rows.tolist()


@pytest.mark.parametrize("answers", [np.arange(ROWS) % 3, np.array(["a", "b"])[np.arange(ROWS) % 2]])
def test_an_archive_keeps_its_other_arrays(tmp_path: Path, answers: Any) -> None:
    path, more = tmp_path / "old.npz", RNG.normal(size=7)
    X = RNG.integers(0, 255, (ROWS, 4, 4), np.uint8)
    np.savez(path, X=X, y=answers, more=more)
    label = "2" if answers.dtype.kind == "i" else "a"
    out, _ = corrected(path, {}, {2: label})
    with np.load(out) as new:
        assert np.array_equal(new["X"], X)
        assert np.array_equal(new["more"], more)
        changed = np.flatnonzero(new["y"] != answers)
        assert changed.tolist() == [1]
        assert str(new["y"][1]) == label
        assert new["y"].dtype == answers.dtype


def test_a_quantity_is_written_as_its_column_is(tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_text("a;price\n" + "\n".join(f"{i};1.{i:03d},50 €" for i in range(1, 61)))
    out, options = corrected(path, {"target": "price"}, {5: "2500.25"})
    found = Prepared({"path": str(out), **options}).origin("dev")
    assert found is not None
    target = np.asarray(found.table.target)[:, 0]
    assert target[4] == 2500.25
    assert target[5] == 1006.5
    with pytest.raises(DataError, match="cannot be written as the numbers"):
        corrected(path, {"target": "price"}, {5: "1e7"})


def test_a_fraction_does_not_become_whole(tmp_path: Path) -> None:
    path = tmp_path / "old.parquet"
    pa_parquet.write_table(pa.table({"a": CELLS["a"], "y": list(range(ROWS))}), path)
    out, _ = corrected(path, {"target": "y"}, {3: "7.0"})
    assert pa_parquet.read_table(out)["y"].to_pylist()[:4] == [0, 1, 7, 3]
    for label in ("2.5", "inf"):
        with pytest.raises(DataError, match="does not go into a column of int"):
            corrected(path, {"target": "y"}, {3: label})


def test_a_built_in_set_becomes_a_file(tmp_path: Path) -> None:
    options = relabel({"name": "digits"}, {1: "7"}, tmp_path / "new")
    assert (options["target"], options["image_shape"]) == ("class", [8, 8, 1])
    with (tmp_path / "new").open(newline="") as file:
        _, *rows = csv.reader(file)
    old = builtin.read("digits")
    assert np.array_equal(np.array([row[:-1] for row in rows], float), old.numbers)
    assert [row[-1] for row in rows][:3] == ["7", "1", "2"]
