"""The first budget that is used up ends a search, at the same trial however its trials arrive."""

import itertools

import numpy as np
import pytest

from caviar.search.budgets import Budget, Decision, Ended, Ledger, epochs_left
from caviar.search.problem import SearchError
from caviar.search.spec import SearchSpec

SPACE = {"learning_rate": {"scale": "log", "low": 1e-4, "high": 1}}


def decided(budget: Budget, trials: list[Ended], direction: str = "minimize") -> Decision | None:
    ledger = Ledger(budget, direction)
    ledger.take(trials)
    return ledger.decision


def naive(budget: Budget, trials: list[Ended], sign: float) -> tuple[str, int] | None:
    """The definitions, word by word: after each trial, look at all there were."""
    for end in range(1, len(trials) + 1):
        seen = trials[:end]
        last = seen[-1]
        good = budget.target is not None and last.value is not None
        if good and last.counts and sign * last.value <= sign * budget.target:
            return "target", last.number
        if budget.epochs is not None and sum(one.epochs for one in seen) >= budget.epochs:
            return "epochs", last.number
        counting = [one for one in seen if one.counts]
        values = [sign * one.value if one.value is not None else np.inf for one in counting]
        best = int(np.argmin(values)) if values and min(values) < np.inf else -1
        if budget.stale is not None and len(counting) - 1 - best >= budget.stale:
            return "stale", last.number
    return None


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_a_ledger_decides_as_the_definitions_do(seed: int, direction: str) -> None:
    rng = np.random.default_rng(seed)
    trials = [
        Ended(
            number,
            None if rng.random() < 0.2 else float(rng.integers(0, 30)),
            int(rng.integers(0, 9)),
            bool(rng.random() > 0.1),
        )
        for number in range(40)
    ]
    sign = -1.0 if direction == "maximize" else 1.0
    for epochs, target, stale in itertools.product((None, 90), (None, 3.0, 27.0), (None, 4, 12)):
        budget = Budget(trials=40, epochs=epochs, target=target, stale=stale)
        found = decided(budget, trials, direction)
        assert (found and (found.budget, found.number)) == naive(budget, trials, sign)


def test_epochs_are_cut_to_the_last_one_and_waited_for() -> None:
    stop, finish = Budget(trials=9, epochs=100, at_end="stop"), Budget(trials=9, epochs=100)
    assert epochs_left(Budget(trials=9), 10**9, 30, settled=False) is None
    assert epochs_left(stop, 70, 30, settled=False) is None
    assert epochs_left(stop, 90, 30, settled=False) == "wait"
    assert epochs_left(stop, 90, 30, settled=True) == 10
    assert epochs_left(finish, 90, 30, settled=True) is None
    assert epochs_left(finish, 100, 30, settled=True) == "wait"


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ({"budget": {"trials": 10, "stale": 10}}, "budget.stale"),
        ({"budget": {"trials": 10, "at_end": "stop"}}, "budget.at_end"),
        ({"budget": {"seconds": 60}}, "budget.trials"),
        ({"budget": {"trials": 10, "seconds": 0}}, "budget.seconds"),
        ({"budget": {"trials": 10, "epochs": 1.5}}, "budget.epochs"),
        ({"budget": {"trials": 10, "target": True}}, "budget.target"),
        ({"budget": {"trials": 10, "target": 1}, "reevaluate": {"leaders": 2}}, "reevaluate.leaders"),
        ({"limits": {"memory": "2 GX"}}, "limits.memory"),
        ({"limits": {"memory": 512}}, "limits.memory"),
        ({"limits": {"seconds": -1}}, "limits.seconds"),
        ({"limits": {"second": 1}}, "limits.second"),
    ],
)
def test_what_contradicts_itself_is_refused(part: dict[str, object], field: str) -> None:
    with pytest.raises(SearchError) as refused:
        SearchSpec.parse({"space": SPACE, "budget": {"trials": 10}, **part})
    assert [one.field for one in refused.value.problems] == [field]
    assert all(one.remedy for one in refused.value.problems)


def test_memory_may_be_written_with_a_unit() -> None:
    written = {"2 GiB": 2**31, "512MB": 512_000_000, "1.5 gb": 1_500_000_000, "100000000 B": 10**8}
    for text, size in written.items():
        spec = SearchSpec.parse({"space": SPACE, "budget": {"trials": 1}, "limits": {"memory": text}})
        assert spec.limits.memory == size
