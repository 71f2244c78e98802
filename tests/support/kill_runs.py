"""Searches that run through kills, compared with the same ones undisturbed.

`python -m tests.support.kill_runs --topology SQLite --kills 25 --seed 1 --into kills.jsonl` makes one run and
adds what it counted to a file; `--report kills.jsonl` prints the table of all runs in it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.support.fleet import TOPOLOGIES, Fleet, running
from tests.support.killing import KINDS, POISON, Kill, Killer, is_poison
from tests.support.server_process import Server, serving

EPOCHS, EPOCH_SECONDS = 12, 0.1
COMMON: dict[str, Any] = {
    "trainer": "wandering",
    "space": {"x": {"scale": "linear", "low": 0, "high": 20}},
    "settings": {"epochs": EPOCHS, "epoch_seconds": EPOCH_SECONDS},
}


def searches(trials: int) -> list[dict[str, Any]]:
    """Three searches that share so many trials: random, coarse to fine with a rule, and a slow one."""
    points = [{"x": x} for poison in POISON for x in (poison / 10, poison)]
    results = {"parallel": 4, "lag": 6}
    zoom = {"strategy": "coarse_to_fine", "stopping": "successive_halving", "enqueued": points[:4]}
    return [
        {**COMMON, "trials": trials // 2, "strategy": "random", "parallel": 4, "enqueued": points},
        {**COMMON, **results, "trials": trials // 4, **zoom},
        {**COMMON, **results, "trials": trials // 4, "strategy": "tpe", "enqueued": points[:2]},
    ]


@dataclass
class Run:
    """What a run of the harness came to."""

    topology: str
    seed: int
    seconds: float
    trials: int
    poison: int
    attempts: int
    kills: list[Kill]


def kill_and_compare(folder: Path, topology: str, kills: int, seed: int) -> Run:
    """Run searches through so many kills and compare each trial with that of an undisturbed run.

    Raises AssertionError where an innocent trial failed, a poison did not, or anything else differs.
    """
    with running(_made(folder / "fleet"), topology, seed) as fleet:
        killer = Killer(fleet, seed)
        return killed(folder, fleet, killer, searches(max(40, 6 * kills)), lambda: killer.run(kills))


def killed(
    folder: Path,
    fleet: Fleet,
    killer: Killer,
    wanted: Sequence[dict[str, Any]],
    kill: Callable[[], object],
) -> Run:
    """Submit searches, kill, wait for their end, compare. Raises AssertionError."""
    began = time.monotonic()
    first = fleet.server()
    numbers = [first.submit(**search) for search in wanted]
    killer.total = sum(search["trials"] for search in wanted)
    kill()
    killer.recover(lambda: _ready_now(first) and all(first.finished(number) for number in numbers))
    found = [outcome(first, number) for number in numbers]
    attempts = sum(row["attempt"] for number in numbers for row in first.trials(number))
    exactly_once(first, numbers, wanted)
    expected = undisturbed(_made(folder / "twin"), wanted)
    poison = sum(map(compare, found, expected))
    trials = sum(map(len, found))
    return Run(fleet.topology, killer.seed, time.monotonic() - began, trials, poison, attempts, killer.kills)


def undisturbed(folder: Path, wanted: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The same searches without a kill, on one server; what is poison raises an error there."""
    with serving(folder, workers=1, environment={"POISON_RAISES": "1"}) as server:
        numbers = []
        for search in wanted:
            at_once = {"epoch_seconds": 0.0} if "epoch_seconds" in search["settings"] else {}
            numbers.append(server.submit(**{**search, "settings": {**search["settings"], **at_once}}))
        for number in numbers:
            server.wait_finished(number, 300)
        return [outcome(server, number) for number in numbers]


def outcome(server: Server, number: int) -> list[dict[str, Any]]:
    """What must be the same however a search was run, with the curves."""
    names = ("number", "state", "params", "seed", "origin", "round", "epoch", "value", "metrics", "reason")
    found = []
    for trial in server.trials(number):
        curve = server.get(f"/trials/{trial['id']}/curve")
        curve["columns"] = [name for name in curve["columns"] if name != "seconds"]
        for branch in curve["branches"]:
            branch.pop("seconds", None)  # how long an epoch took is nobody's result
        found.append({**{name: trial.get(name) for name in names}, "curve": curve})
    return found


def compare(found: Sequence[Mapping[str, Any]], expected: Sequence[Mapping[str, Any]]) -> int:
    """Compare trial by trial, to the last bit; return how many were poison.

    How far a poison came, and what is said of it, is its own.
    """
    assert len(found) == len(expected)
    poison = 0
    for one, other in zip(found, expected, strict=True):
        if is_poison(one["params"]):
            poison += 1
            assert one["state"] == "failed", f"a poison was not found: {one}"
            assert one["reason"].startswith("given up: "), one
            own = ("epoch", "curve", "reason", "metrics")
            one, other = ({k: v for k, v in trial.items() if k not in own} for trial in (one, other))
        assert one == other, f"a trial differs from that of the undisturbed run:\n{one}\n{other}"
    return poison


def exactly_once(server: Server, numbers: Sequence[int], wanted: Sequence[Mapping[str, Any]]) -> None:
    """Check that no trial is missing or there twice, that counters agree and curves have no gap or double."""
    for number, search in zip(numbers, wanted, strict=True):
        found = server.trials(number)
        assert [trial["number"] for trial in found] == list(range(search["trials"]))
        counts = server.search(number)["counts"]
        for state, count in counts.items():
            assert count == sum(trial["state"] == state for trial in found), (state, counts)
    ends: dict[tuple[int, int, int], int] = {}
    query = "SELECT search_id, number, branch, first, rows FROM curves ORDER BY 1, 2, 3, 4"
    for row in server.rows(query):
        key = (row["search_id"], row["number"], row["branch"])
        assert row["first"] == ends.get(key, 1), f"a gap or a double in the curve of {key}"
        ends[key] = row["first"] + row["rows"]


def table(runs: Iterable[Run]) -> str:
    """A Markdown table of what was killed where, and how soon work went on."""
    by: dict[tuple[str, str], list[Kill]] = defaultdict(list)
    for run in runs:
        for kill in run.kills:
            by[run.topology, kill.kind].append(kill)
    lines = [
        "| on | killed | times | while trials were unfinished | trials hit | next progress, s"
        " | the trials hit got further, s |",
        "|---|---|---|---|---|---|---|",
    ]
    for topology in TOPOLOGIES:
        for kind in KINDS:
            kills = by.get((topology, kind), [])
            if kills:
                hit = [kill.further for kill in kills if kill.hit]
                cells = (
                    topology,
                    kind,
                    len(kills),
                    sum(kill.unfinished for kill in kills),
                    sum(len(kill.hit) for kill in kills),
                    _spread([kill.next_progress for kill in kills]),
                    _spread(hit),
                )
                lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def summary(runs: Sequence[Run]) -> str:
    """One line for each topology."""
    lines = []
    for topology in TOPOLOGIES:
        mine = [run for run in runs if run.topology == topology]
        if mine:
            kills = [kill for run in mine for kill in run.kills]
            lines.append(
                f"{topology}: {len(kills)} kills in {len(mine)} runs, {sum(r.seconds for r in mine):.0f} s, "
                f"{sum(kill.unfinished for kill in kills)} of them while trials were unfinished, "
                f"{sum(bool(kill.hit) for kill in kills)} of agents that were training. "
                f"{sum(run.trials for run in mine)} trials in {sum(run.attempts for run in mine)} attempts: "
                f"{sum(run.poison for run in mine)} poison trials failed, all others are as undisturbed"
            )
    return "\n".join(lines)


def _spread(seconds: Iterable[float | None]) -> str:
    known = [one for one in seconds if one is not None]
    if not known:
        return "-"
    return f"{statistics.median(known):.1f}, at most {max(known):.1f}"


def _ready_now(server: Server) -> bool:
    return server.process is not None and server.process.poll() is None and server.ready()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def read(path: Path) -> list[Run]:
    """Runs as `--into` has written them."""
    runs = []
    for line in path.read_text().splitlines():
        found = json.loads(line)
        found["kills"] = [Kill(**{**kill, "hit": dict(enumerate(kill["hit"]))}) for kill in found["kills"]]
        runs.append(Run(**found))
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--topology", choices=TOPOLOGIES, default="SQLite")
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--into", type=Path)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--keep", type=Path, help="a folder for databases and logs")
    asked = parser.parse_args()
    if asked.report:
        runs = read(asked.report)
    else:
        with contextlib.ExitStack() as ending:
            folder = asked.keep or Path(ending.enter_context(tempfile.TemporaryDirectory()))
            runs = [kill_and_compare(folder, asked.topology, asked.kills, asked.seed)]
    if asked.into:
        with asked.into.open("a") as file:
            for run in runs:
                row = asdict(run)
                for kill in row["kills"]:
                    kill["hit"] = list(kill["hit"].values())
                file.write(json.dumps(row) + "\n")
    print(summary(runs), table(runs), sep="\n\n")


if __name__ == "__main__":
    sys.exit(main())
