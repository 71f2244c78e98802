"""One trial for all ranks of a distributed training: rank 0 speaks with the server, the others follow.

from caviar.frameworks.ranks import ask

torch.distributed.init_process_group("gloo")  # or nccl; as torchrun starts it
for trial in ask(Client(), search):
    model = DistributedDataParallel(build(**trial.params))
    for epoch in epochs(trial, model, optimizer):
        trial.report(epoch, dev_loss=mean_over_ranks(loss))  # of rank 0
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, SupportsIndex

import torch.distributed as dist

from caviar.checkpoint_files import State, unpack
from caviar.errors import CaviarError
from caviar.external_trial import Caught, ExternalTrial

if TYPE_CHECKING:
    from caviar.client import Client
    from caviar.client_calls import SearchLike

PATIENCE = timedelta(days=30)  # for the next trial: others may have all that the search allows at a time


def ask(client: Client, search: SearchLike, catch: Caught = ()) -> Iterator[RankTrial]:
    """Go through the trials of a search with all ranks together, as `client.ask` does in one process.

    Raises CaviarError without a process group; on rank 0 what `client.ask` raises.
    """
    if not dist.is_available() or not dist.is_initialized():
        raise CaviarError("there is no process group yet: call torch.distributed.init_process_group first")
    group = dist.new_group(backend="gloo", timeout=PATIENCE)  # messages are no matter for the GPUs
    if dist.get_rank() == 0:
        for trial in client.ask(search, catch=catch):
            yield RankTrial(trial, group)
        _from_first(None, group)
        return
    while (facts := _from_first(None, group)) is not None:
        yield RankTrial(None, group, facts)


class RankTrial:
    """A trial in the hands of all ranks.

    What is reported and kept is that of rank 0. `should_stop`, `changes` and `state_wanted` are the same on
    all ranks: each must ask for them as often as the others.
    """

    def __init__(
        self, leading: ExternalTrial | None, group: Any, facts: dict[str, Any] | None = None
    ) -> None:
        """`leading` is the trial of rank 0, which tells the facts; the others are given them."""
        self._leading = leading
        self._group = group
        if leading is not None:
            facts = {"resume": leading.resume, "epoch": leading.epoch, "objective": leading.objective}
            facts |= {"id": leading.id, "number": leading.number, "seed": leading.seed}
            facts = _from_first(facts | _settings(leading), group)
        assert facts is not None
        self._facts = facts
        self.id: str = facts["id"]
        self.number: int = facts["number"]
        self.seed: int = facts["seed"]
        self.epoch: int = facts["epoch"]
        self.resume: bytes | None = facts["resume"]
        self.objective: tuple[str, str] = facts["objective"]

    @property
    def params(self) -> dict[str, Any]:
        """Return what to train with, as of the last `changes`."""
        return dict(self._facts["params"])

    @property
    def epochs(self) -> int | None:
        """Return how many epochs to train, as of the last `changes`."""
        epochs: int | None = self._facts["epochs"]
        return epochs

    @property
    def changed(self) -> dict[str, Any]:
        """Return the settings that a person has changed, as of the last `changes`."""
        return dict(self._facts["changed"])

    @property
    def should_stop(self) -> str | None:
        """Return the reason to stop now, the same on all ranks."""
        reason: str | None = self._shared(lambda trial: trial.should_stop)
        return reason

    @property
    def state_wanted(self) -> bool:
        """Return whether somebody waits for a checkpoint, the same on all ranks."""
        return bool(self._shared(lambda trial: trial.state_wanted))

    def changes(self) -> dict[str, Any]:
        """Return the settings that a person has changed since, the same on all ranks."""
        changes: dict[str, Any]
        changes, facts = self._shared(lambda trial: (trial.changes(), _settings(trial)))
        self._facts |= facts
        return changes

    def agreed(self, value: Any) -> Any:
        """Return the value of rank 0."""
        return _from_first(value, self._group)

    def steered_by_callback(self, fixed: Callable[[str], str | None]) -> None:
        """Say that a framework's callback trains it."""
        if self._leading is not None:
            self._leading.steered_by_callback(fixed)

    def report(self, step: SupportsIndex | None = None, **metrics: float | None) -> None:
        """Report the metrics of one more epoch, those of rank 0."""
        if self._leading is not None:
            self._leading.report(step, **metrics)

    def checkpoint(self, state: State, step: SupportsIndex | None = None) -> None:
        """Save a state to resume from, that of rank 0."""
        if self._leading is not None:
            self._leading.checkpoint(state, step)

    def restore(self, path: str | os.PathLike[str]) -> bool:
        """Write the state to resume from to a path of this rank; return whether there is any."""
        if self.resume is not None:
            unpack(self.resume, path)
        return self.resume is not None

    def note(self, key: str, value: Any) -> None:
        """Keep an attribute with the trial, that of rank 0."""
        if self._leading is not None:
            self._leading.note(key, value)

    def attach(self, state: State, name: str | None = None) -> None:
        """Keep a file with the trial, that of rank 0."""
        if self._leading is not None:
            self._leading.attach(state, name)

    def complete(self, **metrics: float | None) -> None:
        """End the trial with final metrics, those of rank 0."""
        if self._leading is not None:
            self._leading.complete(**metrics)

    def fail(self, reason: str, log: str | None = None) -> None:
        """End the trial as failed, if rank 0 says so."""
        if self._leading is not None:
            self._leading.fail(reason, log)

    def __enter__(self) -> Self:
        if self._leading is not None:
            self._leading.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        return self._leading is not None and self._leading.__exit__(kind, error, trace)

    def _shared(self, ask_of: Callable[[ExternalTrial], Any]) -> Any:
        return _from_first(None if self._leading is None else ask_of(self._leading), self._group)


def _settings(trial: ExternalTrial) -> dict[str, Any]:
    return {"params": trial.params, "epochs": trial.epochs, "changed": trial.changed}


def _from_first(value: Any, group: Any) -> Any:
    """Return the value that rank 0 has."""
    box = [value]
    dist.broadcast_object_list(box, src=0, group=group)
    return box[0]
