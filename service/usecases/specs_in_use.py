"""The specs of the searches that an exchange touches, and what its agents must know of them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from caviar.search.spec import SearchSpec
from caviar.service.errors import RefusedError
from caviar.service.store import searches as search_rows
from caviar.service.store.rows import StoredSearch
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import continuing, starting_model
from caviar.service.usecases.proposer import Proposer

log = logging.getLogger(__name__)


class SpecsInUse:
    """The specs that this exchange touches; most are known by the version that came with a trial or a row."""

    def __init__(self, tx: Transaction, proposer: Proposer, versions: Mapping[int, int]) -> None:
        self._tx = tx
        self._proposer = proposer
        self._versions = versions
        self._found: dict[int, SearchSpec] = {}
        self._datasets: dict[int, dict[str, Any] | None] = {}

    def of(self, search: int) -> SearchSpec:
        """Return the spec of a search. Raises NotFoundError."""
        found = self._found.get(search) or self._proposer.known(search, self._versions.get(search))
        return found or self.of_row(search_rows.get(self._tx, search))

    def of_row(self, row: StoredSearch) -> SearchSpec:
        """Return the spec of a search whose row is at hand."""
        self._found[row.id] = self._proposer.spec(self._tx, row)
        return self._found[row.id]

    def settings(self, wanted: Iterable[int]) -> dict[str, dict[str, Any]]:
        """Return what an agent must know of searches that are new to it."""
        known = {}
        for search in wanted:
            spec = self.of(search)
            known[str(search)] = {
                "name": spec.name,
                "trainer": spec.trainer,
                "dataset": self._dataset(search),
                "settings": spec.settings,
                "objective": spec.objective.model_dump(),
                "metrics": spec.named_metrics(),
                "mode": spec.mode,
                "threads": spec.resources.threads,
                "continued_below": continuing.continued_below(spec),
                "population": spec.strategy.takes_parents,
            }
        return known

    def broken(self, wanted: Iterable[int]) -> set[int]:
        """Name the searches whose data sets are gone; such a one is paused with the reason."""
        return {search for search in wanted if self._dataset(search) is None}

    def _dataset(self, search: int) -> dict[str, Any] | None:
        """Return where a search's examples come from; None when they are gone."""
        if search not in self._datasets:
            try:
                self._datasets[search] = starting_model.dataset_of(self._tx, self.of(search))
            except RefusedError as error:
                log.warning("search %d cannot go on: %s", search, error, extra={"search": search})
                search_rows.pause(self._tx, search_rows.get(self._tx, search), str(error))
                self._datasets[search] = None
        return self._datasets[search]
