"""CSV and Parquet: what is read, and the message for each thing that cannot be."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest

from caviar.trainer.data import check, files, load
from caviar.trainer.problem import DataError

ROWS = 60


def lines(header="age,colour,income,label"):
    rng = np.random.default_rng(0)
    colours, labels = ["red", "green", "blue"], ["no", "yes"]
    rows = [
        f"{rng.integers(18, 90)},{colours[i % 3]},{rng.normal(100, 5):.2f},{labels[i % 2]}"
        for i in range(ROWS)
    ]
    return [header, *rows]


@pytest.fixture
def csv(tmp_path):
    def write(text, name="people.csv", **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else "\n".join(text).encode())
        return {"path": str(path), "target": "label", **options}

    return write


def refusal(dataset):
    with pytest.raises(DataError) as raised:
        load(dataset)
    assert len(raised.value.problems) == 1
    return raised.value.problems[0]


def test_a_csv_with_numbers_texts_and_classes(csv):
    data = load(csv(lines()), "float64")
    assert data.kind == "binary"
    assert data.class_names == ("no", "yes")
    assert data.feature_names == ("age", "income", "colour=blue", "colour=green", "colour=red")
    assert data.X_train.shape == (36, 5)
    assert data.source == "people.csv"


def test_rows_keep_their_own_cells(csv):
    text = lines()
    data = load(csv(text, normalize=False, split={"train": 0.5, "dev": 0.5}), "float64")
    seen = {tuple(row) for row in np.column_stack([data.X_train, data.Y_train])}
    for line in text[1:]:
        age, colour, income, label = line.split(",")
        one_hot = [float(colour == level) for level in ("blue", "green", "red")]
        in_train = (float(age), float(income), *one_hot, float(label == "yes")) in seen
        in_dev = (float(age), float(income), *one_hot, float(label == "yes")) in {
            tuple(row) for row in np.column_stack([data.X_dev, data.Y_dev])
        }
        assert in_train != in_dev


def test_commas_are_decimal_marks_between_semicolons(csv):
    text = [line.replace(",", ";").replace(".", ",") for line in lines()]
    assert load(csv(text)).digest == load(csv(lines(), "points.csv")).digest


def test_texts_may_have_delimiters_and_line_breaks_in_quotes(csv):
    text = [line.replace("red", '"red; or\nso"') for line in lines('"age",colour,"income;;;;;",label')]
    assert load(csv(text)).feature_names[-1] == "colour=red; or\nso"


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_other_delimiters(csv, mark):
    data = load(csv([line.replace(",", mark) for line in lines()]))
    assert data.X_train.shape[1] == 5


def test_byte_order_mark_windows_line_ends_and_empty_lines(csv):
    text = "\ufeff" + "\r\n".join(lines()) + "\r\n\r\n"
    assert load(csv(text.encode())).feature_names[0] == "age"


def test_missing_cells_are_the_training_median_with_an_indicator(csv):
    text = lines()
    for row, gap in zip((5, 6, 7, 8), ("", "NA", "?", "nan"), strict=True):
        cells = text[row].split(",")
        text[row] = ",".join([gap, *cells[1:]])
    data = load(csv(text, normalize=False, split={"train": 0.7, "dev": 0.3}), "float64")
    assert data.feature_names == (
        "age",
        "income",
        "age is missing",
        "colour=blue",
        "colour=green",
        "colour=red",
    )
    gaps = data.X_train[:, 2] == 1
    ages = data.X_train[~gaps, 0]
    assert 0 < gaps.sum() <= 4
    assert (data.X_train[gaps, 0] == np.median(ages)).all()
    assert np.isin(data.X_train[:, 2], (0, 1)).all()


def test_a_missing_text_has_no_level_and_an_indicator(csv):
    text = lines()
    for row in range(10, 20):
        cells = text[row].split(",")
        text[row] = ",".join([cells[0], "", *cells[2:]])
    data = load(csv(text, normalize=False), "float64")
    assert data.feature_names == (
        "age",
        "income",
        "colour is missing",
        "colour=blue",
        "colour=green",
        "colour=red",
    )
    assert (data.X_train[:, 2:].sum(axis=1) == 1).all()


def test_numbers_that_are_categories(csv):
    text = ["zip,size,label"] + [f"{(10115, 20095, 80331)[i % 3]},{i},{i % 2}" for i in range(ROWS)]
    data = load(csv(text, categorical=["zip"]))
    assert data.feature_names == ("size", "zip=10115", "zip=20095", "zip=80331")


def test_a_target_that_is_a_category_has_classes(tmp_path):
    classes = [0.5 + i % 3 for i in range(ROWS)]
    data = load(parquet(tmp_path, a=range(ROWS), label=classes) | {"categorical": ["label"]})
    assert data.class_names == ("0.5", "1.5", "2.5")


def test_other_sources_have_the_categories_of_training(csv):
    text = ["k,label", *(f"{('x', '1', '02')[i % 3]},{i % 2}" for i in range(ROWS))]
    dev = csv([text[0], *(line for line in text[1:] if line[0] != "x")], "dev.csv")
    data = load(csv(text, normalize=False, dev={"path": dev["path"]}))
    assert data.feature_names == ("k=02", "k=1", "k=x")
    assert data.X_dev.sum(axis=0).tolist() == [20, 20, 0]


def test_integers_may_become_decimals_after_the_first_megabyte(csv):
    text = ["a,label", *(f"{i},{i % 2}" for i in range(200_000))]
    text[190_000] = "0.5,1"
    assert load(csv(text)).kind == "binary"


def test_several_targets(csv):
    text = ["a,u,v", *(f"{i},{i * 2},{i * 0.5}" for i in range(ROWS))]
    data = load(csv(text, target=["u", "v"]))
    assert data.kind == "regression"
    assert data.Y_train.shape == (36, 2)
    assert data.target_names == ("u", "v")


def with_cell(row, column, value):
    text = lines()
    cells = text[row].split(",")
    cells[column] = value
    text[row] = ",".join(cells)
    return text


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        (with_cell(17, 0, "abc"), "path", "row 17, column 'age': 'abc' is not a number"),
        (with_cell(17, 2, "inf"), "", "row 17, column 'income': inf is not finite"),
        (with_cell(17, 2, "-Infinity"), "", "row 17, column 'income': -inf is not finite"),
        (with_cell(17, 3, ""), "target", "row 17: the target is missing"),
        (with_cell(17, 3, "no,x"), "path", "row 17: 5 cells where the header has 4"),
        ([*lines(), "1,2"], "path", f"row {ROWS + 1}: 2 cells where the header has 4"),
        (
            "\n".join(with_cell(9, 1, "r\xe9d")).encode("latin-1"),
            "path",
            "row 9, column 'colour': the text is not UTF-8",
        ),
        (b"", "path", "is empty"),
        (["age,label"], "path", "has a header but no rows"),
        (["1,2", "3,4"], "path", "the first line has numbers only"),
        (["age,age,label", "1,2,x"], "path", "several columns called age"),
        (["age,weight", "1,2"], "target", "has no column 'label'"),
        (["age,label", *["1,x"] * 10], "target", "one class only, 'x'"),
        (["label", *["x", "y"] * 10], "", "no column to learn from"),
        (["day,label", *["2026-11-21,x", "2026-11-22,y"] * 9], "ignore", "column 'day' has the type date"),
        (["age,label", *[",x", ",y"] * 10], "ignore", "column 'age' has no value"),
        (["w,label", *(f'"{i},5",{i % 2}' for i in range(9))], "path", "row 1, column 'w': '0,5' is not a"),
        (["w,label", *(f"{i} %,{i % 2}" for i in range(9))], "path", "row 1, column 'w': '0 %' is not a"),
        (["w;label", *["1.000,5;x", "2.000,5;y"] * 9], "path", "row 1, column 'w': '1.000,5' is not a"),
        (["a;;;label", "1;2;3;x"], "path", "several columns called ''"),
        (["a, label", "1, x"], "target", "did you mean ' label'?"),
        (["a,label", "1,x", '2,"' + "y\n" * 2_000_000], "path", "close the quotation mark"),
        (
            ["id,label", *(f"u{i},{i % 2}" for i in range(50))],
            "ignore",
            "column 'id' has 30 different texts in 30 rows",
        ),
        (
            ["id,label", *(f"u{i},{i % 2}" for i in range(4000))],
            "ignore",
            "column 'id' has 2400 different texts",
        ),
        (b"\x1f\x8b\x08\x00" + b"\0" * 50, "path", "it is compressed with gzip"),
        (b"\x80\x04\x95" + b"\0" * 50, "path", "pickle"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 50, "path", "Excel"),
        (b"\x7fELF" + b"\0" * 50, "path", "neither text nor"),
        (b"PAR1 and no more", "path", "cannot read people.csv"),
        (b"PK\x03\x04 and no more", "path", "not a whole npz file"),
        (b"\x93NUMPY\x01\x00", "path", "not an npy array"),
    ],
)
def test_each_thing_that_cannot_be_read_is_named(csv, text, field, words):
    problem = refusal(csv(text))
    assert problem.field == f"dataset.{field}".rstrip(".")
    assert words in f"{problem.message}; {problem.remedy}"
    assert problem.remedy


def test_a_text_among_numbers_far_down_is_named(csv):
    text = ["a,label", *(f"{i},{i % 2}" for i in range(200_000))]
    text[190_000] = "oops,1"
    assert "row 190000, column 'a': 'oops' is not a number" in refusal(csv(text)).message


def test_without_a_target_the_columns_are_listed(csv):
    problem = refusal({**csv(lines()), "target": None})
    assert problem.field == "dataset.target"
    assert "age, colour, income, label" in problem.message + problem.remedy


def test_a_target_is_named_once_and_not_ignored(csv):
    assert refusal(csv(lines(), ignore=["label"])).field == "dataset.ignore"
    assert "named twice" in refusal(csv(lines(), target=["age", "age"])).message


def test_a_file_that_is_not_there(tmp_path):
    assert "there is no file" in refusal({"path": str(tmp_path / "no.csv"), "target": "label"}).message


def test_ignored_columns_may_hold_anything(csv):
    text = ["id,when,a,label", *(f"u{i},2026-01-01,{i},{i % 2}" for i in range(ROWS))]
    assert load(csv(text, ignore=["id", "when"])).feature_names == ("a",)
    assert "has no column 'nope'" in refusal(csv(text, ignore=["nope"])).message
    dev = csv(["a,label", *(f"{i},{i % 2}" for i in range(9))], "dev.csv")["path"]
    assert len(load(csv(text, ignore=["id", "when"], dev={"path": dev})).X_dev) == 9


def parquet(tmp_path, **columns):
    path = tmp_path / "table.parquet"
    pa_parquet.write_table(pa.table(columns), path)
    return {"path": str(path), "target": "label"}


def test_parquet_gives_the_same_data_as_csv(tmp_path, csv):
    rows = [line.split(",") for line in lines()[1:]]
    age, colour, income, label = zip(*rows, strict=True)
    path = parquet(
        tmp_path,
        age=pa.array(map(int, age), pa.int16()),
        colour=pa.array(colour).dictionary_encode(),
        income=pa.array(map(float, income)),
        label=pa.array(label, pa.large_string()),
    )
    assert load(path).digest == load(csv(lines())).digest


def test_parquet_with_nulls_booleans_and_boolean_classes(tmp_path):
    flags = [None if i % 7 == 0 else i % 3 == 0 for i in range(ROWS)]
    labels = [i % 2 == 0 for i in range(ROWS)]
    data = load(parquet(tmp_path, flag=flags, label=labels))
    assert data.feature_names == ("flag", "flag is missing")
    assert data.class_names == ("false", "true")


def test_categories_are_the_same_from_every_kind_of_file(tmp_path, csv):
    columns = {
        "k": ["3.0", "12.0", "", "1.50"] * 15,
        "flag": ["True", "False", "NA"] * 20,
        "code": ["007", "7"] * 30,
        "label": ["2.0", "10"] * 30,
    }
    text = [",".join(columns), *map(",".join, zip(*columns.values(), strict=True))]
    found = load(csv(text, categorical=["k", "flag", "code"], normalize=False))
    assert found.class_names == ("2", "10")
    assert found.feature_names[2:5] == ("k=1.5", "k=3", "k=12")
    assert found.feature_names[5:] == ("flag=false", "flag=true", "code=007", "code=7")
    typed = {
        **columns,
        "k": [float(k) if k else None for k in columns["k"]],
        "flag": [None if flag == "NA" else flag == "True" for flag in columns["flag"]],
        "label": list(map(float, columns["label"])),
    }
    for cells in (columns, typed):
        dataset = parquet(tmp_path, **cells) | {"categorical": ["k", "flag", "code"], "normalize": False}
        data = load(dataset)
        assert data.class_names == found.class_names
        rows = [dict(zip(d.feature_names, d.X_train.T, strict=True)) for d in (data, found)]
        assert rows[0].keys() == rows[1].keys()
        assert all(np.array_equal(rows[0][name], rows[1][name]) for name in rows[0])


def test_parquet_with_lists_is_refused(tmp_path):
    problem = refusal(parquet(tmp_path, a=[[1, 2]] * ROWS, label=[0, 1] * (ROWS // 2)))
    assert "column 'a' has the type list" in problem.message


def test_parquet_that_unpacks_to_too_much_is_refused_before_it_is_read(tmp_path, monkeypatch):
    dataset = parquet(tmp_path, a=np.zeros(100_000), label=np.arange(100_000) % 2)
    monkeypatch.setattr("caviar.trainer.data.csv_and_parquet.LARGEST", 1 << 20)
    assert "100000 rows of 2 columns" in refusal(dataset).message


def test_a_file_that_is_too_large_is_not_opened(csv, monkeypatch):
    monkeypatch.setattr(files, "LARGEST", 100)
    assert "the most is" in refusal(csv(lines())).message


def test_check_reads_the_header_alone(csv):
    text = with_cell(17, 0, "abc")
    assert check(csv(text)) == []
    assert check(csv(text, target="nope"))[0].field == "dataset.target"
    assert check(csv(b"\x80\x04"))[0].field == "dataset.path"
    assert check({"name": "digits", "dev": csv(text, target="nope") | {"target": None}}) != []
