"""The changes that a search has planned for its trials, as commands like any other."""

from __future__ import annotations

from caviar.search.spec import SearchSpec
from caviar.service.ids import TrialId
from caviar.service.store import commands as command_rows
from caviar.service.store.transaction import Transaction
from caviar.service.usecases.submit_checks import EXTERNAL


def order(tx: Transaction, spec: SearchSpec, trial: TrialId, after: int = -1) -> None:
    """Order for a trial that begins the changes planned for the ends of epochs after a given one.

    A script asks for changes when it likes: it takes a planned one late, which is marked, rather than never.
    """
    late = "apply" if spec.trainer == EXTERNAL else None
    for change in spec.schedule:
        if change.epoch > after:
            at = f"epoch:{change.epoch}" if change.epoch else "now"
            command_rows.add(tx, trial, "set", change.set, at, late=late if change.epoch else None)
