"""A search on simulated workers: the same calls as the server makes, on a clock that costs nothing.

It tells what a strategy, a stopping rule or a lag would do before anything is trained; tests and benchmarks
stand on it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np

from caviar.search.curves import CurveTable
from caviar.search.history import NOBODY, Floats, History, Kept, worst_states
from caviar.search.proposal import Proposal
from caviar.search.spec import SearchSpec
from caviar.search.stopping import verdict
from caviar.search.strategies import propose
from caviar.search.values import value_of

# The metric after each epoch of the whole training; no epoch: the trial fails.
Train = Callable[[int, Proposal], Sequence[float]]
Seconds = Callable[[int, int], float]  # how long a trial takes for its epochs
Measure = Callable[[int, Proposal], Mapping[str, float]]  # the other metrics of its result


@dataclass(frozen=True)
class Simulated:
    """What happened, one entry per trial."""

    proposals: tuple[Proposal, ...]
    curves: tuple[tuple[float, ...], ...]  # up to where each trial was stopped
    values: Floats  # lower is better
    states: tuple[str, ...]
    objectives: Floats  # (n, m) lower is better
    seconds: float  # until the last trial ended
    idle: float  # share of the workers' time spent waiting for results

    @property
    def epochs(self) -> int:
        """Epochs trained in all; those of a trial that another one goes on with count once."""
        parents = [one.continue_from for one in self.proposals if one.continue_from is not None]
        return sum(map(len, self.curves)) - sum(len(self.curves[parent]) for parent in parents)


def simulate(
    spec: SearchSpec,
    train: Train,
    workers: int = 1,
    seconds: Seconds | None = None,
    measure: Measure | None = None,
) -> Simulated:
    """Run a search to its end on some workers; every trial starts as soon as its horizon allows.

    A training runs for as many epochs as the proposal says, or as `train` gives.
    """
    book = _Book(spec, measure)
    ended: list[float] = []
    free = [0.0] * workers
    heapify(free)
    waited, latest, seen = 0.0, 0.0, 0
    for number in range(spec.total):
        while seen < spec.horizon(number):
            latest, seen = max(latest, ended[seen]), seen + 1
        worker = heappop(free)
        start = max(worker, latest)
        waited += start - worker
        length = book.run(number, train)
        ended.append(start + (float(length) if seconds is None else seconds(number, length)))
        heappush(free, ended[-1])
    end = max(ended, default=0.0)
    return Simulated(
        tuple(book.proposals),
        tuple(map(tuple, book.curves)),
        np.array(book.values),
        tuple(book.states),
        np.array(book.objectives),
        end,
        waited / (end * workers) if end else 0.0,
    )


class _Book:
    """Trials so far, and what of them a further one may see."""

    def __init__(self, spec: SearchSpec, measure: Measure | None = None) -> None:
        self.spec = spec
        self.measure = measure
        self.slacks: list[list[float]] = []
        self.withheld: list[float] = []
        self.objectives: list[list[float]] = []
        self.proposals: list[Proposal] = []
        self.curves: list[list[float]] = []
        self.values: list[float] = []
        self.states: list[str] = []

    def history(self, number: int) -> History:
        """Trials below the horizon, and the points of those from there on."""
        horizon, dimensions = self.spec.horizon(number), self.spec.space.dimensions
        units = np.array([proposal.unit for proposal in self.proposals]).reshape(-1, dimensions)
        return History.of(
            range(horizon),
            units[:horizon],
            self.values[:horizon],
            self.states[:horizon],
            [len(curve) for curve in self.curves[:horizon]],
            units[horizon:],
            self._kept(horizon) if self.spec.subject_to else None,
            np.array(self.objectives[:horizon]).reshape(horizon, len(self.spec.objectives))
            if self.spec.further
            else None,
            self._continues(horizon) if self.spec.strategy.takes_parents else None,
        )

    def _continues(self, horizon: int) -> list[int]:
        parents = (proposal.continue_from for proposal in self.proposals[:horizon])
        return [NOBODY if parent is None else parent for parent in parents]

    def _kept(self, horizon: int) -> Kept:
        constraints = len(self.spec.subject_to)
        slacks = np.array(self.slacks[:horizon]).reshape(horizon, constraints)
        return Kept(slacks, np.array(self.withheld[:horizon]))

    def run(self, number: int, train: Train) -> int:
        """Propose a trial, train it up to where its plan stops it, note it down; the epochs it took."""
        proposal = propose(self.spec, number, self.history(number))
        full = list(train(number, proposal))[: proposal.epochs]
        if not full:
            worst = "failed" in worst_states(self.spec.failures)
            self._note(proposal, [], np.inf if worst else np.nan, "failed")
            return 1
        direction = self.spec.objective.direction
        visible = self.curves[: self.spec.horizon(number)]
        how, rungs = self.spec.objective.how, self.spec.rungs(len(full))
        table = CurveTable.of(rungs, range(len(visible)), visible, direction, how)
        stop = self.spec.stop_plan(number, table)
        length = next((n for n in range(1, len(full)) if verdict(stop, full[:n], direction, how)), len(full))
        told = value_of(full[:length], how, direction, full[length - 1])
        value = (np.nan if told is None else told) * self.spec.objective.sign
        more = {} if self.measure is None else self.measure(number, proposal)
        scored = self.spec.scored(full[length - 1] if told is None else told, more)
        slacks = self.spec.slacks({**more, self.spec.objective.metric: full[length - 1]})
        state = "diverged" if not np.isfinite(value) else "stopped" if length < len(full) else "completed"
        self._note(proposal, full[:length], value if np.isfinite(value) else np.inf, state, slacks, scored)
        return length - (0 if proposal.continue_from is None else len(self.curves[proposal.continue_from]))

    def _note(
        self,
        proposal: Proposal,
        curve: list[float],
        value: float,
        state: str,
        slacks: Sequence[float] = (),
        scored: Sequence[float] = (),
    ) -> None:
        self.objectives.append(list(scored) or [np.nan] * len(self.spec.objectives))
        broken = any(slack > 0 for slack in slacks) and np.isfinite(value)
        self.slacks.append(list(slacks) or [np.nan] * len(self.spec.subject_to))
        self.withheld.append(value if broken else np.nan)
        self.proposals.append(proposal)
        self.curves.append(curve)
        worst = np.inf if self.spec.failures == "learn" else np.nan
        self.values.append(worst if broken else value)
        self.states.append(state)
