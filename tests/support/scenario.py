"""A short life of a search, run in a process that a fault may end at any point; every answer is noted."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from caviar.service.errors import ServiceError
from caviar.service.ids import trial_id
from caviar.service.store import faults
from caviar.service.store.blobs import FileBlobs, digest_of
from caviar.service.usecases import checkpoints, steer_search
from tests.support.stores import World, epochs, handed, open_world, result

Note = Callable[[str, Any], None]
TRIALS = 4
PRUNED = 2  # checkpoints of the first trial that make room for newer ones


def live(world: World, blobs: FileBlobs, note: Note) -> None:
    """Submit, train with one agent, store checkpoints, edit, and go on until every trial has ended.

    Every step may be repeated after a crash, as clients and agents do.
    """
    search = world.submit(key="once", budget={"trials": TRIALS}, parallel=1)
    note("search", search)
    world.write(lambda tx: steer_search.edit(tx, world.proposer, search, {"note": "edited"}, None))
    note("note", "edited")
    given = handed(world.exchange(1, want=2))
    for _ in range(20):
        for name, attempt in given:
            world.exchange(1, reports=[epochs(name, attempt, 1, [1.0, 0.5])], holding=given)
            note("epochs", [name, 2])
            for step in range(PRUNED + checkpoints.KEEP if trial_id(name).number == 0 else 1):
                data = f"weights of {name} after {step}".encode()
                about = checkpoints.Given(attempt, 0, 2, step, 0, "schedule", digest_of(data))
                kept = asyncio.run(checkpoints.keep(world.store, blobs, trial_id(name), about, [data]))
                note("checkpoint", kept)
            world.exchange(1, reports=[result(name, attempt, 0.25)])
            note("result", [name, 0.25])
        given = handed(world.exchange(1, want=2))
        if not given:
            return
    raise AssertionError("the search does not end")


def run(url: str, folder: str, fault: str | None, notes: str) -> None:
    """The process: opens the store, arms the fault, lives; exits with faults.EXIT_CODE where it strikes."""
    world = open_world(make_url(url))
    faults.arm(fault)
    with Path(notes).open("a") as file:

        def note(kind: str, what: Any) -> None:
            file.write(json.dumps([kind, what]) + "\n")
            file.flush()

        try:
            live(world, FileBlobs(Path(folder)), note)
        except (ServiceError, OSError) as error:
            note("error", type(error).__name__)
            os._exit(3)
    os._exit(0)
