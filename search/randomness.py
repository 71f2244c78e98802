"""Random numbers without a state: each is a hash of the seed, the trial's number and a name."""

from functools import lru_cache
from hashlib import blake2b
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Salts: TypeAlias = npt.NDArray[np.uint64]
_MASK = 2**64 - 1
_ROUNDS = tuple(  # as arrays: NumPy need not convert them each time
    (np.array(shift, np.uint64), np.array(factor, np.uint64))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 0xD6E8FEB86659FD93))
)
_11, _32 = np.array(11, np.uint64), np.array(32, np.uint64)


@lru_cache(maxsize=65536)
def salt(name: str) -> int:
    """64 bits that stand for a name."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")


def salts(names: list[str]) -> Salts:
    """64 bits for each name, for `uniforms`."""
    return np.array([salt(name) for name in names], dtype=np.uint64)


def _mix(bits: int) -> int:
    """Scramble 64 bits (the finaliser of splitmix64, Steele, Lea and Flood 2014)."""
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _MASK
    return bits ^ (bits >> 31)


def counter(seed: int, number: int, purpose: str = "") -> int:
    """64 bits for a trial of a search, different for each purpose."""
    bits = _mix((seed * 0x9E3779B97F4A7C15 + salt(purpose)) & _MASK)
    return _mix((bits ^ ((number + 1) * 0xD1342543DE82EF95)) & _MASK)


def uniforms(seed: int, number: int, names: Salts, purpose: str = "") -> npt.NDArray[np.float64]:
    """One number in [0, 1) for each name; adding a name leaves those of the others as they are."""
    bits = names ^ np.uint64(counter(seed, number, purpose))
    for shift, factor in _ROUNDS:
        bits = (bits ^ (bits >> shift)) * factor
    bits ^= bits >> _32
    return np.asarray((bits >> _11) * 2.0**-53, dtype=np.float64)


def generator(seed: int, number: int, purpose: str) -> np.random.Generator:
    """Numpy generator for a strategy that needs more than one number per axis."""
    return np.random.default_rng(counter(seed, number, purpose))
