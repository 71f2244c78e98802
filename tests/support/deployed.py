"""What tests of deployments ask of a server that was started as people start it."""

from __future__ import annotations

from typing import Any

import httpx


def small_search(name: str, trials: int, **more: Any) -> dict[str, Any]:
    """A search of digits whose trials take a moment."""
    return {
        "name": name,
        "dataset": {"name": "digits"},
        "trainer": "mlp",
        "settings": {"epochs": 2, "hidden_units": 8},
        "space": {"learning_rate": {"scale": "log", "low": 0.001, "high": 0.1}},
        "strategy": "random",
        "objective": {"metric": "dev_error", "direction": "minimize"},
        "budget": {"trials": trials},
        "seed": 1,
        **more,
    }


def answers(url: str, path: str = "/readyz") -> bool:
    """Return whether a health check succeeds."""
    try:
        return httpx.get(f"{url}{path}", timeout=4).status_code == 200
    except httpx.TransportError:
        return False
