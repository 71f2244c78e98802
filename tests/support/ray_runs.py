"""Kills in a Ray cluster while a search runs, and how long until its trials get further.

    python -m tests.support.ray_runs [--kills 12] [--seed 1]

Actors, nodes, the head and the server are killed (SIGKILL of all their processes at once); what was killed is
started again as whoever runs a cluster would: a node, and after the head all nodes. The search must end with
every trial once, each with the exact result.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.ray_cluster import Cluster, clustered
from tests.support.server_process import Server
from tests.support.waiting import wait

NODES = 2
EPOCH_SECONDS = 0.3
TRIALS_FOR_A_KILL = 10
PATIENCE = 300.0
ON_ITS_WAY = 4  # epochs that an agent may have trained without having said so


def actor(server: Server, cluster: Cluster, dice: random.Random) -> Callable[[], object] | None:
    """Kill the process of an actor; Ray restarts it."""
    dice.choice([one for number in range(NODES) for one in cluster.actors(f"n{number}")]).kill()
    return None


def node(server: Server, cluster: Cluster, dice: random.Random) -> Callable[[], object] | None:
    """Kill a node with all that runs there; it comes back when others have gone on."""
    name = f"n{dice.randrange(NODES)}"
    cluster.kill(name)
    return lambda: cluster.start_node(name)


def head(server: Server, cluster: Cluster, dice: random.Random) -> Callable[[], object] | None:
    """Kill the head; it comes back as a new one, and the nodes are started again."""
    cluster.kill("head")
    time.sleep(dice.uniform(0, 20))
    for number in range(NODES):
        cluster.kill(f"n{number}")
    cluster.start_head()
    cluster.start_node("n0")
    return lambda: [cluster.start_node(f"n{number}") for number in range(1, NODES)]


def own_server(server: Server, cluster: Cluster, dice: random.Random) -> Callable[[], object] | None:
    """Kill the server; agents keep what they have to say until it is back."""
    server.kill()
    time.sleep(dice.uniform(0, 3))
    server.start()
    return None


KINDS = {"an actor": actor, "a node": node, "the head": head, "the server": own_server}


def epochs(server: Server, search: int) -> dict[int, tuple[str, int]]:
    """Return state and epoch of each trial."""
    rows = server.rows("SELECT number, state, epoch FROM trials WHERE search_id = :s", s=search)
    return {row["number"]: (row["state"], row["epoch"]) for row in rows}


def further(now: dict[int, tuple[str, int]], before: dict[int, tuple[str, int]]) -> bool:
    """Return whether each trial begun before has got further, by more than what was on its way then."""
    open_before = {number: epoch for number, (state, epoch) in before.items() if state != "completed"}
    return all(
        now[number][0] == "completed" or now[number][1] > epoch + ON_ITS_WAY
        for number, epoch in open_before.items()
    )


def _both_train(now: dict[int, tuple[str, int]]) -> bool:
    return sum(state == "running" and epoch > 0 for state, epoch in now.values()) >= NODES


def run(kills: int, seed: int, say: Callable[[str], object] = print) -> dict[str, list[float]]:
    """Kill so often while a search runs; return the seconds until all trials hit got further, by kind."""
    dice = random.Random(seed)
    order = [list(KINDS)[number % len(KINDS)] for number in range(kills)]
    found: dict[str, list[float]] = {}
    trials = TRIALS_FOR_A_KILL * kills + 8
    folder = Path(tempfile.mkdtemp(prefix="caviar-ray-"))
    with clustered(folder, NODES, CAVIAR_CHECKPOINT_SECONDS="1") as (server, cluster):
        settings = {"epochs": 20, "epoch_seconds": EPOCH_SECONDS}
        search = server.submit(trials, settings=settings, parallel=NODES)
        for kind in order:
            wait(lambda: all(cluster.actors(f"n{n}") for n in range(NODES)), PATIENCE, server.tail)
            wait(lambda: _both_train(epochs(server, search)), PATIENCE, server.tail)
            after = KINDS[kind](server, cluster, dice)
            back = time.monotonic()  # the head, a node of it, the server: nobody could have gone on before
            before = epochs(server, search)
            wait(lambda before=before: further(epochs(server, search), before), PATIENCE, server.tail)
            found.setdefault(kind, []).append(time.monotonic() - back)
            hit = sum(state != "completed" for state, _ in before.values())
            say(f"{kind}: {found[kind][-1]:.1f} s, {hit} trials begun")
            if after is not None:
                after()
        server.wait_finished(search, 60 + trials * 20 * EPOCH_SECONDS * 2)
        server.check(search, trials)
        failed = server.rows("SELECT count(*) AS n FROM trials WHERE state <> 'completed'")
        assert failed == [{"n": 0}]
    return found


def main() -> None:
    """Print the figures for docs/reliability.md."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for kind, seconds in run(arguments.kills, arguments.seed).items():
        middle, most = statistics.median(seconds), max(seconds)
        print(f"{kind}: {len(seconds)} kills, median {middle:.1f} s, most {most:.1f} s")


if __name__ == "__main__":
    main()
