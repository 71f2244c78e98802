"""Trials with folds: means of trainings that each could be made alone, resumed anywhere bit for bit."""

import math

import numpy as np
import pytest
from sklearn.model_selection import RepeatedStratifiedKFold

from caviar.trainer.data.load import Prepared, load
from caviar.trainer.folded_run import _seed_of
from caviar.trainer.plugin import MLP
from caviar.trainer.problem import DataError, SettingError
from caviar.trainer.run import Run
from caviar.trainer.settings import make_settings

FOLDED = {"name": "iris", "folds": 3, "repeats": 2, "seed": 4}
SETTINGS = {"epochs": 5, "hidden_units": 6, "batch_size": 16, "learning_rate": 0.05, "keep_prob": 0.9}


def begin(seed=7, dataset=FOLDED, **settings):
    wanted = {**SETTINGS, **settings}
    return MLP().start(wanted, MLP().load(dataset, wanted), seed)


def finish(run, seconds=10.0):
    rows, costs, states = [], [], []
    while run.status == "running":
        piece = run.advance(seconds)
        rows += [{name: value for name, value in row.items() if name != "seconds"} for row in piece.epochs]
        costs += piece.costs
        states.append((run.epoch, run.step, run.save()))
    return rows, costs, states


def alone(fold, seed=7, **settings):
    """The training of one fold, as a trial without folds would be."""
    run = Run(make_settings({**SETTINGS, **settings}), load(FOLDED, fold=fold), _seed_of(seed, fold))
    rows = []
    while run.status == "running":
        rows += run.advance(10.0).epochs
    return run, rows


def test_rows_and_results_are_means_over_the_folds_so_far():
    run = begin()
    rows, costs, _ = finish(run)
    apart = [alone(fold) for fold in range(6)]
    assert [row["epoch"] for row in rows] == list(range(1, 31))
    assert [row["fold"] for row in rows] == [fold for fold in range(1, 7) for _ in range(5)]
    assert [step for step, _ in costs] == list(range(1, run.step + 1))
    for place, row in enumerate(rows):
        fold, epoch = divmod(place, 5)
        values = [trained[epoch]["dev_error"] for _, trained in apart[: fold + 1]]
        assert row["dev_error"] == pytest.approx(np.mean(values), rel=1e-12)
        if fold:
            assert row["dev_error_deviation"] == pytest.approx(np.std(values, ddof=1), rel=1e-9, abs=1e-12)
        else:
            assert math.isnan(row["dev_error_deviation"])
    result = run.result()
    ends = [one.result()["dev_error"] for one, _ in apart]
    assert [result[f"dev_error_fold_{fold}"] for fold in range(1, 7)] == ends
    assert result["dev_error"] == pytest.approx(np.mean(ends)) == pytest.approx(rows[-1]["dev_error"])
    assert result["dev_error_deviation"] == pytest.approx(np.std(ends, ddof=1))
    assert (result["folds"], result["epoch"], result["step"]) == (6, 30, run.step)
    assert run.model() == apart[0][0].model()


def test_the_folds_hold_the_rows_of_scikit_learn():
    whole = load({"name": "iris", "split": {"train": 0.5, "dev": 0.5}, "normalize": False})
    X = np.concatenate([whole.X_train, whole.X_dev])
    prepared = Prepared({**FOLDED, "normalize": False})
    assert prepared.folds == 6
    from sklearn.datasets import load_iris

    iris = load_iris()
    assert sorted(map(tuple, X.round(4).tolist())) == sorted(
        map(tuple, iris.data.astype("float32").round(4).tolist())
    )
    splitter = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=4)
    for fold, (train, dev) in enumerate(splitter.split(iris.data, iris.target)):
        data = prepared.data(fold)
        np.testing.assert_array_equal(data.X_train, iris.data[train].astype("float32"))
        np.testing.assert_array_equal(data.X_dev, iris.data[dev].astype("float32"))
        np.testing.assert_array_equal(data.Y_dev, iris.target[dev])


def test_slices_saving_and_restoring_leave_no_trace():
    whole = begin()
    rows, costs, _ = finish(whole)
    sliced = begin()
    again, their_costs, states = finish(sliced, 0.0)
    assert repr(again) == repr(rows)
    assert their_costs == costs
    data = MLP().load(FOLDED, SETTINGS)
    for epoch, step, saved in states[::5] + states[-1:]:
        restored = MLP().restore(saved, data)
        assert (restored.epoch, restored.step) == (epoch, step)
        assert restored.save() == saved
        rest, _, _ = finish(restored)
        assert repr(rest) == repr(rows[epoch:])
        assert restored.model() == whole.model()
        assert restored.result() == whole.result()


def test_a_slice_stops_at_an_epoch_or_a_step_also_at_the_end_of_a_fold():
    run = begin()
    for epoch in (3, 5, 6, 10, 30):
        run.advance(10.0, None, epoch)
        assert run.epoch == epoch
    assert run.status == "completed"
    run = begin()
    for step in (1, 30, 31, 50):
        run.advance(10.0, step)
        assert run.step == step


def test_folds_that_end_early_stand_at_their_best_epoch():
    rows, _, _ = finish(begin(epochs=60, patience=2, learning_rate=0.5))
    assert len(rows) == 6 * 60
    run, trained = alone(0, epochs=60, patience=2, learning_rate=0.5)
    assert len(trained) < 60
    assert rows[59]["dev_error"] == trained[run.best_epoch - 1]["dev_error"] == run.result()["dev_error"]


def test_a_fold_that_diverges_ends_the_trial():
    run = begin(dataset={"name": "diabetes", "folds": 2}, learning_rate=1000, optimizer="gd", epochs=50)
    piece = run.advance(10.0)
    while run.status == "running":
        piece = run.advance(10.0)
    assert run.status == piece.status == "diverged"
    assert piece.reason.startswith("fold 1: ")


def test_a_person_may_stop_but_not_change_it():
    run = begin()
    run.advance(10.0, None, 7)
    with pytest.raises(SettingError, match="cannot change in a trial with folds"):
        run.change({"learning_rate": 0.1})
    run.stop()
    assert run.status == "stopped"
    assert run.result()["folds"] == 1
    assert run.result()["dev_error"] == alone(0)[0].result()["dev_error"]
    restored = MLP().restore(run.save(), MLP().load(FOLDED, SETTINGS))
    assert restored.epoch == 7


def table(tmp_path, rows):
    path = tmp_path / "table.csv"
    path.write_text("who,x,kind\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n")
    return {"path": str(path), "target": "kind"}


def grouped(tmp_path, groups=12, m=240):
    rng = np.random.default_rng(1)
    rows = [(f"p{rng.integers(groups)}", round(rng.normal(), 4), "ab"[rng.integers(2)]) for _ in range(m)]
    return rows, table(tmp_path, rows)


def values_of(data, part):
    return {round(float(value), 4) for value in getattr(data, f"X_{part}")[:, 0]}


def test_groups_stay_together_with_folds_and_without(tmp_path):
    rows, dataset = grouped(tmp_path)
    dataset |= {"split_groups": "who", "normalize": False}
    group_of = {round(float(np.float32(x)), 4): who for who, x, _ in rows}
    shares = {"train": 0.6, "dev": 0.2, "test": 0.2}
    cuts = [load({**dataset, "split": shares})]
    folded = Prepared({**dataset, "folds": 4, "split": {"test": 0.25}})
    cuts += [folded.data(fold) for fold in range(4)]
    for data in cuts:
        assert data.feature_names == ("x",)
        groups = [{group_of[x] for x in values_of(data, part)} for part in ("train", "dev", "test")]
        assert all(groups)
        assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])
    assert [len(cuts[0].X_train), len(cuts[0].X_dev)] == pytest.approx([144, 48], abs=20)
    assert len({tuple(sorted(values_of(data, "test"))) for data in cuts[1:]}) == 1


def test_rows_in_order_are_the_past_for_training(tmp_path):
    dataset = table(tmp_path, [("p", place, "ab"[place % 2]) for place in range(100)])
    dataset |= {"ordered": True, "normalize": False, "ignore": ["who"]}
    data = load({**dataset, "split": {"train": 0.6, "dev": 0.3, "test": 0.1}})
    assert data.X_train[:, 0].tolist() == list(range(60))
    assert data.X_dev[:, 0].tolist() == list(range(60, 90))
    assert data.X_test[:, 0].tolist() == list(range(90, 100))
    folded = Prepared({**dataset, "folds": 3, "split": {"test": 0.2}})
    for fold in range(3):
        data = folded.data(fold)
        assert data.X_train[:, 0].tolist() == list(range(20 * (fold + 1)))
        assert data.X_dev[:, 0].tolist() == list(range(20 * (fold + 1), 20 * (fold + 2)))
        assert data.X_test[:, 0].tolist() == list(range(80, 100))


@pytest.mark.parametrize(
    ("dataset", "field", "words"),
    [
        ({"folds": 1}, "folds", "not a number of folds"),
        ({"folds": True}, "folds", "not a number of folds"),
        ({"folds": 60}, "folds", "more than these classes have rows"),
        ({"repeats": 2}, "repeats", "no folds to repeat"),
        ({"folds": 50, "repeats": 5}, "repeats", "250 times"),
        ({"folds": 3, "dev": {"name": "wine"}}, "dev", "each fold in turn"),
        ({"folds": 3, "split": {"train": 0.8, "dev": 0.2}}, "split.train", "the folds say"),
        ({"folds": 3, "split": {"test": 1.5}}, "split.test", "no share|not a share"),
        ({"folds": 3, "repeats": 2, "ordered": True}, "repeats", "one way only"),
        ({"folds": 3, "split_groups": "petal", "ordered": True}, "split_groups", "torn"),
        ({"folds": 3, "stratify": True, "ordered": True}, "stratify", "by class"),
        ({"ordered": "yes"}, "ordered", "true or false"),
        ({"folds": 3, "split_groups": "petal"}, "split_groups", "no column 'petal'"),
    ],
)
def test_what_is_refused(dataset, field, words):
    with pytest.raises(DataError, match=words) as error:
        load({"name": "iris", **dataset})
    assert f"dataset.{field}" in [one.field for one in error.value.problems]
    assert all(one.remedy for one in error.value.problems)


def test_a_fold_without_a_class_is_refused(tmp_path):
    rows = [(f"p{place // 10}", place, "a" if place >= 10 else "b") for place in range(60)]
    with pytest.raises(DataError, match="of a fold has no example of the class 'b'"):
        load({**table(tmp_path, rows), "folds": 6, "split_groups": "who"})
