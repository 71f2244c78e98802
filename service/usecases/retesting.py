"""The loop of re-tests: judge those whose trainings are over, begin those that are due by a schedule."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import orjson

from caviar.metric_text import metric_text
from caviar.search.spec import SearchSpec
from caviar.service.config import Config
from caviar.service.errors import ConflictError, NotFoundError, RefusedError, ServiceError
from caviar.service.ids import TrialId
from caviar.service.store import checkpoints, reads
from caviar.service.store import retests as rows
from caviar.service.store import searches as search_rows
from caviar.service.store.blobs import Blobs
from caviar.service.store.database import Database
from caviar.service.store.datasets import target_of_search
from caviar.service.store.retests import StoredRetest, StoredSchedule
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import datasets, retests
from caviar.service.usecases.analysis import CHANCE, read_standings
from caviar.service.usecases.predictions import Evaluator
from caviar.service.usecases.retest_verdict import Change, Verdict, Write, change_of, verdict
from caviar.service.usecases.retests import Wish
from caviar.trainer.data.more_rows import other_sources
from caviar.trainer.metrics import named

PATIENCE = 900.0  # seconds after which another server judges what one has taken
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """What the trainings of a re-test came to."""

    spec: SearchSpec
    before: list[list[float]]  # of each winner
    after: list[list[float]]
    models: tuple[TrialId, TrialId] | None  # trials with a model of each side
    same: bool  # both sides have the same data
    fresh: dict[str, Any] | None
    task: str | None  # classification or regression, where the data set tells


class Retesting:
    """Judges and begins re-tests; several servers share the work."""

    def __init__(self, store: Database, blobs: Blobs, evaluator: Evaluator, config: Config) -> None:
        self._store, self._blobs, self._evaluator, self._config = store, blobs, evaluator, config

    async def run(self) -> None:
        """Judge what is over, and begin what is due."""
        over, due = await self._store.read(self._look)
        for schedule in due:
            await self._begin(schedule)
        for retest in over:
            if await self._store.write(lambda tx, one=retest: rows.take(tx, one.id, PATIENCE)):  # type: ignore[misc]
                await self._judge(retest)

    def _look(self, snapshot: Snapshot) -> tuple[list[StoredRetest], list[StoredSchedule]]:
        now = self._store.now(snapshot)
        return rows.due(snapshot, now, PATIENCE), rows.schedules_due(snapshot, now)

    async def _begin(self, schedule: StoredSchedule) -> None:
        """Begin a re-test of a schedule; why it could not is kept beside it."""
        problem = None
        wish = Wish(**orjson.loads(schedule.wish))
        try:
            made = await asyncio.to_thread(retests.plan, self._store, self._blobs, schedule.search_id, wish)
        except (RefusedError, ConflictError, NotFoundError) as error:
            problem, made = error.detail, None
            log.warning("search %d is not re-tested: %s", schedule.search_id, problem)

        models = [] if made is None else await retests.copies(self._store, self._blobs, made)

        def work(tx: Transaction) -> None:
            if rows.put_off(tx, schedule, problem) and made is not None:
                retests.begin(tx, made, self._config.workers_for(made.again.resources), models)

        try:
            await self._store.write(work, schedule.who)
        except ConflictError as error:  # by hand, meanwhile
            log.info("search %d is not re-tested now: %s", schedule.search_id, error.detail)

    async def _judge(self, retest: StoredRetest) -> None:
        try:
            trained = await self._store.read(lambda snapshot: gather(snapshot, retest))
            found, lack = await self._compared(trained)
            report, said = _report(retest, trained, found, lack)
        except ServiceError as error:
            problem = error.detail
            await self._store.write(lambda tx: _end(tx, retest, None, None, problem))
            return
        text = orjson.dumps(report).decode()
        await self._store.write(lambda tx: _end(tx, retest, said, text, None))

    async def _compared(self, trained: Trained) -> tuple[dict[str, Any] | None, str | None]:
        """Return what `trainer.drift` finds, or why it was not asked; its errors may be of the data."""
        if trained.same:
            return None, None
        measure = named(trained.spec.objective.metric)
        main = measure.measure if measure and measure.part == "dev" and not measure.over else ""
        if trained.models is None:
            return None, "no model is stored that could be asked: whether the data has changed is not told"
        return await self._evaluator.drift(*trained.models, main), None


def gather(snapshot: Snapshot, retest: StoredRetest) -> Trained:
    """Return what the trainings of a re-test came to. Raises ConflictError where some have no result."""
    row = search_rows.get(snapshot, retest.search_id)
    spec = SearchSpec.parse(orjson.loads(row.spec))
    count = len(orjson.loads(retest.winners))
    sides, models, data = [], [], []
    for child in (retest.baseline, retest.again):
        trained_on = orjson.loads(search_rows.get(snapshot, child).spec).get("dataset") or {}
        trials = [
            one
            for one in reads.all_trials(snapshot, child)
            if one.value is not None and one.state == "completed"
        ]
        groups: list[list[float]] = [[] for _ in range(count)]
        for one in trials:
            if one.number < count * retest.seeds:
                groups[one.number % count].append(float(one.value or 0.0))
        if not all(groups):
            raise ConflictError(f"a winner has no result in search {child}; its page says why")
        sides.append(groups)
        numbers = [one.number for one in trials] if spec.trainer == "mlp" else []
        models.append(_models(snapshot, child, numbers, count))
        data.append(_identity(datasets.resolve(snapshot, trained_on)))
    fresh = None if retest.fresh is None else _fresh(snapshot, retest.fresh)
    task = target_of_search(snapshot, orjson.loads(row.spec)).task
    return Trained(spec, sides[0], sides[1], _pair(*models), data[0] == data[1], fresh, task)


def _identity(dataset: dict[str, Any]) -> Any:
    """Return what tells one resolved data set from another: its content, not its name."""
    others = {part: {**one, **_content(one)} for part, one in other_sources(dataset).items()}
    return _content(dataset), others, {key: dataset.get(key) for key in (*retests.OWN, "arrays", "reading")}


def _content(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return the file of a source in place of its name; what comes with the trainer has a name alone."""
    return {"name": (source.get("upload") or {}).get("digest") or source.get("name"), "upload": None}


def _models(snapshot: Snapshot, search: int, numbers: Sequence[int], count: int) -> dict[int, TrialId]:
    """Return a trial that has a stored model for each winner, by its place, as far as there are any."""
    found: dict[int, TrialId] = {}
    for number in numbers:
        trial = TrialId(search, number)
        if number % count not in found and checkpoints.newest_model(snapshot, trial) is not None:
            found[number % count] = trial
    return found


def _pair(before: Mapping[int, TrialId], after: Mapping[int, TrialId]) -> tuple[TrialId, TrialId] | None:
    """Return a model of each side: of the same winner if one has both, else of the best that has one."""
    if not before or not after:
        return None
    shared = min(before.keys() & after.keys(), default=None)
    return before[min(before) if shared is None else shared], after[min(after) if shared is None else shared]


def _fresh(snapshot: Snapshot, search: int) -> dict[str, Any] | None:
    """Return the winner of the fresh search by its trainings again; None if it has none."""
    found = read_standings(snapshot, search)
    if not found.items:
        return None
    leader = found.items[0]
    numbers = [TrialId(search, int(name.partition(".")[2])) for name in leader.trainings]
    by_number = {one.number: one.value for one in reads.all_trials(snapshot, search)}
    values = [float(value) for one in numbers if (value := by_number.get(one.number)) is not None]
    return {"search": search, "trial": leader.trial, "params": orjson.loads(leader.params), "values": values}


def _report(
    retest: StoredRetest, trained: Trained, found: dict[str, Any] | None, lack: str | None
) -> tuple[dict[str, Any], Verdict]:
    """Return what is kept of a re-test, and its verdict."""
    sign = trained.spec.objective.sign
    write = partial(metric_text, trained.spec.objective.metric, task=trained.task)
    noise = _noise(trained, found)
    changes = [change_of(a, b, noise) for a, b in zip(trained.before, trained.after, strict=True)]
    said = verdict(found, changes, sign, write)
    ranks = [_ranks([sign * getattr(one, side) for one in changes]) for side in ("before", "after")]
    winners = [
        {**one, "values_before": a, "values_after": b, "rank_before": r, "rank_after": s, **asdict(change)}
        for one, a, b, r, s, change in zip(
            orjson.loads(retest.winners), trained.before, trained.after, *ranks, changes, strict=True
        )
    ]
    leader = ranks[1].index(1)
    beside = _beside(trained.fresh, trained.after[leader], sign, write)
    text = [said.text, _of_ranks(winners), *([beside["text"]] if beside else []), *([lack] if lack else [])]
    report = {
        "same_data": trained.same,
        "reasons": list(said.reasons),
        "chances": dict(said.chances),
        "winners": winners,
        "data": found,
        "fresh": beside,
        "text": text,
    }
    return report, said


def _noise(trained: Trained, found: dict[str, Any] | None) -> float | None:
    """Return the standard error that other rows bring to the distance of two means; None: not known."""
    if trained.same:
        return 0.0
    if found is None or None in found["noise"].values():
        return None
    return float((found["noise"]["before"] ** 2 + found["noise"]["after"] ** 2) ** 0.5)


def _ranks(values: Sequence[float]) -> list[int]:
    order = sorted(range(len(values)), key=values.__getitem__)
    return [order.index(place) + 1 for place in range(len(values))]


def _of_ranks(winners: Sequence[dict[str, Any]]) -> str:
    """Say whether another winner leads now."""
    if len(winners) < 2:
        return "There is no other winner to compare it with."
    first, now = (min(winners, key=lambda one: one[side]) for side in ("rank_before", "rank_after"))
    if first is now:
        return f"{first['trial']} leads as before."
    return f"{now['trial']} leads now, {first['trial']} before; the lead may be chance."


def _beside(
    fresh: dict[str, Any] | None, leader: Sequence[float], sign: float, write: Write
) -> dict[str, Any] | None:
    """Compare the winner of the fresh search with the leader: on the same data, seeds alone bring chance."""
    if fresh is None:
        return None
    change: Change = (
        change_of(leader, fresh["values"], 0.0) if fresh["values"] else change_of(leader, leader, None)
    )
    distance = sign * (change.after - change.before)
    beaten = bool(fresh["values"]) and change.p is not None and change.p < CHANCE and distance < 0
    said = "beats the winners" if beaten else "does not beat the winners by more than chance"
    values = f"{write(change.after)} against {write(change.before)}"
    return {**fresh, "beaten": beaten, "p": change.p, "text": f"A fresh search {said} ({values})."}


def _end(
    tx: Transaction, retest: StoredRetest, said: Verdict | None, report: str | None, problem: str | None
) -> None:
    """Write what came of a re-test, and put its searches out of the lists."""
    if not rows.end(tx, retest.id, None if said is None else said.drifted, report, problem):
        return
    for child in retest.trained_by:
        row = search_rows.find(tx, child)
        if row is not None and row.archived is None:
            search_rows.change(tx, child, archived=tx.now)
    row = search_rows.find(tx, retest.search_id)
    if row is None or said is None:
        return
    drift = f"Re-test {retest.nth}: {said.text}" if said.drifted else None
    if row.drift != drift:
        search_rows.change(tx, retest.search_id, drift=drift)
