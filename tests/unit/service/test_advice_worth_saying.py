"""Advice waits until a change could have shown, and never offers what was undone."""

from __future__ import annotations

import json
from typing import Any

from caviar.service.store.rows import StoredCommand
from caviar.service.usecases.steering_view import EPOCHS_TO_SHOW, worth_saying
from caviar.trainer.remedies import Advice
from caviar.trial_fields import StoredTrial

SLOWER = Advice("oscillating", 4, "", {"kind": "set", "arguments": {"learning_rate": 0.01}})
BACK = Advice("diverging", 7, "", {"kind": "rewind", "arguments": {"epoch": 6}})


def command(kind: str, at: int, branch: int = 0, **arguments: Any) -> StoredCommand:
    fields = dict.fromkeys(StoredCommand._fields)
    given = {"kind": kind, "epoch": at, "branch": branch, "arguments": json.dumps(arguments)}
    return StoredCommand(**{**fields, **given})  # type: ignore[arg-type]


def trial(epoch: int, branch: int = 0) -> StoredTrial:
    fields = dict.fromkeys(StoredTrial._fields)
    return StoredTrial(**{**fields, "epoch": epoch, "branch": branch})  # type: ignore[arg-type]


def test_a_change_is_given_time_to_show() -> None:
    changed = [command("set", 10, keep_prob=0.8)]
    assert worth_saying([SLOWER], changed, trial(10 + EPOCHS_TO_SHOW - 1)) == []
    assert worth_saying([SLOWER], changed, trial(10 + EPOCHS_TO_SHOW)) == [SLOWER]
    assert worth_saying([SLOWER], [], trial(5)) == [SLOWER]


def test_what_was_undone_is_not_offered_again() -> None:
    undone = [command("set", 10, learning_rate=0.0101), command("rewind", 6, 1, epoch=6)]
    assert worth_saying([SLOWER, BACK], undone, trial(30, 1)) == []
    other = [command("set", 10, learning_rate=0.5)]
    assert worth_saying([SLOWER, BACK], other, trial(30)) == [SLOWER, BACK]
