"""Scrambled Sobol sequence: random points that keep out of each other's way, any of them directly."""

from functools import lru_cache
from threading import Lock

import numpy as np
import numpy.typing as npt
from cachetools import LRUCache, cached
from scipy.stats import qmc

from caviar.search.history import History
from caviar.search.proposal import Proposal, propose_at
from caviar.search.randomness import counter
from caviar.search.space import Space
from caviar.search.spec import SearchSpec

_BITS = 32  # more than 2^32 trials are not expected
Words = npt.NDArray[np.uint64]


@lru_cache(maxsize=1024)
def _row(seed: int, dimensions: int, index: int) -> Words:
    """One point of scipy's sequence as integers of 32 bits."""
    engine = qmc.Sobol(dimensions, bits=_BITS, rng=counter(seed, dimensions, "sobol"))
    if index:
        engine.fast_forward(index)
    return np.asarray(engine.random(1)[0] * 2.0**_BITS, dtype=np.uint64)


@lru_cache(maxsize=256)
def _directions(seed: int, dimensions: int, bits: int) -> tuple[Words, Words]:
    """The shift (point 0) and the scrambled direction of each bit.

    Point n is the shift XOR the directions of the bits of its Gray code n ^ (n >> 1). Point 2^(k+1) - 1 has
    bit k alone, and so gives direction k.
    """
    shift = _row(seed, dimensions, 0)
    rows = [_row(seed, dimensions, 2 ** (bit + 1) - 1) ^ shift for bit in range(bits)]
    return shift, np.array(rows, dtype=np.uint64).reshape(bits, dimensions)


def sobol_point(seed: int, dimensions: int, index: int) -> npt.NDArray[np.float64]:
    """Point `index` of the scrambled sequence, without those before it."""
    code = index ^ (index >> 1)
    shift, directions = _directions(seed, dimensions, max(code.bit_length(), 6))
    bits = [bit for bit in range(code.bit_length()) if code >> bit & 1]
    word = shift ^ np.bitwise_xor.reduce(directions[bits], axis=0)
    return np.asarray(word * 2.0**-_BITS, dtype=np.float64)


def _points(seed: int, dimensions: int, first: int, count: int) -> npt.NDArray[np.float64]:
    """Points from `first` on, (count, dimensions)."""
    numbers = np.arange(first, first + count)
    codes = numbers ^ (numbers >> 1)
    shift, directions = _directions(seed, dimensions, max(int(codes.max()).bit_length(), 6))
    words = np.tile(shift, (count, 1))
    for bit, direction in enumerate(directions):
        words[codes >> bit & 1 == 1] ^= direction
    return np.asarray(words * 2.0**-_BITS, dtype=np.float64)


class _Obeying:
    """The points of a sequence that obey the relations of a space, as far as they have been asked for."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space, self._seed, self._next = space, seed, 0
        self._found: list[npt.NDArray[np.float64]] = []
        self._lock = Lock()

    def point(self, index: int) -> npt.NDArray[np.float64]:
        """Point `index` of those that obey."""
        region = self._space.region
        assert region is not None
        with self._lock:
            while len(self._found) <= index:
                units = _points(self._seed, self._space.dimensions, self._next, 1024)
                laid, flags = region.candidates(units[:, region.columns])
                units[:, region.columns] = laid
                self._found += list(units[flags])
                self._next += len(units)
            return self._found[index]


@cached(LRUCache(64), key=lambda space, seed: (id(space), seed), lock=Lock())
def _obeying(space: Space, seed: int) -> _Obeying:
    return _Obeying(space, seed)  # which holds the space, so that its id stays its own


def point_of(space: Space, seed: int, index: int) -> npt.NDArray[np.float64]:
    """Point `index` of the scrambled sequence; under relations, of those points that obey them."""
    if space.region is None:
        return sobol_point(seed, space.dimensions, index)
    return _obeying(space, seed).point(index)


def propose(spec: SearchSpec, number: int, history: History) -> Proposal:
    """Take point `number` of the sequence; the history plays no part."""
    if not spec.space.dimensions:
        return propose_at(spec.space, np.empty(0), "sobol", "the space has one point")
    unit = point_of(spec.space, spec.seed, number)
    return propose_at(spec.space, unit, "sobol", f"point {number} of the sequence")
