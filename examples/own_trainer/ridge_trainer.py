"""A trainer plugin, whole and small: ridge regression by mini-batch gradient descent. See docs/plugins.md.

J = 1/(2 m) sum |x W + b - y|^2 + l2/(2 m) |W|^2
"""

import difflib
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors

from caviar.trainer.data.check import check as check_dataset
from caviar.trainer.data.load import load as load_dataset
from caviar.trainer.data.types import Data
from caviar.trainer.problem import DataError, Problem, SettingError
from caviar.trainer.setting_types import SettingInfo, parse
from caviar.trainer.slices import Slice

SETTINGS = {
    info.name: info
    for info in (
        SettingInfo("float", 0.01, 0.0, 10.0, low_open=True, steerable=True, name="learning_rate"),
        SettingInfo("float", 1.0, 0.0, 1e6, steerable=True, name="l2", help="pulls W to 0, not b"),
        SettingInfo("int", 32, 1, 100_000, unit="rows", name="batch_size"),
        SettingInfo("int", 20, 1, 100_000, steerable=True, name="epochs"),
        SettingInfo("int", 0, 0, 2**63 - 1, name="seed"),
    )
}
QUIET = np.errstate(over="ignore", invalid="ignore")  # a run that diverges says so by its status
METRICS = ("dev_error", "dev_cost", "train_error", "train_cost")


@dataclass(frozen=True)
class Change:
    """What a change of settings did."""

    step: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]


class Ridge:
    """The entry point `ridge` of the group caviar.trainers."""

    data_settings = ()  # settings that `load` depends on: none

    def settings(self) -> list[SettingInfo]:
        """Describe the settings: forms and checks are made of them."""
        return list(SETTINGS.values())

    def metrics(self, dataset: Mapping[str, Any]) -> list[str]:
        """Name what `result` has: what can be an objective."""
        return list(METRICS)

    def check(self, settings: Mapping[str, Any], dataset: Mapping[str, Any]) -> list[Problem]:
        """Say all that is wrong, without reading the data."""
        return [*problems_of(settings), *check_dataset(dataset)]

    def load(self, dataset: Mapping[str, Any], settings: Mapping[str, Any]) -> Data:
        """Prepare a data set, the same for every trial; raises DataError."""
        data = load_dataset(dataset, precision="float64")
        if data.kind != "regression":
            raise DataError.of("dataset.target", "the target has classes", "give task: regression")
        return data

    def start(self, settings: Mapping[str, Any], data: Data, seed: int) -> "Run":
        """Begin a trial; raises SettingError."""
        return Run(complete(settings), data, seed)

    def restore(self, checkpoint: bytes, data: Data) -> "Run":
        """Go on from `Run.save`, bit for bit; raises ValueError for damaged bytes, or those of other data."""
        try:
            tensors = read_tensors(checkpoint)
            state = json.loads(bytes(tensors["state"]))
        except (SafetensorError, KeyError) as error:
            raise ValueError(f"this is no checkpoint of ridge: {error}") from None
        if state["data"] != data.digest:
            raise ValueError("the checkpoint was made with other data")
        run = Run(state["settings"], data, state["seed"])
        run.W, run.b = tensors["W"].copy(), tensors["b"].copy()
        run.step, run.epoch, run.costs = state["step"], state["epoch"], state["costs"]
        run.stopped, run.diverged = state["stopped"], state["diverged"]
        return run

    def warm(self) -> None:
        """Compile what has to be compiled before the first trial: nothing."""


class Run:
    """One trial in training."""

    def __init__(self, settings: Mapping[str, Any], data: Data, seed: int) -> None:
        self.settings = dict(settings)
        self.data = data
        self.seed = seed
        self.W = np.zeros((data.n_features, data.Y_train.shape[1]))
        self.b = np.zeros(data.Y_train.shape[1])
        self.step = self.epoch = 0
        self.costs: list[float] = []  # of the mini-batches of this epoch
        self.order, self.shuffled = np.zeros(0, dtype=np.int64), -1  # the rows in turn, and of which epoch
        self.stopped = self.diverged = False

    @property
    def status(self) -> str:
        """running, completed, stopped or diverged."""
        if self.stopped or self.diverged:
            return "stopped" if self.stopped else "diverged"
        return "running" if self.epoch < self.settings["epochs"] else "completed"

    def advance(
        self, seconds: float = 0.05, until_step: int | None = None, until_epoch: int | None = None
    ) -> Slice:
        """Train for about `seconds`, at least one mini-batch; never past a step or the end of an epoch."""
        deadline = time.perf_counter() + seconds
        last_step = math.inf if until_step is None else until_step
        last_epoch = math.inf if until_epoch is None else until_epoch
        epochs, costs = [], []
        while self.status == "running" and self.step < last_step and self.epoch < last_epoch:
            costs.append((self.step + 1, self._mini_batch()))
            if len(self.costs) == self._batches and not self.diverged:
                epochs.append(self._end_of_epoch())
            if time.perf_counter() > deadline:
                break
        reasons = {"diverged": "the cost is not finite", "stopped": "stopped by a person"}
        return Slice(self.status, reasons.get(self.status), epochs, costs)

    def change(self, settings: Mapping[str, Any]) -> Change:
        """Change settings from the next mini-batch on, all or none; raises SettingError."""
        fixed = [name for name in settings if name in SETTINGS and not SETTINGS[name].steerable]
        if fixed:
            raise SettingError.of(f"settings.{fixed[0]}", "cannot change in a run", "submit another trial")
        after = complete({**self.settings, **settings})
        if after["epochs"] < self.epoch:
            raise SettingError.of("settings.epochs", f"{self.epoch} epochs are done", "give a larger number")
        before, self.settings = self.settings, after
        return Change(
            self.step, {name: before[name] for name in settings}, {name: after[name] for name in settings}
        )

    def stop(self) -> None:
        """End the run now, by a person's will."""
        self.stopped = self.status == "running"

    def result(self) -> dict[str, float]:
        """Return the final metrics."""
        train_cost, train_error = self._judge(self.data.X_train, self.data.Y_train)
        dev_cost, dev_error = self._judge(self.data.X_dev, self.data.Y_dev)
        return dict(zip(METRICS, (dev_error, dev_cost, train_error, train_cost), strict=True))

    def save(self) -> bytes:
        """Write everything that `restore` needs."""
        names = ("settings", "seed", "step", "epoch", "costs", "stopped", "diverged")
        state = {name: getattr(self, name) for name in names} | {"data": self.data.digest}
        text = np.frombuffer(json.dumps(state).encode(), dtype=np.uint8)
        return write_tensors({"W": self.W, "b": self.b, "state": text})

    def model(self) -> bytes:
        """Write what prediction needs: y = target_mu + target_sigma (((x - mu) / sigma) W + b)."""
        names = ("mu", "sigma", "target_mu", "target_sigma")
        scales = {name: np.array(getattr(self.data, name)) for name in names}
        columns = {"features": json.dumps(self.data.feature_names)}
        return write_tensors({"W": self.W, "b": self.b, **scales}, metadata=columns)

    @property
    def _batches(self) -> int:
        return math.ceil(len(self.data.X_train) / self.settings["batch_size"])

    @QUIET
    def _mini_batch(self) -> float:
        """One step of gradient descent; gives its cost."""
        size, m = self.settings["batch_size"], len(self.data.X_train)
        if self.shuffled != self.epoch:  # by seed and epoch alone: there is no state of a generator to save
            self.order = np.random.default_rng((self.seed, self.epoch)).permutation(m)
            self.shuffled = self.epoch
        rows = self.order[len(self.costs) * size :][:size]
        X, Y, l2 = self.data.X_train[rows], self.data.Y_train[rows], self.settings["l2"]
        residuals = X @ self.W + self.b - Y
        cost = float((residuals**2).sum() / (2 * len(rows)) + l2 * (self.W**2).sum() / (2 * m))
        dW = X.T @ residuals / len(rows) + l2 * self.W / m
        self.W -= self.settings["learning_rate"] * dW
        self.b -= self.settings["learning_rate"] * residuals.mean(axis=0)
        self.step += 1
        self.costs.append(cost)
        self.diverged = not math.isfinite(cost)
        return cost

    def _end_of_epoch(self) -> dict[str, float]:
        """Return the metrics of an epoch that is over; every epoch has the same names."""
        dev_cost, dev_error = self._judge(self.data.X_dev, self.data.Y_dev)
        self.epoch += 1
        train_cost, self.costs = sum(self.costs) / len(self.costs), []
        counts = {"epoch": self.epoch, "step": self.step}
        rates = {"learning_rate": self.settings["learning_rate"]}
        return counts | {"train_cost": train_cost, "dev_cost": dev_cost, "dev_error": dev_error} | rates

    @QUIET
    def _judge(self, X: np.ndarray, Y: np.ndarray) -> tuple[float, float]:
        """Return cost, without the regulariser, and root mean squared error; the mean alone gives 1."""
        squares = (X @ self.W + self.b - Y) ** 2
        return float(squares.sum() / (2 * len(X))), float(np.sqrt(squares.mean()))


def problems_of(settings: Mapping[str, Any]) -> list[Problem]:
    """Say what is wrong with settings."""
    found = []
    for name, value in settings.items():
        if name not in SETTINGS:
            near = difflib.get_close_matches(name, SETTINGS, 1)
            remedy = f"did you mean {near[0]}?" if near else f"use {', '.join(SETTINGS)}"
            found.append(Problem(f"settings.{name}", "there is no such setting", remedy))
        elif isinstance(problem := parse(SETTINGS[name], value), Problem):
            found.append(problem)
    return found


def complete(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return all settings in their types, defaults where nothing is said; raises SettingError."""
    if problems := problems_of(settings):
        raise SettingError(problems)
    return {name: parse(info, settings.get(name, info.default)) for name, info in SETTINGS.items()}
