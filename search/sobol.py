"""Scrambled Sobol sequence: random points that keep out of each other's way, any of them directly."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.stats import qmc

from caviar.search.history import History
from caviar.search.proposal import Proposal, propose_at
from caviar.search.randomness import counter
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


def propose(spec: SearchSpec, number: int, history: History) -> Proposal:
    """Take point `number` of the sequence; the history plays no part."""
    if not spec.space.dimensions:
        return propose_at(spec.space, np.empty(0), "sobol", "the space has one point")
    unit = sobol_point(spec.seed, spec.space.dimensions, number)
    return propose_at(spec.space, unit, "sobol", f"point {number} of the sequence")
