"""Runs that start from a model: its weights, its preparation of inputs, layers that stay as they are."""

import numpy as np
import pytest

from caviar.trainer.data import load
from caviar.trainer.plugin import MLP
from caviar.trainer.predict import Model
from caviar.trainer.problem import ProblemsError

mlp = MLP()
SMALL = {"hidden_units": [12, 9], "epochs": 3, "batch_size": 16, "learning_rate": 0.01}
IRIS = {"name": "iris"}


def trained(run):
    while run.status == "running":
        run.advance(5.0)
    return run


def bits(array):
    return np.ascontiguousarray(array).tobytes()


@pytest.fixture(scope="module")
def model_of(tmp_path_factory):
    """Train a model, write it to a file; equal calls share it."""
    folder, made = tmp_path_factory.mktemp("models"), {}

    def make(dataset, **settings):
        key = repr((sorted(dataset.items(), key=str), settings))
        if key not in made:
            wanted = SMALL | settings
            run = trained(mlp.start(wanted, mlp.load(dataset, wanted), 1))
            made[key] = folder / f"{len(made)}.safetensors"
            made[key].write_bytes(run.model())
        return str(made[key])

    return make


def from_model(path, dataset, seed=7, **settings):
    wanted = {"epochs": 3, "batch_size": 16, "init_from": path, **settings}
    return mlp.start(wanted, mlp.load(dataset, wanted), seed)


@pytest.mark.parametrize(
    ("dataset", "settings"),
    [
        pytest.param({"name": "digits"}, {}, id="digits"),
        pytest.param({"name": "breast_cancer"}, {"batch_norm": True}, id="batch_norm"),
        pytest.param({"name": "diabetes"}, {"activation": "tanh", "precision": "float64"}, id="regression"),
        pytest.param({"name": "iris", "normalize": False}, {"activation": "leaky_relu"}, id="plain"),
        pytest.param(IRIS, {"hidden_units": 5, "hidden_layers": 0}, id="no_layers"),
    ],
)
def test_with_no_epoch_and_the_same_data_it_predicts_as_its_source(model_of, dataset, settings):
    path = model_of(dataset, **settings)
    before, after = Model.load(path), Model.load(from_model(path, {**dataset, "seed": 99}).model())
    for name, array in before.tensors.items():
        if not name.startswith("profile"):  # of the columns trained on
            assert bits(after.tensors[name]) == bits(array), name
    X = np.random.default_rng(3).normal(1, 2, (40, before.info["sizes"][0]))
    one, other = before.predict(X), after.predict(X)
    for name in ("probabilities", "values"):
        if getattr(one, name) is not None:
            assert bits(getattr(one, name)) == bits(getattr(other, name))


def test_frozen_layers_keep_every_bit_and_the_others_learn(model_of):
    path = model_of({"name": "breast_cancer"}, batch_norm=True)
    for optimizer in ("gd", "momentum", "rmsprop", "adam"):
        run = from_model(
            path, {"name": "breast_cancer"}, frozen_layers=1, optimizer=optimizer, l2=2, l1=1, keep_prob=0.8
        )
        rows = trained(run) and Model.load(run.model()).tensors
        before = Model.load(path).tensors
        stayed = {name for name in before if bits(before[name]) == bits(rows[name])}
        frozen = {"W1", "gamma1", "beta1", "mean1", "variance1"}
        assert {name for name in stayed if name[-1].isdigit()} == frozen, optimizer


def test_gradients_of_frozen_layers_are_none_and_epochs_tell_zero(model_of):
    run = from_model(model_of({"name": "digits"}), {"name": "digits"}, frozen_layers=2)
    row = run.advance(60.0, until_epoch=1).epochs[0]
    assert row["gradient_norm_1"] == row["gradient_norm_2"] == 0 < row["gradient_norm_3"]


def test_classes_that_differ_get_a_new_output_layer_drawn_by_the_seed(model_of, tmp_path):
    path = model_of({"name": "digits"})
    X, y = (getattr(load({"name": "digits"}), name) for name in ("X_train", "Y_train"))
    odd = {"X": X.astype(float), "y": np.where(y % 2, "odd", "even"), "name": "odd digits"}
    one, again, other = (from_model(path, odd, seed) for seed in (3, 3, 4))
    before = Model.load(path).tensors
    tensors = one.network.tensors(one.weights)
    assert tensors["W3"].shape == (1, 9)
    assert bits(tensors["W1"]) == bits(before["W1"])
    assert bits(one.weights) == bits(again.weights) != bits(other.weights)
    assert np.array_equal(one.data.mu, before["mu"])  # prepared as for the model
    assert trained(one).result()["train_error"] < 0.5


def test_the_same_classes_under_other_names_are_other_classes(model_of):
    path = model_of(IRIS)
    data = load(IRIS)
    renamed = {"X": data.X_train.astype(float), "y": np.array(list("abc"))[data.Y_train]}
    run = from_model(path, renamed)
    before = Model.load(path).tensors
    tensors = run.network.tensors(run.weights)
    assert bits(tensors["W2"]) == bits(before["W2"])
    assert bits(tensors["W3"]) != bits(before["W3"])


def test_targets_of_a_regression_keep_their_scale_with_their_output_layer(model_of):
    path = model_of({"name": "diabetes"})
    before = Model.load(path).tensors
    half = {"name": "diabetes", "split": {"train": 0.3, "dev": 0.7}}
    kept = from_model(path, half)
    assert np.array_equal(kept.data.target_mu, before["target_mu"])
    raw = load({"name": "diabetes", "normalize": False})
    y = raw.Y_train * raw.target_sigma + raw.target_mu
    two = {"X": raw.X_train.astype(float), "y": np.hstack([y, -y])}
    other = from_model(path, two)
    assert other.data.target_mu.shape == (2,)
    assert np.allclose(other.data.Y_train.mean(axis=0), 0, atol=1e-6)


def test_it_goes_on_from_a_checkpoint_bit_for_bit(model_of):
    path = model_of({"name": "breast_cancer"}, batch_norm=True)
    wanted = {"epochs": 4, "batch_size": 64, "init_from": path, "frozen_layers": 1}
    data = mlp.load({"name": "breast_cancer"}, wanted)
    straight = trained(mlp.start(wanted, data, 2))
    halted = mlp.start(wanted, data, 2)
    halted.advance(60.0, until_step=9)
    assert bits(trained(mlp.restore(halted.save(), data)).weights) == bits(straight.weights)


def test_every_fold_starts_from_the_model(model_of):
    path = model_of(IRIS)
    wanted = {"epochs": 1, "init_from": path, "frozen_layers": 2, "learning_rate": 1e-9}
    data = mlp.load({"name": "iris", "folds": 3}, wanted)
    before = Model.load(path).tensors
    run = mlp.start(wanted, data, 2)
    assert bits(Model.load(trained(run).model()).tensors["W2"]) == bits(before["W2"])
    assert all(np.array_equal(data.fold(place).mu, before["mu"]) for place in range(3))


def test_columns_are_prepared_as_for_the_model(upload, model_of):
    rows = [f"{i},{'red' if i % 2 else 'blue'},{i % 3},{i % 2}" for i in range(40)]
    _, first = upload("a,colour,b,y\n" + "\n".join(rows), "first.csv", target="y", categorical=["y"])
    path = model_of(first)
    rows = [f"{i % 3},{i % 2},{'green' if i % 4 else 'blue'},{2 * i}" for i in range(30)]
    _, second = upload("b,y,colour,a\n" + "\n".join(rows), "second.csv", target="y", categorical=["y"])
    run = from_model(path, second)
    assert run.data.feature_names == tuple(Model.load(path).info["feature_names"])
    assert run.data.X_train.shape[1] == run.network.sizes[0]
    green = Model.load(path).predict({"a": [4.0], "b": [1.0], "colour": ["green"]})
    same = Model.load(run.model()).predict({"a": [4.0], "b": [1.0], "colour": ["green"]})
    assert bits(green.probabilities) == bits(same.probabilities)


@pytest.mark.parametrize(
    ("dataset", "settings", "field", "said"),
    [
        ({"name": "digits"}, {}, "settings.init_from", "takes 4 columns"),
        (IRIS, {"hidden_units": [12, 8]}, "settings.hidden_units", "[12, 9]"),
        (IRIS, {"hidden_units": 12, "hidden_layers": 2}, "settings.hidden_units", "[12, 9]"),
        (IRIS, {"activation": "tanh"}, "settings.activation", "relu"),
        (IRIS, {"batch_norm": True}, "settings.batch_norm", "false"),
        (IRIS, {"frozen_layers": 3}, "settings.frozen_layers", "at most 2"),
        (IRIS, {"init_from": None, "frozen_layers": 1}, "settings.frozen_layers", "init_from"),
        (IRIS, {"init_from": "no/such.file"}, "settings.init_from", "no/such.file"),
    ],
)
def test_what_does_not_fit_the_model_is_refused(model_of, dataset, settings, field, said):
    with pytest.raises(ProblemsError) as caught:
        from_model(model_of(IRIS), dataset, **settings)
    problem = caught.value.problems[0]
    assert problem.field == field
    assert said in str(problem)


def test_columns_that_are_missing_or_too_many_are_named(upload, model_of):
    rows = [f"{i},{i % 7},{i % 5},{'ab'[i % 2]}" for i in range(40)]
    _, first = upload("age,sex,bmi,y\n" + "\n".join(rows), "first.csv", target="y")
    path = model_of(first)
    _, second = upload("age,sex,height,y\n" + "\n".join(rows), "second.csv", target="y")
    with pytest.raises(ProblemsError) as caught:
        from_model(path, second)
    lacking, further = caught.value.problems
    assert "bmi" in lacking.message
    assert "height" in further.message
    assert "dataset.ignore" in further.remedy


def test_data_that_was_loaded_without_the_model_is_refused(model_of):
    wanted = SMALL | {"init_from": model_of(IRIS)}
    with pytest.raises(ProblemsError, match="was not loaded for this model"):
        mlp.start(wanted, mlp.load(IRIS, {}), 1)
