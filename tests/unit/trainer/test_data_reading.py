"""What the columns of a file are taken for: right, refused with the option that decides, or with a word."""

import pytest

from caviar.trainer.data import load
from caviar.trainer.problem import DataError
from tests.support.files_as_people_have_them import (
    NUMBERS,
    RNG,
    ROWS,
    cycle,
    noted,
    refusal,
    table,
)

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


# --- what is doubtful is told at once, with options that end it


def test_all_doubtful_columns_are_told_at_once_and_each_is_mended_by_its_fix(upload):
    columns = {
        "day": [f"2026-01-{1 + i % 28:02d}" for i in range(ROWS)],
        "us": [f"{1 + i % 9:02d}/{1 + i % 7:02d}/2026" for i in range(ROWS)],
        "amount": [f'"{i + 1},{234 + i}"' for i in range(ROWS)],
        "weight": ["heavy" if i == 7 else 1.5 * i for i in range(ROWS)],
        "ratio": ["inf" if i == 3 else 0.5 * i for i in range(ROWS)],
    }
    with pytest.raises(DataError) as refused:
        upload(table(columns))
    problems = refused.value.problems
    assert {name for name in columns for one in problems if repr(name) in one.message} == {*columns}
    assert len(problems) == len(columns)
    chosen = {"dates": {}, "ignore": []}
    for fix in ({**one.fixes[0]} for one in problems):
        chosen["dates"] |= fix.pop("dates", {})
        chosen["ignore"] += fix.pop("ignore", [])
        chosen |= fix
    assert chosen["dates"] == {"day": "parts", "us": {"as": "parts", "format": "%d/%m/%Y"}}
    assert (chosen["ignore"], chosen["decimal"], chosen["missing_values"]) == (["ratio"], ".", ["heavy"])
    _, dataset = upload(table(columns), **chosen)
    assert {"size", "amount", "weight"} <= {*load(dataset).feature_names}


def test_no_fix_ignores_the_target(upload):
    with pytest.raises(DataError) as refused:
        upload(table({"day": [f"2026-01-{1 + i % 28:02d}" for i in range(ROWS)]}), target="day")
    assert all(fix.get("ignore") != ["day"] for fix in refused.value.problems[0].fixes)
