"""Files of checkpoints from before databases had an identity: read, and deleted with their search."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import anyio
import pytest
from sqlalchemy import select, update

from caviar.service.store.tables import checkpoints
from caviar.service.usecases.checkpoints import remove_orphans
from tests.support.inprocess import App, running

API = "/api/v1"
DIGEST = "sha256:" + hashlib.sha256(b"weights").hexdigest()
AGENT = {"id": "a-0123456789abcdef", "host": "h", "pid": 1, "engine": "script", "trainers": ["external"]}
SPEC = {"name": "old", "trainer": "external", "space": {"a": {"low": 0, "high": 1}}, "budget": {"trials": 1}}


def trained(app: App) -> tuple[int, str]:
    """A search whose trial is in hand."""
    search = app.request("POST", f"{API}/searches", json=SPEC).json()["id"]
    body = {"agent": {**AGENT, "searches": [search]}, "want": 1}
    [trial] = app.request("POST", f"{API}/exchange", json=body).json()["trials"]
    return search, trial["trial"]


def kept(app: App, trial: str, epoch: int) -> int:
    query = {"attempt": 1, "epoch": epoch, "step": epoch, "kind": "schedule", "digest": DIGEST}
    sent = app.request("PUT", f"{API}/trials/{trial}/checkpoints", params=query, content=b"weights")
    assert sent.status_code == 201, sent.text
    return int(sent.json()["id"])


def moved_back(app: App, folder: Path, checkpoint: int) -> Path:
    """Put a checkpoint where the first version wrote it."""
    store, c = app.app.state.services.store, checkpoints.c
    with store.reading() as connection:
        name = connection.execute(select(c.name).where(c.id == checkpoint)).scalar_one()
    old = name.removeprefix(f"{store.identity}/")
    place = folder / "checkpoints" / old
    place.parent.mkdir(exist_ok=True)
    (folder / "checkpoints" / name).rename(place)
    change = update(checkpoints).where(c.id == checkpoint).values(name=old)
    store.submit(lambda tx: tx.connection.execute(change)).result(30)
    return place


@pytest.mark.parametrize("deleted", [False, True])
def test_old_files_are_read_pruned_and_deleted_with_their_search(tmp_path: Path, deleted: bool) -> None:
    with running(tmp_path) as app:
        search, trial = trained(app)
        old = kept(app, trial, 1)
        place = moved_back(app, tmp_path, old)
        other = place.with_name("0-of-another-database")
        other.write_bytes(b"not ours")
        for path in (place, other):
            os.utime(path, (0, 0))  # long ago
        services = app.app.state.services
        assert anyio.run(remove_orphans, services.store, services.blobs) == 0
        assert app.request("GET", f"{API}/checkpoints/{old}").content == b"weights"
        if deleted:
            assert app.request("DELETE", f"{API}/searches/{search}").status_code == 204
        else:
            newer = [kept(app, trial, epoch) for epoch in (2, 3, 4)]
            assert all(app.request("GET", f"{API}/checkpoints/{one}").is_success for one in newer)
        assert app.request("GET", f"{API}/checkpoints/{old}").status_code == 404
        assert not place.exists() and other.exists()
