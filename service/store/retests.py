"""Re-tests of searches, and the schedules on which they begin."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import and_, delete, exists, func, insert, or_, select, update

from caviar.service.store.people_tables import retest_schedules, retests
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import searches
from caviar.service.store.transaction import Transaction

r, s, p = retests.c, searches.c, retest_schedules.c


class StoredRetest(NamedTuple):
    """A row of `retests`; data, winners and report are JSON."""

    id: int
    search_id: int
    nth: int
    created: float
    who: str | None
    data: str | None
    winners: str
    seeds: int
    baseline: int
    again: int
    fresh: int | None
    state: str = "running"
    taken: float | None = None
    ended: float | None = None
    drifted: bool | None = None
    report: str | None = None
    problem: str | None = None

    @property
    def trained_by(self) -> list[int]:
        """Return the searches whose ends it waits for."""
        return [one for one in (self.baseline, self.again, self.fresh) if one is not None]


class StoredSchedule(NamedTuple):
    """A row of `retest_schedules`; `wish` is JSON."""

    search_id: int
    seconds: float
    due: float
    wish: str
    who: str | None
    problem: str | None = None


def add(tx: Transaction, row: StoredRetest) -> StoredRetest:
    """Store a re-test; its id is given."""
    values = row._asdict()
    del values["id"]
    made = tx.execute(insert(retests).values(values).returning(r.id)).scalar_one()
    return row._replace(id=int(made))


def of_search(snapshot: Snapshot, search: int) -> list[StoredRetest]:
    """Return the re-tests of a search, the newest first."""
    query = select(retests).where(r.search_id == search).order_by(r.nth.desc())
    return list(map(StoredRetest._make, snapshot.execute(query)))


def due(snapshot: Snapshot, now: float, patience: float) -> list[StoredRetest]:
    """Return the re-tests whose trainings are over, and which no server has judged for so many seconds."""
    waits = exists().where(
        s.id.in_([r.baseline, r.again, r.fresh]), s.ended.is_(None), s.switch != "cancelled"
    )
    free = or_(r.taken.is_(None), r.taken < now - patience)
    query = select(retests).where(r.state == "running", free, ~waits).order_by(r.id)
    return list(map(StoredRetest._make, snapshot.execute(query)))


def take(tx: Transaction, retest: int, patience: float) -> bool:
    """Take a re-test to judge it; return whether no other server was faster."""
    free = or_(r.taken.is_(None), r.taken < tx.now - patience)
    wanted = and_(r.id == retest, r.state == "running", free)
    return bool(tx.execute(update(retests).where(wanted).values(taken=tx.now)).rowcount)


def end(tx: Transaction, retest: int, drifted: bool | None, report: str | None, problem: str | None) -> bool:
    """Write what came of a re-test; return whether it was still running."""
    values = {
        "state": "failed" if problem else "ended",
        "ended": tx.now,
        "drifted": drifted,
        "report": report,
        "problem": problem,
    }
    wanted = and_(r.id == retest, r.state == "running")
    return bool(tx.execute(update(retests).where(wanted).values(values)).rowcount)


def put_schedule(tx: Transaction, row: StoredSchedule) -> None:
    """Store the schedule of a search, in place of one it may have."""
    remove_schedule(tx, row.search_id)
    tx.execute(insert(retest_schedules).values(row._asdict()))


def remove_schedule(tx: Transaction, search: int) -> bool:
    """Remove the schedule of a search; return whether it had one."""
    return bool(tx.execute(delete(retest_schedules).where(p.search_id == search)).rowcount)


def schedule_of(snapshot: Snapshot, search: int) -> StoredSchedule | None:
    """Return the schedule of a search; None without one."""
    row = snapshot.execute(select(retest_schedules).where(p.search_id == search)).first()
    return None if row is None else StoredSchedule._make(row)


def schedules_due(snapshot: Snapshot, now: float) -> list[StoredSchedule]:
    """Return the schedules of which a re-test is to begin."""
    query = select(retest_schedules).where(p.due <= now).order_by(p.due)
    return list(map(StoredSchedule._make, snapshot.execute(query)))


def put_off(tx: Transaction, row: StoredSchedule, problem: str | None) -> bool:
    """Have the next re-test of a schedule begin later; return whether no other server was faster."""
    missed = max(1.0, (tx.now - row.due) // row.seconds + 1)
    wanted = and_(p.search_id == row.search_id, p.due == row.due)
    values = {"due": row.due + missed * row.seconds, "problem": problem}
    return bool(tx.execute(update(retest_schedules).where(wanted).values(values)).rowcount)


def drifted(snapshot: Snapshot) -> int:
    """Count the searches whose last re-test has failed."""
    query = select(func.count()).select_from(searches).where(s.drift.is_not(None))
    return int(snapshot.execute(query).scalar_one())
