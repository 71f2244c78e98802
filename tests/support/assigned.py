"""Trials as an agent is given them."""

from typing import Any

from caviar.exchange.assigned_trial import AssignedTrial
from caviar.exchange.wire import SearchSettings


def assigned_trial(trial: str, **fields: Any) -> AssignedTrial:
    """Return a trial of a search that says nothing of itself; trained by `ridge`."""
    search = SearchSettings(name="s", trainer="ridge", dataset={}, settings={}, objective={}, mode="caviar")
    given = {"trial": trial, "attempt": 1, "number": 0, "params": {}, "seed": 1} | fields
    return AssignedTrial(**given, search=search)
