"""Numbers and dates as people write them."""

import numpy as np
import pytest

from caviar.trainer.data import load
from tests.support.files_as_people_have_them import (
    NUMBERS,
    ROWS,
    cycle,
    noted,
    refusal,
    table,
)

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
