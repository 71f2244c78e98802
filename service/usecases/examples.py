"""The rows of a dev set under a model, as `trainer.error_analysis` found them in another process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from caviar.service.errors import RefusedError

BYTES_PER_ROW = 400  # of the lists in `PartExamples`, roughly


class Example(NamedTuple):
    """A row: its number in the source, counted from 1, and what the model made of it."""

    row: int
    truth: Any  # the name of a class, a number, or a list of numbers
    answer: Any
    confidence: float | None
    loss: float
    weight: float
    wrong: bool | None  # None for a regression
    input: bytes | None  # JSON: [cells, pixels or null]; None where it is not told

    @property
    def cells(self) -> list[Any] | None:
        """The cells of the input, in the order of `PartExamples.columns`."""
        found: list[Any] | None = None if self.input is None else orjson.loads(self.input)[0]
        return found

    @property
    def pixels(self) -> list[float] | None:
        """The pixels of the input, where it is an image."""
        found: list[float] | None = None if self.input is None else orjson.loads(self.input)[1]
        return found


@dataclass(frozen=True, eq=False)
class PartExamples:
    """The examples of a part of the data, largest loss first; `told` is what is known of all."""

    told: Mapping[str, Any]
    source: str  # "dataset" or "dataset.dev"
    examples: list[Example]

    @property
    def columns(self) -> list[str]:
        """The names of the cells of an input."""
        names: list[str] = self.told["columns"]
        return names


@dataclass(frozen=True, eq=False)
class Examples:
    """What a model makes of the dev set, and of the train-dev set where there is one."""

    kind: str
    classes: list[str]
    targets: list[str]
    deviation: float
    parts: Mapping[str, PartExamples]
    size: int  # bytes in memory

    @classmethod
    def of(cls, output: bytes) -> Examples:
        """Read the lines of `trainer.error_analysis`."""
        first, *inputs = output.split(b"\n")
        head, lines = orjson.loads(first), iter(inputs)
        parts = {
            name: PartExamples(told, told.pop("source"), list(_examples(told, head["classes"], lines)))
            for name, told in head["parts"].items()
        }
        size = len(output) + BYTES_PER_ROW * sum(len(part.examples) for part in parts.values())
        return cls(head["kind"], head["classes"], head["targets"], head["deviation"], parts, size)

    def part(self, name: str) -> PartExamples:
        """Return a part. Raises RefusedError for one that there is not."""
        if name not in self.parts:
            remedy = f"use {' or '.join(self.parts)}; dataset.split.train_dev cuts off a train_dev set"
            raise RefusedError.of("part", f"the search has no {name} set", remedy)
        return self.parts[name]


def _examples(told: dict[str, Any], classes: list[str], lines: Iterator[bytes]) -> Iterator[Example]:
    """Take the lists of rows out of what is told of a part."""
    names = ("row", "truths", "answers", "confidences", "losses", "weights", "are_wrong")
    rows, *lists = (told.pop(name) for name in names)
    defaults: tuple[Any, ...] = (None, None, None, None, 1.0, None)
    inputs = told.pop("inputs")

    def shown(value: Any) -> Any:
        if isinstance(value, list):
            return value if len(value) > 1 else value[0]
        return classes[value]

    for place, row in enumerate(rows):
        truth, answer, confidence, loss, weight, wrong = (
            default if one is None else one[place] for one, default in zip(lists, defaults, strict=True)
        )
        line = next(lines) if place < inputs else None
        yield Example(row, shown(truth), shown(answer), confidence, loss, weight, wrong, line)
