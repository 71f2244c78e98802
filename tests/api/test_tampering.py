"""One changed value, anywhere in what is stored or in a report, is found, and trial and field are named."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caviar import Client
from caviar.proof import machine, reports
from caviar.proof.against import check_against
from caviar.proof.verify import head_of, report, verify
from caviar.service.usecases import record as record_pages
from tests.support.inprocess import BASE, App, running
from tests.support.inprocess_agents import agents, finished, transport
from tests.support.proving import another, changed, fetching, kept_files, leaves, record_of

SEARCH: dict[str, Any] = {
    "dataset": {"name": "iris"},
    "settings": {"epochs": 3, "hidden_layers": 1},
    "space": {
        "learning_rate": {"scale": "log", "low": 0.003, "high": 0.3},
        "hidden_units": {"scale": "log", "type": "int", "low": 4, "high": 24},
    },
    "schedule": [{"epoch": 1, "set": {"l2": 0.1}}],
    "stopping": {"name": "patience", "epochs": 1},
    "budget": {"trials": 8},
}
# What a clock or chance says, or where it was trained: found against an earlier report and in a report.
NOT_REPEATED = {
    *("created", "started", "ended", "attempt", "agent", "trained", "seconds", "size", "position", "kind"),
    *("revision", "answered", "at", "branch", "epoch", "step", "before", "reason", "state"),
}


class Case:
    """A trained search, the folder of its database, and its record."""

    def __init__(self, app: App, folder: Path, search: int) -> None:
        self.app, self.folder, self.search = app, folder, search
        self.record = record_of(app, search)
        self.fetch, self.kept = fetching(app), kept_files(app)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    folder = tmp_path_factory.mktemp("data")
    with running(folder) as app:
        search = app.request("POST", "/api/v1/searches", json=SEARCH).json()["id"]
        with agents(app, 2):
            finished(app, search)
        yield Case(app, folder, search)


def single(path: tuple[str, ...]) -> bool:
    return path[0] == "curves" and path[-1] != "epoch"


def test_any_value_is_missed_by_an_earlier_report(case: Case) -> None:
    assert list(check_against(case.record, case.record)) == []
    for trial in (0, 7):
        for path, value in leaves(case.record["trials"][trial]):
            other = changed(case.record, trial, path, another(value, single(path)))
            found = list(check_against(case.record, other))
            assert found, path
            assert found[0].where == f"trial {case.search}.{trial}"
            if path[0] != "files":
                assert path[0] in found[0].field, (path, found[0])


def test_what_follows_from_seed_and_results_needs_no_earlier_report(case: Case) -> None:
    """But for clocks and chance every value of a trial: by proposing, by training, or by the rest of it."""
    row = case.record["trials"][2]
    for path, value in leaves(row):
        if (path[0] in ("commands", "files", "attempts") or len(path) == 1) and path[-1] in NOT_REPEATED:
            continue
        if path[-1] in ("seconds", "excluded_at") or path[0] == "attempts":
            continue
        other = changed(case.record, 2, path, another(value, single(path)))
        verdict, _ = verify(other, case.fetch, "all", draw=[2], kept=case.kept)
        assert verdict.word == "failed", path
        assert any(one.where in (f"trial {case.search}.2", "search") for one in verdict.differing), path


@pytest.mark.one_server("its SQLite file is written over")
@pytest.mark.parametrize(
    ("statement", "field"),
    [
        ("UPDATE trials SET value = value + 1e-12 WHERE number = 1", "value"),
        ("UPDATE trials SET seed = seed + 1 WHERE number = 1", "seed"),
        ("UPDATE trials SET reason = 'no improvement in 2 epochs' WHERE number = 1", "reason"),
        ("UPDATE trials SET state = 'failed' WHERE number = 1", "state"),
        ("UPDATE trials SET params = replace(params, '\"hidden_units\":', '\"hidden_units\":1')"
         " WHERE number = 1", "params.hidden_units"),
        ("UPDATE commands SET arguments = '{\"l2\":0.2}' WHERE number = 1", "arguments.l2"),
        ("UPDATE searches SET best_value = best_value + 1e-9", "best_value"),
    ],
)  # fmt: skip
def test_one_value_changed_in_the_database_is_named(case: Case, statement: str, field: str) -> None:
    found = _altered(case, [(statement, ())])
    where = {one.where for one in found}
    assert where <= {f"trial {case.search}.1", "search"} | {
        f"trial {case.search}.{number}"
        for number in range(2, 8)  # proposals that saw it
    }
    assert any(field in one.field for one in found), found


@pytest.mark.one_server("its SQLite file is written over")
def test_one_bit_of_a_curve_in_the_database_is_named_by_its_epoch(case: Case) -> None:
    with sqlite3.connect(case.folder / "caviar.db") as database:
        query = "SELECT first, rows, data FROM curves WHERE number = 4 ORDER BY first DESC LIMIT 1"
        first, rows, data = database.execute(query).fetchone()
    values = np.frombuffer(data, dtype="<f4").reshape(rows, -1).copy()
    values[-1, 0] = np.nextafter(values[-1, 0], np.float32(9))
    change = "UPDATE curves SET data = ? WHERE number = 4 AND first = ?"
    found = _altered(case, [(change, (values.tobytes(), first))])
    [one] = [one for one in found if one.where == f"trial {case.search}.4"]
    assert one.field.startswith("curves.0.") and one.field.endswith(f", epoch {first + rows - 1}")


def _altered(case: Case, statements: list[tuple[str, tuple[Any, ...]]]) -> list[Any]:
    """Change the database, verify, and put it back; return what differs."""
    database = sqlite3.connect(case.folder / "caviar.db", isolation_level=None)
    tables = ("trials", "curves", "commands", "searches")
    before = {name: database.execute(f"SELECT * FROM {name}").fetchall() for name in tables}
    try:
        for statement, values in statements:
            assert database.execute(statement, values).rowcount == 1
        verdict, _ = verify(record_of(case.app, case.search), case.fetch, "all")
    finally:
        database.execute("PRAGMA foreign_keys = OFF")
        for name in reversed(tables):
            database.execute(f"DELETE FROM {name}")
            marks = ",".join("?" * len(before[name][0]))
            database.executemany(f"INSERT INTO {name} VALUES ({marks})", before[name])
        database.close()
    assert record_of(case.app, case.search) == case.record
    assert verdict.word == "failed"
    return verdict.differing


def test_a_report_is_verified_from_its_file_alone(case: Case, tmp_path: Path) -> None:
    verdict, data = verify(case.record, case.fetch, 2)
    made = report(case.record, verdict, data, "2026-01-01T00:00:00+00:00")
    reports.write_report(tmp_path / "report.json", made)
    told = reports.read_report(tmp_path / "report.json")
    assert told == made
    again, other = reports.verify_report(told, [], 2)
    assert (again.word, other, again.findings) == ("passed", [], [])
    assert len(head_of(told)) == 64


def test_one_value_changed_in_a_report_is_named(case: Case) -> None:
    verdict, data = verify(case.record, case.fetch, 0)
    made = report(case.record, verdict, data, "2026-01-01T00:00:00+00:00")
    for part in ("data", "code", "machine", "verification"):
        for path, value in leaves(made[part]):
            other = deepcopy(made)
            place = other[part]
            for name in path[:-1]:
                place = place[name]
            place[path[-1]] = another(value)
            assert any(path[-1] in field for _, field in reports.broken(other)), (part, path)
    for trial, name in ((0, f"trial {case.search}.0"), (None, "search")):
        part = made["record"]["search"] if trial is None else made["record"]["trials"][0]
        for path, value in leaves(part):
            if path in (("id",), ("number",)):
                continue  # by which the parts are named
            other = {**made, "record": changed(made["record"], trial, path, another(value, single(path)))}
            assert reports.broken(other)[0] == (name, ".".join(path))
    assert reports.broken({**made, "record": changed(made["record"], 0, ("number",), 3)})
    links = deepcopy(made)
    links["chain"][3]["fields"]["seed"] = "0" * 12
    assert reports.broken(links)[0] == ("search", "seed")
    links = deepcopy(made)
    links["chain"][5]["link"] = "0" * 64
    assert reports.broken(links)[0][1] == "link of the chain"


def test_another_kind_of_machine_is_said_first_and_proves_nothing(case: Case, monkeypatch: Any) -> None:
    verdict, data = verify(case.record, case.fetch, 0)
    made = report(deepcopy(case.record), verdict, data, "2026-01-01T00:00:00+00:00")
    other = {**machine.machine(), "kernels": "another"}
    monkeypatch.setattr(machine, "machine", lambda: other)
    again, apart = reports.verify_report(made, [], 2)
    assert again.word == "passed", "bits that are the same nevertheless prove it"
    assert apart == [f"kernels: {made['machine']['kernels']} there, another here"]
    curve = made["record"]["trials"][0]["curves"]["0"]
    curve["train_cost"] = another(curve["train_cost"], True)
    monkeypatch.undo()
    forged = report(made["record"], verdict, data, made["made"])  # with a chain of its own
    assert head_of(forged) != head_of(made)
    again, _ = reports.verify_report(forged, [], "all")
    [found] = again.differing
    assert found.field == "curves.0.train_cost, epoch 3"
    monkeypatch.setattr(machine, "machine", lambda: other)
    again, _ = reports.verify_report(forged, [], "all")
    assert again.word == "passed in part"
    assert "another kind" in str(again.open[0])


def test_a_record_comes_in_pages_and_the_client_joins_them(case: Case, monkeypatch: Any) -> None:
    monkeypatch.setattr(record_pages, "MOST_EPOCHS", 4)
    client = Client(BASE)
    client.transport = transport(case.app)
    first = case.app.request("GET", f"/api/v1/searches/{case.search}/record").json()
    assert first["next"] == len(first["trials"]) < 8
    joined = client.record(case.search)
    for one, other in zip(joined["trials"], case.record["trials"], strict=True):
        assert list(leaves(one)) == list(leaves(other))
    assert joined == case.record
    verdict, made = reports.verify_search(client, case.search, 1)
    assert (verdict.word, made["record"]) == ("passed", case.record)


def test_changed_data_is_found(case: Case) -> None:
    made = report(case.record, *verify(case.record, case.fetch, 0), "2026-01-01T00:00:00+00:00")
    made["record"]["dataset"] = {"name": "wine"}
    found = [str(one) for one in reports.verify_report(made, [], 0)[0].differing]
    assert any(one.startswith("data, dataset.name") for one in found)
    assert any(one.startswith("data, training: stored is sha256:") for one in found)
