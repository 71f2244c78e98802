"""Coarse to fine: look everywhere, see where it was good, look closer there, and again.

The first round spreads its points over the whole space. Every later round has a box: what the results so far
say is the promising part of the space. Inside it each trial goes where a small model of the results expects
the largest improvement, trials still running taken into account; one trial in five is free to leave the box,
so that a wrong zoom is found out. Why so: docs/decisions/coarse-to-fine.md.
"""

from collections.abc import Iterator

import numpy as np

from search.boxes import Box, whole
from search.evidence import Evidence, gather
from search.history import Floats, History
from search.layout import Layout, layout_of
from search.proposal import Proposal, at, settled
from search.randomness import generator
from search.rounds import Stage, box_of, stage_of
from search.sobol import sobol_point
from search.spec import SearchSpec
from search.surrogate import Surrogate, log_expected_improvement

GLOBAL = 5  # every fifth trial may leave the box
SPREAD = 256  # candidates spread over the box
NEAR = 24  # candidates near each leader, at each of two distances
LEADERS = 5
REFINEMENTS = 3  # times the best candidates are moved a little further


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
    points = np.array(
        [sobol_point(spec.seed, layout.dimensions, number + 2**20 * again) for again in range(8)]
    )
    unit = next(_fresh(layout.snap(points), history), points[0])
    return at(spec.space, unit, "coarse", "spread over the whole space", round=stage.index)


def _zoom(spec: SearchSpec, number: int, history: History, stage: Stage, evidence: Evidence) -> Proposal:
    layout, rng = evidence.layout, generator(spec.seed, number, "zoom")
    before = gather(layout, history, spec.horizon(stage.first)) or evidence
    free = number % GLOBAL == GLOBAL - 1
    box = whole(layout) if free else box_of(spec, stage, before)
    model = evidence.model(before.kernel, layout.snap(history.pending))
    unit = _best(layout, box, evidence, model, history, rng)
    why = "most promising anywhere" if free else f"most promising in the box of round {stage.index}"
    return at(spec.space, settled(unit), "global" if free else "zoom", why, round=stage.index)


def _best(
    layout: Layout, box: Box, evidence: Evidence, model: Surrogate, history: History, rng: np.random.Generator
) -> Floats:
    """Point with the largest expected improvement that has not been proposed yet."""
    smoothed, _ = model.predict(
        evidence.features
    )  # not the values themselves: a lucky one must not own the box
    leaders = evidence.units[np.argsort(smoothed)[:LEADERS]]

    def promise(units: Floats) -> Floats:
        # Rounded, because the last bits of linear algebra are not the same twice.
        scores = log_expected_improvement(*model.predict(layout.features(units)), float(smoothed.min()))
        return np.round(scores, 6)

    spread = rng.random((SPREAD, layout.dimensions))
    every = layout.every_point
    if every is not None:
        units = every
    else:
        units = layout.snap(
            np.vstack([box.spread(spread), *(_near(layout, box, leaders, s, rng) for s in (0.2, 0.05))])
        )
    scores = promise(units)
    for size in 0.1 * 0.4 ** np.arange(REFINEMENTS if every is None else 0):
        top = units[np.argsort(-scores, kind="stable")[:4]]
        moved = layout.snap(_near(layout, box, top, size, rng))
        units, scores = np.vstack([units, moved]), np.append(scores, promise(moved))
    order = np.argsort(-scores, kind="stable")
    return next(_fresh(units[order], history), units[order[0]])


def _near(layout: Layout, box: Box, points: Floats, size: float, rng: np.random.Generator) -> Floats:
    """Points that differ from the given ones by some steps on some axes; clipped to the box."""
    base = np.repeat(points, NEAR, axis=0)
    d = layout.dimensions
    moved = rng.random(base.shape) < max(2.0 / d, 0.3)
    moved[np.arange(len(base)), rng.integers(d, size=len(base))] = True
    steps = rng.normal(size=base.shape) * size
    units = box.clip(np.where(moved, base + steps, base))
    other = box.spread(rng.random(base.shape))
    jump = moved & layout.categorical & (rng.random(base.shape) < 0.5)
    return np.where(layout.categorical, np.where(jump, other, base), units)


def _fresh(units: Floats, history: History) -> Iterator[Floats]:
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
