"""A trial's parameters become a trainer's settings: the one place both server and agents use."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any


def trial_settings(
    settings: Mapping[str, Any],
    params: Mapping[str, Any],
    epochs: int | None,
    seed: int,
    measuring: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Merge the fixed settings of a search with a trial's point; the point has the last word.

    `measuring` is what `trainers.settings_for` gives for the metrics that the search names.
    """
    merged = {**settings, **params, **(measuring or {})}
    if epochs is not None:
        merged["epochs"] = epochs
    merged["seed"] = seed
    return merged


def trial_seed(seed: int, number: int) -> int:
    """Return the seed of a trial: any 31 bits, the same for the same search seed and number."""
    digest = hashlib.blake2b(f"{seed}:{number}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little") & 0x7FFF_FFFF


def trial_epochs(settings: Mapping[str, Any], params: Mapping[str, Any], proposed: int | None) -> int | None:
    """Return the number of epochs a trial will train, if anything but the trainer's default says so."""
    epochs = proposed if proposed is not None else params.get("epochs", settings.get("epochs"))
    return epochs if isinstance(epochs, int) else None
