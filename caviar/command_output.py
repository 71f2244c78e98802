"""What a program says of its training on its standard output: metrics as JSON, one object on a line."""

import json
from dataclasses import dataclass, field

STEPS = ("step", "epoch")


@dataclass(frozen=True)
class Metrics:
    """Metrics of a step; None: the next."""

    values: dict[str, float | None] = field(default_factory=dict)
    step: int | None = None


@dataclass
class CommandOutput:
    """The lines of a program so far."""

    objective: str
    told: bool = False  # a line held metrics
    last: str = ""  # the last line that is not empty

    def read(self, line: str) -> Metrics | None:
        """Return the metrics of a line, None for one that is for people."""
        text = line.strip()
        self.last = text or self.last
        if not text.startswith("{"):
            return None
        try:
            found = json.loads(text)
        except ValueError:
            return None
        if not isinstance(found, dict):
            return None
        steps = [found.pop(name) for name in STEPS if _is_number(found.get(name))]
        values = {name: value for name, value in found.items() if value is None or _is_number(value)}
        if not values:
            return None
        self.told = True
        return Metrics(values, int(steps[0]) if steps else None)

    def result(self) -> dict[str, float]:
        """Return the objective of a program whose last line is a number, and which told nothing else."""
        try:
            return {} if self.told else {self.objective: float(self.last)}
        except ValueError:
            return {}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
