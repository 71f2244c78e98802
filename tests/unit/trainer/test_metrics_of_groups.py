"""Metrics over groups: each group by scikit-learn, their mean and the worst; the column is no feature."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as theirs

from caviar.trainer.data.load import load
from caviar.trainer.measuring import Measuring
from caviar.trainer.metrics import MEASURES, direction_of, only_asked
from caviar.trainer.plugin import MLP
from caviar.trainer.problem import DataError, SettingError
from caviar.trainer.run import Run
from caviar.trainer.settings import make_settings
from tests.support.small_runs import BASE, DATA, make_data, trained

CASES = 100
SCORES = {  # name: (of labels, probabilities of class 1, decisions and weights)
    "error": lambda y, p, d, w: 1 - theirs.accuracy_score(y, d, sample_weight=w),
    "f1": lambda y, p, d, w: theirs.f1_score(y, d, sample_weight=w, zero_division=0),
    "recall": lambda y, p, d, w: theirs.recall_score(y, d, sample_weight=w, zero_division=0),
    "brier": lambda y, p, d, w: theirs.brier_score_loss(y, p, sample_weight=w),
    "log_loss": lambda y, p, d, w: theirs.log_loss(y, p, sample_weight=w, labels=[0, 1]),
    "roc_auc": lambda y, p, d, w: theirs.roc_auc_score(y, p, sample_weight=w),
    "average_precision": lambda y, p, d, w: theirs.average_precision_score(y, p, sample_weight=w),
}


def case(seed):
    """Return labels, z, weights and groups; some groups lack a class, some z are tied."""
    random = np.random.default_rng(seed)
    m = int(random.integers(6, 60))
    y = (random.random(m) < random.choice([0.1, 0.5])).astype(np.int32)
    z = np.round(random.standard_normal(m) + y, int(random.integers(0, 4))).astype(np.float32)
    weights = random.random(m) if seed % 2 else None
    return y, z, weights, random.integers(-1, 3, m).astype(np.int32)


def expected(name, over, y, z, weights, groups):
    p, decided, found = 1 / (1 + np.exp(-z.astype(float))), z > 0, []
    for group in np.unique(groups):
        rows = groups == group
        w = None if weights is None else weights[rows]
        alone = len(set(y[rows])) == 1
        if (name == "roc_auc" and alone) or (MEASURES[name].hits and not y[rows].any()):
            continue  # it tells nothing
        found.append(SCORES[name](y[rows], p[rows], decided[rows], w))
    if not found:
        return np.nan
    if over == "_group_mean":
        return np.mean(found)
    return max(found) if MEASURES[name].direction == "minimize" else min(found)


@pytest.mark.parametrize("over", ["_group_mean", "_worst_group"])
@pytest.mark.parametrize("name", SCORES)
def test_groups_agree_with_scikit_learn(name, over):
    metric, defined = f"dev_{name}{over}", 0
    for seed in range(CASES):
        y, z, weights, groups = case(seed)
        data = replace(
            make_data("binary"), X_dev=np.zeros((len(y), 9), np.float32), Y_dev=y, weights_dev=weights,
            groups_dev=groups,
        )  # fmt: skip
        measuring = Measuring(make_settings({"metrics": [metric]}), data)
        found = measuring.of_part("dev", z, 0.0)[metric]
        wanted = expected(name, over, y, z, weights, groups)
        assert found == pytest.approx(wanted, abs=1e-6, nan_ok=True), seed
        defined += not np.isnan(wanted)
    assert defined > CASES // 2


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_of_one_group_both_are_the_metric(kind):
    data = make_data(kind)
    one = replace(data, groups_dev=np.zeros(8, np.int32), groups_train=np.zeros(32, np.int32))
    base = [name for name in ("error", "log_loss", "mae", "r2") if kind in MEASURES[name].kinds]
    names = [f"{part}_{name}{over}" for part in ("dev", "train") for name in base for over in ENDINGS]
    result = trained(one, metrics=only_asked(names)).result()
    for name in base:
        for part in ("dev", "train"):
            plain, mean, worst = (result[f"{part}_{name}{over}"] for over in ENDINGS)
            assert mean == pytest.approx(plain, rel=1e-6) and worst == pytest.approx(plain, rel=1e-6)


ENDINGS = ("", "_group_mean", "_worst_group")


def test_epochs_have_them_and_the_direction_is_that_of_the_metric():
    groups = {
        "groups_train": np.arange(32, dtype=np.int32) % 4,
        "groups_dev": np.arange(8, dtype=np.int32) % 2,
    }

    run = Run(make_settings({**BASE, "metrics": ["dev_error_worst_group"]}), replace(DATA, **groups), 1)
    epochs = run.advance(60).epochs
    result = run.result()
    assert epochs[-1]["dev_error_worst_group"] == result["dev_error_worst_group"] >= result["dev_error"]
    assert direction_of("dev_f1_worst_group") == direction_of("train_roc_auc_group_mean") == "maximize"
    assert direction_of("dev_error_worst_group") == "minimize"
    assert direction_of("dev_cost_worst_group") is None


def test_metrics_of_groups_need_groups():
    with pytest.raises(SettingError, match=r"dataset\.groups"):
        Measuring(make_settings({"metrics": ["dev_error_worst_group"]}), DATA)
    assert "dev_f1_worst_group" not in MLP().metrics({"name": "digits"})
    assert "dev_f1_worst_group" in MLP().metrics({"name": "digits", "groups": "pixel_0_1"})
    assert "dataset.groups" in MLP().lacking("dev_f1_worst_group")


@pytest.mark.parametrize(("more", "kept"), [({}, False), ({"groups_are_features": True}, True)])
def test_the_column_of_groups_is_a_feature_only_if_wanted(tmp_path, more, kept):
    rows = [f"{'north' if i % 3 else 'south'},{i % 7},{i % 2}" for i in range(60)]
    (path := tmp_path / "houses.csv").write_text("\n".join(["region,size,class", *rows]))
    data = load({"path": path, "target": "class", "groups": "region", **more})
    assert any("region" in name for name in data.feature_names) == kept
    sizes = [len(getattr(data, f"groups_{part}")) for part in ("train", "dev", "test")]
    assert sizes == [len(data.X_train), len(data.X_dev), len(data.X_test)]
    assert set(data.groups_dev) == {0, 1}


def test_groups_of_numbers_of_a_built_in_set_and_of_no_column():
    data = load({"name": "diabetes", "groups": "sex"})
    assert "sex" not in data.feature_names and set(data.groups_dev) == {0, 1}
    assert data.digest != load({"name": "diabetes", "ignore": ["sex"]}).digest
    with pytest.raises(DataError, match=r"dataset\.groups: diabetes has no column 'sexe'"):
        load({"name": "diabetes", "groups": "sexe"})
