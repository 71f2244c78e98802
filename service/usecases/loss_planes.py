"""The cost in the plane through a trial's path, computed in another process.

The path is trained again from the seed and the log of changes, which gives it bit for bit, where that takes
seconds; else it is that of the checkpoints that are kept. One plane is computed at a time, and predictions
do not wait for it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from cachetools import LRUCache

from caviar.exchange.checkpoint_content import unpacked
from caviar.service.config import Limits
from caviar.service.errors import ConflictError, NotFoundError, RefusedError, UnavailableError
from caviar.service.ids import TrialId
from caviar.service.sandbox.process import run_sandboxed
from caviar.service.store import starting_models
from caviar.service.store.blobs import Blobs, in_thread
from caviar.service.store.database import Database
from caviar.service.store.rows import StoredCheckpoint
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.uploads import Uploads
from caviar.service.usecases import checkpoints
from caviar.service.usecases.predictions import CACHES, COMPILE_SECONDS, named_files
from caviar.service.usecases.rewind_estimate import seconds_per_epoch
from caviar.service.usecases.steering_view import ReplayLog, read_log

AGAIN_SECONDS = 30.0  # of training, up to which a path is trained again
WORK_SECONDS = 180.0  # of the processor, for all
MOST_STATES = 40  # checkpoints of a path
MOST_BYTES = 256 << 20  # of these together
LEAST_STATES = 2  # and the beginning: three points make a plane
KEPT_BYTES = 16 << 20  # of answers in memory


@dataclass(frozen=True)
class TrainingPath:
    """How the states of a trial are reached."""

    log: ReplayLog
    epoch: int  # where it ends; with folds it is that of the first one
    seconds: float | None  # to train it again, about
    kept: list[StoredCheckpoint]  # of its present branch, in order

    @property
    def again(self) -> bool:
        """Whether it is trained again."""
        return self.seconds is not None and self.seconds <= AGAIN_SECONDS


class LossPlanes:
    """Computes planes one at a time, and remembers those of trials that do not change any more."""

    def __init__(self, store: Database, blobs: Blobs, uploads: Uploads, limits: Limits) -> None:
        self._store, self._blobs, self._uploads, self._limits = store, blobs, uploads, limits
        self._answers: LRUCache[tuple[Any, ...], bytes] = LRUCache(KEPT_BYTES, len)
        self._one = asyncio.Semaphore(1)

    async def plane(self, trial: TrialId, resolution: int | None, rows: int | None) -> bytes:
        """Return, as JSON, what `loss_plane` finds of a trial, and `source`: trained again, or checkpoints.

        Raises NotFoundError, ConflictError for a path that has no plane or is too long, RefusedError for more
        places or rows than are computed, UnavailableError when that took too much memory or time.
        """
        training = await self._store.read(lambda snapshot: find_path(snapshot, trial))
        key = (trial, training.log.branch, training.log.epoch, len(training.log.changes), resolution, rows)
        async with self._one:
            found = self._answers.get(key)
            if found is None:
                found = self._answers[key] = await self._computed(trial, training, resolution, rows)
            return found

    async def _computed(
        self, trial: TrialId, training: TrainingPath, resolution: int | None, rows: int | None
    ) -> bytes:
        log, limits = training.log, self._limits
        states = [] if training.again else await self._states(trial, training)
        head = {
            "dataset": await self._dataset(log),
            "settings": log.settings,
            "seed": log.trial.seed,
            "changes": log.changes,
            "epoch": training.epoch,
            "resolution": resolution,
            "rows": rows,
            "sizes": [len(state) for state in states],
        }
        output = await run_sandboxed(
            "caviar.service.sandbox.landscape",
            (str(limits.inspect_memory), str(WORK_SECONDS)),
            limits,
            b"".join([orjson.dumps(head), b"\n", *states]),
            environment={name: os.environ[name] for name in CACHES if name in os.environ},
            seconds=COMPILE_SECONDS + 2 * WORK_SECONDS,
        )
        if output is None:
            message = f"the cost around the path of trial {trial} took too much memory or time"
            raise UnavailableError(f"{message}; ask for fewer places (resolution) or rows")
        found = orjson.loads(output)
        if refused := found.get("refused"):
            raise RefusedError.of(refused["field"], refused["message"], refused["remedy"])
        if problem := found.get("problem"):
            raise ConflictError(f"trial {trial}: {problem['message']}; {problem['remedy']}")
        source = "trained again" if training.again else "checkpoints"
        return orjson.dumps({"trial": str(trial), "branch": log.branch, "source": source, **found})

    async def _dataset(self, log: ReplayLog) -> dict[str, Any]:
        """Return the `dataset` object with the files of its sources, and of the model it starts from.

        Raises ConflictError where one is gone.
        """
        dataset = await named_files(self._uploads, log.dataset)
        if upload := (dataset.get("init_from") or {}).get("upload"):
            kept = await self._store.read(lambda s: starting_models.by_digest(s, upload["digest"]))
            if kept is not None:
                try:
                    path = await in_thread(self._blobs.local, kept.file, kept.digest)
                except OSError as error:
                    message = (
                        f"the model that the trial started from cannot be read: {error.strerror or error}"
                    )
                    raise ConflictError(f"{message}; is the data folder (--data) the right one?") from None
                dataset["init_from"] = {"path": str(path)}
        return dataset

    async def _states(self, trial: TrialId, training: TrainingPath) -> list[bytes]:
        """Return the bytes of checkpoints, evenly chosen. Raises ConflictError where they are too few."""
        found: list[bytes] = []
        for one in _chosen(training.kept):
            with suppress(ConflictError, NotFoundError, ValueError):  # damaged, or removed meanwhile
                found.append(unpacked((await checkpoints.load(self._store, self._blobs, one.id))[0])[0])
        if len(found) >= LEAST_STATES:
            return found
        took = "unknown time" if training.seconds is None else f"about {training.seconds:.0f} s"
        message = (
            f"training trial {trial} again takes {took}, more than the {AGAIN_SECONDS:.0f} s that are spent "
            f"here, and of its checkpoints {len(found)} are kept"
        )
        remedy = "rerun it in a search with mode panda, which keeps a checkpoint of every second"
        raise ConflictError(f"{message}; {remedy}")


def find_path(snapshot: Snapshot, trial: TrialId) -> TrainingPath:
    """Return how the states of a trial are reached. Raises NotFoundError, ConflictError before any epoch."""
    log = read_log(snapshot, trial)
    if log.trainer != "mlp":
        raise NotFoundError(f"the weights of trainer {log.trainer} are not known here; only those of mlp are")
    if log.epoch == 0:
        raise ConflictError(f"trial {trial} has trained no epoch yet; wait for some")
    pace = seconds_per_epoch(snapshot, log.trial, log.branch)
    epoch, kept = log.epoch, sorted(log.checkpoints, key=lambda one: (one.step, one.id))
    if log.dataset.get("folds"):  # their checkpoints hold several trainings
        epoch, kept = min(epoch, int(log.settings.get("epochs") or epoch)), []
    return TrainingPath(log, epoch, None if pace is None else pace * epoch, kept)


def _chosen(kept: Sequence[StoredCheckpoint]) -> list[StoredCheckpoint]:
    """Return an even choice of checkpoints, no more than fit into memory."""
    if not kept:
        return []
    most = max(LEAST_STATES, min(MOST_STATES, MOST_BYTES // max(one.size for one in kept)))
    places = np.unique(np.linspace(0, len(kept) - 1, min(most, len(kept))).round().astype(int))
    return [kept[place] for place in places]
