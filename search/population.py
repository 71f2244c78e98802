"""Population based training (Jaderberg et al. 2017): the weak copy the strong, and vary their settings.

A trial is one turn of one member: it trains `epochs_per_turn` epochs more, from where a trial of the turn
before ended. Trial `turn * members + member` follows from the results of the turn before alone, so that seed
and results say which trials there are and which one each goes on from, whoever trains them and when
(docs/decisions/population.md).
"""

from dataclasses import dataclass

import numpy as np

from caviar.search.history import History, Integers
from caviar.search.perturbation import perturbed
from caviar.search.population_model import improving, members_of, settings_of
from caviar.search.proposal import Proposal
from caviar.search.randomness import generator
from caviar.search.sobol import sobol_point
from caviar.search.space import Units
from caviar.search.spec import SearchSpec

ORIGIN = "population"


def propose(spec: SearchSpec, number: int, history: History) -> Proposal:
    """Propose the next turn of a member."""
    turn, member = divmod(number, settings_of(spec).members)
    if turn == 0:
        return _beginning(spec, number)
    seen = standing(spec, number, history)
    name = f"member {member}, turn {turn + 1}"
    if not len(seen.sound):
        begun = _beginning(spec, number)
        why = f"{name}: nobody has a result to go on from; it begins anew"
        return Proposal(begun.point, begun.unit, ORIGIN, why, turn, epochs=begun.epochs)
    own = int(seen.rows[member])
    rank = int(np.flatnonzero(seen.sound == own)[0]) if own in seen.sound else len(seen.sound)
    if rank < len(seen.sound) - seen.weak:
        why = f"{name}: goes on, {rank + 1} of {len(seen.sound)}"
        return _going_on(spec, history, own, np.asarray(history.units[own]), why, turn)
    parent = int(seen.sound[generator(spec.seed, number, "copy").integers(seen.weak)])
    place = f"is {rank + 1} of {len(seen.sound)}" if rank < len(seen.sound) else "has no result"
    why = f"{name}: {place}, and copies trial {history.numbers[parent]}"
    return _going_on(spec, history, parent, _explored(spec, number, history, parent), why, turn)


def _beginning(spec: SearchSpec, number: int) -> Proposal:
    """Return the first turn of a member: a point given by hand, else one of an even spread."""
    strategy, space = settings_of(spec), spec.space
    if number < len(spec.enqueued):
        point, why = space.canonical(spec.enqueued[number]), "enqueued by hand"
    else:
        unit = space.settle(sobol_point(spec.seed, space.dimensions, number))
        point, why = space.from_unit(unit), "spread evenly"
    why = f"member {number % strategy.members} begins: {why}"
    return Proposal(point, space.to_unit(point), ORIGIN, why, 0, epochs=strategy.epochs_per_turn)


def _going_on(spec: SearchSpec, history: History, parent: int, unit: Units, why: str, turn: int) -> Proposal:
    """Return a turn that goes on from a trial, given by its row."""
    epochs = int(history.epochs[parent]) + settings_of(spec).epochs_per_turn
    number = int(history.numbers[parent])
    return Proposal(spec.space.from_unit(unit), unit, ORIGIN, why, turn, continue_from=number, epochs=epochs)


def _explored(spec: SearchSpec, number: int, history: History, parent: int) -> Units:
    """Return the settings with which a copy of a trial goes on."""
    unit, axes = np.array(history.units[parent]), varied_axes(spec)
    if settings_of(spec).explore == "model":
        found = improving(spec, number, history, parent, axes)
        if found is not None:
            return found
    return perturbed(spec.space, unit, axes, generator(spec.seed, number, "explore"))


def varied_axes(spec: SearchSpec) -> list[int]:
    """Return the axes on which the settings of a copy may differ from those of its parent."""
    varied = settings_of(spec).varied(spec.space)
    return [place for place, axis in enumerate(spec.space.axes) if axis.parameter in varied]


@dataclass(frozen=True)
class Standing:
    """How the members stand that a trial is compared with: rows of the history."""

    rows: Integers  # of the turn before, by member, as far as the trial sees them
    sound: Integers  # those that can be gone on from, the best first
    weak: int  # how many of these count as weak, and as many as strong


def standing(spec: SearchSpec, number: int, history: History) -> Standing:
    """Return how the members stand at the end of the turn before a trial's.

    One that failed, diverged, was stopped or cancelled, or whose result a person took out, is not sound.
    """
    strategy = settings_of(spec)
    first = (number // strategy.members - 1) * strategy.members
    rows = members_of(history)[first : spec.horizon(number)]
    sound = rows[np.isfinite(history.values[rows]) & (history.states[rows] == "completed")]
    sound = sound[np.argsort(history.values[sound], kind="stable")]
    weak = max(1, int(strategy.share * len(sound)))  # at most half of them: `share` is
    return Standing(rows, sound, min(weak, len(sound)))
