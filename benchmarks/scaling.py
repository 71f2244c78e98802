"""What proposals, exchanges, commits and events cost, and where an installation of many agents saturates.

    python -m benchmarks.scaling [--trials 3000] [--claims 10000] [--big 1000000]

Measures on Postgres, in processor time, so that what else the machine does matters less: the event loop (a
server's main thread) and the transaction (its other threads, and Postgres) of an exchange, of a sign of life,
of an event. Syncs to disk are off: what one takes is the disk's affair, and all in a commit share it. Claims
so many trials through two servers and checks that none is given twice. Then it simulates (scaling_model.py)
the same sizes beside the measurements, and those that do not run here.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import httpx
import numpy as np
import psutil
from sqlalchemy.engine import URL

from benchmarks.bookkeeping import AXES, execute, postgres
from benchmarks.scaling_load import Seen, drive
from benchmarks.scaling_model import Case, Costs, simulate
from benchmarks.search_speed import history, milliseconds, offer, spec
from benchmarks.serving import serving

SIZES = (8, 16, 32, 64)
BEATS, BEAT_SECONDS, STREAMS = (8, 32, 96), 0.1, 20
IDLE_SECONDS = 8.0
STRATEGIES = ("random", "coarse_to_fine", "tpe")
BIG = ((1, 1.0), (1, 10.0), (2, 10.0), (4, 10.0))  # servers and interval


class Spent(NamedTuple):
    """What servers used meanwhile, in seconds, and how many commits they made."""

    loop: float
    cpu: float  # of all threads
    database: float
    commits: float

    @property
    def transaction(self) -> float:
        """Return what the writers and the database used."""
        return self.cpu - self.loop + self.database

    def since(self, before: Spent) -> Spent:
        """Return what was used since an earlier look."""
        return Spent(*(now - then for now, then in zip(self, before, strict=True)))

    def without(self, idle: Spent, seconds: float) -> Spent:
        """Leave out what servers use in so many seconds when nobody asks anything of them."""
        return Spent(*(now - seconds * rate for now, rate in zip(self, idle, strict=True)))


class Servers:
    """Servers on one Postgres, and what they have used so far."""

    def __init__(self, addresses: Sequence[str], processes: Sequence[psutil.Process], database: str) -> None:
        self.addresses = addresses
        self._servers = processes
        self._database = database  # the folder of Postgres
        self._idle = Spent(0.0, 0.0, 0.0, 0.0)  # a second

    def submit(self, trials: int, parallel: int) -> int:
        """Submit a search for a script's agents; return its number."""
        search = {"name": "load", "trainer": "external", "space": AXES, "strategy": "random"}
        search |= {"budget": {"trials": trials}, "parallel": parallel, "objective": {"metric": "dev_error"}}
        answer = httpx.post(f"{self.addresses[0]}/api/v1/searches", json=search, timeout=60)
        answer.raise_for_status()
        return int(answer.json()["id"])

    def spent(self) -> Spent:
        """Return what was used since the start."""
        loop = sum(_main_thread(one) for one in self._servers)
        text = "\n".join(httpx.get(f"{address}/metrics", timeout=60).text for address in self.addresses)
        commits = re.findall(r"^caviar_commit_seconds_count (\S+)$", text, re.MULTILINE)
        database = _cpu(_postgres(self._database))
        return Spent(loop, _cpu(self._servers), database, sum(float(count) for count in commits))

    def rest(self) -> None:
        """Find out what is used when nobody asks anything."""
        before = self.spent()
        time.sleep(IDLE_SECONDS)
        self._idle = Spent(*(used / IDLE_SECONDS for used in self.spent().since(before)))

    def load(self, trials: int, agents: int, length: float = 0.0, beat: float = 60.0) -> tuple[Seen, Spent]:
        """Train so many trials by so many agents; return what was seen, and what it took."""
        search, before = self.submit(trials, agents), self.spent()
        seen = drive(self.addresses, search, trials, agents, length, beat)
        return seen, self.spent().since(before).without(self._idle, seen.took)


def _postgres(folder: str) -> list[psutil.Process]:
    for one in psutil.process_iter(["name", "cmdline"]):
        if folder in (one.info["cmdline"] or ()):
            return [one, *one.children(recursive=True)]
    raise RuntimeError(f"no Postgres has the folder {folder}")


def _cpu(processes: Sequence[psutil.Process]) -> float:
    times = [one.cpu_times() for one in processes if one.is_running()]
    return float(sum(one.user + one.system for one in times))


def _main_thread(process: psutil.Process) -> float:
    main = next(one for one in process.threads() if one.id == process.pid)
    return float(main.user_time + main.system_time)


@contextmanager
def served(count: int, name: str, url: URL) -> Iterator[Servers]:
    """Servers without agents of their own, warm, on a new database of a Postgres."""
    syncs = ("fsync", "full_page_writes", "synchronous_commit")
    off = (f"ALTER SYSTEM SET {setting} = off" for setting in syncs)
    execute(url, *off, "SELECT pg_reload_conf()", f"CREATE DATABASE {name}")
    words = ("--database", url.set(database=name).render_as_string(False))
    others = set(psutil.Process().children())
    with tempfile.TemporaryDirectory() as folder, ExitStack() as ending:
        addresses = [ending.enter_context(serving(folder, 0, *words)) for _ in range(count)]
        processes = [one for one in set(psutil.Process().children()) - others if "serve" in one.cmdline()]
        servers = Servers(addresses, processes, str(url.query["host"]))
        servers.load(200, 8)
        servers.rest()
        yield servers


def costs_of(servers: Servers, trials: int) -> tuple[Costs, dict[int, tuple[Seen, float]]]:
    """Measure on one server what the model needs; tell it."""
    seen, found = {}, {}
    for agents in SIZES:
        seen[agents], spent = servers.load(trials, agents)
        count, found[agents] = seen[agents].exchanges, spent
        each = {name: 1e6 * value / count for name, value in spent._asdict().items() if name != "commits"}
        told = ", ".join(f"{name} {value:.0f} us" for name, value in each.items())
        print(
            f"  {agents} agents: {seen[agents].rate:.0f} trials/s, {1e3 * seen[agents].median:.1f} ms;",
            end="",
        )
        print(f" an exchange: {told}, {count / spent.commits:.1f} in a commit", flush=True)
    sizes = [seen[agents].exchanges / found[agents].commits for agents in SIZES]
    work, commit = np.polyfit(sizes, [found[n].transaction / found[n].commits for n in SIZES], 1)
    loop = sum(one.loop for one in found.values()) / sum(one.exchanges for one in seen.values())
    beats = [servers.load(agents, agents, 40 * BEAT_SECONDS, BEAT_SECONDS) for agents in BEATS]
    points = [(b.exchanges / spent.commits, spent.transaction / spent.commits) for b, spent in beats]
    beat_work = max(1e-5, np.polyfit(*zip(*points, strict=True), 1)[0])
    beat_loop = sum(spent.loop for _, spent in beats) / sum(seen.exchanges for seen, _ in beats)
    work, commit = max(1e-5, work), max(1e-5, commit)
    costs = Costs(loop, work, commit, beat_loop, beat_work, event_cost(servers, trials, loop))
    print("  in microseconds: " + ", ".join(f"{n} {1e6 * v:.0f}" for n, v in costs._asdict().items()))
    return costs, {agents: (seen[agents], found[agents].commits) for agents in SIZES}


def event_cost(servers: Servers, trials: int, loop: float) -> float:
    """Return what one event to one stream takes of the event loop."""
    search, told, over = servers.submit(trials, 16), [0], threading.Event()

    def follow() -> None:
        address = f"{servers.addresses[0]}/api/v1/searches/{search}/events"
        with httpx.stream("GET", address, timeout=60) as answer:
            for line in answer.iter_lines():
                told[0] += line.startswith("data:")
                if over.is_set():
                    return

    for _ in range(STREAMS):
        threading.Thread(target=follow, daemon=True).start()
    time.sleep(1.0)
    before, already = servers.spent(), told[0]
    seen = drive(servers.addresses, search, trials, 16, 0.0, 60.0)
    spent = servers.spent().since(before)
    over.set()
    return max(0.0, spent.loop - loop * seen.exchanges) / max(1, told[0] - already)


def claims(one: Servers, two: Servers, trials: int) -> bool:
    """Claim so many trials through one server and through two; return whether all is as it must be."""
    print(
        f"{trials} trials claimed by 64 agents through two servers, half as many through one before and after"
    )
    each, good = [], True
    for servers, count in ((one, trials // 2), (two, trials), (one, trials // 2)):  # neighbours come and go
        seen, spent = servers.load(count, 64)
        double = [trial for trial, times in seen.given.items() if times != 1]
        cpu, database = (1e6 * used / seen.exchanges for used in (spent.cpu, spent.database))
        each.append(cpu)
        print(f"  {len(servers.addresses)} servers: {len(seen.given)} given, {len(double)} twice;", end="")
        print(f" {seen.rate:.0f} trials/s, an exchange: {cpu:.0f} us CPU, database {database:.0f} us", end="")
        print(f", {seen.exchanges / spent.commits:.1f} in a commit", flush=True)
        good &= not double and len(seen.given) == count
    ratio = 2 * each[1] / (each[0] + each[2])
    print(f"  CPU of an exchange with two servers: {ratio:.2f} times that with one")
    return good and ratio <= 1.2


def compared(costs: Costs, measured: dict[tuple[int, int], tuple[Seen, float]], trials: int) -> None:
    """Tell simulated beside measured rates; one factor for all stands for what else the machine does."""
    runs = {key: simulate(Case(*key, trials, 0.0), costs) for key in measured}
    factor = measured[1, 16][0].rate * runs[1, 16].seconds / trials
    print(f"simulated beside measured; trials/s all by {factor:.2f}, for what else the machine does")
    for key, (seen, commits) in measured.items():
        rates = f"{factor * trials / runs[key].seconds:.0f} and {seen.rate:.0f} trials/s"
        shared = f"{trials / runs[key].commits:.1f} and {seen.exchanges / commits:.1f} in a commit"
        print(f"  {key[0]} servers, {key[1]} agents: {rates}, {shared}")


def large(costs: Costs, trials: int) -> None:
    """Tell what is simulated for sizes that do not run here."""
    print("simulated: trials of 60 s, 20 event streams")
    for agents in (100, 1000, 3000, 10_000):
        for servers, interval in BIG:
            case = Case(servers, agents, min(trials, 100 * agents), 60.0, interval, streams=20)
            name = f"  {agents} agents, {servers} servers, interval {interval:g} s"
            try:
                found = simulate(case, costs)
            except ValueError as error:
                print(f"{name}: {error}")
                continue
            rate, waits = (
                case.trials / found.seconds,
                [1e3 * found.percentile(share) for share in (0.5, 0.99)],
            )
            print(f"{name}, {case.trials} trials: {rate:.1f} trials/s of {agents / 60:.1f}", end="")
            print(f", loops {found.loops:.2f}, transactions {found.writing:.2f} busy", end="")
            print(f", answers in {waits[0]:.0f} ms, 99 % in {waits[1]:.0f} ms", flush=True)


def proposals(count: int = 1000) -> None:
    """Tell what a proposal costs with so many trials behind it."""
    for name in STRATEGIES:
        search = spec(strategy={"name": name})
        seen = history(search, count)
        took = milliseconds(lambda number, search=search, seen=seen: offer(search, seen, number), count)  # type: ignore[misc]
        print(f"  a proposal of {name} after {count} trials: {took:.2f} ms", flush=True)


def main() -> int:
    """Measure, claim, simulate; the exit code says whether the claims were as they must be."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=3000)
    parser.add_argument("--claims", type=int, default=10_000)
    parser.add_argument("--big", type=int, default=1_000_000)
    arguments = parser.parse_args()
    print("costs", flush=True)
    proposals()
    with postgres() as url, ExitStack() as ending:
        one = ending.enter_context(served(1, "one", url))
        costs, seen = costs_of(one, arguments.trials)
        two = ending.enter_context(served(2, "two", url))
        measured = {(1, agents): both for agents, both in seen.items()}
        for agents in SIZES:
            found, spent = two.load(arguments.trials, agents)
            measured[2, agents] = found, spent.commits
        good = claims(one, two, arguments.claims)
    compared(costs, measured, arguments.trials)
    large(costs, arguments.big)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
