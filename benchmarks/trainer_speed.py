"""How fast the trainer is, in one run on one core: python -m benchmarks.trainer_speed [--quick].

Prints ratios, which mean something on another machine; absolute times do not. Rounds of all trainers are
interleaved and the fastest round of each counts, in processor time: what else the machine does slows
single rounds. Every peer has its best setting on one core, which its docstring in trainer_cases.py tells.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np

from benchmarks.trainer_cases import Case, cases, jax_scan, ours, scikit_learn, torch_eager

# epochs in a round, by case: about a fifth of a second for the fastest
EPOCHS = {"1": 200, "2": 1, "3": 2000}
SLOW = {"1": 10, "2": 1, "3": 25}  # epochs in a round of PyTorch and scikit-learn
TARGETS = {("1", "jax"): 1.6, ("2", "jax"): 1.6, ("3", "jax"): 4, ("2", "torch"): 3, ("1", "torch"): 10,
           ("3", "torch"): 60}  # fmt: skip
REGULARISED = {"batch_norm": True, "keep_prob": 0.8, "l2": 1e-4}


def main() -> None:
    """Run all comparisons and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three rounds instead of nine")
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    parser.add_argument("--probe", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if arguments.probe:
        print(json.dumps(probe(arguments.probe)))
        return
    found = measure(3 if arguments.quick else 9)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1))


def measure(rounds: int) -> dict[str, object]:
    """Measure everything, printing as it goes."""
    print("| case | JAX | PyTorch | scikit-learn | of FMA peak | with bn + dropout + L2 |")
    print("|---|---|---|---|---|---|")
    found: dict[str, object] = {}
    for case in cases():
        found[case.name] = compare(case, rounds)
    found["widths"] = widths()
    found["blas"] = tiles_against_blas()
    found["start"] = starts()
    return found


def compare(case: Case, rounds: int) -> dict[str, float]:
    """Time one case with every trainer; print a row of ratios to ours."""
    number = case.name[0]
    epochs = EPOCHS[number]
    trainers: dict[str, tuple[Callable[[int], float], int]] = {
        "ours": (ours(case), epochs),
        "regularised": (ours(case, **REGULARISED), epochs),
        "jax": (jax_scan(case), epochs),
        "torch": (torch_eager(case), SLOW[number]),
        "sklearn": (scikit_learn(case), SLOW[number]),
        "peak": (multiply_adds(case.flops), epochs),
    }
    best = fastest(trainers, rounds)
    share = best["peak"] / best["ours"]
    ratios = {name: best[name] / best["ours"] for name in ("jax", "torch", "sklearn", "regularised")}
    cells = [_against(ratios[name], TARGETS.get((number, name))) for name in ("jax", "torch", "sklearn")]
    print(f"| {case.name} | {' | '.join(cells)} | {share:.0%} | {ratios['regularised']:.2f}x |", flush=True)
    return {**ratios, "share_of_peak": share, "milliseconds": best["ours"] * 1e3}


def fastest(trainers: dict[str, tuple[Callable[[int], float], int]], rounds: int) -> dict[str, float]:
    """Return processor seconds per epoch of each, the fastest of interleaved rounds."""
    best = dict.fromkeys(trainers, np.inf)
    for train, epochs in trainers.values():
        train(max(1, epochs // 10))  # compiled and warm
    for _ in range(rounds):
        for name, (train, epochs) in trainers.items():
            begin = time.process_time()
            train(epochs)
            best[name] = min(best[name], (time.process_time() - begin) / epochs)
    return best


def multiply_adds(flops: float) -> Callable[[int], float]:
    """Return a function that does `flops` as multiply-adds for each epoch, as fast as a core can.

    That is a tile of the product on data that never leave the innermost cache.
    """
    from numba import njit

    from caviar.trainer.kernels.arrays import address
    from caviar.trainer.kernels.host import AVX2, TILING
    from caviar.trainer.kernels.tiles import make_tile

    tiling = TILING or AVX2
    tile = make_tile(tiling.rows, 2, tiling.register_bytes)
    width = 2 * tiling.register_bytes // 4

    @njit
    def run(A, B, C, times):  # type: ignore[no-untyped-def]
        for _ in range(times):
            tile(address(A, 0), 0, 0, address(B, 0), 0, address(C, 0), width, 1000, False)

    A, B, C = np.zeros(64, "f4"), np.zeros(64, "f4"), np.zeros(tiling.rows * width, "f4")
    once = 2.0 * tiling.rows * width * 1000

    def epochs(count: int) -> float:
        run(A, B, C, round(count * flops / once))
        return 0.0

    return epochs


def widths() -> dict[str, float]:
    """A search of 32 networks of different widths, 20 epochs of case 1 each: JAX compiles every one anew."""
    case = cases()[0]
    generator = np.random.default_rng(0)
    sizes = [(64, int(a), int(b), 10) for a, b in generator.integers(50, 101, (32, 2))]

    def search(make: Callable[[Case], Callable[[int], float]], count: int) -> float:
        begin = time.process_time()
        for chosen in sizes[:count]:
            make(Case(case.name, case.X, case.Y, chosen, case.batch))(20)
        return (time.process_time() - begin) / count

    search(ours, 1)
    seconds = {"ours": min(search(ours, 32) for _ in range(3)), "jax": search(jax_scan, 8)}
    ratio = seconds["jax"] / seconds["ours"]
    print(f"\n32 different widths, 20 epochs each: JAX takes {_against(ratio, 40)} as long", flush=True)
    return {"jax": ratio}


def tiles_against_blas() -> dict[str, dict[str, float]]:
    """The same cases with BLAS for the matrix products, in processes of their own.

    A host with AVX-512 is also told to do without it, as most hosts must.
    """
    from caviar.trainer.kernels.host import AVX512, TILING

    tiles = ["avx512", "avx2"] if TILING is AVX512 else ["avx2"]
    best = {(case.name[0], kernels): np.inf for case in cases() for kernels in (*tiles, "blas")}
    for _ in range(3):
        for number, kernels in best:
            seconds = _probe(number, kernels)["seconds"]
            best[number, kernels] = min(best[number, kernels], seconds)
    ratios = {}
    for kernels in tiles:
        ratios[kernels] = {case.name[0]: 0.0 for case in cases()}
        for number in ratios[kernels]:
            ratios[kernels][number] = best[number, "blas"] / best[number, kernels]
        cells = ", ".join(f"case {number} {_against(one, 1)}" for number, one in ratios[kernels].items())
        print(f"BLAS takes, instead of register tiles for {kernels}: {cells}", flush=True)
    return ratios


def probe(what: str) -> dict[str, float]:
    """In a process of its own: time a case, or the way from its start to the first epoch of digits."""
    if what == "start":
        from caviar.trainer.plugin import MLP

        trainer, settings = MLP(), {"hidden_units": [64, 64], "batch_size": 64}
        run = trainer.start(settings, trainer.load({"name": "digits"}, settings), 0)
        while run.epoch == 0:
            run.advance()
        return {"seconds": time.time() - float(os.environ["BEGUN"]), "memory": 0.0}
    case = cases()[int(what) - 1]
    epochs = EPOCHS[what]
    train = ours(case)
    before = _resident()
    train(1)
    return {"seconds": fastest({"ours": (train, epochs)}, 5)["ours"], "memory": _resident() - before}


def starts() -> dict[str, float]:
    """From the start of a process to the first epoch of case 1, code cached and not; memory of case 2."""
    import tempfile

    warm = min(_probe("start", "")["seconds"] for _ in range(3))
    with tempfile.TemporaryDirectory() as folder:
        cold = _probe("start", "", CAVIAR_CACHE=folder)["seconds"]
    memory = _probe("2", "")["memory"]
    print(f"first epoch after {warm:.2f} s; from an empty cache after {cold:.1f} s")
    print(f"training case 2 adds {memory:.1f} MB to the process", flush=True)
    return {"warm": warm, "cold": cold, "memory": memory}


def _probe(what: str, kernels: str, **environment: str) -> dict[str, float]:
    variables = {**os.environ, "CAVIAR_KERNELS": kernels, "BEGUN": str(time.time()), **environment}
    command = [sys.executable, "-m", "benchmarks.trainer_speed", "--probe", what]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _resident() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss) / 1e6


def _against(ratio: float, target: float | None) -> str:
    return f"{ratio:.2f}x" + ("" if target is None else f" (target {target:g}x)")


if __name__ == "__main__":
    main()
