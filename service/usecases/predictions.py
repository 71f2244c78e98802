"""What the stored model of a trial gets right and wrong on the dev set; computed once, in another process."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from caviar.search.spec import SearchSpec
from caviar.service.config import Limits
from caviar.service.errors import ConflictError, NotFoundError, UnavailableError
from caviar.service.ids import TrialId
from caviar.service.sandbox.process import run_sandboxed
from caviar.service.store import reads
from caviar.service.store.blobs import FileBlobs
from caviar.service.store.database import Database
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.uploads import Uploads
from caviar.service.usecases import checkpoints, datasets

KEPT = 64  # answers in memory


class Confused(BaseModel):
    """How often one class was taken for another."""

    actual: str
    predicted: str
    count: int


class Residuals(BaseModel):
    """A target of a regression: measures over all rows, and points in the user's own units."""

    name: str
    mean_absolute_error: float
    root_mean_squared_error: float
    r2: float | None
    row: list[int] = Field(
        description="of many rows the worst and an even spread; 0 is the first of the part"
    )
    actual: list[float]
    predicted: list[float]


class Predictions(BaseModel):
    """What a model gets right and wrong."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)
    kind: str = Field(description="binary, multiclass or regression")
    part: str = Field(description="dev")
    rows: int
    error: float = Field(description="as in training: a share, or in standard deviations of the target")
    classes: list[str] | None = None
    matrix: list[list[int]] | None = Field(
        None, description="actual down, predicted across; null: over 50 classes"
    )
    confused: list[Confused] | None = Field(None, description="the pairs most often confused")
    targets: list[Residuals] | None = None


class Evaluator:
    """Compares models with their dev sets, one at a time, and remembers: a stored model never changes."""

    def __init__(self, store: Database, blobs: FileBlobs, uploads: Uploads, limits: Limits) -> None:
        self._store, self._blobs, self._uploads, self._limits = store, blobs, uploads, limits
        self._kept: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._one = asyncio.Semaphore(1)

    async def predictions(self, trial: TrialId) -> dict[str, Any]:
        """Give the outcomes of a trial's model on the dev set.

        Raises NotFoundError without a stored model, ConflictError for one that cannot be compared,
        UnavailableError when that took too much memory or time.
        """
        model, dataset = await self._store.read(lambda snapshot: _found(snapshot, trial))
        async with self._one:
            if model not in self._kept:
                saved, _ = await checkpoints.load(self._store, self._blobs, model)
                self._kept[model] = await self._compared(trial, saved, self._local(dataset))
                if len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            return self._kept[model]

    async def _compared(self, trial: TrialId, saved: bytes, dataset: dict[str, Any]) -> dict[str, Any]:
        limits = self._limits
        arguments = (str(limits.inspect_memory), str(limits.inspect_seconds), json.dumps(dataset))
        output = await run_sandboxed("caviar.service.sandbox.evaluation", arguments, limits, saved)
        if output is None:
            message = f"comparing the model of trial {trial} took too much memory or time"
            raise UnavailableError(f"{message}; download it and use caviar predict")
        answer: dict[str, Any] = orjson.loads(output)
        if problem := answer.get("problem"):
            raise ConflictError(f"the model of trial {trial}: {problem['message']}; {problem['remedy']}")
        return Predictions(**answer).model_dump()

    def _local(self, dataset: Mapping[str, Any]) -> dict[str, Any]:
        """Name the files of uploaded sources."""
        local = dict(dataset)
        for part in ("dev", "test"):
            if isinstance(local.get(part), Mapping):
                local[part] = self._source(local[part])
        return self._source(local)

    def _source(self, source: Mapping[str, Any]) -> dict[str, Any]:
        plain = {key: value for key, value in source.items() if key != "upload"}
        upload = source.get("upload")
        if upload is not None:
            plain["path"] = str(self._uploads.path(upload["digest"], upload["kind"]))
        return plain


def _found(snapshot: Snapshot, trial: TrialId) -> tuple[int, dict[str, Any]]:
    """Give the trial's model and the data set of its search. Raises NotFoundError."""
    model = checkpoints.model_of(snapshot, trial)
    spec = SearchSpec.parse(orjson.loads(reads.search_row(snapshot, trial.search).spec))
    if spec.trainer != "mlp":
        raise NotFoundError(f"the models of trainer {spec.trainer} are not known here; only those of mlp are")
    return model, datasets.resolve(snapshot, spec.dataset)
