"""Slow twin of the trainer's random numbers: splitmix64 and a 32-bit mixer, in Python integers."""

SHUFFLE, DROPOUT = 1, 2
M64, M32 = 2**64 - 1, 2**32 - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(x):
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & M64
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & M64
    return x ^ (x >> 31)


def key_of(seed, purpose, first, second):
    key = mix((seed + GOLDEN) & M64)
    key = mix(key ^ ((purpose * GOLDEN) & M64))
    key = mix((key + first * GOLDEN) & M64)
    return mix(key ^ ((second + GOLDEN) & M64))


def order(seed, epoch, m):
    """The examples of an epoch: Fisher and Yates' shuffle of 0 .. m - 1."""
    key = key_of(seed, SHUFFLE, epoch, 0)
    shuffled = list(range(m))
    for i in range(m):
        bits = mix((key + i * GOLDEN) & M64)
        j = i + (((bits >> 31) * (m - i)) >> 33)
        shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
    return shuffled


def mask(seed, step, layer, keep_prob, n, m):
    """D of dropout, (n, m) of 0 and 1: element j of example i is number i n + j of the stream."""
    key = key_of(seed, DROPOUT, step, layer)
    bound = min(int(keep_prob * 2**31), 2**31 - 1)
    return [[int(_hash(i * n + j, key & M32, key >> 32) >> 1 < bound) for i in range(m)] for j in range(n)]


def _hash(i, low, high):
    h = ((i * 0x9E3779B1) & M32) ^ low
    h = ((h ^ (h >> 16)) * 0x7FEB352D) & M32
    h = (h + high) & M32
    h = ((h ^ (h >> 15)) * 0x846CA68B) & M32
    return h ^ (h >> 16)


def uniform(key, i):
    """Number i of a stream, in [0, 1)."""
    return (mix((key + i * GOLDEN) & M64) >> 11) / 2**53
