"""New trials: what a strategy proposes from what is known of a search, kept in memory between claims."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import orjson

from caviar import trainers
from caviar.search.budgets import Decision
from caviar.search.curves import CurveTable
from caviar.search.history import History
from caviar.search.proposal import Proposal
from caviar.search.spec import SearchSpec
from caviar.search.stopping import StopPlan
from caviar.search.strategies import propose
from caviar.service.ids import TrialId
from caviar.service.store import trials as trial_rows
from caviar.service.store.rows import StoredSearch
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import continuing
from caviar.service.usecases.trial_cache import Answer, TrialCache, stop_json
from caviar.trial_fields import StoredTrial
from caviar.trial_settings import trial_epochs, trial_seed

CACHES = 16  # searches kept in memory; all that are open where they are more
NO_PLAN = StopPlan()


class Inputs(NamedTuple):
    """What a proposal is computed from."""

    history: History
    curves: CurveTable | None  # None without a stopping rule
    unseen: list[int] | None


class Proposer:
    """Makes new trials in the writer thread; slow strategies compute beside it, from frozen arrays."""

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        self._wake = wake
        self._caches: OrderedDict[int, TrialCache] = OrderedDict()
        self._room = CACHES
        self._specs: OrderedDict[tuple[int, int], SearchSpec] = OrderedDict()
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="caviar-propose")

    def close(self) -> None:
        """End the proposing thread."""
        self._threads.shutdown(cancel_futures=True)

    def spec(self, tx: Transaction, row: StoredSearch) -> SearchSpec:
        """Return the spec of a search, parsed once for each version of it."""
        key = (row.id, row.version)
        spec = self._specs.get(key)
        if spec is None:
            spec = self._specs[key] = SearchSpec.parse(orjson.loads(row.spec))
            tx.undo.append(lambda: self._specs.pop(key, None))  # rolled back, id and version are given again
            if len(self._specs) > 1000:
                self._specs.popitem(last=False)
        return spec

    def known(self, search: int, version: int | None) -> SearchSpec | None:
        """Return the spec of a search in a version that was asked for lately."""
        return None if version is None else self._specs.get((search, version))

    def forget(self, search: int) -> None:
        """Drop what is kept of a search; it is built again when next needed."""
        self._caches.pop(search, None)

    def make_room(self, searches: int) -> None:
        """Keep the trials of so many searches, at least.

        A claim walks all that are open, always in the same order: with room for fewer each one is gone,
        with what was proposed ahead, before its turn comes again.
        """
        self._room = max(CACHES, searches)

    def _cached(self, tx: Transaction, row: StoredSearch, number: int) -> TrialCache:
        """Return the trials of a search, caught up where proposals below a number look back."""
        cache = self._caches.get(row.id)
        if cache is None or (cache.version, cache.by_hand) != (row.version, row.by_hand):
            spec = self.spec(tx, row)
            cache = TrialCache(row.id, row.version, spec, trainers.epochs_in_all(spec), row.by_hand)
            self._caches[row.id] = cache
        self._caches.move_to_end(row.id)
        while len(self._caches) > self._room:
            self._caches.popitem(last=False)
        tx.undo.append(lambda: self.forget(row.id))
        if cache.needs_history(number):
            cache.catch_up(tx)
        return cache

    def decision(self, tx: Transaction, row: StoredSearch) -> Decision | None:
        """Return which budget the trials of a search have used up, if any, and which trial did."""
        return self._cached(tx, row, row.proposed).ledger.decision

    def propose(self, tx: Transaction, row: StoredSearch, numbers: range, agent: str) -> list[StoredTrial]:
        """Make the next trials of a search, as many as can be, in an agent's hands; rows to be inserted.

        Raises ProposalError when the strategy breaks.
        """
        if not numbers:
            return []
        spec = self.spec(tx, row)
        cache = self._cached(tx, row, numbers.stop)
        made: list[StoredTrial] = []
        for number in numbers:
            answer = self._answer(cache, number)
            if answer is None:
                break
            proposal, stop, unseen = answer
            try:
                trial = new_trial(tx, row.id, number, proposal, spec)
            except continuing.NothingKeptError as error:
                self.forget(row.id)  # it may have taken in trials that are not made now
                raise ProposalError(str(error)) from error
            epochs = trial.epochs if trial.epochs is not None else cache.epochs
            planned = None if epochs is None else epochs - trial.epoch
            left = cache.epochs_left(number, planned)
            if left == "wait":
                if spec.strategy.slow:
                    cache.ready[number] = answer
                break
            if left is not None:
                stop = replace(stop, last=trial.epoch + left)
            cache.put(number, proposal.unit, planned)
            begun = trial._replace(
                state="running",
                attempt=1,
                agent=agent,
                started=tx.now,
                stop=stop_json(stop),
                unseen=None if unseen is None else orjson.dumps(unseen).decode(),
            )
            made.append(begun)
        if spec.strategy.slow:
            self._ahead(cache, numbers.start + len(made), len(numbers) + 1)
        return made

    def _answer(self, cache: TrialCache, number: int) -> Answer | None:
        if not cache.may_propose(number):
            return None
        if not cache.spec.strategy.slow:
            return _checked(partial(compute, cache, number))
        ready = cache.ready.pop(number, None)
        if isinstance(ready, Exception):
            raise ready
        return ready

    def _ahead(self, cache: TrialCache, first: int, count: int) -> None:
        """Have the next proposals of a slow strategy computed, as far as what they see is settled."""
        while first in cache.ready or first in cache.asked:
            first, count = first + 1, count - 1
        numbers = []
        for number in range(first, min(first + count, cache.spec.total + cache.by_hand)):
            if not cache.may_propose(number):
                break
            numbers.append(number)
        if numbers:
            cache.asked.update(numbers)
            inputs = [_inputs(cache, number) for number in numbers]
            self._threads.submit(self._compute_ahead, cache, cache.count, numbers, inputs)

    def _compute_ahead(self, cache: TrialCache, count: int, numbers: list[int], inputs: list[Inputs]) -> None:
        """Propose some trials one after the other; those before it, from `count` on, are pending for each."""
        cache.ahead = {number: unit for number, unit in cache.ahead.items() if number >= count}
        for number, known in zip(numbers, inputs, strict=True):
            try:
                found = _checked(partial(_compute_after, cache, range(count, number), known))
            except ProposalError as error:
                cache.ready[number] = error
                break
            cache.ahead[number] = found.proposal.unit
            cache.ready[number] = found
            cache.asked.discard(number)
            self._wake()
        cache.asked.difference_update(numbers)
        self._wake()


class ProposalError(Exception):
    """A strategy broke; its search must not go on, the others must."""


def _checked(proposing: Callable[[], Answer]) -> Answer:
    """Propose; whatever a strategy raises becomes a ProposalError."""
    try:
        return proposing()
    except Exception as error:
        raise ProposalError(f"the strategy broke: {type(error).__name__}: {error}") from error


def compute(cache: TrialCache, number: int) -> Answer:
    """Propose one trial and fix its stopping table, now."""
    return _compute(cache, number, _inputs(cache, number))


def _inputs(cache: TrialCache, number: int) -> Inputs:
    visible = cache.visible(number)
    curves = None if cache.spec.stopping.name == "none" else cache.curve_table(visible)
    return Inputs(cache.history(visible), curves, cache.unseen(number))


def _compute_after(cache: TrialCache, before: range, known: Inputs) -> Answer:
    """Propose the trial that follows some others proposed ahead, which are pending for it."""
    units = [cache.ahead[number] for number in before]
    if units:
        pending = np.vstack([known.history.pending, *units])
        known = known._replace(history=replace(known.history, pending=pending))
    return _compute(cache, before.stop, known)


def _compute(cache: TrialCache, number: int, known: Inputs) -> Answer:
    proposal = propose(cache.spec, number - cache.by_hand, known.history)
    plan = NO_PLAN if known.curves is None else cache.spec.stop_plan(number, known.curves)
    return Answer(proposal, plan, known.unseen)


def new_trial(tx: Transaction, search: int, number: int, proposal: Proposal, spec: SearchSpec) -> StoredTrial:
    """Return the row of a proposed trial, queued."""
    trial = trial_rows.new_trial(
        tx,
        TrialId(search, number),
        params=orjson.dumps(proposal.point, option=orjson.OPT_SERIALIZE_NUMPY).decode(),
        unit=np.asarray(proposal.unit, dtype="<f8").tobytes(),
        seed=trial_seed(spec.seed, number),
        # With folds the settings say how long each is, and no trial is longer or shorter than another.
        epochs=trial_epochs(spec.settings, proposal.point, proposal.epochs) if spec.trainings == 1 else None,
        origin=proposal.origin,
        why=proposal.why,
    )
    parent = proposal.parent if proposal.parent is not None else proposal.continue_from
    if proposal.round is not None or parent is not None:
        name = None if parent is None else str(TrialId(search, parent))
        trial = trial._replace(round=proposal.round, parent=name)
    if proposal.continue_from is not None:
        continued_from = TrialId(search, proposal.continue_from)
        if spec.strategy.takes_parents:
            return continuing.next_turn(tx, trial, continued_from, proposal, spec)
        trial = continuing.continued(tx, trial, continued_from, proposal.epochs)
    return trial
