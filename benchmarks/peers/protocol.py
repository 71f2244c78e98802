"""What a peer of the quality bench speaks: one JSON object a line, on standard input and output.

    {"begin": {"axes": [AXIS, ...], "seed": 3, "trials": 96}}   ->  {}
    {"ask": 7}                       ->  {"point": {"0": 0.31, "1": 2}, "seconds": 0.02}
    {"tell": 7, "point": {...}, "value": 0.4}                   ->  {}

An AXIS has a name, a kind (float: the unit interval; int: 0 to levels - 1; choice: the same without an
order), its levels, and under a condition `when`: another axis and the levels of it at which this one is
there. A value is to be made small; null: the trial failed. The point that is told may be another one than
was asked for. This file and those of the peers import nothing of the project: each peer runs in an
environment of its own.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Point = dict[str, Any]


@dataclass(frozen=True)
class PeerAxis:
    """One coordinate of the space."""

    name: str
    kind: str
    levels: int
    when: tuple[str, list[int]] | None = None

    def there(self, point: Mapping[str, Any]) -> bool:
        """Tell whether a point whose earlier axes are known has this axis."""
        return self.when is None or point.get(self.when[0]) in self.when[1]


class Peer(Protocol):
    """One search by a peer."""

    def ask(self, number: int) -> Point:
        """Return the values of the axes that the next trial has."""

    def tell(self, number: int, point: Point, value: float | None) -> None:
        """Take in what came of a trial."""


class Worst:
    """What to tell for a failed trial where a peer knows no failures: the worst value so far.

    Failures before the first value are told after it.
    """

    def __init__(self, tell: Callable[[int, Point, float], None]) -> None:
        self._tell = tell
        self._worst: float | None = None
        self._waiting: list[tuple[int, Point]] = []

    def tell(self, number: int, point: Point, value: float | None) -> None:
        """Tell a value, or the worst one in its place."""
        if value is None and self._worst is None:
            self._waiting.append((number, point))
            return
        if value is not None:
            self._worst = value if self._worst is None else max(self._worst, value)
        assert self._worst is not None
        self._tell(number, point, self._worst if value is None else value)
        for waiting in self._waiting:
            self._tell(*waiting, self._worst)
        self._waiting = []


def serve(begin: Callable[[list[PeerAxis], int, int], Peer]) -> None:
    """Answer until standard input ends. What libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peer: Peer | None = None
    for line in sys.stdin:
        asked, answer = json.loads(line), dict[str, Any]()
        if "begin" in asked:
            told = asked["begin"]
            peer = begin([PeerAxis(**axis) for axis in told["axes"]], told["seed"], told["trials"])
        elif "ask" in asked:
            assert peer is not None
            began = time.process_time()
            answer["point"] = peer.ask(asked["ask"])
            answer["seconds"] = time.process_time() - began
        else:
            assert peer is not None
            began = time.process_time()
            peer.tell(asked["tell"], asked["point"], asked["value"])
            answer["seconds"] = time.process_time() - began
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
