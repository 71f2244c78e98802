"""Trials of a search in MLflow or TensorBoard, by their own libraries: each once, however often it is asked.

A trial is written when it has ended: a run (MLflow) or a folder (TensorBoard) named after it, with
parameters, the curve of the branch that it ended on, its results and its state.
"""

from __future__ import annotations

import importlib.util
import math
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from caviar.client import Client
from caviar.errors import CaviarError
from caviar.records import ENDED, Search, Trial
from caviar.transport import retry_while_away

Curve = Mapping[str, Sequence[float | None]]  # `epoch`, and a list of each metric
LATE = 1.0  # seconds between two looks at a search that goes on
BATCH = 1000  # metrics of one call of MLflow, which takes no more
TAG = "caviar.trial"
_STATES = {"completed": "FINISHED", "stopped": "FINISHED", "cancelled": "KILLED"}  # others: FAILED


class Tracker(Protocol):
    """Where trials are written."""

    def known(self) -> set[str]:
        """Return the names of the trials that are there."""

    def write(self, trial: Trial, curve: Curve) -> None:
        """Write a trial that has ended."""


def track(client: Client, search: int, tracker: Tracker) -> Iterator[Trial]:
    """Write the trials of a search as they end, until it has ended; gives each one written.

    Those that are there from an earlier time are left alone.
    """
    known = tracker.known()
    looked = -1  # how many had ended when the trials were last read
    while True:
        now: Search = retry_while_away(lambda: client.search(search), float("inf"))
        ended = sum(now.counts.get(state, 0) for state in ENDED)
        for trial in list(client.trials(search)) if ended != looked else ():
            if trial.done and trial.id not in known:
                tracker.write(trial, curve_of(client, trial))
                known.add(trial.id)
                yield trial
        looked = ended
        if now.done or now.waits_for_a_person:
            return
        time.sleep(LATE)


def curve_of(client: Client, trial: Trial) -> dict[str, list[float | None]]:
    """Return the epochs of the branch on which a trial ended, those before its forks included."""
    branches = {one["branch"]: one for one in client.curve(trial)["branches"]}
    branch, last, parts = branches.get(trial.branch), math.inf, []
    while branch is not None:
        kept = [place for place, epoch in enumerate(branch["epoch"]) if epoch <= last]
        parts.append({name: [branch[name][place] for place in kept] for name in _columns(branch)})
        last = branch["from_epoch"] or 0
        branch = branches.get(branch["parent"])
    names = dict.fromkeys(["epoch", *(name for one in parts for name in one)])
    return {
        name: [value for one in reversed(parts) for value in one.get(name, [None] * len(one["epoch"]))]
        for name in names
    }


def _columns(branch: Mapping[str, Any]) -> list[str]:
    return [name for name, values in branch.items() if isinstance(values, list)]


def results_of(trial: Trial) -> dict[str, float]:
    """Return the numbers that a trial came to."""
    return {name: value for name, value in trial.metrics.items() if isinstance(value, int | float)}


class MlflowTracker:
    """Runs of an experiment of MLflow."""

    def __init__(self, address: str | None, experiment: str) -> None:
        """`address`: of the tracking server or folder; None: what MLflow itself is set to.

        Raises CaviarError where MLflow is not installed.
        """
        _require("mlflow")
        from mlflow import MlflowClient

        self._client = MlflowClient(address)
        found = self._client.get_experiment_by_name(experiment)
        self._experiment = (
            self._client.create_experiment(experiment) if found is None else found.experiment_id
        )

    def known(self) -> set[str]:
        """Return the trials that have a run which came to its end."""
        found: set[str] = set()
        token = None
        while True:
            page = self._client.search_runs(
                [self._experiment], f"tags.`{TAG}` LIKE '%' and status != 'RUNNING'", page_token=token
            )
            found |= {run.data.tags[TAG] for run in page}
            token = page.token
            if not token:
                return found

    def write(self, trial: Trial, curve: Curve) -> None:
        """Write a run; one that was interrupted is RUNNING, and written again under a new id."""
        from mlflow.entities import Metric, Param, RunTag

        ended = _milliseconds(trial.ended)
        tags = {TAG: trial.id, "caviar.state": trial.state, "mlflow.note.content": trial.reason or ""}
        run = self._client.create_run(
            self._experiment, _milliseconds(trial.started), run_name=trial.id
        ).info.run_id
        metrics = [
            Metric(name, float(value), ended, int(epoch or 0))
            for name, values in curve.items()
            if name != "epoch"
            for epoch, value in zip(curve["epoch"], values, strict=True)
            if value is not None
        ]
        last = int(max((epoch or 0 for epoch in curve["epoch"]), default=0))
        metrics += [Metric(name, float(value), ended, last) for name, value in results_of(trial).items()]
        for first in range(0, len(metrics), BATCH):
            self._client.log_batch(run, metrics[first : first + BATCH])
        params = [Param(name, str(value)) for name, value in trial.params.items()]
        for first in range(0, len(params), 100):
            self._client.log_batch(run, params=params[first : first + 100])
        self._client.log_batch(run, tags=[RunTag(name, value) for name, value in tags.items() if value])
        self._client.set_terminated(run, _STATES.get(trial.state, "FAILED"), ended)


class TensorBoardTracker:
    """A folder for each trial, as TensorBoard reads it: scalars by epoch, and hyperparameters."""

    def __init__(self, folder: Path, metric: str) -> None:
        """`metric`: by which the table of hyperparameters shows trials.

        Raises CaviarError where TensorBoard is not installed.
        """
        _require("tensorboard")
        self._folder, self._metric = folder, metric

    def known(self) -> set[str]:
        """Return the trials that have a folder."""
        return {path.name for path in self._folder.glob("*.*") if path.is_dir()}

    def write(self, trial: Trial, curve: Curve) -> None:
        """Write the folder of a trial; it has its name once it is whole."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.hparams import metadata
        from tensorboard.plugins.hparams.api_pb2 import Status
        from tensorboard.plugins.hparams.plugin_data_pb2 import (
            HParamsPluginData,
            SessionEndInfo,
            SessionStartInfo,
        )
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        began, ended = _milliseconds(trial.started) / 1000, _milliseconds(trial.ended) / 1000
        unfinished = self._folder / f".{trial.id}"
        shutil.rmtree(unfinished, ignore_errors=True)  # of a time before that was interrupted
        writer = EventFileWriter(str(unfinished))

        def told(tag: str, **data: Any) -> Any:
            """Return a summary for the table of hyperparameters; TensorBoard's own needs TensorFlow."""
            about = metadata.create_summary_metadata(HParamsPluginData(**data))
            return Summary(value=[Summary.Value(tag=tag, metadata=about, tensor=metadata.NULL_TENSOR)])

        start = SessionStartInfo(group_name=trial.id, start_time_secs=began)
        for name, value in trial.params.items():
            _put(start.hparams[name], value)
        summaries: list[tuple[int, Any]] = [
            (0, told(metadata.SESSION_START_INFO_TAG, session_start_info=start))
        ]
        for name, values in curve.items():
            if name != "epoch":
                summaries += [
                    (int(epoch or 0), Summary(value=[Summary.Value(tag=name, simple_value=float(value))]))
                    for epoch, value in zip(curve["epoch"], values, strict=True)
                    if value is not None
                ]
        if not curve["epoch"] and trial.value is not None:
            value = Summary.Value(tag=self._metric, simple_value=trial.value)
            summaries.append((0, Summary(value=[value])))
        came = trial.state in ("completed", "stopped")
        state = Status.Value("STATUS_SUCCESS" if came else "STATUS_FAILURE")
        end = SessionEndInfo(status=state, end_time_secs=ended)
        summaries.append((0, told(metadata.SESSION_END_INFO_TAG, session_end_info=end)))
        for step, summary in summaries:
            writer.add_event(Event(wall_time=ended, step=step, summary=summary))
        writer.close()
        unfinished.rename(self._folder / trial.id)


def _require(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise CaviarError(f"{package} is not installed here: pip install 'caviar[{package}]'")


def _milliseconds(moment: str | None) -> int:
    """Return a time of the server as MLflow counts it; a trial that never began has none."""
    return 0 if moment is None else int(datetime.fromisoformat(moment).timestamp() * 1000)


def _put(field: Any, value: Any) -> None:
    """Put a parameter into a field of TensorBoard: a yes or no, a number, or a text."""
    if isinstance(value, bool):
        field.bool_value = value
    elif isinstance(value, int | float):
        field.number_value = value
    else:
        field.string_value = value if isinstance(value, str) else str(value)
