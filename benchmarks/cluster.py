"""1,000 short and 100 longer trials on two CPUs: Caviar on Ray and Postgres, Ray Tune, Optuna on Postgres.

    python -m benchmarks.cluster [--short 1000] [--long 100] [--epochs 20] [--epoch-seconds 0.05]

All three draw five floats at random and report the value of each epoch; nothing is computed: a short trial is
one epoch of no length, a longer one sleeps. Caviar and Tune (reused actors, its loggers off) use one cluster,
Caviar and Optuna (two processes) one Postgres. Two times are told: from the call to the end, actors and
processes started within; and of the trials alone, from the first one's begin to the last one's end. Overhead
is what is left of that after the same sleeps in two processes that do nothing else, before and after Caviar:
where a machine is busy, each sleep wakes late, and nobody can be faster than these.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import ray
from sqlalchemy.engine import URL

from benchmarks.bookkeeping import AXES, PLUGINS, execute, postgres, run_seconds, search
from benchmarks.serving import serving

CPUS = 2
ROOT = Path(__file__).parents[1]
ADMIN_TOKEN = "benchmark-" + "0" * 40


class Load(NamedTuple):
    """So many trials of so many epochs of such a length."""

    trials: int
    epochs: int
    seconds: float

    @property
    def ideal(self) -> float:
        """Return the seconds that the trials themselves take, if each sleep wakes in time."""
        return self.trials * self.epochs * self.seconds / CPUS


class Times(NamedTuple):
    """Seconds from the call to the end, and of the trials alone."""

    whole: float
    trials: float


def alone(load: Load) -> float:
    """Return the seconds of the trainings in processes that do nothing else: the bound of everybody."""
    context = multiprocessing.get_context("spawn")
    gate, begun, ended = context.Barrier(CPUS), context.Array("d", CPUS), context.Array("d", CPUS)
    places = range(CPUS)
    processes = [context.Process(target=_sleep, args=(load, gate, begun, ended, place)) for place in places]
    for one in processes:
        one.start()
    for one in processes:
        one.join()
    if any(one.exitcode for one in processes):
        raise RuntimeError("the trainings alone did not end")
    return float(max(ended[:]) - min(begun[:]))


def _sleep(load: Load, gate: Barrier, begun: Any, ended: Any, place: int) -> None:
    gate.wait()
    begun[place] = time.time()
    for _ in range(load.trials // CPUS * load.epochs):
        time.sleep(load.seconds)
    ended[place] = time.time()


def tune(load: Load, folder: str) -> Times:
    """Ray Tune with reused actors, on the cluster of this process."""
    from ray import tune

    class Sleeping(tune.Trainable):
        def setup(self, config: dict[str, Any]) -> None:
            self.reset_config(config)

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            self.config, self.began = new_config, time.time()
            return True

        def step(self) -> dict[str, Any]:
            time.sleep(load.seconds)
            return {"dev_error": self.config["p0"], "began": self.began, "ended": time.time()}

        def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any]:
            return {}

        def load_checkpoint(self, checkpoint: dict[str, Any] | None) -> None:
            """Have nothing to go on from."""

    began = time.perf_counter()
    results = tune.Tuner(
        tune.with_resources(Sleeping, {"cpu": 1}),
        param_space={name: tune.loguniform(1e-4, 1.0) for name in AXES},
        tune_config=tune.TuneConfig(
            metric="dev_error",
            mode="min",
            num_samples=load.trials,
            max_concurrent_trials=CPUS,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            storage_path=folder,
            name=f"tune-{load.trials}",
            verbose=0,
            stop={"training_iteration": load.epochs},
        ),
    ).fit()
    whole = time.perf_counter() - began
    spans = [(found["began"], found["ended"]) for one in results if (found := one.metrics)]
    if len(spans) != load.trials:
        raise RuntimeError(f"Tune ended {len(spans)} of {load.trials} trials")
    return Times(whole, max(end for _, end in spans) - min(begin for begin, _ in spans))


def optuna(load: Load, url: str) -> Times:
    """Optuna: a process for each CPU, one study in Postgres."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    began = time.perf_counter()
    name = f"study-{load.trials}"
    optuna.create_study(storage=url, study_name=name)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_optimize, args=(url, name, load, seed)) for seed in range(CPUS)]
    for one in processes:
        one.start()
    for one in processes:
        one.join()
    whole = time.perf_counter() - began
    ended = optuna.load_study(storage=url, study_name=name).get_trials(deepcopy=False)
    if sum(one.state.is_finished() for one in ended) != load.trials or any(p.exitcode for p in processes):
        raise RuntimeError("Optuna did not end all trials")
    stamps = [(one.datetime_start, one.datetime_complete) for one in ended]
    last, first = max(end for _, end in stamps if end), min(begin for begin, _ in stamps if begin)
    return Times(whole, (last - first).total_seconds())


def _optimize(url: str, name: str, load: Load, seed: int) -> None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    study = optuna.load_study(storage=url, study_name=name, sampler=optuna.samplers.RandomSampler(seed=seed))

    def objective(trial: optuna.Trial) -> float:
        values = [trial.suggest_float(axis, 1e-4, 1.0, log=True) for axis in AXES]
        for epoch in range(1, load.epochs + 1):
            time.sleep(load.seconds)
            trial.report(values[0], epoch)
        return values[0]

    study.optimize(objective, n_trials=load.trials // CPUS)


def caviar(load: Load, client: httpx.Client) -> Times:
    """Caviar, whose agents have all gone back to the cluster before."""
    while any(one["state"] == "alive" for one in client.get("/agents").json()["items"]):
        time.sleep(0.5)
    asked = search(load.trials, "nothing") | {"parallel": CPUS}
    asked["settings"] = {"epochs": load.epochs, "epoch_seconds": load.seconds}
    began = time.perf_counter()
    trials = run_seconds(client, asked, 0.1)
    return Times(time.perf_counter() - began, trials)


@contextmanager
def served(folder: str, url: URL) -> Iterator[httpx.Client]:
    """A server with the engine for Ray on this process's cluster."""
    address = ray.get_runtime_context().gcs_address
    words = ("--engine", "ray", "--ray-address", address, "--database", url.render_as_string(False))
    with serving(folder, CPUS, *words, environment={"CAVIAR_ADMIN_TOKEN": ADMIN_TOKEN}) as server:
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        with httpx.Client(base_url=f"{server}/api/v1", headers=headers, timeout=30.0) as client:
            yield client


def tell(load: Load, bounds: tuple[float, float], found: dict[str, Times]) -> bool:
    """Print times and ratios; return whether Caviar is ahead, and of trials of no length ten times.

    What is less than the trainings alone differ, before and after, counts as so much: it is noise.
    """
    bound, noise = sum(bounds) / 2, max(abs(bounds[0] - bounds[1]), 1e-4 * load.trials)
    print(f"{load.trials} trials of {load.epochs * load.seconds:g} s, ideal {load.ideal:.1f} s", end="")
    print(f", alone {bounds[0]:.1f} and {bounds[1]:.1f} s")
    mine = found["Caviar"]
    overhead = {name: max(noise, times.trials - bound) for name, times in found.items()}
    for name, times in found.items():
        each = 1000 * (times.trials - bound) / load.trials
        ratio = "" if name == "Caviar" else f", {overhead[name] / overhead['Caviar']:.1f} times Caviar's"
        print(f"  {name}: whole {times.whole:.1f} s, trials {times.trials:.1f} s", end="")
        print(f", overhead {each:.1f} ms a trial{ratio}", flush=True)
    others = [name for name in found if name != "Caviar"]
    ahead = all(mine.whole <= found[name].whole and mine.trials <= found[name].trials for name in others)
    # Of longer trials nobody can add ten times less than what is hardly more than noise.
    return ahead and (load.seconds > 0 or all(overhead[one] >= 10 * overhead["Caviar"] for one in others))


def main() -> int:
    """Measure both loads; the exit code says whether Caviar was ahead in each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", type=int, default=1000)
    parser.add_argument("--long", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--epoch-seconds", type=float, default=0.05)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled", "RAY_AIR_NEW_OUTPUT": "0"}
    os.environ |= {
        **quiet,
        "RAY_worker_niceness": "0",  # its default is 15: Optuna's processes would go first
        "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{PLUGINS}",
    }
    loads = [Load(arguments.short, 1, 0.0), Load(arguments.long, arguments.epochs, arguments.epoch_seconds)]
    ahead = True
    with tempfile.TemporaryDirectory() as folder, postgres() as url:
        execute(url, *(f"CREATE DATABASE {name}" for name in ("caviar", "optuna")))
        peer = url.set(database="optuna").render_as_string(False)
        ray.init(address="local", num_cpus=CPUS, include_dashboard=False, log_to_driver=False)
        with served(str(Path(folder) / "caviar"), url.set(database="caviar")) as client:
            for load in loads:
                before = alone(load)
                found = {"Caviar": caviar(load, client)}
                after = alone(load)
                found["Optuna"] = optuna(load, peer)
                wait_for_places()
                found["Ray Tune"] = tune(load, folder)
                ahead &= tell(load, (before, after), found)
        ray.shutdown()
    print("Caviar is ahead, ten times with short trials" if ahead else "Caviar is NOT so far ahead")
    return 0 if ahead else 1


def wait_for_places() -> None:
    """Wait until all CPUs of the cluster are free."""
    while ray.available_resources().get("CPU", 0) < CPUS:
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
