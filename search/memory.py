"""A bounded memory for what is expensive to compute and depends on its key alone."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import lru_cache
from threading import Lock
from typing import Generic, TypeVar

import numpy as np

from caviar.search.history import Floats, Integers

Value = TypeVar("Value")


class Memory(Generic[Value]):
    """The latest values by key; forgetting one changes nothing but the time it takes."""

    def __init__(self, size: int) -> None:
        self._size, self._values, self._lock = size, OrderedDict[Hashable, Value](), Lock()

    def recall(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """Value of a key, computed if it is not remembered."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = compute()
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._size:
                self._values.popitem(last=False)
        return value


def checksum(values: Floats) -> tuple[int, int]:
    """Length and checksum of a column, an order of magnitude faster than a hash of its bytes."""
    bits = np.ascontiguousarray(values).view(np.int64)
    return len(bits), int(bits @ _factors(1 << len(bits).bit_length())[: len(bits)])


@lru_cache(maxsize=8)
def _factors(count: int) -> Integers:
    return np.random.default_rng(0).integers(-(2**63), 2**63 - 1, count) | 1
