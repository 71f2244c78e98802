"""Replaying a trial on this machine and comparing it with what the server kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caviar.client import Client
from caviar.errors import CaviarError, RefusedError
from caviar.exchange.checkpoint_content import unpacked
from caviar.files import writing
from caviar.records import ENDED
from caviar.trainer.metrics import TIMINGS

WHOLE = ("epoch", "step", "best_epoch")  # of a whole training, where the rest is that of its best epoch


@dataclass(frozen=True)
class Outcome:
    """What a replay came to."""

    equal: bool
    text: str


def replay_trial(
    client: Client,
    trial: str,
    branch: int | None = None,
    say: Callable[[str], None] = lambda _text: None,
    output: Path | None = None,
) -> Outcome:
    """Train a branch again and compare weights and moments with its newest checkpoint, else its model.

    Of a trial that ended and left neither, the results are compared. `output`: a file for the model trained.

    Raises CaviarError when there is nothing to compare with, or the trainer is not installed here.
    """
    log = client.log(trial, branch)
    if log["trainer"] == "external":
        raise CaviarError(f"trial {trial} was trained by a script of one's own: only that can train it again")
    model = _model(client, log)
    kept = log["checkpoints"][0] if log["checkpoints"] and model is None else None
    results = client.trial(trial).metrics if _over(log) and kept is None and model is None else None
    if kept is None and model is None and not results:
        raise CaviarError(_nothing(log))
    changes = log["changes"] if kept is None else log["changes"][: kept["position"]]
    step = log["end"] if kept is None else kept["step"]
    epoch = log["epoch"] if step is None else None  # of trainers whose results do not tell the step
    best = log.get("kept_epoch") if kept is None else None
    if best:
        step, epoch, changes = None, best, [one for one in changes if one["epoch"] < best]
    goal = f"step {step} (epoch {kept['epoch']})" if kept else f"its end at {_place(step, epoch)}"
    say(f"Replaying trial {trial}, branch {log['branch']}, from its seed to {goal}; {len(changes)} changes.")
    run = _begin(client, log)
    from caviar.trainer.replay import COMPARED, differences, replay

    replay(run, changes, step=step, epoch=epoch)
    if best:
        run.describe_last()
    elif kept is None and log["stopped"]:
        run.stop()
    if output is not None:
        with writing(output):
            output.write_bytes(run.model())
    if kept is not None:
        apart = differences(run.save(), unpacked(client.checkpoint(kept["id"]))[0], COMPARED)
    elif model is not None:
        apart = differences(run.model(), model)
    else:
        apart = _unequal(_finite(run.result()), results or {}, WHOLE if best else ())
    if apart:
        return Outcome(False, f"Not the same at {goal}:\n" + "\n".join(apart))
    what = " in all its results (the server kept no weights of it)" if results else ""
    return Outcome(True, f"The same, bit for bit, at {goal}{what}.")


def _over(log: Mapping[str, Any]) -> bool:
    """Return whether the trial came to its end on this branch."""
    return log["state"] in ("completed", "stopped") and bool(log["current"])


def _place(step: int | None, epoch: int | None) -> str:
    return f"epoch {epoch}" if step is None else f"step {step}"


def _nothing(log: Mapping[str, Any]) -> str:
    """Say why there is nothing to compare with, and what helps."""
    name = f"trial {log['trial']} ({log['state']})"
    if not log["current"]:
        return f"branch {log['branch']} of {name} has no checkpoint to compare with"
    if log["state"] in ENDED:
        return f"{name} has neither checkpoint nor results to compare with"
    return f"{name} has no checkpoint to compare with: caviar steer {log['trial']} checkpoint"


def _finite(results: Mapping[str, float]) -> dict[str, float | None]:
    """Return results as JSON has them: what is not finite is null."""
    return {name: value if math.isfinite(value) else None for name, value in results.items()}


def _unequal(
    found: Mapping[str, float | None], told: Mapping[str, float | None], but: Collection[str]
) -> list[str]:
    """Compare results, but for what is measured by a clock; one sentence for each that differs."""
    names = sorted({*found, *told} - set(TIMINGS) - set(but))
    return [
        f"{name}: {found.get(name)!r} here, {told.get(name)!r} there"
        for name in names
        if found.get(name) != told.get(name)
    ]


def _model(client: Client, log: Mapping[str, Any]) -> bytes | None:
    """Return the final model, if the trial ended on this branch and has one."""
    if not _over(log):
        return None
    try:
        return client.model(log["trial"])
    except RefusedError as error:
        if error.status == 404:
            return None
        raise


def _begin(client: Client, log: Mapping[str, Any]) -> Any:
    """Start the run that a log describes."""
    from caviar import trainers
    from caviar.agents.datasets import DataCache

    trainer: Any = trainers.get(log["trainer"])
    if trainer is None:
        raise CaviarError(f"the trainer {log['trainer']!r} is not installed here")
    data = DataCache(client.transport).get(log["trainer"], trainer, log["dataset"], log["settings"])
    return trainer.start(log["settings"], data, log["seed"])
