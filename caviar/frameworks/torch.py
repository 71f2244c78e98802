"""A loop of PyTorch as a trial.

from caviar.frameworks.torch import epochs

for trial in Client().ask(search):
    model, optimizer = build(**trial.params)
    for epoch in epochs(trial, model, optimizer):
        train_one_epoch(model, optimizer)
        trial.report(epoch, dev_loss=loss(model))
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from caviar.errors import CaviarError
from caviar.external_trial import ExternalTrial
from caviar.frameworks.learning_rates import optimizer_setters
from caviar.frameworks.steps import Steps, epochs_of, renamed


def epochs(
    trial: ExternalTrial,
    *parts: Any,
    last: int | None = None,
    names: Mapping[str, str] | None = None,
    every: int | None = None,
) -> Iterator[int]:
    """Go through the epochs that a trial still has to train, up to `last` or the search's own number.

    `parts` are all that has a state: model, optimizers, schedulers, anything with state_dict and
    load_state_dict. They are taken back to the last checkpoint first, random numbers too. `set` changes the
    learning rate and other numbers of the optimizer; `names` has the search's names for those of PyTorch.

    Raises CaviarError for a part without a state, and for a checkpoint that is not of these parts.
    """
    for part in parts:
        if not (hasattr(part, "state_dict") and hasattr(part, "load_state_dict")):
            raise CaviarError(f"{type(part).__name__} has no state_dict and load_state_dict to keep it by")
    if trial.resume is not None:
        _restore(trial.resume, parts)
    steps = Steps(trial, "PyTorch", every)
    optimizers = [part for part in parts if isinstance(part, torch.optim.Optimizer)]
    schedulers = [part for part in parts if isinstance(part, torch.optim.lr_scheduler.LRScheduler)]
    settable = renamed(optimizer_setters(optimizers, schedulers), names)
    steps.begin({**settable, "epochs": lambda _epochs: None})  # the loop looks at their number each time
    yield from epochs_of(steps, last, lambda: _saved(parts))


def _saved(parts: tuple[Any, ...]) -> bytes:
    buffer = io.BytesIO()
    torch.save({"parts": [part.state_dict() for part in parts], "random": random_states()}, buffer)
    return buffer.getvalue()


def _restore(content: bytes, parts: tuple[Any, ...]) -> None:
    try:
        kept = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:
        raise CaviarError(f"the checkpoint cannot be read by torch.load: {error}") from error
    if len(kept["parts"]) != len(parts):
        raise CaviarError(
            f"the checkpoint has {len(kept['parts'])} parts, epochs() was given {len(parts)}: give the same"
        )
    for part, state in zip(parts, kept["parts"], strict=True):
        part.load_state_dict(state)
    set_random_states(kept["random"])


def random_states() -> dict[str, Any]:
    """Return the states of the random numbers of PyTorch, NumPy and Python."""
    name, keys, *rest = np.random.get_state(legacy=True)
    found: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "numpy": (name, torch.from_numpy(np.asarray(keys).astype(np.int64)), *rest),
        "python": random.getstate(),
    }
    if torch.cuda.is_available():
        found["cuda"] = torch.cuda.get_rng_state_all()
    return found


def set_random_states(states: Mapping[str, Any]) -> None:
    """Go on with random numbers from where they were."""
    torch.set_rng_state(states["torch"])
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    version, internal, gauss = states["python"]
    random.setstate((version, tuple(internal), gauss))
    if "cuda" in states and torch.cuda.device_count() == len(states["cuda"]):
        torch.cuda.set_rng_state_all(states["cuda"])
