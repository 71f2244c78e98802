"""CMA-ES: a normal distribution that moves towards the better half of each generation (Hansen 2016).

The algorithm is that of the package `cmaes`, which Optuna's sampler wraps. The sampler itself keeps its
state as a pickle in the trials; here the state is found again by replaying the visible results, so that
nothing has to be kept, and nothing unpickled.
"""

from collections.abc import Iterator
from copy import deepcopy
from hashlib import blake2b
from threading import Lock

import numpy as np
from cachetools import LRUCache
from cmaes import CMA

from caviar.search.history import Floats, History, Integers
from caviar.search.proposal import Proposal, propose_at, round_for_determinism
from caviar.search.random import draw
from caviar.search.randomness import counter
from caviar.search.spec import SearchSpec, first_unseen
from caviar.search.strategy_settings import Cmaes

Generation = tuple[Floats, Floats]  # coordinates and values of the trials that one update is made of

_lock = Lock()
_memo: LRUCache[bytes, CMA] = LRUCache(64)  # saves replays; forgetting it changes nothing


def propose(spec: SearchSpec, number: int, history: History) -> Proposal:
    """Draw from the distribution that the visible generations have led to; unordered choices at random."""
    assert isinstance(spec.strategy, Cmaes)
    unit = draw(spec, number)
    axes = np.array([axis.ordered and axis.levels != 1 for axis in spec.space.axes], dtype=np.bool_)
    first = max(spec.strategy.startup, len(spec.enqueued))
    if number < first or not axes.any():
        return propose_at(spec.space, unit, "cmaes", "drawn at random: the first ones are")
    size = _new(int(axes.sum())).population_size
    generations = list(_generations(spec, number, history, first, size, axes))
    with _lock:
        optimizer = _replay(int(axes.sum()), generations)
        optimizer.reseed_rng(counter(spec.seed, number, "cmaes") >> 33)
        unit[axes] = round_for_determinism(optimizer.ask())
    return propose_at(spec.space, unit, "cmaes", f"generation {len(generations)}")


def _new(dimensions: int) -> CMA:
    bounds = np.tile([0.0, 1.0], (dimensions, 1))
    return CMA(
        mean=np.full(dimensions, 0.5), sigma=1 / 6, bounds=bounds, n_max_resampling=10 * dimensions, seed=1
    )


def _generations(
    spec: SearchSpec, number: int, history: History, first: int, size: int, axes: np.ndarray
) -> Iterator[Generation]:
    """Full generations among the visible trials.

    A trial belongs to the generation that the results visible to it had led to; once `size` of a generation
    have ended, the next one begins. Trials without a value belong to none.
    """
    rows: Integers = np.flatnonzero(~np.isnan(history.values) & (history.numbers >= first))
    row_of = dict(zip(history.numbers[rows].tolist(), rows.tolist(), strict=True))
    units = history.units[:, axes]
    generation_of: dict[int, int] = {}
    pool: list[int] = []
    generation = seen = 0
    lag, growing = spec.resolved_lag(), spec.stopping.uses_results
    last = int(history.numbers[-1]) if len(history) else -1
    for trial in range(first, number + 1):
        if seen > last:
            return  # nothing more to be seen
        while seen < first_unseen(trial, lag, growing):
            if seen in row_of and generation_of.get(seen) == generation:
                pool.append(row_of[seen])
                if len(pool) == size:
                    yield units[pool], history.values[pool]
                    pool, generation = [], generation + 1
            seen += 1
        generation_of[trial] = generation


def _replay(dimensions: int, generations: list[Generation]) -> CMA:
    """Optimizer after the generations, from the furthest one remembered."""
    digest, keys = blake2b(str(dimensions).encode(), digest_size=16), []
    for units, values in generations:
        digest.update(units.tobytes() + values.tobytes())
        keys.append(digest.digest())
    known = next((place for place in reversed(range(len(keys))) if keys[place] in _memo), None)
    optimizer = _new(dimensions) if known is None else deepcopy(_memo[keys[known]])
    for units, values in generations[0 if known is None else known + 1 :]:
        optimizer.tell(list(zip(units, values.tolist(), strict=True)))
    if keys:
        _memo[keys[-1]] = deepcopy(optimizer)
    return optimizer
