"""What a trial needs of the agent that trains it, and what an agent's slot has."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import Field, ValidationError, field_validator

from caviar.search.checking import refuse_boolean
from caviar.search.parameters import FrozenModel, refuse

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_OWN = {"cpu", "cpus", "gpu", "gpus", "memory", "object_store_memory"}  # names with a meaning of their own
MOST = 10_000


def _refuse_part(field: str, amount: float) -> None:
    if amount > 1 and amount != int(amount):
        raise refuse(field, f"{amount:g} is neither whole nor below 1", f"write {int(amount) + 1}")


class Resources(FrozenModel):
    """CPUs, GPUs, and anything that whoever runs the agents has given a name and a number.

    A fraction is a share of one; what is more than one is whole, as in Ray.
    """

    cpus: float = Field(
        default=1.0,
        gt=0,
        le=MOST,
        description="CPUs; as many threads are given to libraries such as BLAS.",
    )
    gpus: float = Field(default=0.0, ge=0, le=MOST)
    custom: dict[
        str,
        Annotated[float, Field(gt=0, le=MOST)],
    ] = Field(default_factory=dict, max_length=20, description="Others, by the name that agents give them.")

    _no_booleans = field_validator("cpus", "gpus", mode="before")(refuse_boolean)

    @field_validator("cpus", "gpus")
    @classmethod
    def _whole(cls, value: float) -> float:
        _refuse_part("", value)
        return value

    @field_validator("custom")
    @classmethod
    def _named(cls, value: dict[str, float]) -> dict[str, float]:
        for name, amount in value.items():
            if not _NAME.fullmatch(name):
                raise refuse(name, "is not a name", "write a letter, then letters, digits, dots, - or _")
            if name.lower() in _OWN:
                raise refuse(name, "has a meaning of its own", "write cpus or gpus, or choose another name")
            _refuse_part(name, amount)
        return dict(sorted(value.items()))

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Read what a slot has, as in cpus=4,gpus=1,fast_disk=1. Raises ValueError with the remedy."""
        parts = [part.strip().partition("=") for part in text.split(",") if part.strip()]
        try:
            amounts = {name.strip(): float(amount) for name, _, amount in parts}
            if len(amounts) < len(parts):
                raise ValueError
        except ValueError:
            raise ValueError(f"{text!r} is not like cpus=4,gpus=1,fast_disk=1, each name once") from None
        known = {name: amounts.pop(name) for name in ("cpus", "gpus") if name in amounts}
        # A slot may well have none of something; that is the same as not to mention it.
        try:
            return cls(**known, custom={name: amount for name, amount in amounts.items() if amount})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"] if part != "[key]")
            said = re.sub(r"^Value error, ", "", first["msg"])
            raise ValueError(f"{where or 'resources'}: {said}") from None

    def within(self, slot: Resources) -> bool:
        """Return whether a slot has all of this."""
        named = all(slot.custom.get(name, 0.0) >= amount for name, amount in self.custom.items())
        return named and self.cpus <= slot.cpus and self.gpus <= slot.gpus

    @property
    def rare(self) -> tuple[float, float, float]:
        """Return an order: what few agents have comes after what all have."""
        return sum(self.custom.values()), self.gpus, self.cpus

    @property
    def threads(self) -> int:
        """Return how many threads libraries may take."""
        return max(1, int(self.cpus))

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        parts = {"cpus": self.cpus, **({"gpus": self.gpus} if self.gpus else {}), **self.custom}
        return ",".join(f"{name}={amount:g}" for name, amount in parts.items())


ONE_CPU = Resources()
