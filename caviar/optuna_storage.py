"""A storage of Optuna on a Caviar server: a study is a search there, whose trials a script makes.

Reads ask for what has changed and keep the rest. What a trial suggests, reports or notes is collected for a
tenth of a second, and sent at the latest with its end; states and new trials are written at once.
"""

from __future__ import annotations

import atexit
import copy
import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Container, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakSet, finalize

from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.trial import FrozenTrial, TrialState

from caviar.optuna_studies import StudyStorage
from caviar.optuna_trials import SPACING, Change, StudyCopy, read_trial, write_number, write_trial
from caviar.transport import Transport

if TYPE_CHECKING:
    from optuna import Study

COLLECT_SECONDS = 0.1  # for which changes of trials wait for others
PAUSED_SECONDS = 1.0  # between two questions whether a study that a person paused goes on
Callback = Callable[["Study", FrozenTrial], None]


class CaviarStorage(StudyStorage, BaseHeartbeat):
    """Keeps studies on a Caviar server.

    Parameters
    ----------
    url : str, optional
        Where the server is: http://127.0.0.1:8000; default: CAVIAR_URL.
    token : str, optional
        Its scope is submit, to delete studies admin; default: CAVIAR_TOKEN.
    heartbeat_interval : int, optional
        Seconds between two signs of life of a trial in `study.optimize`, say 60. By default there are none,
        as in Optuna's own storages, and a trial whose process is killed stays running.
    grace_period : int, optional
        Seconds of silence after which a running trial has failed; default: twice the interval.
    heartbeat_stale_trial_callback : callable, optional
        Called with such a trial, such as optuna.storages.RetryHeartbeatStaleTrialCallback().
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        heartbeat_interval: int | None = None,
        grace_period: int | None = None,
        heartbeat_stale_trial_callback: Callback | None = None,
    ) -> None:
        for name, seconds in (("heartbeat_interval", heartbeat_interval), ("grace_period", grace_period)):
            if seconds is not None and seconds <= 0:
                raise ValueError(f"{name} is {seconds}: give a positive number of seconds, or None")
        self._arguments = (url, token, heartbeat_interval, grace_period, heartbeat_stale_trial_callback)
        super().__init__(Transport(url, token))
        self._interval = heartbeat_interval
        self._grace = grace_period or 2 * (heartbeat_interval or 0)
        self._callback = heartbeat_stale_trial_callback
        self._open()
        _STORAGES.add(self)
        finalize(self, self._transport.close)

    def _open(self) -> None:
        """Begin with nothing read and nothing to send, as a forked process does too."""
        self._lock = threading.RLock()  # of all that follows
        self._copies: dict[int, StudyCopy] = {}
        self._described.clear()
        self._own: set[int] = set()  # running trials that nobody else changes
        self._outbox: dict[int, Change] = {}
        self._sending: dict[int, Change] = {}
        self._sends = threading.Lock()  # one after the other, so that changes arrive in order
        self._timer: threading.Timer | None = None
        self._failure: Exception | None = None
        self._looked = 0.0  # when silent trials were last asked for
        self._began: set[int] = set()  # studies of which trials began here since their last rest

    def __getstate__(self) -> tuple[Any, ...]:
        """Return the arguments: nothing that was read goes to another process."""
        return self._arguments

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Open a storage in another process."""
        url, token, interval, grace, callback = state
        CaviarStorage.__init__(
            self,
            url,
            token,
            heartbeat_interval=interval,
            grace_period=grace,
            heartbeat_stale_trial_callback=callback,
        )

    # Studies

    def delete_study(self, study_id: int) -> None:
        """Delete a study; the token needs the scope admin. Raises KeyError."""
        super().delete_study(study_id)
        with self._lock:
            self._copies.pop(study_id, None)

    # Trials, read

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Return a trial. Raises KeyError."""
        study, number = divmod(trial_id, SPACING)
        with self._lock:
            known = self._copies[study].find(number) if study in self._copies else None
            if known is None or not (trial_id in self._own or known.state.is_finished()):
                known = self._read(study).find(number)
            if known is None:
                raise KeyError(f"there is no trial {number} in study {study}")
            return known

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the trials of a study by number. Raises KeyError."""
        with self._lock:
            found = self._read(study_id).select(states)
        return copy.deepcopy(found) if deepcopy else found

    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        """Return the id of a trial. Raises KeyError."""
        return self.get_trial(study_id * SPACING + trial_number)._trial_id

    def get_trial_number_from_id(self, trial_id: int) -> int:
        """Return the number of a trial. Raises KeyError."""
        return self.get_trial(trial_id).number

    def _read(self, study: int) -> StudyCopy:
        """Read what has changed in a study since the last time."""
        known = self._copies.setdefault(study, StudyCopy(study))
        try:
            told = self._call("GET", f"/studies/{study}/trials", params={"after": known.revision})
        except KeyError:
            self._copies.pop(study, None)
            raise
        self._take_all(known, told)
        return known

    def _take_all(self, known: StudyCopy, told: dict[str, Any]) -> None:
        """Take in what has changed, unless a later reading has it already."""
        if told["revision"] >= known.revision:
            for one in sorted(told["items"], key=lambda one: int(one["number"])):
                self._take(known, read_trial(known.study, one))
            known.revision = told["revision"]

    def _take(self, known: StudyCopy, trial: FrozenTrial) -> None:
        """Take in a trial that was read; what of it is not written yet is seen here all the same."""
        if trial.state.is_finished():
            self._own.discard(trial._trial_id)
        else:
            for waiting in (self._sending, self._outbox):
                if trial._trial_id in waiting:
                    trial = waiting[trial._trial_id].apply(trial)
        known.take(trial)

    # Trials, written

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Add a trial, which runs unless the template says otherwise; waits while the study is paused.

        Raises KeyError, CaviarError when the study was cancelled.
        """
        asked = [None if template_trial is None else write_trial(template_trial)]
        while (first := self._add(study_id, asked)) is None:
            time.sleep(PAUSED_SECONDS)
        trial_id = study_id * SPACING + first
        with self._lock:
            self._began.add(study_id)
            if template_trial is None or template_trial.state == TrialState.RUNNING:
                self._own.add(trial_id)
        return trial_id

    def add_trials(self, study_id: int, trials: Sequence[FrozenTrial]) -> None:
        """Add many whole trials at once. Raises KeyError."""
        for start in range(0, len(trials), 500):
            some = [write_trial(one) for one in trials[start : start + 500]]
            while self._add(study_id, some) is None:
                time.sleep(PAUSED_SECONDS)

    def _add(self, study: int, trials: Sequence[Any]) -> int | None:
        with self._lock:
            known = self._copies.setdefault(study, StudyCopy(study))
            after = known.revision
        asked = {"trials": trials, "key": uuid.uuid4().hex, "again": False, "after": after}

        def call() -> Any:
            sent, asked["again"] = {**asked}, True
            return self._transport.call("POST", f"/studies/{study}/trials", json=sent)

        told = self._patiently(call)
        with self._lock:
            self._take_all(known, told)
        return None if told["first"] is None else int(told["first"])

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        """Set a parameter. Raises KeyError, UpdateFinishedTrialError, ValueError for another distribution."""

        def check(known: StudyCopy) -> None:
            if param_name in known.distributions:
                check_distribution_compatibility(known.distributions[param_name], distribution)

        self._change(trial_id, Change(params={param_name: (param_value_internal, distribution)}), check)

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        """Report a value. Raises KeyError, UpdateFinishedTrialError."""
        self._change(trial_id, Change(steps={step: float(intermediate_value)}))

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Set an attribute. Raises KeyError, UpdateFinishedTrialError."""
        self._change(trial_id, Change(user={key: json.loads(json.dumps(value))}))

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Set an attribute of Optuna's. Raises KeyError, UpdateFinishedTrialError."""
        self._change(trial_id, Change(system={key: json.loads(json.dumps(value))}))

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """Change the state of a trial; False: it was to run, and does so already.

        Raises KeyError, UpdateFinishedTrialError.
        """
        self._raise_failure()
        self.check_trial_is_updatable(trial_id, self.get_trial(trial_id).state)
        end: dict[str, Any] = {"state": state.name}
        if values is not None:
            end["values"] = [write_number(one) for one in values]
        with self._sends:
            with self._lock:
                change = self._sending[trial_id] = self._outbox.pop(trial_id, Change())
            try:
                outcome = self._send({trial_id: change}, end)[trial_id]
            finally:
                with self._lock:
                    self._sending.pop(trial_id, None)
        study, number = divmod(trial_id, SPACING)
        if outcome == "missing":
            raise KeyError(f"there is no trial {number} in study {study}")
        if outcome == "finished":
            raise UpdateFinishedTrialError(f"Trial#{number} has already finished and can not be updated.")
        with self._lock:
            self._own.discard(trial_id)  # what it has come to is read
            if state == TrialState.RUNNING and outcome == "done":
                self._began.add(study)
                self._read(study)
                self._own.add(trial_id)
        return outcome == "done"

    def _change(
        self, trial_id: int, change: Change, check: Callable[[StudyCopy], None] = lambda known: None
    ) -> None:
        """Note a change of a trial, to be sent soon."""
        self._raise_failure()
        with self._lock:
            trial = self.get_trial(trial_id)
            self.check_trial_is_updatable(trial_id, trial.state)
            known = self._copies[trial_id // SPACING]
            check(known)
            known.take(change.apply(trial))
            self._outbox.setdefault(trial_id, Change()).join(change)
            if self._timer is None:
                self._timer = threading.Timer(COLLECT_SECONDS, self._flush_later)
                self._timer.daemon = True
                self._timer.start()

    def _flush_later(self) -> None:
        """Send what was collected; what goes wrong is raised by the next change."""
        with self._lock:
            self._timer = None
        try:
            self.flush()
        except Exception as error:  # noqa: BLE001
            self._failure = error

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def flush(self) -> None:
        """Send what was collected, and wait until it is written. Raises CaviarError."""
        with self._sends:
            with self._lock:
                self._sending, self._outbox = self._outbox, {}
            try:
                for trial_id, outcome in self._send(self._sending).items():
                    if outcome in ("finished", "missing"):  # somebody ended it: that is read next time
                        self._own.discard(trial_id)
            finally:
                with self._lock:
                    self._sending = {}

    def _send(self, changes: dict[int, Change], end: dict[str, Any] | None = None) -> dict[int, str]:
        """Write changes of trials, and tell by id what became of them. Raises CaviarError."""
        told: dict[int, str] = {}
        for study in dict.fromkeys(trial_id // SPACING for trial_id in changes):
            some = {trial_id: one for trial_id, one in changes.items() if trial_id // SPACING == study}
            asked = [
                {
                    **one.written(),
                    "number": trial_id % SPACING,
                    "key": uuid.uuid4().hex,
                    "alive": one.alive,
                    **(end or {}),
                }
                for trial_id, one in some.items()
            ]
            answer = self._call("POST", f"/studies/{study}/changes", json={"changes": asked})
            told |= dict(zip(some, answer["outcomes"], strict=True))
        return told

    def remove_session(self) -> None:
        """Send what was collected, and let studies rest in which nothing is in training."""
        self.flush()
        with self._lock:
            began, self._began = self._began, set()
        for study in began:
            self._call("POST", f"/studies/{study}/rest")

    # Heartbeats

    def get_heartbeat_interval(self) -> int | None:
        """Return the seconds between two heartbeats, or None."""
        return self._interval

    def get_heartbeat_stale_trial_callback(self) -> Callback | None:
        """Return what is called with trials that were found silent."""
        return self._callback

    def record_heartbeat(self, trial_id: int) -> None:
        """Note that a trial is alive; one that has ended meanwhile needs no such note."""
        if not self.get_trial(trial_id).state.is_finished():
            self._change(trial_id, Change(alive=True))

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        """Return the running trials that are silent. Asked before every trial, it looks now and then."""
        now = time.monotonic()
        if self._looked and now - self._looked < min(self._grace, self._interval or self._grace) / 2:
            return []
        self._looked = now
        found = self._call("GET", f"/studies/{study_id}/silent", params={"seconds": self._grace})["numbers"]
        return [study_id * SPACING + number for number in found]


_STORAGES: WeakSet[CaviarStorage] = WeakSet()  # of this process


def _forked() -> None:
    """What the parent has read and collected is the parent's."""
    for one in _STORAGES:
        one._open()


def _ending() -> None:
    """Send what a script leaves behind that ends in good order."""
    for one in list(_STORAGES):
        if one._outbox:
            one.flush()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
atexit.register(_ending)
