"""The one way to a proposal: points enqueued by hand first, then the strategy, then the leaders once more."""

from collections.abc import Callable
from functools import cache
from importlib import import_module

from caviar.search import leaders
from caviar.search.history import History
from caviar.search.proposal import Proposal
from caviar.search.spec import SearchSpec

Strategy = Callable[[SearchSpec, int, History], Proposal]

# Imported when first asked for: Optuna takes a second that most commands need not wait for.
_FUNCTIONS = {
    "random": "caviar.search.random:propose",
    "sobol": "caviar.search.sobol:propose",
    "grid": "caviar.search.grid:propose",
    "coarse_to_fine": "caviar.search.coarse_to_fine:propose",
    "tpe": "caviar.search.optuna_bridge:tpe",
    "gp": "caviar.search.optuna_bridge:gp",
    "cmaes": "caviar.search.cmaes:propose",
}


@cache
def strategy(name: str) -> Strategy:
    """Find the function of a strategy."""
    module, function = _FUNCTIONS[name].split(":")
    found: Strategy = getattr(import_module(module), function)
    return found


def propose(spec: SearchSpec, number: int, history: History) -> Proposal:
    """Propose trial `number`; a pure function of its arguments.

    The history holds the trials below `spec.horizon(number)`; its pending are the points of the others.
    """
    if number < len(spec.enqueued):
        point = spec.space.canonical(spec.enqueued[number])
        return Proposal(point, spec.space.to_unit(point), "enqueued", "enqueued by hand")
    if number >= spec.budget.trials and spec.reevaluate.leaders:
        again = leaders.propose(spec, number, history)
        if again is not None:
            return again
    return strategy(spec.strategy.name)(spec, number, history)
