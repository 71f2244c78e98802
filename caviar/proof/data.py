"""The data of a search, read again and hashed as its trainer sees it."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from caviar.agents.dataset_files import MODEL, Fetch, localise
from caviar.errors import CaviarError

Kept = Callable[[int], bytes]  # a checkpoint or model, by its id
PIECE = 1 << 20


class Examples:
    """What the trials of a search train on, loaded once for each way in which they ask for it."""

    def __init__(self, dataset: Mapping[str, Any], fetch: Fetch, trainer: Any, kept: Kept | None) -> None:
        self._dataset = dataset
        self._fetch = fetch
        self._files = kept
        self._trainer = trainer
        self._folder = tempfile.TemporaryDirectory(prefix="caviar-verify-")
        self._local: dict[str, Any] | None = None
        self._kept: dict[bytes, Any] = {}

    def close(self) -> None:
        """Remove the files that were fetched."""
        self._folder.cleanup()

    def file(self, number: int) -> bytes | None:
        """Return a checkpoint or model by its id; None where no server is at hand."""
        return None if self._files is None else self._files(number)

    def of(self, settings: Mapping[str, Any]) -> Any:
        """Return the data of a trial.

        Raises FetchError when it has another digest than is recorded, CaviarError when it is not here, and
        what the trainer raises.
        """
        relevant = {one: settings.get(one) for one in self._trainer.data_settings}
        key = orjson.dumps(relevant, option=orjson.OPT_SORT_KEYS)
        if key not in self._kept:
            if self._local is None:  # fetched anew, past all caches: what lies there now is what is checked
                self._local = localise(self._dataset, Path(self._folder.name), self._fetch)
            self._kept[key] = self._trainer.load(self._local, settings)
        return self._kept[key]


def digests(data: Any) -> dict[str, str]:
    """Return digests of what training sees, and of the test set; nothing for data of other trainers."""
    folds = [data.fold(place) for place in range(data.folds)] if hasattr(data, "fold") else [data]
    if not all(hasattr(one, "digest") for one in folds):
        return {}
    training, test = hashlib.sha256(), hashlib.sha256()
    for one in folds:
        training.update(str(one.digest).encode())
        for array in (one.X_test, one.Y_test):
            if array is not None:
                test.update(f"{array.dtype}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return {"training": f"sha256:{training.hexdigest()}", "test": f"sha256:{test.hexdigest()}"}


def from_files(files: Sequence[Path]) -> Fetch:
    """Return a way to fetch uploaded data sets, and the model that trials start from, by their digests."""
    found = {_digest(path): path for path in files}

    def fetch(upload: Mapping[str, Any]) -> Iterator[bytes]:
        digest = str(upload["digest"])
        path = found.get(digest.removeprefix("sha256:"))
        if path is None:
            what = "model" if upload["kind"] == MODEL else "data set"
            given = f"none of the {len(files)} files given is it" if files else "give its file with --data"
            raise CaviarError(f"The {what} with the digest {digest} is needed: {given}")
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece

    return fetch


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CaviarError(f"{path} cannot be read: {error.strerror}") from None
