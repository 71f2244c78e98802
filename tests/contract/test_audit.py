"""The audit trail: every change by a person is a row, in the same transaction, and none is ever lost."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from caviar.service.errors import ConflictError
from caviar.service.ids import TrialId
from caviar.service.security.tokens import TokenBook
from caviar.service.store import audit, schema
from caviar.service.store import people_tables as declared
from caviar.service.store.audit import AuditRow, Wanted
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases import commands, exclusions, steer_search
from caviar.service.usecases.command_validation import NewCommand
from caviar.service.usecases.rerun import rerun, rerun_all
from caviar.service.usecases.submit import submit
from tests.support.old_databases import dialect_of, old_search, write_old_rows
from tests.support.stores import World, epochs, handed, result, spec


def do(world: World, who: str | None, work: Any) -> Any:
    return world.store.submit(work, who).result(timeout=60)


def rows(world: World, **wanted: Any) -> list[AuditRow]:
    """The rows, oldest first."""
    return world.read(lambda snapshot: audit.newest(snapshot, Wanted(**wanted)))[::-1]


def told(row: AuditRow) -> tuple[Any, ...]:
    return row.who, row.what, row.number, row.subject


def ended(world: World, search: int, value: float | None, state: str) -> TrialId:
    ((name, attempt),) = handed(world.exchange(1, want=1, searches=[search]))
    world.exchange(1, reports=[epochs(name, attempt, 1, [0.5]), result(name, attempt, value, state)])
    return TrialId(search, int(name.partition(".")[2]))


def test_what_people_do_is_told_with_who_and_on_what(world: World) -> None:
    proposer = world.proposer
    search = do(world, "alice", lambda tx: submit(tx, spec())[0])
    good, bad = ended(world, search, 0.3, "completed"), ended(world, search, None, "failed")
    ((name, attempt),) = handed(world.exchange(1, want=1, searches=[search]))
    running = TrialId(search, int(name.partition(".")[2]))
    ask = NewCommand("note", {"text": "look here"}, "now", "refuse")
    for who, work in [
        ("bob", lambda tx: steer_search.edit(tx, proposer, search, {"tags": ["a"]}, None)),
        ("bob", lambda tx: steer_search.edit(tx, proposer, search, {"tags": ["a"]}, None)),
        ("eve", lambda tx: exclusions.exclude(tx, proposer, good, "the wrong data", "eve")),
        ("eve", lambda tx: exclusions.include(tx, proposer, good, "eve")),
        ("bob", lambda tx: rerun(tx, proposer, bad)),
        ("bob", lambda tx: rerun_all(tx, proposer, search, "failed")),
        ("bob", lambda tx: commands.give(tx, proposer, running, [ask], None, "key")),
        ("bob", lambda tx: commands.give(tx, proposer, running, [ask], None, "key")),
        ("bob", lambda tx: steer_search.enqueue(tx, proposer, search, [{"a": 0.1, "b": 0.5}])),
        ("bob", lambda tx: steer_search.switch(tx, search, "paused")),
        ("bob", lambda tx: steer_search.switch(tx, search, "paused")),
        (None, lambda tx: steer_search.archive(tx, search, True)),
        ("bob", lambda tx: steer_search.switch(tx, search, "active")),
        ("bob", lambda tx: steer_search.cancel(tx, search)),
    ]:
        do(world, who, work)
    world.exchange(1, reports=[result(name, attempt, 0.4)])  # what agents do is no deed of a person
    assert [told(row) for row in rows(world)] == [
        ("alice", "submit", None, None),
        ("bob", "edit", None, None),
        ("eve", "exclude", good.number, None),
        ("eve", "include", good.number, None),
        ("bob", "rerun", bad.number, None),
        ("bob", "command", running.number, "note"),
        ("bob", "enqueue", None, None),
        ("bob", "pause", None, None),
        (None, "archive", None, None),
        ("bob", "resume", None, None),
        ("bob", "cancel", None, None),
    ], "what changes nothing, and a request that comes twice, leaves one row or none"
    edit = next(row for row in rows(world) if row.what == "edit")
    assert (json.loads(edit.before or ""), json.loads(edit.after or "")) == ({"tags": None}, {"tags": ["a"]})
    assert [row.id for row in rows(world, who="eve", what="include")] == [rows(world)[3].id]


def test_rows_outlive_their_search_and_what_is_refused_leaves_none(world: World) -> None:
    search = do(world, "alice", lambda tx: submit(tx, spec(name="gone"))[0])
    with pytest.raises(ConflictError):
        do(world, "alice", lambda tx: steer_search.archive(tx, search, True))
    do(world, "root", lambda tx: steer_search.delete(tx, world.proposer, search))
    kept = rows(world, search=search)
    assert [row.what for row in kept] == ["submit", "delete"]
    assert json.loads(kept[-1].before or "")["name"] == "gone"
    assert [row.what for row in rows(world, below=kept[-1].id)] == ["submit"]


def test_the_name_of_one_person_is_never_put_to_the_work_of_the_next(world: World) -> None:
    futures = [
        world.store.submit(lambda tx: submit(tx, spec())[0], who) for who in ("a", None, "b", "a", None)
    ]
    made = [future.result(timeout=60) for future in futures]
    by = {row.search_id: row.who for row in rows(world)}
    assert [by[one] for one in made] == ["a", None, "b", "a", None]


def test_tokens_are_told_and_their_texts_are_not(world: World) -> None:
    book = TokenBook(world.store)
    _, secret = book.create("ci", "submit", "root")
    assert book.revoke("ci", "alice") and not book.revoke("ci", "alice")
    book.close()
    assert [told(row) for row in rows(world)] == [
        ("root", "create token", None, "ci"),
        ("alice", "revoke token", None, "ci"),
    ]
    assert secret not in str(rows(world))


def test_nothing_changes_or_removes_a_row() -> None:
    """Append only: no statement of the store but an insert writes to the table."""
    source = "".join(path.read_text() for path in Path(audit.__file__).parent.glob("*.py"))
    assert not re.findall(r"(?:update|delete)\(\s*audit\b", source)
    assert not declared.audit.foreign_keys, "the end of a search takes no row with it"


def test_the_edits_of_before_are_the_first_rows(database_url: URL) -> None:
    dialect = dialect_of(database_url)
    why = {"why": "wrong data", "by": "eve"}
    edits = [
        ({"switch": "active"}, {"switch": "paused"}),
        ({"switch": "paused"}, {"switch": "active"}),
        ({"budget": {"trials": 3}}, {"budget": {"trials": 5}}),
        ({"trial 2": None}, {"trial 2": why}),
        ({"trial 2": why}, {"trial 2": {"included": True, "by": "bob"}}),
    ]
    rows = []
    for place, (before, after) in enumerate(edits):
        values = {"id": place + 1, "search_id": 1, "version": place + 2, "created": 5.0, "proposed": place}
        rows.append(("edits", {**values, "before": json.dumps(before), "after": json.dumps(after)}))
    write_old_rows(dialect, "0016", old_search(1), *rows)
    schema.migrate(dialect)
    with dialect.readers.connect() as connection:
        snapshot = Snapshot(connection)
        kept = audit.newest(snapshot, Wanted(search=1))[::-1]
        assert [told(row) for row in kept] == [
            (None, "pause", None, None),
            (None, "resume", None, None),
            (None, "edit", None, None),
            ("eve", "exclude", 2, None),
            ("bob", "include", 2, None),
        ]
        found = audit.edits_of(snapshot, 1)
        assert [(json.loads(one.before), json.loads(one.after)) for one in found] == edits
        assert audit.proposed_when_edited(snapshot, 1) == 4
        assert audit.proposed_under_another_budget(snapshot, 1) == 2
        assert not connection.execute(text("SELECT 1 FROM searches WHERE id = 2")).all()
    dialect.close()
