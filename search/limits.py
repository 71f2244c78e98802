"""What one trial may take: seconds, seconds without an epoch, memory."""

import re
from functools import cached_property
from typing import Any

from pydantic import Field, field_validator

from caviar.search.checking import refuse_boolean
from caviar.search.parameters import FrozenModel, refuse

LEAST_MEMORY = 64 * 2**20  # bytes; less no interpreter with NumPy takes
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:([KMGT]?)(i?)B)\s*", re.IGNORECASE)


class Limits(FrozenModel):
    """A trial that exceeds one of these fails, with the reason; its agent goes on."""

    seconds: float | None = Field(
        default=None, gt=0, le=1e9, description="Seconds of one trial in all attempts, loading included."
    )
    silent_seconds: float | None = Field(
        default=None, gt=0, le=1e9, description="Seconds without a finished epoch."
    )
    memory: int | None = Field(
        default=None,
        ge=LEAST_MEMORY,
        le=2**60,
        description="Bytes of memory that its process may hold, or a text such as 2 GiB.",
        json_schema_extra={"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
    )

    _numbers = field_validator("seconds", "silent_seconds", "memory", mode="before")(refuse_boolean)

    @cached_property
    def given(self) -> dict[str, Any]:
        """Those that a search states, by name."""
        return self.model_dump(exclude_none=True)

    @field_validator("memory", mode="before")
    @classmethod
    def _size(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = _SIZE.fullmatch(value)
        if found is None:
            raise refuse("", f"{value!r} is not a size of memory", "write bytes, or a text such as 2 GiB")
        base = 1024 if found[3] else 1000
        return int(float(found[1]) * base ** " KMGT".index((found[2] or " ").upper()))
