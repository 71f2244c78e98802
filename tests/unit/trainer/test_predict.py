"""A saved model predicts what the run knew, on arrays, columns and files, with the columns of the user."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest

from caviar.trainer.data import load
from caviar.trainer.plugin import MLP
from caviar.trainer.predict import Model, predict
from caviar.trainer.problem import DataError, ProblemsError

TRAINER = MLP()


def trained(dataset, **settings):
    settings = {"epochs": 20, "hidden_units": 8, "precision": "float64", **settings}
    data = TRAINER.load(dataset, settings)
    run = TRAINER.start(settings, data, 1)
    while run.status == "running":
        run.advance()
    return run, data, run.model()


def raw(X, data):
    """Undo the normalisation: what the user had."""
    return X * data.sigma + data.mu


@pytest.mark.parametrize("name", ["digits", "breast_cancer", "iris"])
@pytest.mark.parametrize("batch_norm", [False, True], ids=["plain", "batch_norm"])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh", "sigmoid"])
def test_classes_have_the_error_of_the_run(name, batch_norm, activation):
    run, data, model = trained({"name": name}, batch_norm=batch_norm, activation=activation, keep_prob=0.8)
    found = predict(model, raw(data.X_dev, data))
    labels = np.array(data.class_names)[data.Y_dev]
    cost, error = run.evaluate("dev")
    assert np.mean(np.array(found.labels) != labels) == pytest.approx(error)
    assert found.probabilities.sum(axis=1) == pytest.approx(np.ones(len(labels)))
    y = found.probabilities[np.arange(len(labels)), data.Y_dev]
    assert -np.log(y).mean() == pytest.approx(cost, rel=1e-6)


def test_values_come_in_the_units_of_the_user():
    run, data, model = trained({"name": "diabetes"}, epochs=100)
    found = predict(model, raw(data.X_dev, data))
    target = data.Y_dev * data.target_sigma + data.target_mu
    error = np.sqrt(np.mean((found.values - target) ** 2)) / data.target_sigma[0]
    assert error == pytest.approx(run.evaluate("dev")[1], rel=1e-9)
    assert list(found.columns()) == ["progression"]
    assert 25 < np.median(found.values) < 346


def test_float32_models_predict_in_float32():
    _, data, model = trained({"name": "iris"}, precision="float32")
    found = predict(model, raw(data.X_dev, data))
    assert found.probabilities.dtype == np.float32
    assert list(found.columns()) == ["class", "p(setosa)", "p(versicolor)", "p(virginica)"]


def test_no_rows_and_no_hidden_layers():
    _, _, model = trained({"name": "iris"}, hidden_units=[])
    assert predict(model, np.zeros((0, 4))).probabilities.shape == (0, 3)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A table with numbers, texts, gaps, and a class that all of them decide."""
    folder = tmp_path_factory.mktemp("people")
    rng = np.random.default_rng(0)
    rows = ["age,zip,colour,income,label"]
    for i in range(400):
        age, colour = rng.integers(18, 90), ["red", "green", "blue"][rng.integers(3)]
        income = "" if i % 9 == 0 else f"{rng.normal(50, 10):.2f}"
        code = (10115, 20095)[rng.integers(2)]
        label = "yes" if (age > 50) == (colour == "red") else "no"
        rows.append(f"{age},{code},{colour},{income},{label}")
    path = folder / "people.csv"
    path.write_text("\n".join(rows))
    dataset = {"path": str(path), "target": "label", "categorical": ["zip"]}
    _, _, model = trained(dataset, epochs=200, hidden_units=16)
    (folder / "model.safetensors").write_bytes(model)
    return folder, [row.split(",") for row in rows[1:]], Model.load(folder / "model.safetensors")


def columns_of(rows):
    age, code, colour, income, _ = zip(*rows, strict=True)
    return {
        "age": [float(a) for a in age],
        "zip": [int(c) for c in code],
        "colour": list(colour),
        "income": [float(i) if i else None for i in income],
    }


def test_a_table_is_predicted_well_from_its_own_file(people):
    folder, rows, model = people
    found = model.predict(folder / "people.csv")
    assert np.mean([label == row[-1] for label, row in zip(found.labels, rows, strict=True)]) > 0.95


def test_file_columns_parquet_and_other_order_agree(people):
    folder, rows, model = people
    expected = model.predict(folder / "people.csv").probabilities
    columns = columns_of(rows)
    assert model.predict(columns).probabilities == pytest.approx(expected)
    pa_parquet.write_table(pa.table(dict(reversed(columns.items()))), folder / "p.parquet")
    assert model.predict(folder / "p.parquet").probabilities == pytest.approx(expected)
    shuffled = ["income;ignored;colour;zip;age"] + [f"{r[3]};x;{r[2]};{r[1]};{r[0]}" for r in rows]
    (folder / "other.csv").write_text("\n".join(shuffled))
    assert model.predict(str(folder / "other.csv")).probabilities == pytest.approx(expected)


def test_a_model_predicts_with_numpy_and_safetensors_alone(people):
    """The rest of what the package needs is for training, files and servers."""
    program = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if path is None and name not in {"caviar", "numpy", "safetensors", *sys.stdlib_module_names}:
            raise ImportError(f"{name} is not installed here")

sys.meta_path.insert(0, Refuse())
import caviar

row = {"age": [30.0, None], "zip": ["10115", None], "colour": ["red", "violet"], "income": [50.0, None]}
print(caviar.load_model(sys.argv[1]).predict(row).labels)
"""
    folder, _, model = people
    path = str(folder / "model.safetensors")
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=False)
    row = {"age": [30.0, None], "zip": ["10115", None], "colour": ["red", "violet"], "income": [50.0, None]}
    assert done.stdout.strip() == str(model.predict(row).labels), done.stderr


def test_unseen_texts_and_new_gaps_are_predicted_on(people):
    _, _, model = people
    found = model.predict(
        {
            "age": [30.0, None],
            "zip": [99999, None],
            "colour": ["violet", None],
            "income": [50.0, float("nan")],
        }
    )
    assert np.isfinite(found.probabilities).all()


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"age": [1.0], "colour": ["red"], "income": [2.0]}, "lacks the columns zip"),
        ({"age": ["old"], "zip": [1], "colour": ["red"], "income": [2.0]}, "row 1, column 'age': 'old'"),
        ({"age": [1.0, 2.0], "zip": [1], "colour": ["red"], "income": [2.0]}, r"\[1, 2\] rows"),
        ({"age": [float("inf")], "zip": [1], "colour": ["red"], "income": [2.0]}, "row 1, column 'age': inf"),
    ],
)
def test_columns_that_cannot_be_used_are_named(people, columns, words):
    with pytest.raises(DataError, match=words):
        people[2].predict(columns)


@pytest.mark.parametrize("categorical", [[], ["flag"]])
def test_true_and_false_are_read_at_prediction_as_in_training(tmp_path, categorical):
    flags = ["true", "false", ""] * 40
    (tmp_path / "f.csv").write_text(
        "\n".join(["flag,label", *(f"{f},{'yes' if f == 'true' else 'no'}" for f in flags)])
    )
    dataset = {"path": str(tmp_path / "f.csv"), "target": "label", "categorical": categorical}
    model = Model.load(trained(dataset, epochs=100)[2])
    values = [{"true": True, "false": False, "": None}[flag] for flag in flags]
    pa_parquet.write_table(pa.table({"flag": values}), tmp_path / "f.parquet")
    for source in (tmp_path / "f.csv", tmp_path / "f.parquet", {"flag": values}):
        assert model.predict(source).labels == ["yes" if value else "no" for value in values]


def test_numbers_as_categories_are_found_in_every_source(tmp_path):
    (tmp_path / "k.csv").write_text("\n".join(["k,label", *(f"{i % 4}.0,{i % 4 // 2}" for i in range(120))]))
    dataset = {"path": str(tmp_path / "k.csv"), "target": "label", "categorical": ["k"]}
    model = Model.load(trained(dataset, epochs=100)[2])
    pa_parquet.write_table(pa.table({"k": [0.0, 1.0, 2.0, 3.0]}), tmp_path / "k.parquet")
    for source in (tmp_path / "k.parquet", {"k": [0, 1, 2, 3]}, {"k": ["0.0", "1", "2.00", "3"]}):
        assert model.predict(source).labels == ["0", "0", "1", "1"]


def test_a_number_that_overflows_is_named():
    _, _, saved = trained({"name": "iris"}, precision="float32")
    model = Model.load(saved)
    steep = Model(model.info, {**model.tensors, "W1": model.tensors["W1"] * np.float32(1e20)})
    for sure, far in ((model, 1e300), (steep, 1e30)):
        with pytest.raises(DataError, match="row 2, column 'petal length \\(cm\\)': too far from what"):
            sure.predict(np.array([[5, 3, 1, 0.2], [5, 3, far, 0.2]]))


def test_an_archive_with_names_of_its_own_predicts_its_own_file(tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 3))
    np.savez(tmp_path / "a.npz", features=X, labels=np.arange(60) % 2)
    _, _, model = trained({"path": str(tmp_path / "a.npz"), "arrays": ["features", "labels"]})
    expected = predict(model, X).probabilities
    np.savez(tmp_path / "b.npz", X=X)
    np.savez(tmp_path / "c.npz", Z=X)
    for name in ("a.npz", "b.npz"):
        assert predict(model, tmp_path / name).probabilities == pytest.approx(expected)
    with pytest.raises(DataError, match="has the arrays Z, not features"):
        predict(model, tmp_path / "c.npz")


def test_a_bad_cell_in_a_file_is_named(people):
    folder, _, model = people
    (folder / "bad.csv").write_text("age,zip,colour,income\n1,1,red,2\nold,1,red,2\n")
    with pytest.raises(DataError, match="row 2, column 'age': 'old' is not a number"):
        model.predict(folder / "bad.csv")
    with pytest.raises(DataError, match="columns of text"):
        model.predict(np.zeros((3, 4)))


def test_arrays_must_have_the_columns_of_training():
    _, _, model = trained({"name": "iris"})
    with pytest.raises(DataError, match="has 5 columns, training had 4"):
        predict(model, np.zeros((2, 5)))
    with pytest.raises(DataError, match="row 2, column 'petal width \\(cm\\)': nan is not finite"):
        predict(model, np.array([[1, 2, 3, 4], [1, 2, 3, np.nan]]))


def test_npz_and_npy_files(tmp_path):
    _, data, model = trained({"name": "digits"})
    X = raw(data.X_dev, data)
    expected = predict(model, X).probabilities
    np.save(tmp_path / "x.npy", X)
    np.savez(tmp_path / "x.npz", X=X.reshape(-1, 8, 8))
    assert predict(model, tmp_path / "x.npy").probabilities == pytest.approx(expected)
    assert predict(model, tmp_path / "x.npz").probabilities == pytest.approx(expected)


def test_arrays_with_categorical_columns(tmp_path):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=200), rng.integers(3, size=200), rng.normal(size=200)])
    _, data, model = trained({"X": X, "y": (X[:, 1] == 2).astype(int), "categorical": ["x1"]}, epochs=100)
    assert data.feature_names == ("x0", "x2", "x1=0", "x1=1", "x1=2")
    found = predict(model, X)
    assert np.mean(np.array(found.labels) == np.where(X[:, 1] == 2, "1", "0")) > 0.99


def test_damaged_and_foreign_files_are_refused(tmp_path):
    _, _, model = trained({"name": "iris"}, epochs=1)
    for broken in (b"", b"no model", model[:100], model[: len(model) // 2]):
        with pytest.raises(ProblemsError):
            Model.load(broken)
    with pytest.raises(DataError, match="cannot open"):
        Model.load(tmp_path / "none.safetensors")


def test_the_data_of_a_model_is_in_the_model(people):
    info = people[2].info
    assert info["class_names"] == ["no", "yes"]
    assert info["preprocessing"]["encoding"]["levels"] == {
        "zip": ["10115", "20095"],
        "colour": ["blue", "green", "red"],
    }
    data = load({"name": "iris"})
    assert data.preprocessing["encoding"]["numbers"][0] == "sepal length (cm)"
