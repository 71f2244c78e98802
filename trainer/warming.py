"""Compile the kernels once for a processor, before somebody waits for them; later processes load them."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from .cache import folder

_KEEP_SECONDS = 14 * 24 * 3600.0
_MARK = "warm-"


def warm(precision: str = "float32", say: Callable[[str], object] | None = None) -> None:
    """Make sure the kernels are compiled and loaded, by training a tiny network.

    Parameters
    ----------
    precision : {"float32", "float64"}
    say : callable, optional
        Told what is waited for when there is something to compile; by default it goes to standard error.
    """
    mark = folder() / f"{_MARK}{precision}"
    if mark.exists():
        _train_a_tiny_network(precision)
        return
    with _one_at_a_time():
        if not mark.exists():
            (say or _to_stderr)("compiling the kernels for this processor, once; this takes some seconds ...")
        _train_a_tiny_network(precision)
        mark.touch()
        _forget_old_folders()


@cache
def ensure(precision: str) -> None:
    """Compile the kernels, saying so, unless that was done before; without a need nothing happens."""
    if not (folder() / f"{_MARK}{precision}").exists():
        warm(precision)


def _train_a_tiny_network(precision: str) -> None:
    import numpy as np

    from .data.types import Data
    from .run import Run
    from .settings import make_settings

    X = np.linspace(-1, 1, 8, dtype=precision).reshape(4, 2)
    Y = np.array([0, 1, 0, 1], np.int32)
    data = Data("binary", X, Y, X, Y, n_classes=2, mu=np.zeros(2), sigma=np.ones(2))
    run = Run(make_settings({"hidden_units": 2, "epochs": 1, "precision": precision}), data, seed=0)
    run.advance()
    run.result()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Let one process compile while others wait, where the system has file locks."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with (folder() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _forget_old_folders() -> None:
    """Remove the folders of earlier versions that nobody has warmed for two weeks."""
    for path in folder().parent.glob("kernels-*"):
        if path != folder() and time.time() - path.stat().st_mtime > _KEEP_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def _to_stderr(message: str) -> Any:
    return print(message, file=sys.stderr, flush=True)  # noqa: T201
