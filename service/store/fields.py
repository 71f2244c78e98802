"""What trials can be sorted and filtered by: columns of the table, and members of params and metrics."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from caviar.service.errors import RefusedError
from caviar.trial_fields import Use, used

SORTED, FILTERED = used(Use.SORT), used(Use.FILTER)
_METRIC = re.compile(r"metrics\.([A-Za-z_]\w{0,63})")


@dataclass(frozen=True)
class Field:
    """Something to sort or filter by: its name on the wire, and where it is stored."""

    name: str
    column: str  # of the table; params and metrics are documents
    member: str = ""  # of the document


def find(name: str, params: Sequence[str], parameter: str) -> Field:
    """Return the field to sort or filter by; `parameter` is "sort" or "filter".

    Raises RefusedError when it is not an allowed one.
    """
    plain = SORTED if parameter == "sort" else FILTERED
    if name in plain:
        return Field(name, name)
    if name.startswith("params.") and name[7:] in params:
        return Field(name, "params", name[7:])
    if match := _METRIC.fullmatch(name):
        return Field(name, "metrics", match[1])
    known = ", ".join([*plain, *(f"params.{one}" for one in params), "metrics.NAME"])
    raise RefusedError.of(parameter, f"{name!r} is not a field of trials", f"known: {known}")
