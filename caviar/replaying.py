"""Replaying a trial on this machine and comparing it with what the server kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from caviar.client import Client
from caviar.errors import CaviarError, RefusedError


@dataclass(frozen=True)
class Outcome:
    """What a replay came to."""

    equal: bool
    text: str


def replay_trial(
    client: Client, trial: str, branch: int | None = None, say: Callable[[str], None] = lambda _text: None
) -> Outcome:
    """Train a branch again and compare weights and moments with its newest checkpoint, else its model.

    Raises CaviarError when the server kept neither, or the trainer is not installed here.
    """
    log = client.log(trial, branch)
    model = _model(client, log)
    kept = log["checkpoints"][0] if log["checkpoints"] and model is None else None
    if kept is None and model is None:
        raise CaviarError(f"trial {trial} has no checkpoint to compare with: caviar steer {trial} checkpoint")
    changes = log["changes"] if kept is None else log["changes"][: kept["position"]]
    step = log["end"] if kept is None else kept["step"]
    goal = f"its end at step {step}" if kept is None else f"step {step} (epoch {kept['epoch']})"
    say(f"Replaying trial {trial}, branch {log['branch']}, from its seed to {goal}; {len(changes)} changes.")
    run = _begin(client, log)
    from trainer.replay import COMPARED, differences, replay

    if kept is not None:
        replay(run, changes, step=step)
        apart = differences(run.save(), client.checkpoint(kept["id"]), COMPARED)
    else:
        replay(run, changes, step=step)
        if log["stopped"]:
            run.stop()
        apart = differences(run.model(), model or b"")
    if apart:
        return Outcome(False, f"Not the same at {goal}:\n" + "\n".join(apart))
    return Outcome(True, f"The same, bit for bit, at {goal}.")


def _model(client: Client, log: Mapping[str, Any]) -> bytes | None:
    """Give the final model, if the trial ended on this branch and has one."""
    if log["state"] not in ("completed", "stopped") or not log["current"]:
        return None
    try:
        return client.model(log["trial"])
    except RefusedError as error:
        if error.status == 404:
            return None
        raise


def _begin(client: Client, log: Mapping[str, Any]) -> Any:
    """Start the run that a log describes."""
    from service import trainers
    from service.agents.datasets import DataCache

    trainer: Any = trainers.get(log["trainer"])
    if trainer is None:
        raise CaviarError(f"the trainer {log['trainer']!r} is not installed here")
    data = DataCache(client.transport).get(log["trainer"], trainer, log["dataset"], log["settings"])
    return trainer.start(log["settings"], data, log["seed"])
