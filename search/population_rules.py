"""What goes with a population, and what does not."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from caviar.search.problem import Problem
from caviar.search.space import varying
from caviar.search.strategy_settings import Population

if TYPE_CHECKING:
    from caviar.search.spec import SearchSpec


def problems_of_population(spec: "SearchSpec") -> list[Problem]:
    """Return what does not go with the population of a search; nothing for other strategies."""
    if not isinstance(spec.strategy, Population):
        return []
    return [*_counts(spec, spec.strategy), *_varied(spec, spec.strategy), *_others(spec)]


def _counts(spec: "SearchSpec", strategy: Population) -> Iterator[Problem]:
    members, trials = strategy.members, spec.budget.trials
    if trials < 2 * members or trials % members:
        turns = max(2, round(trials / members))
        said = f"{trials} trials are not two or more turns of {members} members each"
        yield Problem("budget.trials", said, f"give {turns * members}, which are {turns} turns")
    if len(spec.enqueued) > members:
        said = f"{len(spec.enqueued)} points for {members} members, each of which begins at one"
        yield Problem("enqueued", said, f"give at most {members}, or more members")
    if spec.lag is not None and spec.lag > members // 2:
        said = f"a turn would see fewer than half of the {members} members"
        yield Problem("lag", said, f"give at most {members // 2}, or leave it out")
    for place in ("settings", "space"):
        if "epochs" in (spec.settings if place == "settings" else spec.space.names):
            turns = trials // members
            total = strategy.epochs_per_turn * turns
            said = f"a member trains epochs_per_turn in each turn, {total} epochs in {turns} turns"
            yield Problem(f"{place}.epochs", said, "leave it out; more trials make more turns")


def _varied(spec: "SearchSpec", strategy: Population) -> Iterator[Problem]:
    possible = varying(spec.space)
    listed = ", ".join(possible) or "none"
    if strategy.vary is None and not possible:
        yield Problem("space", "has no parameter that a copy could vary", "add a range or choices")
    if strategy.vary is not None and not strategy.vary:
        yield Problem("strategy.vary", "is empty: copies would be the same", f"name some of: {listed}")
    for name in strategy.vary or ():
        if name not in possible:
            known = name in spec.space.names
            said = "is fixed, or others hang on it" if known else "is no parameter of the space"
            yield Problem("strategy.vary", f"{name!r} {said}", f"possible: {listed}")


def _others(spec: "SearchSpec") -> Iterator[Problem]:
    if spec.stopping.name != "none":
        said = "a population stops nobody early: its weak members copy the strong"
        yield Problem("stopping.name", said, "leave stopping out, or take another strategy")
    if spec.reevaluate.leaders:
        said = "trains points again, but the result of a population is a schedule"
        yield Problem("reevaluate", said, "leave it out; give the schedule of the winner to another search")
    if spec.schedule:
        yield Problem("schedule", "a population makes the schedule itself", "leave it out")
    if spec.trainings > 1:
        yield Problem("dataset.folds", "trials with folds cannot be continued", "leave the folds out")
    if "patience" in spec.settings or "patience" in spec.space.names:
        place = "settings" if "patience" in spec.settings else "space"
        yield Problem(f"{place}.patience", "members train as long as there are turns", "leave it out")
    if not spec.reproducible:
        said = "a turn must wait for those that it is compared with"
        yield Problem("reproducible", said, "leave it out; lag says for how many it does not wait")
