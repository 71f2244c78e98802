"""Coarse to fine: look everywhere, see where it was good, look closer there, and again.

The first round spreads its points over the whole space. Every later round has a box: what the results so far
say is the promising part of the space. Inside it each trial goes where a small model of the results expects
the largest improvement, trials still running taken into account; one trial in five is free to leave the box,
so that a wrong zoom is found out. Why so: docs/decisions/coarse-to-fine.md.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from search.boxes import Box, whole
from search.candidates import near, spread
from search.evidence import Evidence, gather
from search.history import Floats, History
from search.layout import layout_of
from search.proposal import Proposal, at, settled
from search.randomness import generator
from search.rounds import Stage, box_of, stage_of
from search.sobol import sobol_point
from search.spec import SearchSpec
from search.surrogate import Surrogate, log_expected_improvement

INSIDE = 192  # candidates spread over the box
OUTSIDE = 96  # candidates spread over the whole space
NEAR = 24  # candidates near each leader, at each of two distances
LEADERS = 5
REFINEMENTS = (0.1, 0.04, 0.016)  # how far the best candidates are moved, again and again


def propose(spec: SearchSpec, number: int, history: History) -> Proposal:
    """Propose trial `number`: spread evenly in the first round, later the most promising point of the box."""
    if not spec.space.dimensions:
        return at(spec.space, np.empty(0), "coarse", "the space has one point")
    layout, stage = layout_of(spec.space), stage_of(spec, number)
    evidence = gather(layout, history) if stage.index else None
    if evidence is None:
        return _coarse(spec, number, history, stage)
    return _zoom(spec, number, history, stage, evidence)


def _coarse(spec: SearchSpec, number: int, history: History, stage: Stage) -> Proposal:
    """The next point of a scrambled Sobol sequence that has not been proposed yet."""
    layout = layout_of(spec.space)
    # A point that is taken already (a choice, a small integer) is replaced by one far down the sequence.
    places = (number + (1 << 20) * again for again in range(8))
    points = (layout.snap(sobol_point(spec.seed, layout.dimensions, place)[None])[0] for place in places)
    unit = next(_fresh(points, history), None)
    if unit is None:
        unit = sobol_point(spec.seed, layout.dimensions, number)
    return at(spec.space, unit, "coarse", "spread over the whole space", round=stage.index)


def _zoom(spec: SearchSpec, number: int, history: History, stage: Stage, evidence: Evidence) -> Proposal:
    layout, rng = evidence.layout, generator(spec.seed, number, "zoom")
    before = gather(layout, history, spec.horizon(stage.first)) or evidence
    box = box_of(spec.seed, stage, before)
    model = evidence.model(before.kernel, layout.snap(history.pending))
    unit = _best(box, evidence, model, history, rng)
    zoomed = box.contains(unit[None])[0]
    why = "the most promising point" + ("" if zoomed else ", although outside the box")
    return at(spec.space, settled(unit), "zoom" if zoomed else "global", why, round=stage.index)


def _best(
    box: Box, evidence: Evidence, model: Surrogate, history: History, rng: np.random.Generator
) -> Floats:
    """Point with the largest expected improvement that has not been proposed yet."""
    layout = evidence.layout
    expected, _ = model.predict(evidence.features)  # not the values: a lucky one must not lead

    def promise(units: Floats) -> Floats:
        # Rounded, because the last bits of linear algebra are not the same twice.
        scores = log_expected_improvement(*model.predict(layout.features(units)), float(expected.min()))
        return np.round(scores, 6)

    leaders = evidence.units[np.argsort(np.round(expected, 6), kind="stable")[:LEADERS]]
    anywhere = whole(layout)
    around = [near(layout, anywhere, leaders, NEAR, size, rng) for size in (0.2, 0.05)]
    units = np.vstack([spread(layout, box, INSIDE, rng), spread(layout, anywhere, OUTSIDE, rng), *around])
    scores = promise(units)
    for size in REFINEMENTS:
        top = np.argsort(-scores, kind="stable")[:4]
        moved = near(layout, anywhere, units[top], NEAR, size, rng)
        units, scores = np.vstack([units, moved]), np.append(scores, promise(moved))
    order = np.argsort(-scores, kind="stable")
    return next(_fresh(units[order], history), units[order[0]])


def _fresh(units: Iterable[Floats], history: History) -> Iterator[Floats]:
    """Those of some points that are neither among the results nor pending."""
    for unit in units:
        if not any(_holds(there, unit) for there in (history.units, history.pending)):
            yield unit


def _holds(units: Floats, unit: Floats) -> bool:
    rows = np.arange(len(units))
    for axis, coordinate in enumerate(unit):
        rows = rows[np.abs(units[rows, axis] - coordinate) < 1e-7]
        if not len(rows):
            return False
    return len(rows) > 0
