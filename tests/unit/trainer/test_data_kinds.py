"""Kinds of files, their encodings, and the same treatment at prediction and in other sources."""

import bz2
import gzip
import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from caviar.trainer.data import load
from caviar.trainer.data.columns import Encoding
from caviar.trainer.data.reading import Reading
from caviar.trainer.predict import _table
from caviar.trainer.problem import DataError
from tests.support.files_as_people_have_them import (
    CSV,
    LABELS,
    NUMBERS,
    ROWS,
    cycle,
    noted,
    refusal,
    table,
)


def rows():
    return [{"size": float(NUMBERS[i]), "k": "abc"[i % 3], "label": LABELS[i % 2]} for i in range(ROWS)]


def packed_zip(content, *names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return file.getvalue()


def feather():
    file = io.BytesIO()
    pa.feather.write_feather(pa.Table.from_pylist(rows()), file)
    return file.getvalue()


def parquet():
    file = io.BytesIO()
    pa.parquet.write_table(pa.Table.from_pylist(rows()), file)
    return file.getvalue()


KINDS = {
    "gzip": gzip.compress(CSV.encode(), mtime=0),
    "bz2": bz2.compress(CSV.encode()),
    "zip": packed_zip(CSV, "data.csv", "__MACOSX/._data.csv"),
    "utf-16": CSV.encode("utf-16"),
    "utf-16 without mark": CSV.encode("utf-16-le"),
    "JSON lines": "\n".join(map(json.dumps, rows())).encode(),
    "JSON lines, packed": gzip.compress("\n".join(map(json.dumps, rows())).encode(), mtime=0),
    "JSON list": json.dumps(rows(), indent=1).encode(),
    "Feather": feather(),
    "Parquet": parquet(),
    "Parquet, packed": gzip.compress(parquet(), mtime=0),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_file_is_the_same_data(upload, kind):
    found, dataset = upload(KINDS[kind])
    plain = load(upload(CSV, "plain.csv")[1], "float64")
    data = load(dataset, "float64")
    assert (data.digest, data.feature_names) == (plain.digest, plain.feature_names)
    assert found["options"]["target"] == "label"


def test_a_workbook_with_one_sheet_is_read(upload):
    openpyxl = pytest.importorskip("openpyxl")
    book, file = openpyxl.Workbook(), io.BytesIO()
    for line in table({"k": cycle("a", "b", "c")}).splitlines():
        book.active.append([float(c) if c[-1].isdigit() else c for c in line.split(",")])
    book.save(file)
    assert load(upload(file.getvalue(), "book")[1]).digest == load(upload(CSV)[1]).digest
    first = book.active.title
    book.create_sheet("second")
    book.save(file := io.BytesIO())
    refused = refusal(upload, file.getvalue(), name="book")
    assert "2 sheets" in refused.message
    assert refused.fixes == ({"sheet": first}, {"sheet": "second"})
    assert load(upload(file.getvalue(), "book", sheet=first)[1]).digest == load(upload(CSV)[1]).digest
    assert "no sheet 'third'" in refusal(upload, file.getvalue(), name="book", sheet="third").message


def test_other_encodings_are_recognised_or_named(upload):
    text = table({"town": cycle("Köln", "Zürich", "Nîmes")})
    found, dataset = upload(text.encode("cp1252"))
    assert "cp1252" in noted(found)[""][1]
    assert load(dataset).feature_names[1:] == ("town=Köln", "town=Nîmes", "town=Zürich")
    text = table({"town": cycle("Москва", "Тверь", "Ярославль")})
    assert "town=Тверь" in load(upload(text.encode("cp1251"), encoding="cp1251")[1]).feature_names
    assert refusal(upload, table({"t": cycle("\x81", "b")}).encode("latin-1")).field == "dataset.encoding"
    assert refusal(upload, text, encoding="klingon").field == "dataset.encoding"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(b"0" * (80 << 20), mtime=0), "unpacks to more than 64 MB"),
        (gzip.compress(CSV.encode(), mtime=0)[:-9], "cannot be unpacked"),
        (packed_zip(CSV, "a.csv", "b.csv"), "2 files"),
        (b"<html><table></table></html>", "HTML"),
        (b"@relation iris\n@attribute a numeric\n@data\n1", "ARFF"),
        (b"1 1:0.5 2:3\n0 1:0.25 2:1\n", "svmlight"),
        (b"SQLite format 3\x00" + b"\x00" * 50, "SQLite"),
        (b"\x89HDF\r\n\x1a\n" + b"\x00" * 50, "HDF5"),
        (b"FEA1" + b"\x00" * 50, "Feather"),
        (b"0.5 1.5 2.5\n1.5 2.5 3.5\n", "blanks"),
        (b'{"a": {"0": 1, \n "1": 2}}', "JSON"),
        (b'{"a": 1}\n{"a": "x"}\n', "cannot be read"),
        (b'{"a": 1, "n": {"b": 2}, "label": 1}\n' * 9, "struct"),
        (b"", "is empty"),
        (gzip.compress(b"", mtime=0), "empty file"),
        (b"%PDF-1.7 \x00", "PDF"),
        (b"\x28\xb5\x2f\xfd\x00\x00", "zstd"),
        (KINDS["Feather"][:400], "cannot be read"),
    ],
    ids=lambda value: value if isinstance(value, str) else "file",
)
def test_what_is_no_table_is_refused_by_name(upload, content, words):
    problem = refusal(upload, content)
    assert words in f"{problem.message} ({problem.remedy})" and problem.remedy


def test_a_parquet_file_with_rich_columns(upload):
    cells = {
        "size": pa.array([float(number) for number in NUMBERS]),
        "money": pa.array(range(ROWS)).cast(pa.decimal128(30, 2)),
        "k": pa.array(cycle("a", "b", "B")).dictionary_encode(),
        "when": pa.array(np.datetime64("2021-01-01T06:00:00") + np.arange(ROWS), pa.timestamp("s", "UTC")),
        "__index_level_0__": pa.array(range(ROWS)),
        "label": pa.array(cycle(0, 1)),
    }
    file = io.BytesIO()
    pa.parquet.write_table(pa.table(cells), file)
    assert refusal(upload, file.getvalue()).field == "dataset.dates"
    found, dataset = upload(file.getvalue(), dates={"when": "elapsed"})
    assert load(dataset).feature_names == ("size", "money", "when elapsed", "k=B", "k=a", "k=b")
    assert noted(found)["__index_level_0__"][0] == "left out"


# --- the same at prediction, in other sources, and in what was stored before


def test_dev_and_test_files_are_treated_as_training_was(upload, tmp_path):
    columns = {"zip": cycle("007", "01067"), "price": cycle("$1", "$2000", "$3"), "id": range(ROWS)}
    _, dataset = upload(table(columns))
    other = {**columns, "price": cycle("$7"), "id": range(500, 500 + ROWS)}
    dev = tmp_path / "dev.csv.gz"
    dev.write_bytes(gzip.compress(table(other, ";").encode("utf-16")))
    data = load({**dataset, "normalize": False, "dev": {"path": str(dev)}}, "float64")
    assert data.feature_names == ("size", "price", "zip=007", "zip=01067")
    assert set(data.X_dev[:, 1]) == {7.0} and data.X_dev[:, 2:].sum() == len(data.X_dev)


def test_files_without_a_reading_are_read_as_they_were(upload, tmp_path):
    text = table({"id": range(ROWS), "zip": cycle("007", "8")})
    _, dataset = upload(text)
    before = {key: value for key, value in dataset.items() if key != "reading"}
    assert load(before).feature_names == ("size", "id", "zip")
    assert load({**before, "as_is": ["id"]}).feature_names == ("size", "id", "zip=007", "zip=8")


def test_a_reading_of_a_later_version_is_refused(upload):
    _, dataset = upload(CSV)
    with pytest.raises(DataError, match="version 9"):
        load({**dataset, "reading": {**dataset["reading"], "version": 9}})


def test_rows_to_predict_on_are_treated_as_training_was(tmp_path, upload):
    columns = {"zip": cycle("007", "01067"), "price": cycle("$1", "$20", "$3"), "id": range(ROWS)}
    day = [f"{1 + i % 28:02d}.03.2021" for i in range(ROWS)]
    _, dataset = upload(table({**columns, "day": day}), dates={"day": "elapsed"}, missing_values=["n.v."])
    data = load({**dataset, "normalize": False})
    encoding = Encoding.from_dict(data.preprocessing["encoding"])
    reading = Reading.from_dict(data.preprocessing["reading"])
    cells = {"size": ["0.5", 2, None], "zip": ["007 ", "01067", "n.v."], "price": ["$1000", 5.0, "n.v."]}
    cells["day"] = ["11.03.2021", "01.03.2021", ""]
    by_name = encoding.transform(replace(_table(cells, encoding, None, reading), missing="impute"))
    path = tmp_path / "new.csv"
    texts = (["" if cell is None else str(cell) for cell in column] for column in cells.values())
    lines = zip(*texts, strict=True)
    text = "\n".join([";".join(cells), *map(";".join, lines)]).replace(";5.0;", ";$5;")
    path.write_text(text)
    from_file = encoding.transform(_table(path, encoding, None, reading))
    assert data.feature_names == ("size", "price", "day elapsed", "zip=007", "zip=01067")
    assert by_name[:2].tolist() == [[0.5, 1000, 10, 1, 0], [2, 5, 0, 0, 1]]
    assert np.array_equal(by_name, from_file)
