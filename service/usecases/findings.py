"""What would mislead a reader of a search's results, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from caviar import trainers
from caviar.search.axes import Axis, Numbers
from caviar.search.rounds import AT_EDGE
from caviar.search.spec import SearchSpec
from caviar.service.store.rows import StoredSearch
from caviar.service.usecases.baseline import Baseline
from caviar.trial_fields import StoredTrial

FEW = 5  # fewer trials with a value say nothing of ties and edges
MOST_SHARE = 0.5
Kind = Literal[
    "trivial", "one_class", "never_predicted", "ties", "edge", "chance", "diverged", "failed", "idle"
]
End = Literal["low", "high"]
Limits = tuple[float | None, float | None]  # of a setting: the widest range that its trainer allows
APART = 0.8  # of those beyond a bound that must have diverged


@dataclass(frozen=True)
class Finding:
    """Something that a reader of the results must know, and what to do about it."""

    kind: Kind
    level: Literal["warning", "note"]
    message: str
    remedy: str
    parameter: str | None = None  # whose range is meant


@dataclass(frozen=True)
class Situation:
    """What the findings of a search are made of."""

    row: StoredSearch
    spec: SearchSpec
    best: Sequence[tuple[StoredTrial, float]]
    valued: int
    tied: int
    baseline: Baseline | None
    dev_rows: int | None
    agents: int
    idle: int
    diverged: Sequence[Mapping[str, Any]]
    sound: Sequence[Mapping[str, Any]]
    failure: tuple[str, int] | None

    @property
    def sign(self) -> float:
        """1 where less is better, else -1."""
        return -1.0 if self.spec.objective.direction == "maximize" else 1.0


def findings(situation: Situation) -> list[Finding]:
    """Return all that is to be said, what invalidates the winner first."""
    return [
        *_trivial(situation),
        *_ties(situation),
        *_edges(situation),
        *_chance(situation),
        *_diverged(situation),
        *_failed(situation),
        *_idle(situation),
    ]


def _trivial(now: Situation) -> Iterator[Finding]:
    base = now.baseline
    if base is None or not now.best:
        return
    step = 0.5 / now.dev_rows if now.dev_rows else 1e-9  # less than one row of the dev set is rounding
    if now.sign * (base.value - now.best[0][1]) > step:
        return
    yield Finding(
        kind="trivial",
        level="warning",
        message=f"The best trial is no better than {base.text}.",
        remedy="Search other parameters, train longer, or check the target and the features. "
        "With few rows of one class, compare the confusion matrix, not the error.",
    )


def _ties(now: Situation) -> Iterator[Finding]:
    if now.tied < FEW or now.tied < MOST_SHARE * now.valued:
        return
    metric = now.spec.objective.metric
    finer = "dev_cost" if now.spec.trainer == "mlp" and metric == "dev_error" else "a finer metric"
    yield Finding(
        kind="ties",
        level="warning",
        message=f"{now.tied} of {now.valued} trials share the best {metric}, so it cannot rank them.",
        remedy=f"Search for {finer}, or use a larger dev set.",
    )


def _edges(now: Situation) -> Iterator[Finding]:
    if now.valued < FEW or not now.best:
        return
    params = orjson.loads(now.best[0][0].params)
    limits = limits_of(now.spec)
    for axis in now.spec.space.axes:
        value = params.get(axis.parameter)
        if (
            axis.index is not None
            or not isinstance(axis.domain, Numbers)
            or not isinstance(value, int | float)
        ):
            continue
        end = edge(axis, float(value), limits.get(axis.name, (None, None)))
        if end is not None:
            bound = getattr(axis.domain.definition, end)
            yield Finding(
                kind="edge",
                level="note",
                message=f"The best {axis.name} ({value:.4g}) is at the {end} end of its range ({bound:.4g}).",
                remedy=f"Better values may lie beyond it: widen the range of {axis.name}.",
                parameter=axis.parameter,
            )


def edge(axis: Axis, value: float, limits: Limits = (None, None)) -> End | None:
    """Return at which end of a range a value lies; None inside, and at an end that cannot be widened."""
    if not isinstance(axis.domain, Numbers) or (axis.levels is not None and axis.levels < FEW):
        return None
    definition, unit = axis.domain.definition, axis.to_unit(value)
    if not axis.zero and definition.low != limits[0] and unit <= axis.to_unit(definition.low) + AT_EDGE:
        return "low"
    if definition.high != limits[1] and unit >= axis.to_unit(definition.high) - AT_EDGE:
        return "high"
    return None


def limits_of(spec: SearchSpec) -> dict[str, Limits]:
    """Return the widest range that each setting of the trainer allows."""
    trainer = trainers.get(spec.trainer)
    infos: list[Any] = list(trainer.settings()) if trainer else []
    return {one.name: (getattr(one, "low", None), getattr(one, "high", None)) for one in infos}


def _chance(now: Situation) -> Iterator[Finding]:
    if len(now.best) < 2 or now.valued < FEW or now.tied > 1:
        return
    if not now.dev_rows or now.spec.objective.metric != "dev_error":
        return
    first, second = (value for _, value in now.best[:2])
    noise = 2 * (max(first * (1 - first), 1 / now.dev_rows) / now.dev_rows) ** 0.5
    if now.sign * (second - first) >= noise or now.spec.reevaluate.leaders:
        return
    yield Finding(
        kind="chance",
        level="note",
        message=f"The lead over the second trial may be luck: with about {now.dev_rows} dev rows, "
        f"differences below {100 * noise:.2g} % are noise.",
        remedy="Train the leaders again with fresh seeds (reevaluate), or use a larger dev set.",
    )


def _diverged(now: Situation) -> Iterator[Finding]:
    count, ended = now.row.diverged, now.row.diverged + now.row.completed + now.row.stopped
    if not count or (count < FEW and count < MOST_SHARE * ended):
        return
    bound = _bound(now)
    where = f", most with {bound[0]} above {bound[1]:.3g}" if bound else ""
    yield Finding(
        kind="diverged",
        level="warning" if count > MOST_SHARE * ended else "note",
        message=f"{count} of {ended} trials diverged{where}.",
        remedy=f"Lower the high end of {bound[0]}."
        if bound
        else "Lower the learning rate, or clip its range.",
        parameter=bound[0] if bound else None,
    )


def _bound(now: Situation) -> tuple[str, float] | None:
    """Return the parameter, and the value above it, where nearly every trial diverged."""
    found: list[tuple[float, str, float]] = []
    for axis in now.spec.space.axes:
        if axis.index is not None or not isinstance(axis.domain, Numbers):
            continue
        bad = sorted(_numbers(now.diverged, axis.name))
        if len(bad) < FEW:
            continue
        bound = bad[len(bad) // 5]  # four fifths of those that diverged lie above
        beyond = sum(value >= bound for value in bad)
        fine = sum(value >= bound for value in _numbers(now.sound, axis.name))
        found.append((beyond / (beyond + fine), axis.name, bound))
    best = max(found, default=None)
    return (best[1], best[2]) if best and best[0] >= APART else None


def _numbers(points: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [float(value) for point in points if isinstance(value := point.get(name), int | float)]


def _failed(now: Situation) -> Iterator[Finding]:
    row = now.row
    others = row.completed + row.stopped + row.diverged
    if now.failure is None or not others:  # where all failed, the search itself says so
        return
    reason, count = now.failure
    yield Finding(
        kind="failed",
        level="warning" if row.failed > others else "note",
        message=f"{row.failed} of {row.failed + others} trials failed, {count} of them with: {reason[:200]}",
        remedy="Remove the cause, then run the failed trials again.",
    )


def _idle(now: Situation) -> Iterator[Finding]:
    row = now.row
    wanted = row.total - row.proposed + row.queued
    if row.ended is not None or row.switch != "active" or row.mode == "panda" or wanted <= 0:
        return
    if not now.idle or 2 * now.idle < now.agents or now.agents <= row.parallel:
        return
    are = "is" if now.idle == 1 else "are"
    yield Finding(
        kind="idle",
        level="note",
        message=f"{now.idle} of {now.agents} agents {are} idle, because parallel is {row.parallel}.",
        remedy=f"Edit the search and set parallel to {now.agents}.",
    )


def of_model(
    trial: str, matrix: Sequence[Sequence[int]] | None, classes: Sequence[str] | None
) -> list[Finding]:
    """Return what a confusion matrix shows that an error hides: classes that are never answered."""
    if not matrix or not classes:
        return []
    answered = [any(row[column] for row in matrix) for column in range(len(classes))]
    missing = [
        name for name, row, there in zip(classes, matrix, answered, strict=True) if sum(row) and not there
    ]
    if not missing:
        return []
    remedy = "Use more rows of the rare classes, or search for dev_cost; look at the confusion matrix."
    if sum(answered) == 1:
        only = classes[answered.index(True)]
        message = f"The best model (trial {trial}) answers {only!r} for every row of the dev set."
        return [Finding(kind="one_class", level="warning", message=message, remedy=remedy)]
    named = ", ".join(map(repr, missing[:5])) + (" ..." if len(missing) > 5 else "")
    message = f"The best model (trial {trial}) never answers {named}."
    return [Finding(kind="never_predicted", level="warning", message=message, remedy=remedy)]
