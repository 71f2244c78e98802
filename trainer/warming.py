"""Compile the kernels once for a processor, before somebody waits for them; every process then loads them.

A process of its own compiles. In the one that compiles, a call may reach another copy of an inner kernel than
in those that load, with other roundings: a run trained there would not replay bit for bit anywhere else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from .cache import folder

_KEEP_SECONDS = 14 * 24 * 3600.0
_MARK = "warm-"


def warm(
    precision: str = "float32", say: Callable[[str], object] | None = None, kinds: str = "plain"
) -> None:
    """Make sure the kernels are compiled and loaded, by training a tiny network.

    Parameters
    ----------
    precision : {"float32", "float64"}
    kinds : {"plain", "measured"}
        The kernels that every run needs; with "measured" also those of runs with named metrics or weights.
    say : callable, optional
        Told what is waited for when there is something to compile; by default it goes to standard error.
    """
    compile_once(precision, kinds, say)
    made = _made(precision, kinds)
    try:
        _load(precision, kinds)
    except Exception as error:  # noqa: BLE001 - whatever damaged files raise; a fault of ours comes again
        (say or _to_stderr)(f"the compiled kernels cannot be loaded ({error}); they are compiled again")
        _discard(precision, kinds, made)
        compile_once(precision, kinds, say)
        _load(precision, kinds)


def compile_once(precision: str, kinds: str = "plain", say: Callable[[str], object] | None = None) -> None:
    """Make sure the kernels are compiled, without loading them into this process; see `warm`."""
    if _mark(precision, kinds).exists():
        return
    with _one_at_a_time():
        if not _mark(precision, kinds).exists():
            (say or _to_stderr)("compiling the kernels for this processor, once; this takes some seconds ...")
            _compile_elsewhere(precision, kinds)
            _mark(precision, kinds).touch()
            _forget_old_folders()


@cache
def ensure(precision: str, kinds: str = "plain") -> None:
    """Compile the kernels, saying so, unless that was done before, and load them, once in a process."""
    if kinds != "plain":
        ensure(precision)  # always in this order
    warm(precision, kinds=kinds)


def _mark(precision: str, kinds: str) -> Path:
    return folder() / f"{_MARK}{precision}{'' if kinds == 'plain' else f'-{kinds}'}"


def _made(precision: str, kinds: str) -> int | None:
    """Return when the kernels were compiled; None where nobody has."""
    try:
        return _mark(precision, kinds).stat().st_mtime_ns
    except OSError:
        return None


def _discard(precision: str, kinds: str, made: int | None) -> None:
    """Remove the compiled kernels, unless another process has compiled them anew since `made`."""
    with _one_at_a_time():
        if _made(precision, kinds) != made:
            return
        for path in folder().iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name.startswith(_MARK):
                path.unlink(missing_ok=True)


def _compile_elsewhere(precision: str, kinds: str) -> None:
    """Compile into the cache in a process that ends with it.

    Raises
    ------
    RuntimeError
        It failed; the message holds the end of what it said.
    """
    program = f"from {__name__} import _load; _load({precision!r}, {kinds!r})"
    environment = {**os.environ, "CAVIAR_CACHE": str(folder().parent)}
    # Modules are found where this process finds them; -P keeps files of the working folder out.
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-P", "-c", program]
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()[-2000:]
        raise RuntimeError(f"the kernels could not be compiled (exit code {done.returncode}): {said}")


def _load(precision: str, kinds: str = "plain") -> None:
    """Load kernels, always in the same order, by training tiny networks; what is missing is compiled."""
    import numpy as np

    from .data.types import Data
    from .run import Run
    from .settings import make_settings

    X = np.linspace(-1, 1, 8, dtype=precision).reshape(4, 2)
    Y = np.array([0, 1, 0, 1], np.int32)
    classes = Data("binary", X, Y, X, Y, n_classes=2, mu=np.zeros(2), sigma=np.ones(2))
    if kinds == "plain":
        runs: list[tuple[dict[str, Any], Data]] = [({}, classes)]
    else:
        values = Data("regression", X, X[:, :1].copy(), X, X[:, :1].copy(), mu=np.zeros(2), sigma=np.ones(2))
        named = {"metrics": ["train_f1", "dev_f1"], "class_weight": "balanced", "threshold": "dev"}
        runs = [(named, classes), ({"metrics": ["train_r2", "dev_r2"]}, values)]
    for settings, data in runs:
        tiny = {"hidden_units": 2, "epochs": 1, "precision": precision, **settings}
        run = Run(make_settings(tiny), data, seed=0)
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
