"""What a checkpoint holds: a run's state, and where a search keeps the best epoch's model, that state too."""

from __future__ import annotations

import json
from dataclasses import dataclass

_MARK = b"caviar checkpoint with best epoch\n"


@dataclass(frozen=True)
class EpochState:
    """A run's state at the end of an epoch; epoch 0 and nothing where none was good yet."""

    epoch: int = 0
    value: float | None = None
    state: bytes = b""


def packed(state: bytes, best: EpochState | None) -> bytes:
    """Return the content of a checkpoint; without a best epoch it is the state itself."""
    if best is None:
        return state
    head = json.dumps({"epoch": best.epoch, "value": best.value, "size": len(state)})
    return b"".join([_MARK, head.encode(), b"\n", state, best.state])


def unpacked(content: bytes) -> tuple[bytes, EpochState | None]:
    """Return a run's state and that of its best epoch. Raises ValueError for damaged content."""
    if not content.startswith(_MARK):
        return content, None
    begin = content.find(b"\n", len(_MARK)) + 1
    head = json.loads(content[len(_MARK) : begin])
    end = begin + head["size"]
    return content[begin:end], EpochState(head["epoch"], head["value"], content[end:])
