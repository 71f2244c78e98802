"""Planted drift is found with its reason, and data that has not changed raises no alarm.

The tables, searches and trainings are those of benchmarks/retests.py, whose 200 runs docs/retests.md quotes.
"""

import numpy as np
import pytest
from scipy import stats

from benchmarks.retests import retested
from caviar.service.usecases.retest_verdict import ALARM, change_of, verdict
from caviar.trainer.data.load import Prepared
from caviar.trainer.drift import drift, two_samples
from caviar.trainer.plugin import MLP
from caviar.trainer.predict import Model
from caviar.trainer.problem import DataError


@pytest.mark.parametrize(
    ("kind", "regression", "reason"),
    [
        ("columns", False, "columns"),
        ("target", False, "target"),
        ("relation", True, "relation"),
    ],
)
def test_planted_drift_is_found_with_its_reason(kind, regression, reason):
    found = retested(12345, kind, regression)
    assert found.drifted and found.reasons[0] == reason
    words = {"columns": "Column x0 moved", "target": "The target's distribution", "relation": "The relation"}
    assert words[reason] in found.text


def test_newer_rows_of_the_same_source_raise_no_alarm():
    assert not any(retested(seed, "same", bool(seed % 2)).drifted for seed in range(2))


@pytest.mark.soak
@pytest.mark.parametrize("regression", [False, True], ids=["classes", "regression"])
def test_alarms_without_drift_are_rarer_than_one_in_twenty(regression):
    assert sum(retested(31 * seed + 7, "same", regression).drifted for seed in range(200)) < 10


def model_of(prepared, seed=1):
    run = MLP().start({"epochs": 3, "hidden_units": 4}, prepared.data(0), seed)
    while run.status == "running":
        run.advance()
    return Model.load(run.model())


def test_rows_of_the_test_set_and_rows_known_before_are_not_compared(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = (X[:, 0] > 0).astype(int)
    old = Prepared({"X": X, "y": y})
    assert len(old.rows_outside_test) == 240
    more = np.vstack([X, rng.normal(2.0, 1.0, (300, 2))]), np.append(y, np.arange(300) % 2)
    grown = Prepared({"X": more[0], "y": more[1]})
    found = drift(model_of(old), model_of(grown), old, grown, "error")
    assert found["rows"]["appended"] and found["rows"]["after"] < 270  # a fifth of 300 is for tests
    assert [one["name"] for one in found["columns"] if one["p"] < 1e-9] == ["x0", "x1"]
    others = Prepared({"X": X[:, :1], "y": y})
    with pytest.raises(DataError, match="not in both data sets: x1"):
        drift(model_of(old), model_of(others), old, others, "error")


@pytest.mark.parametrize("regression", [False, True], ids=["classes", "regression"])
def test_where_all_appended_rows_are_in_the_test_set_nothing_has_drifted(regression):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    X[::7, 1] = np.nan
    y = X[:, 0] + rng.normal(size=300) if regression else (X[:, 0] > 0).astype(int)
    how = {"missing": "impute"}
    old = Prepared({"X": X, "y": y, **how})
    several = (
        Prepared({"X": np.vstack([X, X[:1]]), "y": np.append(y, y[:1]), "seed": seed, **how})
        for seed in range(40)
    )
    grown = next(one for one in several if 300 not in one.rows_outside_test)
    found = drift(model_of(old), model_of(grown), old, grown, "error")
    assert found["rows"] == {"before": 240, "after": 0, "appended": True}
    assert found["target"] == {"p": 1.0, "what": "no row is new"} and found["columns_p"] == 1.0
    assert not verdict(found, [], 1.0).drifted


def test_a_class_that_was_not_there_is_a_shift_of_the_target():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(400, 3))
    old = Prepared({"X": X[:200], "y": np.arange(200) % 2})
    new = Prepared({"X": X[200:], "y": np.arange(200) % 3})
    found = drift(model_of(old), model_of(new), old, new, "error")
    assert found["target"]["p"] == 0.0
    said = verdict(found, [], 1.0)
    assert said.reasons == ("target",) and "classes unseen" in said.text


def test_two_samples_agree_with_scipy():
    rng = np.random.default_rng(2)
    one, other = np.sort(rng.normal(size=300)), np.sort(rng.normal(0.2, 1.0, 400))
    expected = stats.ks_2samp(one, other, method="asymp").pvalue
    assert two_samples(one, other) == pytest.approx(expected, rel=0.15)


def test_the_change_is_that_of_welch_and_rows_widen_it():
    before, after = [0.10, 0.12, 0.11, 0.13], [0.15, 0.14, 0.17]
    seeds = change_of(before, after, 0.0)
    expected = stats.ttest_ind(after, before, equal_var=False)
    assert seeds.p == pytest.approx(expected.pvalue)
    assert (seeds.low, seeds.high) == pytest.approx(tuple(expected.confidence_interval()))
    rows = change_of(before, after, 0.05)
    assert rows.p > ALARM > 0 and rows.low < seeds.low and rows.high > seeds.high
    assert change_of(before, after, None).p is None and change_of([0.1], after, 0.0).low is None
    assert change_of([0.1, 0.1], [0.1, 0.1], 0.0).p == 1.0


def test_on_the_same_data_a_worse_error_alone_fails_and_a_better_one_does_not():
    worse = change_of([0.10, 0.11, 0.10, 0.11], [0.2, 0.21, 0.2, 0.21], 0.0)
    better = change_of([0.2, 0.21, 0.2, 0.21], [0.10, 0.11, 0.10, 0.11], 0.0)
    assert verdict(None, [worse], 1.0).reasons == ("error",)
    assert not verdict(None, [better], 1.0).drifted
    assert "better" in verdict(None, [better], 1.0).text
    assert verdict(None, [better], -1.0).reasons == ("error",)  # of accuracy, lower is worse
