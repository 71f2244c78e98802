"""Built-in sets, targets, columns and the words of the `dataset` object."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn import datasets

from caviar.trainer.data import BUILTIN, KEYS, check, load
from caviar.trainer.data.builtin import read
from caviar.trainer.data.columns import Encoding
from caviar.trainer.data.table import Category, Table
from caviar.trainer.problem import DataError, Problem


@pytest.mark.parametrize("name", ["digits", "breast_cancer", "wine", "iris"])
def test_built_in_sets_are_those_of_scikit_learn(name):
    theirs = getattr(datasets, f"load_{name}")()
    ours = read(name)
    assert np.array_equal(ours.numbers, theirs.data)
    assert ours.number_names == tuple(theirs.feature_names)
    assert isinstance(ours.target, Category)
    assert np.array_equal(ours.target.codes, theirs.target)
    assert ours.target.levels == tuple(map(str, theirs.target_names))


def test_diabetes_is_that_of_scikit_learn():
    theirs = datasets.load_diabetes(scaled=False)
    ours = read("diabetes")
    assert np.allclose(ours.numbers, theirs.data)
    assert np.array_equal(ours.target[:, 0], theirs.target)


def test_built_in_sets_are_all_tested():
    assert set(BUILTIN) == {"digits", "breast_cancer", "wine", "iris", "diabetes"}


def test_loading_digits_does_not_import_scikit_learn():
    code = (
        "import sys; from trainer.data import load; load({'name': 'digits'}); print('sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("y", "kind", "classes"),
    [
        ([0, 1] * 30, "binary", ("0", "1")),
        ([1.0, 2.0, 10.0] * 20, "multiclass", ("1", "2", "10")),
        (["b", "a", "c"] * 20, "multiclass", ("a", "b", "c")),
        ([True, False] * 30, "binary", ("0", "1")),
        (list(range(60)), "regression", ()),
        (np.linspace(0, 1, 60), "regression", ()),
        ([0.5, 1.5] * 30, "regression", ()),
    ],
)
def test_the_target_decides_the_task(y, kind, classes):
    data = load({"X": np.random.default_rng(0).normal(size=(60, 2)), "y": y})
    assert data.kind == kind
    assert data.class_names == classes
    assert data.n_outputs == (3 if kind == "multiclass" else 1)


def test_the_task_can_be_said():
    X = np.random.default_rng(0).normal(size=(60, 2))
    assert load({"X": X, "y": [0, 1] * 30, "task": "regression"}).kind == "regression"
    assert load({"X": X, "y": [0.5, 1.5] * 30, "task": "classification"}).class_names == ("0.5", "1.5")
    with pytest.raises(DataError, match="has texts"):
        load({"X": X, "y": ["a", "b"] * 30, "task": "regression"})


def test_one_hot_classes_are_not_taken_for_quantities():
    X, y = np.random.default_rng(0).normal(size=(60, 2)), np.eye(3)[np.arange(60) % 3]
    with pytest.raises(DataError, match="written one-hot") as raised:
        load({"X": X, "y": y})
    assert raised.value.problems[0].field == "dataset.target"
    assert "y.argmax(axis=1)" in raised.value.problems[0].remedy
    assert load({"X": X, "y": y.argmax(axis=1)}).class_names == ("0", "1", "2")
    assert load({"X": X, "y": y, "task": "regression"}).n_outputs == 3
    for quantities in (y[:, :2], 2 * y, 1 - y):
        assert load({"X": X, "y": quantities}).kind == "regression"


def test_fewer_rows_than_classes_or_than_a_split_needs():
    X = np.zeros((3, 1))
    with pytest.raises(DataError, match="too few rows"):
        load({"X": X, "y": ["a", "b", "c"]})
    with pytest.raises(DataError, match="2 rows cannot be cut into 3 parts"):
        load({"X": X[:2], "y": [0.5, 1.5]})


def test_image_shape_must_fit():
    data = load({"name": "digits", "image_shape": [8, 8]})
    assert data.image_shape == (8, 8, 1)
    with pytest.raises(DataError, match="64 numbers in a row of digits are not 7 x 9 x 1"):
        load({"name": "digits", "image_shape": [7, 9]})


def test_an_image_with_gaps_stays_an_image():
    X = np.random.default_rng(0).normal(size=(60, 4, 4))
    X[:30, 1, 2] = np.nan
    data = load({"X": X, "y": np.arange(60) % 2, "missing": "impute"})
    assert data.X_train.shape[1] == 16
    assert data.image_shape == (4, 4, 1)


def test_without_a_word_on_normalisation_the_settings_decide():
    assert load({"name": "iris", "normalize": None}).mu.any()
    assert not load({"name": "iris", "normalize": None}, normalize=False).mu.any()


def test_precision_is_that_of_everything():
    for precision in ("float32", "float64"):
        data = load({"name": "diabetes"}, precision)
        assert data.X_train.dtype == data.Y_dev.dtype == data.dtype == precision


@pytest.mark.parametrize(
    ("dataset", "field", "remedy"),
    [
        ("digits", "dataset", "write {name: digits}"),
        ({}, "dataset.name", "digits"),
        ({"name": "digts"}, "dataset.name", "did you mean digits?"),
        ({"name": "digits", "splt": {}}, "dataset.splt", "did you mean split?"),
        ({"name": "digits", "split": {"train": 0.5, "dev": 0.2}}, "dataset.split", "add up to 1"),
        ({"name": "digits", "split": {"train": 0.5, "deb": 0.5}}, "dataset.split.deb", "did you mean dev?"),
        (
            {"name": "digits", "split": {"train": 1.5, "dev": -0.5}},
            "dataset.split.train",
            "from 0 to below 1",
        ),
        ({"name": "digits", "split": {"train": "most"}}, "dataset.split.train", "from 0 to below 1"),
        ({"name": "digits", "split": [0.5, 0.5]}, "dataset.split", "write {train"),
        ({"name": "digits", "split": {"train": 1.0}}, "dataset.split", "a share above 0"),
        (
            {"name": "digits", "split": {"train": 0.8, "dev": 0.1, "test": 0.1}, "test": {"name": "digits"}},
            "dataset.split.test",
            "leave the other source out",
        ),
        ({"name": "digits", "seed": -1}, "dataset.seed", "integer"),
        ({"name": "digits", "seed": 1.5}, "dataset.seed", "integer"),
        ({"name": "digits", "stratify": "yes"}, "dataset.stratify", "true or false"),
        ({"name": "digits", "task": "guess"}, "dataset.task", "classification or regression"),
        ({"name": "digits", "image_shape": [8]}, "dataset.image_shape", "[height, width]"),
        ({"name": "digits", "image_shape": [8, 0]}, "dataset.image_shape", "at least 1"),
        ({"name": "digits", "image_shape": [10**9, 10**9]}, "dataset.image_shape", "at least 1"),
        ({"name": "digits", "categorical": "zip"}, "dataset.categorical", "list of column names"),
        ({"name": "digits", "dev": "other"}, "dataset.dev", "{path: FILE}"),
        ({"name": "digits", "dev": {"nam": "digits"}}, "dataset.dev.nam", "did you mean name?"),
        ({"name": "digits", "test": {"name": "x"}}, "dataset.test.name", "use digits"),
        ({"path": 5}, "dataset.path", "path of a file"),
        ({"X": [[1]]}, "dataset.y", "give the classes"),
        ({"path": "x", "arrays": ["X"]}, "dataset.arrays", "[X, y]"),
    ],
)
def test_each_wrong_word_is_named_with_its_remedy(dataset, field, remedy):
    problems = check(dataset)
    if not problems:
        with pytest.raises(DataError) as raised:
            load(dataset)
        problems = raised.value.problems
    found = {problem.field: problem for problem in problems}
    assert field in found
    assert remedy in found[field].remedy


def test_all_wrong_words_are_named_at_once():
    problems = check({"name": "x", "seed": -1, "task": "guess"})
    assert [problem.field for problem in problems] == ["dataset.name", "dataset.seed", "dataset.task"]
    assert Problem(**problems[0].as_dict()) == problems[0]


def test_every_key_has_a_meaning():
    assert all(len(text) > 10 for text in KEYS.values())


def table(numbers, missing="impute", **categories):
    numbers = np.asarray(numbers, float)
    names = tuple("abcdef"[: numbers.shape[1]])
    return Table("t", numbers, names, {n: Category.of(v) for n, v in categories.items()}, missing=missing)


def test_encoding_goes_through_json_and_survives_unseen_texts_and_new_gaps():
    training = table([[1, 5], [3, np.nan], [8, 6]], colour=["red", "blue", None])
    encoding = Encoding.from_dict(Encoding.fit(training, np.arange(3)).as_dict())
    assert encoding.feature_names == (
        "a",
        "b",
        "b is missing",
        "colour is missing",
        "colour=blue",
        "colour=red",
    )
    new = table([[np.nan, 7]], colour=["green"])
    assert encoding.transform(new).tolist() == [[3, 7, 0, 0, 0, 0]]
    assert encoding.transform(training).tolist() == [
        [1, 5, 0, 0, 0, 1],
        [3, 5.5, 1, 0, 1, 0],
        [8, 6, 0, 1, 0, 0],
    ]


def test_encoding_learns_from_training_rows_alone():
    whole = table([[1.0], [2.0], [np.nan], [1000.0]], colour=["a", "b", "c", "d"])
    encoding = Encoding.fit(whole, np.array([0, 1]))
    assert encoding.fills == (1.5,)
    assert encoding.indicators == ()
    assert encoding.levels == {"colour": ("a", "b")}


def test_columns_are_found_by_name_in_any_order():
    training = table([[1, 2], [3, 4]])
    encoding = Encoding.fit(training, np.arange(2))
    swapped = Table("s", training.numbers[:, ::-1], ("b", "a"), {}, missing="impute")
    assert encoding.transform(swapped).tolist() == training.numbers.tolist()
    with pytest.raises(DataError, match="lacks the columns b"):
        encoding.transform(Table("s", np.zeros((1, 1)), ("a",)))
    with pytest.raises(DataError, match="texts in b"):
        encoding.transform(Table("s", np.zeros((1, 1)), ("a",), {"b": Category.of(["x"])}))


def test_categories_sort_numbers_by_value_and_keep_gaps():
    category = Category.of(np.array([10.0, 2.0, np.nan, 2.0]))
    assert category.levels == ("2", "10")
    assert category.codes.tolist() == [1, 0, -1, 0]
    assert Category.of(["x", None, "a"]).codes.tolist() == [1, -1, 0]
