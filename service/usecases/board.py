"""The views of the searches in work, and proposals drawn from them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import orjson

from caviar import trainers
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
from caviar.service.usecases.view import View, stop_json
from caviar.trial_fields import StoredTrial
from caviar.trial_settings import trial_epochs, trial_seed

VIEWS = 16  # searches kept in memory; all that are open where they are more
NO_PLAN = StopPlan()
Answer = tuple[Proposal, StopPlan]


class Board:
    """What the writer thread knows about searches; others only compute proposals from frozen arrays."""

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        self._wake = wake
        self._views: OrderedDict[int, View] = OrderedDict()
        self._room = VIEWS
        self._specs: OrderedDict[tuple[int, int], SearchSpec] = OrderedDict()
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="caviar-propose")

    def close(self) -> None:
        """End the proposing thread."""
        self._threads.shutdown(cancel_futures=True)

    def spec(self, tx: Transaction, row: StoredSearch) -> SearchSpec:
        """Give the spec of a search, parsed once for each version of it."""
        key = (row.id, row.version)
        spec = self._specs.get(key)
        if spec is None:
            spec = self._specs[key] = SearchSpec.parse(orjson.loads(row.spec))
            tx.undo.append(lambda: self._specs.pop(key, None))  # rolled back, id and version are given again
            if len(self._specs) > 1000:
                self._specs.popitem(last=False)
        return spec

    def known(self, search: int, version: int | None) -> SearchSpec | None:
        """Give the spec of a search in a version that was asked for lately."""
        return None if version is None else self._specs.get((search, version))

    def forget(self, search: int) -> None:
        """Drop the view of a search; it is built again when next needed."""
        self._views.pop(search, None)

    def make_room(self, searches: int) -> None:
        """Keep the views of so many searches, at least.

        A claim walks all that are open, always in the same order: with room for fewer each view is gone,
        with what was proposed ahead, before its turn comes again.
        """
        self._room = max(VIEWS, searches)

    def view(self, tx: Transaction, row: StoredSearch, number: int) -> View:
        """Give the view of a search, caught up with the store where proposals below a number look back."""
        view = self._views.get(row.id)
        if view is None or (view.version, view.by_hand) != (row.version, row.by_hand):
            spec = self.spec(tx, row)
            view = View(row.id, row.version, spec, trainers.default_epochs(spec), row.by_hand)
            self._views[row.id] = view
        self._views.move_to_end(row.id)
        while len(self._views) > self._room:
            self._views.popitem(last=False)
        tx.undo.append(lambda: self.forget(row.id))
        if view.needs_history(number):
            view.catch_up(tx)
        return view

    def propose(self, tx: Transaction, row: StoredSearch, numbers: range, agent: str) -> list[StoredTrial]:
        """Make the next trials of a search, as many as can be, in an agent's hands; rows to be inserted.

        Raises ProposalError when the strategy breaks.
        """
        if not numbers:
            return []
        spec = self.spec(tx, row)
        view = self.view(tx, row, numbers.stop)
        made: list[StoredTrial] = []
        for number in numbers:
            answer = self._answer(view, number)
            if answer is None:
                break
            view.put(number, answer[0].unit)
            proposal, stop = answer
            trial = new_trial(tx, row.id, number, proposal, spec)
            made.append(
                trial._replace(state="running", attempt=1, agent=agent, started=tx.now, stop=stop_json(stop))
            )
        if spec.strategy.slow:
            self._ahead(view, numbers.start + len(made), len(numbers) + 1)
        return made

    def _answer(self, view: View, number: int) -> Answer | None:
        if not view.may_propose(number):
            return None
        if not view.spec.strategy.slow:
            return _checked(partial(compute, view, number))
        ready = view.ready.pop(number, None)
        if isinstance(ready, Exception):
            raise ready
        return ready

    def _ahead(self, view: View, first: int, count: int) -> None:
        """Have the next proposals of a slow strategy computed, as far as what they see is settled."""
        while first in view.ready or first in view.asked:
            first, count = first + 1, count - 1
        numbers = []
        for number in range(first, min(first + count, view.spec.total + view.by_hand)):
            if not view.may_propose(number):
                break
            numbers.append(number)
        if numbers:
            view.asked.update(numbers)
            inputs = [(view.history(number), view.curve_table(number)) for number in numbers]
            self._threads.submit(self._compute_ahead, view, view.count, numbers, inputs)

    def _compute_ahead(
        self, view: View, count: int, numbers: list[int], inputs: list[tuple[History, CurveTable]]
    ) -> None:
        """Propose some trials one after the other; those before it, from `count` on, are pending for each."""
        view.ahead = {number: unit for number, unit in view.ahead.items() if number >= count}
        for number, (history, curves) in zip(numbers, inputs, strict=True):
            try:
                found = _checked(partial(_compute_after, view, range(count, number), history, curves))
            except ProposalError as error:
                view.ready[number] = error
                break
            view.ahead[number] = found[0].unit
            view.ready[number] = found
            view.asked.discard(number)
            self._wake()
        view.asked.difference_update(numbers)
        self._wake()


class ProposalError(Exception):
    """A strategy broke; its search must not go on, the others must."""


def _checked(proposing: Callable[[], Answer]) -> Answer:
    """Propose; whatever a strategy raises becomes a ProposalError."""
    try:
        return proposing()
    except Exception as error:
        raise ProposalError(f"{type(error).__name__}: {error}") from error


def compute(view: View, number: int) -> Answer:
    """Propose one trial and fix its stopping table, now."""
    return _compute(view, number, view.history(number), view.curve_table(number))


def _compute_after(view: View, before: range, history: History, curves: CurveTable) -> Answer:
    """Propose the trial that follows some others proposed ahead, which are pending for it."""
    units = [view.ahead[number] for number in before]
    if units:
        history = replace(history, pending=np.vstack([history.pending, *units]))
    return _compute(view, before.stop, history, curves)


def _compute(view: View, number: int, history: History, curves: CurveTable) -> Answer:
    proposal = propose(view.spec, number - view.by_hand, history)
    stopping = view.spec.stopping.name != "none"
    return proposal, view.spec.stop_plan(number, curves) if stopping else NO_PLAN


def new_trial(tx: Transaction, search: int, number: int, proposal: Proposal, spec: SearchSpec) -> StoredTrial:
    """Return the row of a proposed trial, queued."""
    trial = trial_rows.new_trial(
        tx,
        TrialId(search, number),
        params=orjson.dumps(proposal.point, option=orjson.OPT_SERIALIZE_NUMPY).decode(),
        unit=np.asarray(proposal.unit, dtype="<f8").tobytes(),
        seed=trial_seed(spec.seed, number),
        epochs=trial_epochs(spec.settings, proposal.point, proposal.epochs),
        origin=proposal.origin,
        why=proposal.why,
    )
    parent = proposal.parent if proposal.parent is not None else proposal.continue_from
    if proposal.round is not None or parent is not None:
        name = None if parent is None else str(TrialId(search, parent))
        trial = trial._replace(round=proposal.round, parent=name)
    if proposal.continue_from is not None:
        continued_from = TrialId(search, proposal.continue_from)
        trial = continuing.continued(tx, trial, continued_from, proposal.epochs)
    return trial
