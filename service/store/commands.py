"""Commands: what a person asks of a trial. Each waits until it is applied or refused, once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Row, Select, and_, bindparam, func, insert, select, update

from caviar.service.ids import TrialId, in_pieces
from caviar.service.store.rows import StoredCommand
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import WAITS, commands
from caviar.service.store.transaction import Transaction

c = commands.c
FEW = 200  # waiting commands that are read quicker than their trials are named
_WAITING = select(commands).where(WAITS)
_FIRST_WAITING = _WAITING.order_by(c.search_id, c.number).limit(FEW + 1)  # as in their index
_REFUSE = (
    update(commands)
    .where(c.id == bindparam("b_id"))
    .values(
        state="refused",
        reason=bindparam("new_reason"),
        answered=bindparam("new_answered"),
        revision=bindparam("new_revision"),
    )
)
_BLANK = dict.fromkeys(("step", "epoch", "branch", "before", "after", "reason", "answered"))


class Effect(NamedTuple):
    """Where on its way a trial obeyed a command, and what that did."""

    branch: int
    epoch: int | None
    step: int | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None

    def columns(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {
            "branch": self.branch,
            "epoch": self.epoch,
            "step": self.step,
            "before": None if self.before is None else orjson.dumps(self.before).decode(),
            "after": None if self.after is None else orjson.dumps(self.after).decode(),
        }


class Ended(NamedTuple):
    """How a trial ended, and after how many epochs."""

    state: str
    epoch: int

    def reason(self, at: str) -> str:
        """Say why what waited for a moment is refused."""
        end = f"the trial ended at epoch {self.epoch} ({self.state}); fork or extend it"
        if not at.startswith("epoch:"):
            return end
        epoch = int(at.removeprefix("epoch:"))
        return f"epoch {epoch} {'had passed' if epoch <= self.epoch else 'never came'}: {end}"


def of_trial(snapshot: Snapshot, trial: TrialId) -> list[StoredCommand]:
    """Return the commands of a trial in the order they were given."""
    return _read(snapshot, _of(trial).order_by(c.id))


def applied(snapshot: Snapshot, trial: TrialId) -> list[StoredCommand]:
    """Return the commands that took effect on a trial, in the order in which they did."""
    return _read(snapshot, _of(trial).where(c.state == "applied").order_by(c.revision))


def waiting(snapshot: Snapshot, trial: TrialId) -> list[StoredCommand]:
    """Return the commands of a trial that wait for their moment."""
    return _read(snapshot, _of(trial).where(c.state == "waiting").order_by(c.id))


def given_with(snapshot: Snapshot, trial: TrialId, digest: str) -> list[StoredCommand]:
    """Return the commands that were given under an idempotency key, which is kept as its digest."""
    return _read(snapshot, _of(trial).where(c.idempotency.startswith(digest)).order_by(c.id))


def version(snapshot: Snapshot, trial: TrialId) -> int:
    """Return the id of a trial's newest command, 0 without one: what If-Match compares."""
    query = select(func.max(c.id)).where(c.search_id == trial.search, c.number == trial.number)
    return int(snapshot.execute(query).scalar() or 0)


def _of(trial: TrialId) -> Select[*tuple[Any, ...]]:
    return select(commands).where(c.search_id == trial.search, c.number == trial.number)


def _read(snapshot: Snapshot, query: Select[*tuple[Any, ...]]) -> list[StoredCommand]:
    return list(map(StoredCommand._make, snapshot.execute(query)))


def waiting_in(snapshot: Snapshot, trials: Iterable[TrialId]) -> list[StoredCommand]:
    """Return the commands that wait for any of several trials, in the order they were given."""
    wanted = frozenset(trials)
    if not wanted:
        return []
    rows: Sequence[Row[*tuple[Any, ...]]] = snapshot.execute(_FIRST_WAITING).all()  # mostly these are all
    if len(rows) > FEW:
        named = [and_(c.search_id == search, c.number.in_(some)) for search, some in in_pieces(wanted)]
        rows = [row for where in named for row in snapshot.execute(_WAITING.where(where))]
    found = [StoredCommand._make(row) for row in rows if (row.search_id, row.number) in wanted]
    return sorted(found, key=lambda one: one.id)


def add(
    tx: Transaction,
    trial: TrialId,
    kind: str,
    arguments: Mapping[str, Any],
    at: str = "now",
    *,
    late: str | None = None,
    mark: str | None = None,
    effect: Effect | None = None,
) -> int:
    """Add a command and return its id: one that waits, or that took effect at once.

    `mark` tells commands that were given under an idempotency key, `late` what to do when the epoch it waits
    for has passed, by default to refuse it.
    """
    when = {"at": at} | ({"late": late} if late else {})
    row = {
        **_BLANK,
        "search_id": trial.search,
        "number": trial.number,
        "kind": kind,
        "arguments": orjson.dumps(arguments).decode(),
        "at": orjson.dumps(when).decode(),
        "state": "waiting",
        "idempotency": mark,
        "created": tx.now,
        "revision": tx.revision(),
    }
    if effect is not None:
        row |= {"state": "applied", "answered": tx.now, **effect.columns()}
    tx.touched.add(trial.search)
    return int(tx.execute(insert(commands).values(**row).returning(c.id)).scalar_one())


def apply(tx: Transaction, trial: TrialId, command: int, effect: Effect, late: str | None = None) -> None:
    """Write that a waiting command took effect, and how late; one that waits no more stays as it is."""
    _answer(tx, trial, command, {"state": "applied", "reason": late, **effect.columns()})


def refuse(tx: Transaction, trial: TrialId, command: int, reason: str, effect: Effect | None = None) -> None:
    """Write that a waiting command was refused; one that does not wait any more stays as it is."""
    where = {} if effect is None else effect.columns()
    _answer(tx, trial, command, {"state": "refused", "reason": reason, **where})


def _answer(tx: Transaction, trial: TrialId, command: int, values: Mapping[str, Any]) -> None:
    tx.execute(
        update(commands)
        .where(
            c.id == command,
            c.search_id == trial.search,
            c.number == trial.number,
            c.state == "waiting",
        )
        .values(**values, answered=tx.now, revision=tx.revision())
    )
    tx.touched.add(trial.search)


def refuse_waiting(tx: Transaction, ended: Mapping[TrialId, Ended]) -> None:
    """Refuse what still waits for trials that have ended, telling how each ended and at which epoch."""
    rows = waiting_in(tx, ended)
    if rows:
        tx.execute(
            _REFUSE,
            [
                {
                    "b_id": row.id,
                    "new_reason": ended[TrialId.of(row)].reason(orjson.loads(row.at).get("at", "now")),
                    "new_answered": tx.now,
                    "new_revision": tx.revision(),
                }
                for row in rows
            ],
        )
    tx.touched.update(row.search_id for row in rows)
