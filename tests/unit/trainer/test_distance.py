"""A model says which columns of new rows lie far from its training, cell by cell and as a whole."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from caviar.trainer.data import load
from caviar.trainer.data.profile import MARK
from caviar.trainer.distance import CHANCE, holm, kolmogorov, same_shares
from caviar.trainer.plugin import MLP
from caviar.trainer.predict import Model
from caviar.trainer.replay import differences


def columns(rng, m):
    colour = rng.choice(["red", "green", "blue"], m, p=[0.5, 0.3, 0.2])
    age, income = rng.integers(18, 90, m).astype(float), rng.normal(50, 10, m)
    gaps = np.where(rng.random(m) < 0.1, np.nan, rng.random(m))
    return {"age": age, "income": income, "colour": colour, "holed": gaps}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model that was trained for one epoch on 600 rows."""
    path = tmp_path_factory.mktemp("distance") / "people.csv"
    table = columns(np.random.default_rng(0), 1000)
    lines = ["age,income,colour,holed,label"]
    for age, income, colour, holed in zip(*table.values(), strict=True):
        cell = "" if np.isnan(holed) else f"{holed:.6f}"
        lines.append(f"{age:g},{income:.6f},{colour},{cell},{'old' if age > 50 else 'young'}")
    path.write_text("\n".join(lines))
    trainer, settings = MLP(), {"epochs": 1, "hidden_units": 4}
    data = trainer.load({"path": str(path), "target": "label"}, settings)
    run = trainer.start(settings, data, 1)
    while run.status == "running":
        run.advance()
    return run.model()


@pytest.fixture(scope="module")
def model(saved):
    return Model.load(saved)


def test_cells_far_from_training_are_counted_and_the_worst_row_is_named(model):
    found = model.predict(
        {
            "age": [30.0, 200.0, 100.0, 400.0, None],
            "income": [50.0, 50.0, -300.0, 50.0, 50.0],
            "colour": ["red", "violet", "pink", None, "blue"],
            "holed": [None, 0.1, 0.2, 0.3, 0.4],
        }
    )
    assert found.moved is None  # too few rows
    by = {(far.column, far.kind): far for far in found.far}
    assert set(by) == {
        ("age", "outside"), ("age", "missing"), ("income", "outside"),
        ("colour", "unseen"), ("colour", "missing"),
    }  # fmt: skip
    age = by["age", "outside"]
    assert (age.rows, age.row, age.value, age.low, age.high) == (2, 4, 400.0, 18.0, 89.0)  # 100 is within 1 s
    assert (by["income", "outside"].row, by["colour", "unseen"].rows) == (3, 2)
    assert (by["colour", "unseen"].row, by["colour", "unseen"].value) == (2, "violet")
    assert str(age) == "age: 2 rows lie far outside 18 to 89; the farthest is row 4: 400"


def test_rows_like_those_of_training_hardly_ever_count_as_moved(model):
    moved = [bool(model.predict(columns(np.random.default_rng(i + 1), 100)).moved) for i in range(300)]
    assert sum(moved) <= stats.binom.ppf(0.999, 300, CHANCE)


@pytest.mark.parametrize("column", ["age", "income", "colour", "holed"])
def test_a_batch_that_has_moved_is_told(model, column):
    rng = np.random.default_rng(5)
    rows = columns(rng, 300)
    rows[column] = {
        "age": rows["age"] * 0.7,
        "income": rows["income"] * 2 - 50,  # the same mean
        "colour": rng.choice(["red", "green", "blue"], 300),
        "holed": np.where(rng.random(300) < 0.3, np.nan, rows["holed"]),
    }[column]
    assert [one.column for one in model.predict(rows).moved] == [column]


def test_models_stored_without_a_profile_say_nothing_and_replay_as_they_did(saved, model):
    from safetensors.numpy import save

    kept = {name: array for name, array in model.tensors.items() if not name.startswith(MARK)}
    before = Model(model.info, kept)
    found = before.predict(columns(np.random.default_rng(1), 50))
    assert (found.far, found.moved) == (None, None)
    assert differences(saved, save(kept)) == []
    changed = {**kept, "b1": kept["b1"] + np.float32(1)}
    assert len(differences(saved, save(changed))) == 1


def test_a_column_of_one_value_and_pixels():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=100), np.full(100, 7.0)])
    data = load({"X": X, "y": np.arange(100) % 2})
    assert data.profile.ranges[1].tolist() == [7.0, 7.0, 7.0, 0.0]
    digits = load({"name": "digits"}).profile.ranges
    assert (digits == digits[0]).all()  # a pixel is judged by the range of all: dark ones may be bright
    assert digits[0, 1] == 16.0


def test_without_normalisation_means_and_deviations_are_the_same():
    with_it, without = (load({"name": "diabetes"}, normalize=asked).profile for asked in (True, False))
    np.testing.assert_allclose(with_it.ranges, without.ranges)
    assert replace(with_it, rows=1).rows == 1


def test_tests_agree_with_scipy():
    rng = np.random.default_rng(2)
    for shift in (0.0, 0.1, 0.3):
        one, other = rng.normal(size=400), rng.normal(shift, 1, 300)
        found = stats.ks_2samp(one, other, method="asymp")
        assert kolmogorov(found.statistic, 400, 300) == pytest.approx(found.pvalue, rel=0.15)
    for k in (2, 3, 8):
        counts = rng.integers(20, 60, (2, k))
        expected = stats.chi2_contingency(counts, correction=False).pvalue
        assert same_shares(*counts) == pytest.approx(expected)


def test_holm_is_that_of_r():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])  # p.adjust of R
