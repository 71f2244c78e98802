"""What a reader of a paper asks about a search, gathered in one snapshot: for report and model card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from caviar.search.spec import SearchSpec
from caviar.service.errors import NotFoundError, RefusedError
from caviar.service.ids import TrialId
from caviar.service.store import audit, figures, reads
from caviar.service.store import looks as look_rows
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.audit import StoredEdit
from caviar.service.store.looks import StoredLook
from caviar.service.store.reads import SearchSummary
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import analysis, continuing, datasets, diagnosing
from caviar.service.usecases.analysis import Importance, Standings
from caviar.trainer.diagnosis import Diagnosis
from caviar.trial_fields import StoredTrial

LEADERS = 10
CURVES = 5  # of the best trials
ASIDE = 50  # trials whose results do not count

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Verification:
    """What the last `caviar verify` of a search came to, as whoever ran it told."""

    created: float
    who: str | None
    result: dict[str, Any]


@dataclass(frozen=True)
class Paper:
    """A search as a paper reports it."""

    summary: SearchSummary
    spec: SearchSpec
    dataset: dict[str, Any] | None  # as it was found when it was uploaded; None: gone, or of a script
    source: dict[str, Any] | None  # where its examples come from, with the digest of an upload
    best: list[StoredTrial]
    standings: Standings
    importance: Importance
    looks: list[StoredLook]
    aside: list[StoredTrial]
    edits: list[StoredEdit]
    diagnosis: Diagnosis | None
    course: tuple[list[int], Floats]  # numbers and values, in order of ending; NaN: none
    curves: dict[int, Floats]  # the objective of the best trials, epoch 1 first
    agents: list[str]  # versions and machines of the workers seen since the search began
    verification: Verification | None


def read_paper(snapshot: Snapshot, search: int, now: float) -> Paper:
    """Gather what is to be said of a search. Raises NotFoundError."""
    summary = reads.search(snapshot, search, now)
    spec = SearchSpec.parse(orjson.loads(summary.row.spec))
    best = reads.best(snapshot, search, LEADERS)
    ended, _ = figures.ended_since(snapshot, search, 0)
    name = spec.dataset.get("name")
    return Paper(
        summary=summary,
        spec=spec,
        dataset=None if name is None else datasets.described(snapshot, str(name)),
        source=_source(snapshot, spec),
        best=best,
        standings=analysis.read_standings(snapshot, search),
        importance=analysis.read_importance(snapshot, search),
        looks=look_rows.of_search(snapshot, search),
        aside=trial_rows.put_by(snapshot, search, ASIDE),
        edits=audit.edits_of(snapshot, search),
        diagnosis=_diagnosis(snapshot, best),
        course=([row[0] for row in ended], np.array([row[1] for row in ended], dtype=np.float64)),
        curves={row.number: continuing.course(snapshot, row, spec.objective.metric) for row in best[:CURVES]},
        agents=_agents(snapshot, summary.row.created),
        verification=_verification(snapshot, search),
    )


def _source(snapshot: Snapshot, spec: SearchSpec) -> dict[str, Any] | None:
    try:
        return datasets.resolve(snapshot, spec.dataset)
    except RefusedError:  # the data set was deleted since
        return None


def _diagnosis(snapshot: Snapshot, best: list[StoredTrial]) -> Diagnosis | None:
    if not best:
        return None
    try:
        return diagnosing.diagnose(snapshot, TrialId.of(best[0]))
    except NotFoundError:  # its trainer reports no train and dev error
        return None


def _agents(snapshot: Snapshot, since: float) -> list[str]:
    seen = reads.agents_seen(snapshot, since)
    return sorted({f"Caviar {one.version} on {one.host}" for one in seen})


def _verification(snapshot: Snapshot, search: int) -> Verification | None:
    found = audit.newest(snapshot, audit.Wanted(search=search, what="verify", limit=1))
    if not found:
        return None
    return Verification(found[0].created, found[0].who, orjson.loads(found[0].after or "{}"))


def note_verification(tx: Transaction, search: int, result: dict[str, Any]) -> None:
    """Record what a verification came to, as whoever ran it tells. Raises NotFoundError."""
    search_rows.get(tx, search)
    audit.record(tx, "verify", search, subject=str(result["verdict"]), after=result)
