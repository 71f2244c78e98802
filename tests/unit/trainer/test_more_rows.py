"""Rows of further sources: added to the training set alone, with their share, prepared as its own are."""

import numpy as np
import pytest

from caviar.trainer.data import load
from caviar.trainer.data.more_rows import counts
from caviar.trainer.diagnosis import diagnose
from caviar.trainer.plugin import MLP
from caviar.trainer.problem import ProblemsError

mlp = MLP()


def rows_of(m, seed, shift=0.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(shift, 1 + abs(shift), (m, 3))
    return {"X": X, "y": (X[:, 0] > shift).astype(int)}


OWN, FOREIGN, MADE = rows_of(200, 1), rows_of(500, 2, shift=5.0), rows_of(60, 3, shift=-4.0)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6])
def test_the_share_is_that_of_the_training_set_and_nothing_else_changes(share):
    alone = load(OWN)
    data = load({**OWN, "more_training_data": [{**FOREIGN, "share": share}]})
    m = len(data.X_train)
    assert data.own_rows == len(alone.X_train) == 120
    assert abs((m - 120) / m - share) <= 0.5 / m
    for part in ("X_dev", "Y_dev", "X_test", "Y_test", "mu", "sigma"):
        assert np.array_equal(getattr(data, part), getattr(alone, part)), part
    assert np.array_equal(data.X_train[:120], alone.X_train)
    expected = ((FOREIGN["X"] - data.mu) / data.sigma).astype(np.float32)
    places = [int(np.flatnonzero((expected == row).all(axis=1))[0]) for row in data.X_train[120:]]
    assert len(set(places)) == len(places)  # none twice
    assert np.array_equal(data.Y_train[120:], FOREIGN["y"][places])


def test_the_same_seed_draws_the_same_rows_and_another_one_others():
    def drawn(seed):
        data = load({**OWN, "seed": seed, "more_training_data": [{**FOREIGN, "share": 0.3}]})
        return data.X_train[data.own_rows :] * data.sigma + data.mu

    assert np.array_equal(drawn(4), drawn(4))
    assert not np.allclose(drawn(4), drawn(5))


def test_without_a_share_all_rows_come_and_shares_hold_beside_them():
    data = load({**OWN, "more_training_data": [MADE, {**FOREIGN, "share": 0.4}]})
    assert len(data.X_train) == 120 + 60 + 120
    assert counts(120, [(60, None), (500, 0.4)]) == [60, 120]


def test_neither_train_dev_nor_folds_have_any():
    split = {"train": 0.6, "dev": 0.2, "test": 0.2, "train_dev": 0.25}
    own = {**OWN, "split": split}
    data = load({**own, "more_training_data": [{**FOREIGN, "share": 0.5}]})
    assert np.array_equal(data.X_train_dev, load(own).X_train_dev)
    assert len(data.X_train) == 180
    folded = mlp.load({**OWN, "folds": 4, "more_training_data": [{**FOREIGN, "share": 0.5}]}, {})
    assert [len(folded.fold(place).X_dev) for place in range(4)] == [50] * 4
    assert all(len(folded.fold(place).X_train) == 2 * folded.fold(place).own_rows for place in range(4))


def test_weights_and_groups_of_the_rows_come_with_them():
    def with_columns(rows, offset):
        columns = np.column_stack(
            [rows["X"], np.arange(len(rows["X"])) % 3 + offset, np.arange(len(rows["X"])) + 1.0]
        )
        return {"X": columns, "y": rows["y"]}

    wanted = {**with_columns(OWN, 0), "groups": "x3", "weights": "x4"}
    data = load({**wanted, "more_training_data": [{**with_columns(MADE, 7)}]})
    assert data.weights_train.mean() == pytest.approx(1)
    assert len(data.weights_train) == len(data.groups_train) == 180
    assert not {*data.groups_train[:120].tolist()} & {*data.groups_train[120:].tolist()}


@pytest.mark.parametrize(
    ("more", "field", "said"),
    [
        ("foreign", "dataset.more_training_data", "list of sources"),
        ([{**FOREIGN, "share": 0}], "dataset.more_training_data.0.share", "between 0 and 1"),
        ([{**FOREIGN, "share": 0.6}] * 2, "dataset.more_training_data", "add up to 1.2"),
        ([{**MADE, "share": 0.5}], "dataset.more_training_data.0.share", "at most 0.333"),
        ([{**FOREIGN, "y": FOREIGN["y"] + 1}], "dataset.more_training_data.0", "outside the classes"),
        ([{**FOREIGN, "X": FOREIGN["X"][:, :2]}], "dataset", "x2"),
        ([{"name": "nothing"}], "dataset.more_training_data.0.name", "nothing"),
        ([{**FOREIGN, "shares": 0.2}], "dataset.more_training_data.0.shares", "shares"),
    ],
)
def test_what_cannot_be_added_is_refused(more, field, said):
    with pytest.raises(ProblemsError) as caught:
        load({**OWN, "more_training_data": more})
    assert caught.value.problems[0].field == field
    assert said in str(caught.value)


def test_the_rows_of_dev_and_test_are_no_further_source():
    with pytest.raises(ProblemsError, match="would be trained on"):
        load({"name": "iris", "more_training_data": [{"name": "iris"}]})


def test_a_mismatch_of_the_sources_is_not_called_variance():
    """Labels of the foreign rows, which are far away, are drawn: only on the own rows an error is low."""
    noise = {"X": FOREIGN["X"] + [0, 0, 30], "y": np.random.default_rng(1).integers(2, size=500)}
    dataset = {**rows_of(900, 7), "more_training_data": [{**noise, "share": 0.4}]}
    settings = {"epochs": 40, "hidden_units": 8, "batch_size": 32}
    run = mlp.start(settings, mlp.load(dataset, settings), 1)
    while run.status == "running":
        run.advance()
    found = run.result()
    predicted = run.evaluate("train").error
    assert found["train_error"] == predicted > 0.15
    assert found["train_error_own"] < 0.1
    told = diagnose(found, base_error=0.0)
    assert told.train_error == found["train_error_own"]
    assert abs(told.variance) < 0.06
