"""Files as people have them: right, refused with the option that decides, or read with a word."""

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

from caviar.service.sandbox.inspection import describe
from caviar.trainer.data import load
from caviar.trainer.data.columns import Encoding
from caviar.trainer.data.reading import Reading
from caviar.trainer.predict import _table
from caviar.trainer.problem import DataError

ROWS = 60
RNG = np.random.default_rng(0)
NUMBERS = [f"{value:.3f}" for value in RNG.normal(size=ROWS)]
LABELS = ["no", "yes"]


def table(columns, delimiter=",", header=True):
    """Return the text of a file: these columns, a column of numbers before them and the label behind."""
    all_columns = {"size": NUMBERS, **columns}
    lines = [delimiter.join([*all_columns, "label"])] if header else []
    for row in range(ROWS):
        lines.append(delimiter.join([*(str(c[row]) for c in all_columns.values()), LABELS[row % 2]]))
    return "\n".join(lines)


@pytest.fixture
def upload(tmp_path):
    """Describe a file as the server does when it is uploaded, and give what a search trains on."""

    def send(content, name="file.csv", **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        found = describe(str(path), options)
        return found, {**json.loads(json.dumps(found["options"])), "path": str(path)}

    return send


def refusal(upload, content, **options):
    with pytest.raises(DataError) as raised:
        upload(content, **options)
    return raised.value.problems[0]


def noted(found):
    return {note["column"]: (note["kind"], note["message"]) for note in found["notes"]}


def cycle(*values):
    return [values[row % len(values)] for row in range(ROWS)]


# --- columns that carry nothing, and those that mislead


def test_row_numbers_without_a_name_are_left_out(upload):
    found, dataset = upload(
        "\n".join(f"{i - 1},{line}" if i else f",{line}" for i, line in enumerate(table({}).splitlines()))
    )
    assert noted(found) == {"column_1": ("left out", noted(found)["column_1"][1])}
    assert "counts the rows" in noted(found)["column_1"][1]
    assert load(dataset).feature_names == ("size",)


@pytest.mark.parametrize("name", ["id", "Unnamed: 0", "row", "index", "PassengerId"])
def test_row_numbers_that_are_called_so_are_left_out_and_come_back_as_is(upload, name):
    text = table({name: range(1, ROWS + 1)})
    assert load(upload(text)[1]).feature_names == ("size",)
    assert load(upload(text, as_is=[name])[1]).feature_names == ("size", name)
    assert load({**upload(text)[1], "as_is": [name]}).feature_names == ("size", name)


def test_a_column_that_counts_under_another_name_is_doubtful(upload):
    found, dataset = upload(table({"year": range(1960, 1960 + ROWS)}))
    assert noted(found)["year"] == ("doubtful", "it counts the rows")
    assert load(dataset).feature_names == ("size", "year")


def test_numbers_that_look_like_identifiers_are_doubtful(upload):
    found, _ = upload(table({"customer_id": RNG.permutation(10_000)[:ROWS]}))
    assert noted(found)["customer_id"][0] == "doubtful"


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ([""] * ROWS, "empty"),
        (["NA"] * ROWS, "empty"),
        (["7"] * ROWS, "each row has 7"),
        (["north"] * ROWS, "each row has 'north'"),
        ([f"user-{i}@x.org" for i in range(ROWS)], "an identifier"),
        ([f"user-{i // 2 if i < 20 else i}" for i in range(ROWS)], "an identifier"),
        ([f"the {i}th note about it" for i in range(ROWS)], "free text"),
        ([f"{i:05d}" for i in range(ROWS)], "identifiers"),
    ],
)
def test_columns_that_carry_nothing_are_left_out_with_a_word(upload, cells, why):
    found, dataset = upload(table({"extra": cells}))
    assert noted(found)["extra"][0] == "left out" and why in noted(found)["extra"][1]
    assert load(dataset).feature_names == ("size",)


def test_pixels_that_are_always_black_stay_in_an_image(upload):
    text = table({"a": [0] * ROWS, "b": cycle(1, 2, 3), "c": cycle(4, 5)})
    assert load(upload(text, image_shape=[2, 2])[1]).image_shape == (2, 2, 1)
    assert load({**upload(text)[1], "image_shape": [2, 2]}).image_shape == (2, 2, 1)


def test_leading_zeros_are_codes(upload):
    found, dataset = upload(table({"zip": cycle("01067", "10115", "007"), "n": cycle(0, 10, 20)}))
    assert noted(found)["zip"][0] == "changed"
    assert load(dataset).feature_names == ("size", "n", "zip=007", "zip=01067", "zip=10115")


def test_spellings_of_one_text_are_one(upload):
    text = table({"smokes": cycle("yes", "Yes", "No ", "no", "no", "YES")})
    found, dataset = upload(text)
    assert noted(found)["smokes"][0] == "changed" and "'YES'" in noted(found)["smokes"][1]
    data = load(dataset, "float64")
    assert data.feature_names == ("size", "smokes=no", "smokes=yes")
    assert load(upload(text, as_is=["smokes"])[1]).X_train.shape[1] == 6


def test_spellings_of_a_class_are_one_and_letters_keep_their_case(upload):
    text = table({"gene": cycle("a", "A", "b")}).replace(",yes", ",Yes ", 7)
    found, dataset = upload(text)
    assert [one["name"] for one in found["target"]["classes"]] == ["no", "yes"]
    assert load(dataset).feature_names == ("size", "gene=A", "gene=a", "gene=b")


def test_a_y_beside_x_and_z_is_no_target(upload):
    lines = [
        "x,y,z,quality",
        *(f"{a},{b},{c},{i % 2}" for i, (a, b, c) in enumerate(RNG.normal(size=(60, 3)))),
    ]
    assert upload("\n".join(lines))[0]["options"]["target"] == "quality"
    for header, target in {"a,y,b": "y", "x,z,y": "y", "y,class,z": "class", "x,y,Label": "Label"}.items():
        found, _ = upload("\n".join([header, *(f"{a},{b},{c}" for a, b, c in RNG.integers(3, size=(60, 3)))]))
        assert found["options"]["target"] == target


def test_a_target_that_nobody_names_is_no_column_that_is_left_out(upload):
    text = "\n".join(
        f"{line},{f'note {i}' if i else 'remark'}"
        for i, line in enumerate(table({}).replace("label", "kind").splitlines())
    )
    assert upload(text)[0]["options"]["target"] == "kind"


# --- cells that mean a missing one


def test_a_third_of_n_v_is_refused_with_the_option_that_decides(upload):
    text = table({"income": ["n.v." if i % 3 == 0 else f"{1000 + 7 * i}" for i in range(ROWS)]})
    problem = refusal(upload, text)
    assert problem.field == "dataset.missing_values" and "['n.v.']" in problem.remedy
    data = load(upload(text, missing_values=["n.v."])[1])
    assert data.feature_names == ("size", "income", "income is missing")
    assert load(upload(text, categorical=["income"])[1]).n_features > 3


def test_texts_among_few_numbers_are_categories_with_a_word(upload):
    found, dataset = upload(table({"doors": cycle("2", "3", "4", "5more")}))
    assert noted(found)["doors"][0] == "doubtful" and "5more" in noted(found)["doors"][1]
    assert "doors=5more" in load(dataset).feature_names


def test_numbers_that_may_mean_missing_are_doubtful(upload):
    text = table({"t": ["-999" if i % 9 == 0 else f"{i % 30}.5" for i in range(ROWS)]})
    assert noted(upload(text)[0])["t"][0] == "doubtful"
    assert load(upload(text, missing_values=["-999"])[1]).feature_names == ("size", "t", "t is missing")


# --- the first line


@pytest.mark.parametrize(
    "lines",
    [
        [f"{a},{b},setosa" for a, b in zip(NUMBERS, NUMBERS, strict=True)],
        ["150,4,setosa,versicolor,virginica", *(f"{i},1.5,2.5,{i % 7},{i % 3}" for i in range(60))],
        ["5.1,3.5,1.4", *(f"{i},1.5,{i % 2}" for i in range(60))],
        ["vhigh,low,acc", *(["low,vhigh,unacc", "vhigh,low,acc"] * 20)],
    ],
)
def test_a_first_line_that_may_be_a_row_is_refused(upload, lines):
    problem = refusal(upload, "\n".join(lines))
    assert problem.field == "dataset.header" and "header: false" in problem.remedy


def test_without_a_header_no_row_is_lost(upload):
    found, dataset = upload(table({"k": cycle("a", "b", "c")}, header=False), header=False)
    assert found["rows"] == ROWS
    data = load(dataset)
    assert data.feature_names == ("column_1", "column_2=a", "column_2=b", "column_2=c")
    assert data.target_names == ("column_3",)


def test_names_that_count_are_names(upload):
    lines = ["label,0,1,2", *(f"{i % 2},{a},{b},{c}" for i, (a, b, c) in enumerate(RNG.normal(size=(60, 3))))]
    assert load(upload("\n".join(lines))[1]).feature_names == ("0", "1", "2")
    lines[0] = "label,1999,x7,5.5"
    assert load(upload("\n".join(lines), header=True)[1]).feature_names == ("1999", "x7", "5.5")


def test_names_are_without_blanks_around_them(upload):
    found, dataset = upload(table({" a ": cycle(1, 2, 3)}).replace(",label", ", label "))
    assert (found["options"]["target"], load(dataset).feature_names) == ("label", ("size", "a"))


def test_a_delimiter_at_the_end_of_each_line_makes_an_empty_column(upload):
    found, dataset = upload("\n".join(line + "," for line in table({}).splitlines()))
    assert noted(found)["column_3"] == ("left out", "it is empty")
    assert load(dataset).feature_names == ("size",)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("# made by hand\n# in May\n" + table({}), ("size",)),
        ("# " + table({"n": cycle(1, 2, 3)}).replace("yes", "1").replace("no", "0"), ("size", "n")),
        ("sep=;\n" + table({"n": cycle(1, 2, 3)}, ";"), ("size", "n")),
        ("\ufeff" + table({}), ("size",)),
        (table({"n": cycle(1, 2, 3)}, "\t"), ("size", "n")),
        (table({}).replace("\n", "\r\n"), ("size",)),
        (table({}).replace("\n", "\r"), ("size",)),
        (table({}).replace("size,", '"size\n(m)",'), ("size\n(m)",)),
        (table({"n": cycle("inf-1", "b", "c")}).replace("inf-1", '"a\nb"'), ("size", "n=a\nb", "n=b", "n=c")),
    ],
)
def test_what_stands_around_the_table(upload, text, names):
    assert load(upload(text)[1]).feature_names == names


# --- numbers as people write them


@pytest.mark.parametrize(
    ("cells", "numbers", "options"),
    [
        (cycle("$1", "$2,000", "$3,500.50"), [1, 2000, 3500.5], {}),
        (cycle("1.000,5 €", "2,5 €", "3,0 €"), [1000.5, 2.5, 3], {}),
        (cycle("5 %", "10 %", "12.5 %"), [5, 10, 12.5], {}),
        (cycle("1 000", "2 500", "10"), [1000, 2500, 10], {}),
        (cycle("1'000", "2'500'000", "10"), [1000, 2500000, 10], {}),
        (cycle("(5.00)", "7.00", "-3.00"), [-5, 7, -3], {}),
        (cycle("\u22125", "7", "9.5"), [-5, 7, 9.5], {}),
        (cycle("5 kg", "7 kg", "9.5kg"), [5, 7, 9.5], {}),
        (cycle("0,5", "1,25", "3"), [0.5, 1.25, 3], {}),
        (cycle("1,234", "2,345", "12,345,678"), [1234, 2345, 12345678], {}),
        (cycle("1,234", "2,345", "3,456"), [1234, 2345, 3456], {"decimal": "."}),
        (cycle("1,234", "2,345", "3,456"), [1.234, 2.345, 3.456], {"decimal": ","}),
        (cycle("1.234", "2.345", "3.456"), [1234, 2345, 3456], {"decimal": ","}),
        (cycle(" 1.5", "2 ", "+3"), [1.5, 2, 3], {}),
        (cycle("1e3", "2E-2", ".5"), [1000, 0.02, 0.5], {}),
        (cycle("true", "False", "TRUE"), None, {}),
    ],
)
def test_numbers_in_other_styles(upload, cells, numbers, options):
    delimiter = "\t"
    found, dataset = upload(table({"price": cells}, delimiter), **options)
    data = load({**dataset, "normalize": False, "split": {"train": 0.5, "dev": 0.5}}, "float64")
    if numbers is None:
        assert data.feature_names[1:] == ("price=false", "price=true")
        return
    assert data.feature_names == ("size", "price")
    assert set(data.X_train[:, 1]) == set(map(float, numbers))
    plain = all(cell.strip().lstrip("+").replace(".", "").replace("e", "").isalnum() for cell in cells)
    assert plain or "price" in noted(found) or cells[0] in ("1e3",)


def test_a_number_that_may_be_two_is_refused(upload):
    problem = refusal(upload, table({"price": cycle("1,234", "2,345")}, "\t"))
    assert problem.field == "dataset.decimal" and "1234 or 1.234" in problem.message


def test_between_semicolons_the_comma_is_the_decimal_mark(upload):
    found, dataset = upload(table({"a": cycle("1,234", "2,5"), "b": cycle("1.234", "2.345")}, ";"))
    assert noted(found)["b"][0] == "doubtful"
    data = load({**dataset, "normalize": False}, "float64")
    assert set(data.X_train[:, 1]) == {1.234, 2.5} and set(data.X_train[:, 2]) == {1.234, 2.345}


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        (["$5", *["€7"] * (ROWS - 1)], "path"),
        ([*map(str, range(ROWS - 1)), "abc"], "path"),
        ([*NUMBERS[1:], "inf"], ""),
        ([*NUMBERS[1:], "1,5"], "path"),
    ],
)
def test_mistakes_among_numbers_are_named(upload, cells, field):
    if cells[0] == "$5":
        cells = [f"{'$' if i % 2 else '€'}{i}" for i in range(ROWS)]
    assert refusal(upload, table({"n": cells}, "\t")).field == f"dataset.{field}".rstrip(".")


def test_whole_numbers_of_many_digits_are_doubtful(upload):
    found, dataset = upload(table({"n": [10**17 + 7 * (i % 20) for i in range(ROWS)]}))
    assert noted(found)["n"][0] == "doubtful" and np.isfinite(load(dataset).X_train).all()


# --- dates


@pytest.mark.parametrize(
    "cells",
    [
        [f"{1 + i % 28:02d}.{1 + i % 12:02d}.2021" for i in range(ROWS)],
        [f"2021-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(ROWS)],
        [f"2021-{1 + i % 12:02d}-{1 + i % 28:02d}T10:{i:02d}:00Z" for i in range(ROWS)],
        [f"{1 + i % 28} Jan 2021" for i in range(ROWS)],
        [f"{1 + i % 12}/{1 + i % 28}/2021" for i in range(ROWS)],
        [f"{i % 24}:{i:02d}" for i in range(ROWS)],
    ],
)
def test_dates_are_refused_unless_it_is_said_what_they_become(upload, cells):
    problem = refusal(upload, table({"day": cells}))
    assert problem.field == "dataset.dates" and "dates: {day:" in problem.remedy
    assert load(upload(table({"day": cells}), ignore=["day"])[1]).feature_names == ("size",)
    assert load(upload(table({"day": cells}), dates={"day": ["cycle", "elapsed"]})[1]).n_features >= 4 - 1


def test_what_dates_become(upload):
    cells = [f"{1 + i % 28:02d}.{1 + i % 12:02d}.2021 06:30" for i in range(ROWS)]
    _, dataset = upload(table({"day": cells}), dates={"day": ["parts", "cycle", "elapsed"]})
    data = load({**dataset, "normalize": False, "split": {"train": 0.9, "dev": 0.1}}, "float64")
    assert data.feature_names[1:6] == ("day year", "day month", "day day", "day weekday", "day hour")
    row = dict(zip(data.feature_names, data.X_train[0], strict=True))
    day = np.datetime64(f"2021-{int(row['day month']):02d}-{int(row['day day']):02d}")
    assert row["day weekday"] == (day.astype(int) + 3) % 7  # 1970-01-01 was a Thursday
    assert row["day elapsed"] == (day - np.datetime64("2021-01-01")).astype(int)
    place = (day - np.datetime64("2021-01-01")).astype(int) / 365.25
    assert row["day sin of year"] == pytest.approx(np.sin(2 * np.pi * place))
    assert row["day cos of day"] == pytest.approx(np.cos(2 * np.pi * 6.5 / 24))


def test_a_day_that_may_be_a_month_needs_its_format(upload):
    text = table({"day": [f"{1 + i % 12:02d}/{1 + i % 11:02d}/2021" for i in range(ROWS)]})
    assert refusal(upload, text, dates={"day": "parts"}).field == "dataset.dates"
    wish = {"as": "parts", "format": "%d/%m/%Y"}
    assert "day month" in load(upload(text, dates={"day": wish})[1]).feature_names
    assert refusal(upload, text, dates={"day": {**wish, "format": "%Y"}}).field == "dataset.dates"
    assert refusal(upload, text, dates={"day": "months"}).field == "dataset.dates.day"
    assert refusal(upload, text, dates={"other": "parts"}).field == "dataset.dates"


# --- kinds of files


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


CSV = table({"k": cycle("a", "b", "c")})
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
    book.create_sheet("second")
    book.save(file := io.BytesIO())
    assert "2 sheets" in refusal(upload, file.getvalue(), name="book").message


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
