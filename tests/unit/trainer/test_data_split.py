"""Splits: seeded, stratified, sized sensibly, with train-dev slices and sources of their own."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.trainer.data import load
from caviar.trainer.data.split import Fractions, check_classes, default_fractions, fractions, split_rows
from caviar.trainer.problem import DataError


@pytest.mark.parametrize(
    ("m", "dev", "test"),
    [
        (100, 0.2, 0.2),
        (10_000, 0.2, 0.2),
        (100_000, 0.0447, 0.0447),
        (1_000_000, 0.01, 0.01),
        (5_000_000, 0.0025, 0.0025),
    ],
)
def test_default_shares_shrink_with_size(m, dev, test):
    shares = default_fractions(m)
    assert shares.dev == pytest.approx(dev, rel=1e-3)
    assert shares.test == pytest.approx(test, rel=1e-3)
    assert shares.train + shares.dev + shares.test == pytest.approx(1)


def test_default_dev_set_never_shrinks_in_rows_up_to_a_million():
    sizes = [m * default_fractions(m).dev for m in np.geomspace(100, 1_000_000, 200).astype(int)]
    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(sizes))


def test_train_dev_is_cut_from_the_training_part():
    shares = fractions({"train": 0.8, "dev": 0.2, "train_dev": 0.25}, 100, False, False)
    assert (shares.train, shares.dev, shares.test, shares.train_dev) == pytest.approx((0.6, 0.2, 0.0, 0.2))


def test_a_test_source_of_its_own_leaves_its_default_share_to_training():
    shares = fractions(None, 100, False, True)
    assert (shares.train, shares.dev, shares.test) == pytest.approx((0.8, 0.2, 0.0))


shares_of = st.sampled_from(
    [
        Fractions(0.6, 0.2, 0.2),
        Fractions(0.7, 0.15, 0.15),
        Fractions(0.98, 0.01, 0.01),
        Fractions(0.7, 0.3),
        Fractions(0.5, 0.1, 0.3, 0.1),
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    shares=shares_of,
    counts=st.lists(st.integers(4, 400), min_size=2, max_size=12),
    seed=st.integers(0, 2**63),
)
def test_stratified_parts_are_disjoint_complete_and_mixed_alike(shares, counts, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    rows = split_rows(shares, len(labels), labels, seed)
    assert sorted(np.concatenate(list(rows.values()))) == list(range(len(labels)))
    for part, share in shares.items():
        got = np.bincount(labels[rows[part]], minlength=len(counts))
        assert (got >= 1).all()
        crowded = np.array(counts) * min(value for _, value in shares.items()) >= 1
        assert (np.abs(got - share * np.array(counts))[crowded] < 2).all() or not crowded.all()
    if (np.array(counts) * min(value for _, value in shares.items()) >= 1).all():
        for part, share in shares.items():
            assert abs(len(rows[part]) - share * len(labels)) <= 1 + 1e-9


@settings(max_examples=60, deadline=None)
@given(shares=shares_of, m=st.integers(10, 3000), seed=st.integers(0, 2**63))
def test_unstratified_parts_are_disjoint_complete_and_sized(shares, m, seed):
    rows = split_rows(shares, m, None, seed)
    assert sorted(np.concatenate(list(rows.values()))) == list(range(m))
    for part, share in shares.items():
        assert len(rows[part]) >= 1
        if m * min(value for _, value in shares.items()) >= 1:
            assert abs(len(rows[part]) - share * m) < 1 + 1e-9


def test_the_same_seed_gives_the_same_rows_for_ever():
    rows = split_rows(Fractions(0.6, 0.2, 0.2), 20, None, 7)
    assert rows["dev"].tolist() == split_rows(Fractions(0.6, 0.2, 0.2), 20, None, 7)["dev"].tolist()
    assert rows["dev"].tolist() == [
        4,
        10,
        11,
        8,
    ]  # written down once: no new version may change the data of a search
    assert rows["dev"].tolist() != split_rows(Fractions(0.6, 0.2, 0.2), 20, None, 8)["dev"].tolist()


def test_rows_come_in_random_order():
    labels = np.repeat([0, 1], 500)
    rows = split_rows(Fractions(0.5, 0.5), 1000, labels, 0)["train"]
    first_half = labels[rows[:250]].mean()
    assert 0.4 < first_half < 0.6


def test_every_row_is_equally_likely_to_be_in_dev():
    counts = np.zeros(50)
    for seed in range(2000):
        counts[split_rows(Fractions(0.8, 0.2), 50, None, seed)["dev"]] += 1
    assert np.abs(counts / 2000 - 0.2).max() < 0.2 * 0.8 / np.sqrt(2000) * 2 * 5  # five standard deviations


def test_too_few_rows_of_a_class_are_refused_by_name():
    with pytest.raises(DataError, match="class rare \\(2\\)") as raised:
        check_classes(Fractions(0.6, 0.2, 0.2), [10, 2], ("common", "rare"))
    assert raised.value.problems[0].field == "dataset.stratify"
    assert "regression" not in raised.value.problems[0].remedy


def test_whole_numbers_with_rare_values_may_be_quantities():
    y = np.repeat(np.arange(73), [1, 1, *[3] * 71])
    X = np.zeros((len(y), 1))
    with pytest.raises(DataError, match="class 0 \\(1\\), 1 \\(1\\) ") as raised:
        load({"X": X, "y": y})
    assert "set dataset.task: regression" in raised.value.problems[0].remedy
    assert load({"X": X, "y": y, "task": "regression"}).kind == "regression"


def test_too_few_rows_are_refused():
    with pytest.raises(DataError, match="2 rows cannot be cut into 3 parts"):
        split_rows(Fractions(0.6, 0.2, 0.2), 2, None, 0)


def test_the_split_does_not_depend_on_anything_but_its_own_seed():
    first, second = load({"name": "digits"}), load({"name": "digits"}, "float64")
    assert np.allclose(first.X_dev, second.X_dev, atol=1e-5)
    other = load({"name": "digits", "seed": 1})
    assert not np.array_equal(first.Y_dev, other.Y_dev)


def two_moons(m, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(m, 3)), np.arange(m) % 2


def test_a_dev_source_of_its_own():
    X, y = two_moons(100, 0)
    X_dev, y_dev = two_moons(40, 1)
    data = load({"X": X, "y": y, "dev": {"X": X_dev, "y": y_dev}, "split": {"train": 1, "train_dev": 0.2}})
    assert [len(part) for part in (data.X_train, data.X_train_dev, data.X_dev)] == [80, 20, 40]
    assert data.X_test is None
    assert np.allclose(data.X_dev * data.sigma + data.mu, X_dev, atol=1e-5)


def test_a_dev_source_is_cut_into_dev_and_test():
    X, y = two_moons(100, 0)
    X_dev, y_dev = two_moons(40, 1)
    split = {"dev": 0.75, "test": 0.25}
    data = load({"X": X, "y": y, "dev": {"X": X_dev, "y": y_dev}, "split": split})
    assert [len(part) for part in (data.X_train, data.X_dev, data.X_test)] == [100, 30, 10]
    assert data.X_train_dev is None


def test_beside_a_dev_source_the_training_source_may_be_cut_into_train_and_test():
    X, y = two_moons(100, 0)
    X_dev, y_dev = two_moons(40, 1)
    split = {"train": 0.8, "test": 0.2, "train_dev": 0.1}
    data = load({"X": X, "y": y, "dev": {"X": X_dev, "y": y_dev}, "split": split})
    parts = (data.X_train, data.X_train_dev, data.X_dev, data.X_test)
    assert [len(part) for part in parts] == [72, 8, 40, 20]


def test_no_test_set_is_allowed():
    data = load({"name": "iris", "split": {"train": 0.7, "dev": 0.3}})
    assert data.X_test is None
    assert data.Y_test is None


def test_a_label_that_training_does_not_know_is_refused_with_its_row():
    X, y = two_moons(100, 0)
    with pytest.raises(DataError, match="row 3: the label '7' is outside the classes") as raised:
        load({"X": X, "y": y, "dev": {"X": X[:4], "y": [0, 1, 7, 0]}})
    assert raised.value.problems[0].field == "dataset.dev"


def test_a_training_set_without_some_class_is_refused():
    X, y = two_moons(30, 0)
    y = np.zeros(30, int)
    y[4] = 1
    seeds = range(20)
    refused = 0
    for seed in seeds:
        try:
            load({"X": X, "y": y, "stratify": False, "seed": seed, "split": {"train": 0.5, "dev": 0.5}})
        except DataError as error:
            refused += 1
            assert "no example of the class '1'" in str(error)
    assert 0 < refused < 20
