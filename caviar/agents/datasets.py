"""Prepared data, kept between the trials of a search."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from cachetools import LRUCache

from caviar.agents.dataset_files import address_of, localise
from caviar.transport import Transport

KEPT = 4  # data sets; an agent seldom works on more searches at a time


class DataCache:
    """What trainers loaded, by everything that it depends on; the least recently used goes first."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._kept: LRUCache[bytes, Any] = LRUCache(KEPT)

    def get(self, name: str, trainer: Any, dataset: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
        """Return the data of a trial, fetched and loaded if need be.

        Raises what the trainer raises when the data cannot be trained on, FetchError and CaviarError when
        an uploaded data set does not arrive.
        """
        relevant = {one: settings.get(one) for one in trainer.data_settings}
        key = orjson.dumps([name, dataset, relevant], option=orjson.OPT_SORT_KEYS)
        if key not in self._kept:
            self._kept[key] = trainer.load(localise(dataset, _folder(), self._fetch), settings)
        return self._kept[key]

    def _fetch(self, upload: Mapping[str, Any]) -> Any:
        return self._transport.pieces(address_of(upload))


def _folder() -> Path:
    """Return the folder that keeps uploaded data sets on this machine, beside the compiled kernels."""
    if os.environ.get("CAVIAR_CACHE"):
        return Path(os.environ["CAVIAR_CACHE"]) / "datasets"
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "caviar" / "datasets"
