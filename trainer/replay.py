"""Replaying a run from its seed and its log of changes, and comparing what came out, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from .data.profile import MARK
from .run import Run

COMPARED = ("weights", "v", "s")  # of a checkpoint: what training has made; the rest is bookkeeping
SLICE_SECONDS = 0.25


def replay(
    run: Run,
    changes: Iterable[Mapping[str, Any]],
    *,
    epoch: int | None = None,
    step: int | None = None,
    progress: Callable[[Run], None] = lambda _run: None,
) -> Run:
    """Train a run along a log of changes, to a step, to the end of an epoch, or to its end.

    Parameters
    ----------
    run : Run
        At the beginning of the log, or restored on the way; it is changed in place and returned.
    changes : iterable of mapping
        ``{"step": 120, "settings": {...}}`` in order: made after so many mini-batches.
    epoch, step : int, optional
        Where to stop.
    progress : callable
        Called with the run after every slice.

    Raises
    ------
    ValueError
        A change lies before the run's step, or the run ends before a change or the goal.
    """
    for change in changes:
        _train(run, int(change["step"]), None, progress)
        run.change(change["settings"])
    _train(run, step, epoch, progress)
    return run


def _train(run: Run, step: int | None, epoch: int | None, progress: Callable[[Run], None]) -> None:
    if step is not None and run.step > step:
        raise ValueError(f"the run is at step {run.step}, beyond step {step} of its log")
    while not _there(run, step, epoch):
        if run.status != "running":
            if step is None and epoch is None:
                return
            goal = f"step {step}" if step is not None else f"epoch {epoch}"
            raise ValueError(f"the run is {run.status} at step {run.step}, before {goal} of its log")
        run.advance(SLICE_SECONDS, step, epoch)
        progress(run)


def _there(run: Run, step: int | None, epoch: int | None) -> bool:
    return (step is not None and run.step >= step) or (epoch is not None and run.epoch >= epoch)


def differences(one: bytes, other: bytes, names: Iterable[str] | None = None) -> list[str]:
    """Compare two checkpoints or models bit for bit.

    Parameters
    ----------
    one, other : bytes
        Files in safetensors form.
    names : iterable of str, optional
        The tensors to compare; all of them if left out.

    Returns
    -------
    list of str
        One sentence per tensor that differs, with the number of elements and the largest difference.
    """
    from safetensors.numpy import load

    first, second = load(one), load(other)
    for file, by in ((first, second), (second, first)):  # models of before have no profile of their data
        for name in [name for name in file if name.startswith(MARK) and name not in by]:
            del file[name]
    wanted = sorted(set(first) | set(second)) if names is None else list(names)
    return [text for name in wanted if (text := _difference(name, first.get(name), second.get(name)))]


def _difference(name: str, one: np.ndarray | None, other: np.ndarray | None) -> str | None:
    if one is None or other is None:
        return None if one is other else f"{name}: only one of the two has it"
    if one.shape != other.shape or one.dtype != other.dtype:
        return f"{name}: {one.dtype}{one.shape} against {other.dtype}{other.shape}"
    if one.tobytes() == other.tobytes():
        return None
    apart = one.view(np.uint8).reshape(one.size, -1) != other.view(np.uint8).reshape(one.size, -1)
    largest = np.max(np.abs(one.astype(float) - other.astype(float)))
    return f"{name}: {int(apart.any(axis=1).sum())} of {one.size} elements differ, by {largest:.3g} at most"
