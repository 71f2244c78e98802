"""Other people's samplers, each in a process and an environment of its own: the peers of the quality bench.

They are told the same as our strategies with the same delay. Integers and ordered choices are integers to
them, and the other scales are the coordinate that these make even.
"""

import json
import subprocess
import tempfile
from collections import deque
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from benchmarks.peer_environments import PROGRAMS, command
from benchmarks.quality_problems import Outcome, Problem
from caviar.search.conditions import needs
from caviar.search.encoding import SpaceEncoding, encoding_of
from caviar.search.history import Floats

__all__ = ["PROGRAMS", "Conversation", "axes_of", "run"]


class Conversation:
    """The process of a peer."""

    def __init__(self, command_line: list[str]) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self._process = subprocess.Popen(
            command_line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True
        )

    def say(self, **what: Any) -> dict[str, Any]:
        """Send one line and return the answer. Raises RuntimeError with its last words if the peer died."""
        assert self._process.stdin is not None and self._process.stdout is not None
        line = ""
        try:
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            pass  # as with an answer that does not come: its last words follow
        if not line:
            self._process.wait()
            self._process.stdout.close()
            self._errors.seek(0)
            words = self._errors.read().decode(errors="replace").strip().splitlines()[-12:]
            raise RuntimeError("\n".join(["a peer ended:", *words]))
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        """Close its input, at which it ends."""
        self._process.communicate()
        self._errors.close()


@lru_cache(maxsize=1)
def _conversation(strategy: str) -> Conversation:
    return Conversation(command(strategy))


def axes_of(encoding: SpaceEncoding) -> list[dict[str, Any]]:
    """Return the axes of a space as the protocol has them, those first that others hang on."""
    space, centres, deciding = encoding.space, encoding.centres, encoding.deciding
    levels = [range(len(centres[place])) for place in deciding]  # type: ignore[arg-type]
    asked = list(product(*levels))
    rows = np.full((len(asked), encoding.dimensions), 0.5)
    for column, place in enumerate(deciding):
        rows[:, place] = centres[place][[one[column] for one in asked]]  # type: ignore[index]
    active = space.active_at(rows)
    axes, placed = list[dict[str, Any]](), set[int]()
    while len(axes) < encoding.dimensions:
        for place, axis in enumerate(space.axes):
            names = needs(space.root[axis.parameter])
            parents = [deciding.index(p) for p in deciding if space.axes[p].parameter in names]
            if place in placed or any(deciding[parent] not in placed for parent in parents):
                continue
            when = None
            if parents:
                (parent,) = parents  # the tables have no conditions on two parameters
                there = {one[parent] for one, flags in zip(asked, active, strict=True) if flags[place]}
                when = str(deciding[parent]), sorted(there)
            counted = centres[place] is not None
            kind = "float" if not counted else "int" if axis.ordered else "choice"
            count = len(centres[place]) if counted else 0  # type: ignore[arg-type]
            axes.append({"name": str(place), "kind": kind, "levels": count, "when": when})
            placed.add(place)
    return axes


def run(
    name: str, problem: Problem, seed: int, trials: int, lag: int, peer: Conversation | None = None
) -> tuple[list[Outcome], list[float]]:
    """Search with a peer's defaults; `lag` trials are still running when one is asked for.

    Return the outcomes, and the seconds of processor time that each proposal took, hearing results included.
    Where a table answers with a neighbour of what was asked for, the peer is told the neighbour.
    """
    peer, encoding = peer or _conversation(name), encoding_of(problem.space)
    peer.say(begin={"axes": axes_of(encoding), "seed": seed, "trials": trials})
    train, outcomes, seconds = problem.start(seed), list[Outcome](), list[float]()
    running: deque[tuple[int, Outcome]] = deque()
    for number in range(trials):
        answer = peer.say(ask=number)
        outcome = train(_unit(encoding, answer["point"]))
        outcomes.append(outcome)
        running.append((number, outcome))
        spent = float(answer["seconds"])
        if len(running) > lag:
            first, told = running.popleft()
            value = told.observed if np.isfinite(told.observed) else None
            heard = peer.say(tell=first, point=_point(encoding, told.unit), value=value)
            spent += float(heard["seconds"])
        seconds.append(spent)
    return outcomes, seconds


def _unit(encoding: SpaceEncoding, point: dict[str, Any]) -> Floats:
    """Return the coordinates of a point; axes that a condition takes away are neutral whatever was said."""
    unit = np.full(encoding.dimensions, 0.5)
    for name, value in point.items():
        centres = encoding.centres[int(name)]
        unit[int(name)] = value if centres is None else centres[value]
    return np.asarray(encoding.snap(unit[None])[0])


def _point(encoding: SpaceEncoding, unit: Floats) -> dict[str, Any]:
    active, point = encoding.space.active_at(unit[None])[0], dict[str, Any]()
    for place in np.flatnonzero(active).tolist():
        centres = encoding.centres[place]
        point[str(place)] = (
            float(unit[place]) if centres is None else int(np.argmin(np.abs(centres - unit[place])))
        )
    return point
