"""Random numbers by counter: the i-th number of a key is a function of both, so nothing depends on what was
drawn before, on slices or on threads, and a restored run needs no generator state.

Keys are made by the finaliser of splitmix64 (Steele, Lea, Flood 2014), elements by a 32-bit mixer of the same
shape (constants by C. Wellons, "lowbias32"), which vectorises.
"""

import numpy as np

from .compile import inner_kernel

WEYL = np.uint32(0x9E3779B1)  # odd, so that its multiples pass through all 32-bit numbers
SHUFFLE, DROPOUT, AUGMENT = np.int64(1), np.int64(2), np.int64(3)

_C1 = np.uint64(0xBF58476D1CE4E5B9)
_C2 = np.uint64(0x94D049BB133111EB)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@inner_kernel
def mix(x):
    """Scramble 64 bits; one to one."""
    x = (x ^ (x >> np.uint64(30))) * _C1
    x = (x ^ (x >> np.uint64(27))) * _C2
    return x ^ (x >> np.uint64(31))


@inner_kernel
def key_of(seed, purpose, first, second):
    """Return the 64-bit key of a stream: purpose is SHUFFLE, DROPOUT or AUGMENT."""
    key = mix(np.uint64(seed) + _GOLDEN)
    key = mix(key ^ (np.uint64(purpose) * _GOLDEN))
    key = mix(key + np.uint64(first) * _GOLDEN)
    return mix(key ^ (np.uint64(second) + _GOLDEN))


@inner_kernel
def bits(key, i):
    """Return 64 random bits, number i of the key."""
    return mix(key + np.uint64(i) * _GOLDEN)


@inner_kernel
def below(key, i, n):
    """Return a random integer in 0 .. n - 1, n < 2**31, number i of the key; bias below n / 2**33."""
    return np.int64(((bits(key, i) >> np.uint64(31)) * np.uint64(n)) >> np.uint64(33))


@inner_kernel
def uniform(key, i):
    """Return a random number in [0, 1), number i of the key."""
    return np.float64(bits(key, i) >> np.uint64(11)) * 1.1102230246251565e-16


@inner_kernel
def element_hash(weyl, low, high):
    """Return 32 random bits for element i, given weyl = i * WEYL modulo 2^32, under a key of two halves."""
    h = weyl ^ low
    h = np.uint32(
        (h ^ (h >> np.uint32(16))) * np.uint32(0x7FEB352D)
    )  # Numba widens products to 64 bits: cut them
    h = np.uint32(h + high)
    h = np.uint32((h ^ (h >> np.uint32(15))) * np.uint32(0x846CA68B))
    return np.uint32(h ^ (h >> np.uint32(16)))


@inner_kernel
def identity_order(order):
    """Write 0, 1, 2, ... ."""
    for i in range(order.size):
        order[i] = i


@inner_kernel
def shuffle_part(order, key, begin, end):
    """Take steps begin .. end - 1 of a Fisher-Yates shuffle; each mini-batch of an epoch takes its own."""
    m = order.size
    for i in range(begin, end):
        j = i + below(key, i, m - i)
        order[i], order[j] = order[j], order[i]
