"""What trials can be sorted and filtered by: columns of the table, and members of params and metrics."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from caviar.service.errors import RefusedError

NUMBERS = ("number", "value", "ended", "started", "created", "epoch", "attempt", "round", "epochs", "seed")
TEXTS = ("state", "origin", "agent")
_METRIC = re.compile(r"metrics\.([A-Za-z_]\w{0,63})")


@dataclass(frozen=True)
class Field:
    """Something to sort or filter by: its name on the wire, and where it is stored."""

    name: str
    column: str  # of the table; params and metrics are documents
    member: str = ""  # of the document


def find(name: str, params: Sequence[str], parameter: str) -> Field:
    """Find a field by name. Raises RefusedError when it is not an allowed one."""
    if name in NUMBERS or name in TEXTS:
        return Field(name, name)
    if name.startswith("params.") and name[7:] in params:
        return Field(name, "params", name[7:])
    if match := _METRIC.fullmatch(name):
        return Field(name, "metrics", match[1])
    known = ", ".join([*NUMBERS, *TEXTS, *(f"params.{one}" for one in params), "metrics.NAME"])
    raise RefusedError.of(parameter, f"{name!r} is not a field of trials", f"known: {known}")
