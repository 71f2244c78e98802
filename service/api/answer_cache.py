"""Answers kept as JSON by the revision of their search, so that pictures do not read it again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import orjson
from cachetools import LRUCache

from caviar.service.store import figures
from caviar.service.store import searches as search_rows
from caviar.service.store.snapshot import Snapshot

ANSWERS = 64


class AnswerCache:
    """The answers asked for last, each with the revision that it was made of."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: LRUCache[tuple[Any, ...], tuple[int, bytes]] = LRUCache(ANSWERS)

    def get(
        self,
        snapshot: Snapshot,
        search: int,
        key: tuple[Any, ...],
        make: Callable[[], Any],
        *,
        live: bool = False,
    ) -> bytes:
        """Return the JSON of `make`, made again only when the search has changed.

        That is when a trial has begun or ended, or a person has changed something; with `live` also when a
        trial has come further. Raises NotFoundError.
        """
        revision = search_rows.get(snapshot, search).revision
        if live:
            revision = max(revision, figures.latest(snapshot, search))
        with self._lock:
            found = self._answers.get((search, *key))
        if found is not None and found[0] == revision:
            return found[1]
        body = orjson.dumps(make(), option=orjson.OPT_SERIALIZE_NUMPY)
        with self._lock:
            self._answers[search, *key] = (revision, body)
        return body
