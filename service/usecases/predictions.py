"""What the stored model of a trial gets right and wrong, computed in another process.

On the dev set once; on the test set each time that a person asks (see `final_tests`); on rows that are sent;
over two columns.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from cachetools import LRUCache

from caviar.search.spec import SearchSpec
from caviar.service.config import Limits
from caviar.service.errors import ConflictError, NotFoundError, RefusedError, UnavailableError
from caviar.service.ids import TrialId
from caviar.service.sandbox.process import run_sandboxed
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.blobs import Blobs
from caviar.service.store.database import Database
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.uploads import Uploads
from caviar.service.usecases import checkpoints, datasets
from caviar.service.usecases.examples import Examples
from caviar.trainer.data.more_rows import other_sources, with_sources

KEPT = 64  # answers in memory
EXAMPLE_BYTES = 128 << 20  # of examples in memory
BOUNDARY_BYTES = 32 << 20  # of decision boundaries
CACHES = ("CAVIAR_CACHE", "HOME", "XDG_CACHE_HOME")  # by which the compiled kernels are found
COMPILE_SECONDS = 300.0  # that a first test may take longer


class Evaluator:
    """Compares models with their dev sets, one at a time, and remembers: a stored model never changes."""

    def __init__(self, store: Database, blobs: Blobs, uploads: Uploads, limits: Limits) -> None:
        self._store, self._blobs, self._uploads, self._limits = store, blobs, uploads, limits
        self._kept: LRUCache[int, dict[str, Any]] = LRUCache(KEPT)
        self._examples: LRUCache[int, Examples] = LRUCache(EXAMPLE_BYTES, lambda examples: examples.size)
        self._boundaries: LRUCache[tuple[Any, ...], bytes] = LRUCache(BOUNDARY_BYTES, len)
        self._one = asyncio.Semaphore(1)

    async def predictions(self, trial: TrialId) -> dict[str, Any]:
        """Return the outcomes of a trial's model on the dev set.

        Raises NotFoundError without a stored model, ConflictError for one that cannot be compared,
        UnavailableError when that took too much memory or time.
        """
        stored = await self._store.read(lambda snapshot: find_model(snapshot, trial))
        async with self._one:
            found = self._kept.get(stored.model)
            if found is None:
                answer = orjson.loads(await self._computed(trial, stored, "outcomes"))
                found = self._kept[stored.model] = answer
            return found

    async def final_test(self, trial: TrialId, main: str, measures: Sequence[str]) -> dict[str, Any]:
        """Return what a trial's model is worth on the test set; errors as `predictions`."""
        stored = await self._store.read(lambda snapshot: find_model(snapshot, trial))
        async with self._one:
            test = {"main": main, "measures": list(measures)}
            found: dict[str, Any] = orjson.loads(await self._computed(trial, stored, "test", test))
            return found

    async def boundary(self, trial: TrialId, asked: Mapping[str, Any]) -> bytes:
        """Return, as JSON, what a trial's model answers over two columns; `asked` as `decision_boundary`.

        Raises RefusedError for a column, row or target that there is not; other errors as `predictions`.
        """
        stored = await self._store.read(lambda snapshot: find_model(snapshot, trial))
        key = (stored.model, *sorted(asked.items()))
        async with self._one:
            found = self._boundaries.get(key)
            if found is None:
                found = await self._computed(trial, stored, "boundary", asked)
                if found.startswith(b'{"refused"'):
                    refused = orjson.loads(found)["refused"]
                    raise RefusedError.of(refused["field"], refused["message"], refused["remedy"])
                self._boundaries[key] = found
            return found

    async def drift(self, before: TrialId, after: TrialId, main: str) -> dict[str, Any]:
        """Return what has changed between the data of two trials; errors as `predictions`.

        Their models tell whether the relation of columns and target has changed.
        """
        old, new = [
            await self._store.read(lambda snapshot, trial=trial: find_model(snapshot, trial))  # type: ignore[misc]
            for trial in (before, after)
        ]
        async with self._one:
            newer = await self._saved(after, new)
            dataset = await named_files(self._uploads, new.dataset)
            asked = {"main": main, "newer": dataset, "bytes": len(newer)}
            found: dict[str, Any] = orjson.loads(await self._computed(before, old, "drift", asked, newer))
            return found

    async def examples(self, trial: TrialId) -> Examples:
        """Return the rows of the dev set under a trial's model; errors as `predictions`."""
        stored = await self._store.read(lambda snapshot: find_model(snapshot, trial))
        async with self._one:
            found = self._examples.get(stored.model)
            if found is None:
                lines = await self._computed(trial, stored, "errors")
                found = await asyncio.to_thread(Examples.of, lines)
                if found.size <= self._examples.maxsize:
                    self._examples[stored.model] = found
            return found

    async def predict(self, trial: TrialId, rows: Sequence[Any]) -> dict[str, Any]:
        """Return what a trial's model says about a few rows: mappings by column, or lists of numbers.

        Raises RefusedError for rows that cannot be predicted on; other errors as `predictions`.
        """
        stored = await self._store.read(lambda snapshot: find_model(snapshot, trial))
        limits = self._limits
        arguments = (str(limits.inspect_memory), str(limits.inspect_seconds))
        async with self._one:
            saved = await self._saved(trial, stored)
            given = orjson.dumps(rows) + b"\n" + saved
            output = await run_sandboxed("caviar.service.sandbox.prediction", arguments, limits, given)
        found: dict[str, Any] = orjson.loads(_answered(trial, "predicting with", output))
        if refused := found.get("refused"):
            raise RefusedError.of("rows", refused["message"], refused["remedy"])
        return found

    async def _saved(self, trial: TrialId, stored: StoredModel) -> bytes:
        """Return the model file. Raises ConflictError when it cannot be read."""
        try:
            saved, _ = await checkpoints.load(self._store, self._blobs, stored.model)
        except ConflictError as error:
            message = f"the model of trial {trial} cannot be read: {error.detail}"
            raise ConflictError(f"{message} If it is lost, train it again (caviar rerun {trial})") from error
        return saved

    async def _computed(
        self,
        trial: TrialId,
        stored: StoredModel,
        wanted: str,
        asked: Mapping[str, Any] | None = None,
        first: bytes = b"",
    ) -> bytes:
        """Return what the process prints of the model, and of another one that is sent `first`."""
        saved = await self._saved(trial, stored)
        limits = self._limits
        dataset = json.dumps(await named_files(self._uploads, stored.dataset))
        arguments = [str(limits.inspect_memory), str(limits.inspect_seconds), dataset, wanted]
        more: dict[str, Any] = {}
        if asked is not None:
            arguments.append(json.dumps(asked))
        if wanted in ("test", "drift"):
            of_kernels = {name: os.environ[name] for name in CACHES if name in os.environ}
            more = {"environment": of_kernels, "seconds": COMPILE_SECONDS + 2 * limits.inspect_seconds}
        output = await run_sandboxed(
            "caviar.service.sandbox.evaluation", tuple(arguments), limits, first + saved, **more
        )
        return _answered(trial, "comparing", output)


async def named_files(uploads: Uploads, dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `dataset` object of a search with the files of its uploaded sources."""
    others = {part: await uploads.local(one) for part, one in other_sources(dataset).items()}
    return await uploads.local(with_sources(dataset, others))


def _answered(trial: TrialId, doing: str, output: bytes | None) -> bytes:
    """Return what the process printed. Raises UnavailableError if nothing, ConflictError for a problem."""
    if output is None:
        message = f"{doing} the model of trial {trial} took too much memory or time"
        raise UnavailableError(f"{message}; download it and use caviar predict")
    if output.startswith(b'{"problem"'):
        problem = orjson.loads(output)["problem"]
        raise ConflictError(f"the model of trial {trial}: {problem['message']}; {problem['remedy']}")
    return output


@dataclass(frozen=True)
class StoredModel:
    """The checkpoint that holds a trial's model, and the spec and data set of its search."""

    model: int
    spec: SearchSpec
    dataset: dict[str, Any]


def find_model(snapshot: Snapshot, trial: TrialId) -> StoredModel:
    """Return the trial's model and the data set of its search. Raises NotFoundError."""
    trial_rows.get(snapshot, trial)
    spec = SearchSpec.parse(orjson.loads(search_rows.get(snapshot, trial.search).spec))
    if spec.trainer != "mlp":
        message = f"the models of trainer {spec.trainer} are not known here; only those of mlp are"
        raise NotFoundError(f"{message}: let your own program predict and compare")
    model = checkpoints.model_of(snapshot, trial)
    return StoredModel(model, spec, datasets.resolve(snapshot, spec.dataset))
