"""Optuna's own tests of storages, on a Caviar server; and what they do not look at."""

from __future__ import annotations

from collections.abc import Iterator

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.study import StudyDirection
from optuna.testing.pytest_storages import StorageTestCase
from optuna.trial import TrialState, create_trial

from caviar import Client
from caviar.errors import CaviarError
from caviar.optuna import CaviarStorage
from caviar.transport import Transport

MINIMIZE = [StudyDirection.MINIMIZE]


@pytest.fixture
def storage(server: str) -> Iterator[CaviarStorage]:
    """A storage on the module's server, with no study in it."""
    found = CaviarStorage(server)
    yield found
    for study in found.get_all_studies():
        found.delete_study(study._study_id)


class TestAsOptunaTestsItsOwn(StorageTestCase):
    """All of what Optuna asks of a storage."""


QUICK = {
    "test_create_new_study_with_name",
    "test_delete_study",
    "test_pickle_storage",
    "test_set_trial_intermediate_value",
    "test_set_trial_param",
    "test_set_trial_state_values_for_state",
    "test_set_trial_user_attr",
}
for _name, _test in vars(StorageTestCase).items():
    if _name.startswith("test_") and _name not in QUICK:
        pytest.mark.soak(_test)


def test_two_processes_see_each_other_and_one_alone_ends_a_trial(server: str, storage: CaviarStorage) -> None:
    other = CaviarStorage(server)
    study = storage.create_new_study(MINIMIZE)
    trial = storage.create_new_trial(study)
    assert [one.number for one in other.get_all_trials(study)] == [0]
    storage.set_trial_param(trial, "x", 0.5, FloatDistribution(0.0, 1.0))
    storage.set_trial_intermediate_value(trial, 3, 0.25)
    storage.flush()
    seen = other.get_trial(trial)
    assert (seen.params, seen.intermediate_values, seen.state) == ({"x": 0.5}, {3: 0.25}, TrialState.RUNNING)
    assert storage.set_trial_state_values(trial, TrialState.COMPLETE, [1.0])
    with pytest.raises(UpdateFinishedTrialError):
        other.set_trial_state_values(trial, TrialState.COMPLETE, [2.0])
    with pytest.raises(UpdateFinishedTrialError):
        other.set_trial_user_attr(trial, "late", 1)
    assert other.get_trial(trial) == storage.get_trial(trial)


def test_a_study_is_a_search_of_caviar(server: str, storage: CaviarStorage, client: Client) -> None:
    study = optuna.create_study(
        study_name="mine", storage=storage, pruner=optuna.pruners.ThresholdPruner(upper=3)
    )
    study.enqueue_trial({"x": 1.5})

    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 1.0, 2.0)
        for step in range(3):
            trial.report(x + 2 * step * (trial.number == 2), step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return x

    study.optimize(objective, n_trials=6)
    search = client.search(study._study_id)
    assert (search.name, search.state, search.spec["space"]) == (
        "mine",
        "completed",
        {"x": {"low": 1.0, "high": 2.0}},
    )
    assert search.best is not None and search.best["value"] == study.best_value
    assert (search.trials, search.budget) == (6, {"trials": 6})
    trials = list(client.trials(search))
    assert [one.state for one in trials] == ["completed", "completed", "stopped", *3 * ["completed"]]
    assert [one.value for one in trials] == [
        one.value if one.state.name == "COMPLETE" else None for one in study.trials
    ]
    assert trials[0].params == {"x": 1.5} and trials[0].epoch == 3
    assert optuna.load_study(study_name="mine", storage=CaviarStorage(server)).trials == study.trials


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_a_trial_whose_process_was_killed_is_queued_again(server: str, storage: CaviarStorage) -> None:
    study_id = storage.create_new_study(MINIMIZE, "heartbeats")
    lost = storage.create_new_trial(study_id)
    storage.set_trial_param(lost, "x", 0.5, FloatDistribution(0.0, 1.0))
    storage.record_heartbeat(lost)
    storage.flush()
    callback = RetryHeartbeatStaleTrialCallback(max_retry=1)
    watching = CaviarStorage(server, heartbeat_interval=1, heartbeat_stale_trial_callback=callback)
    watching._grace = 0  # everything is silent for longer than that
    study = optuna.load_study(study_name="heartbeats", storage=watching)
    study.optimize(lambda trial: trial.suggest_float("x", 0.0, 1.0), n_trials=1)
    assert [(one.state.name, one.params) for one in study.trials] == [
        ("FAIL", {"x": 0.5}),
        ("COMPLETE", {"x": 0.5}),
    ]


def test_a_person_cancels_a_study_and_its_script_is_told(storage: CaviarStorage, client: Client) -> None:
    study = optuna.create_study(storage=storage)
    trial = study.ask()
    client.cancel(study._study_id)
    with pytest.raises(UpdateFinishedTrialError):
        study.tell(trial, 1.0)
    with pytest.raises(CaviarError, match="was cancelled: no trial of it begins any more"):
        study.ask()


def test_whole_trials_are_kept_to_the_last_bit(storage: CaviarStorage) -> None:
    study = optuna.create_study(storage=storage, directions=["minimize"] * 6)  # more than Caviar shows
    memory = optuna.create_study(directions=["minimize"] * 6)
    for one in (memory, study):
        one.add_trial(
            create_trial(
                values=[0.1 + 0.2, float("inf"), 1.0, 2.0, 3.0, 4.0],
                params={"x": 1 / 3},
                distributions={"x": FloatDistribution(0.0, 1.0)},
                user_attrs={"a": [1, None, "\0"]},
                intermediate_values={200_000: 0.7, 0: float("-inf")},
            )
        )
    found, known = study.trials[0], memory.trials[0]
    known._trial_id, known.datetime_start, known.datetime_complete = (
        found._trial_id, found.datetime_start, found.datetime_complete,
    )  # fmt: skip
    assert found == known


def test_a_token_of_scope_submit_is_enough_and_one_of_scope_read_is_not(
    server: str, storage: CaviarStorage
) -> None:
    tokens = Transport(server)
    submit, read = (
        tokens.call("POST", "/tokens", json={"name": f"script-{scope}", "scope": scope})["token"]
        for scope in ("submit", "read")
    )
    tokens.close()
    study = optuna.create_study(storage=CaviarStorage(server, submit))
    study.optimize(lambda trial: trial.suggest_float("x", 0.0, 1.0), n_trials=1)
    reader = CaviarStorage(server, read)
    assert reader.get_all_trials(study._study_id) == study.trials
    with pytest.raises(CaviarError, match="submit"):
        reader.create_new_trial(study._study_id)
