"""The one way to a proposal: points enqueued by hand first, then the strategy, then the leaders once more."""

from collections.abc import Callable
from functools import cache
from importlib import import_module

from caviar.search import leaders
from caviar.search.history import History
from caviar.search.proposal import Proposal
from caviar.search.spec import SearchSpec

Propose = Callable[[SearchSpec, int, History], Proposal]


@cache
def function_at(path: str) -> Propose:
    """Import the function of a strategy: Optuna takes a second that most commands need not wait for."""
    module, name = path.split(":")
    found: Propose = getattr(import_module(module), name)
    return found


def propose(spec: SearchSpec, number: int, history: History) -> Proposal:
    """Propose trial `number`; a pure function of its arguments.

    The history holds the trials below `spec.horizon(number)`; its pending are the points of the others.
    """
    if number < len(spec.enqueued) and not spec.strategy.takes_enqueued:
        point = spec.space.canonical(spec.enqueued[number])
        return Proposal(point, spec.space.to_unit(point), "enqueued", "enqueued by hand")
    if number >= spec.budget.trials and spec.reevaluate.leaders:
        again = leaders.propose(spec, number, history)
        if again is not None:
            return again
    return function_at(spec.strategy.function)(spec, number, history)
