"""Arrays from npz and npy: what is read, and the message for each thing that cannot be."""

import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from caviar.trainer.data import check, load
from caviar.trainer.problem import DataError

ROWS = 60


def refusal(dataset):
    with pytest.raises(DataError) as raised:
        load(dataset)
    assert len(raised.value.problems) == 1
    return raised.value.problems[0]


def npz(tmp_path, **arrays):
    path = tmp_path / "arrays.npz"
    np.savez_compressed(path, **arrays)
    return {"path": str(path)}


def test_columns_of_arrays_are_ignored_by_their_names(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((ROWS, 4)), np.arange(ROWS) % 2
    np.save(tmp_path / "one.npy", np.column_stack([X, y]))
    for source in (npz(tmp_path, X=X, y=y), {"path": str(tmp_path / "one.npy")}, {"X": X, "y": y}):
        data = load({**source, "ignore": ["x1", "x3"]})
        assert data.feature_names == ("x0", "x2")


def test_npz_images_with_labels_as_text(tmp_path):
    X = np.random.default_rng(0).integers(0, 255, size=(ROWS, 4, 5), dtype=np.uint8)
    data = load(npz(tmp_path, X=X, y=np.array(["cat", "dog"])[np.arange(ROWS) % 2]))
    assert data.image_shape == (4, 5, 1)
    assert data.class_names == ("cat", "dog")
    assert data.X_train.dtype == np.float32


def test_npz_with_named_arrays_for_each_part(tmp_path):
    rng = np.random.default_rng(0)
    path = npz(
        tmp_path,
        x_train=rng.normal(size=(50, 3)),
        y_train=np.arange(50) % 2,
        x_test=rng.normal(size=(20, 3)),
        y_test=np.arange(20) % 2,
    )["path"]
    data = load({"path": path, "test": {"path": path, "arrays": ["x_test", "y_test"]}})
    assert [len(part) for part in (data.X_train, data.X_dev, data.X_test)] == [40, 10, 20]


def test_npz_without_the_arrays_names_what_it_has(tmp_path):
    problem = refusal(npz(tmp_path, a=np.zeros((3, 2)), b=np.zeros(3)))
    assert problem.field == "dataset.arrays"
    assert "a, b" in problem.message


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        (np.zeros((10, 2, 2, 2, 2)), np.zeros(10), "shape (10, 2, 2, 2, 2)"),
        (np.zeros((10, 2), complex), np.zeros(10), "type complex128"),
        (np.zeros((10, 2)), np.zeros(9), "y has the shape (9,), X has 10 rows"),
        (np.zeros((10, 0)), np.zeros(10), "shape (10, 0)"),
        (np.zeros(10), np.zeros(10), "shape (10,)"),
        (np.full((10, 2), np.nan), np.arange(10) % 2, "row 1, column 'x0': nan is not finite"),
        (np.zeros((0, 2)), np.zeros(0), "has no rows"),
        (np.ones((10, 2)), np.full(10, np.nan), "row 1: the target is missing or not finite"),
    ],
)
def test_arrays_that_cannot_be_trained_on(tmp_path, X, y, words):
    assert words in refusal(npz(tmp_path, X=X, y=y)).message
    assert words in refusal({"X": X, "y": y}).message


def test_nan_in_arrays_is_imputed_if_asked(tmp_path):
    X = np.arange(ROWS, dtype=float).reshape(-1, 1).repeat(2, axis=1)
    X[7, 1] = np.nan
    data = load(
        {
            **npz(tmp_path, X=X, y=np.arange(ROWS) % 2),
            "missing": "impute",
            "split": {"train": 0.9, "dev": 0.1},
        }
    )
    assert data.feature_names in (("x0", "x1"), ("x0", "x1", "x1 is missing"))
    assert np.isfinite(data.X_train).all()
    assert np.isfinite(data.X_dev).all()


def test_npy_takes_the_last_column_or_the_one_named(tmp_path):
    array = np.random.default_rng(0).normal(size=(ROWS, 4))
    array[:, 1] = np.arange(ROWS) % 3
    np.save(tmp_path / "a.npy", array)
    path = str(tmp_path / "a.npy")
    assert load({"path": path}).kind == "regression"
    data = load({"path": path, "target": 1})
    assert data.class_names == ("0", "1", "2")
    assert refusal({"path": path, "target": 4}).field == "dataset.target"


def test_objects_are_never_unpickled(tmp_path):
    array = np.array([{"a": 1}] * 10, dtype=object)
    np.savez(tmp_path / "o.npz", X=array, y=np.zeros(10))
    np.save(tmp_path / "o.npy", array)
    for name in ("o.npz", "o.npy"):
        assert "Python objects" in refusal({"path": str(tmp_path / name)}).message


def header(shape):
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


@pytest.mark.parametrize("shape", ["(65536, 65536)", "(1000, 1000)", "(-5, -5)", "(2**40,)"])
def test_a_header_that_lies_allocates_nothing(tmp_path, shape):
    (tmp_path / "lie.npy").write_bytes(header(shape))
    with zipfile.ZipFile(tmp_path / "lie.npz", "w") as archive:
        archive.writestr("X.npy", header(shape))
        archive.writestr("y.npy", header("(10,)") + bytes(80))
    tracemalloc.start()
    for name in ("lie.npy", "lie.npz"):
        assert refusal({"path": str(tmp_path / name)}).field == "dataset.path"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_zip_bomb_is_refused_by_its_directory(tmp_path, monkeypatch):
    monkeypatch.setattr("caviar.trainer.data.npy.LARGEST", 1 << 20)
    dataset = npz(tmp_path, X=np.zeros((1000, 1000)), y=np.zeros(1000))
    assert "unpacks to 7 MB" in refusal(dataset).message
    with zipfile.ZipFile(tmp_path / "many.npz", "w") as archive:
        for i in range(1001):
            archive.writestr(f"{i}.npy", header("(0,)"))
    assert "1001 arrays" in refusal({"path": str(tmp_path / "many.npz")}).message


def test_an_excel_workbook_is_called_one(tmp_path):
    with zipfile.ZipFile(tmp_path / "people.xlsx", "w") as archive:
        for name in ("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml", "xl/worksheets/sheet1.xml"):
            archive.writestr(name, "<?xml version='1.0'?>")
    problem = refusal({"path": str(tmp_path / "people.xlsx")})
    assert problem.field == "dataset.path" and "people.xlsx is an Excel workbook" in problem.message
    assert problem.remedy == "save the sheet as CSV"
    assert check({"path": str(tmp_path / "people.xlsx")}) == [problem]


def test_a_damaged_archive_is_refused(tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, X=np.ones((100, 5)), y=np.arange(100) % 2)
    damaged = bytearray(buffer.getvalue())
    damaged[600] ^= 0xFF
    (tmp_path / "d.npz").write_bytes(damaged)
    assert "Bad CRC-32" in refusal({"path": str(tmp_path / "d.npz")}).message
