"""What people ask of a trial in a script's hands, and the settings that follow from it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from caviar.exchange.assigned_trial import AssignedTrial
from caviar.exchange.command import APPLY, EPOCH_END, NOW, ReceivedCommand
from caviar.exchange.wire import Acknowledgement, ChangeLog, CommandOrder
from caviar.json_body import plain

CHANGING = ("set", "extend")
KINDS = (*CHANGING, "stop", "pause", "rewind", "checkpoint", "fork")
NO_CHECKPOINT = "the script has made no checkpoint (trial.checkpoint) to go on from; wait for one, or stop it"
Answer = Callable[[Acknowledgement, int], None]  # and the branch


class ScriptCommands:
    """Commands that came, until they are due and done; `answer` tells the server what became of one."""

    def __init__(self, assignment: AssignedTrial, answer: Answer) -> None:
        log = assignment.change_log or ChangeLog()
        self.branch = log.branch
        self.position = len(log.changes)  # changes that a checkpoint made now contains
        self.changed: dict[str, Any] = {}  # settings, by a person
        for change in log.changes:
            self.changed |= change.settings
        self.untold: dict[str, Any] = {}  # those of them that the script has not been given yet
        self.stop: str | None = None
        self.leaving: ReceivedCommand | None = None  # a pause or a rewind: the trial goes on another time
        self.fixed: Callable[[str], str | None] = lambda _name: None  # why a setting cannot change now
        self._answer = answer
        # What is not due, or not taken yet; until it is answered, a command may come again.
        self._waiting: dict[int, ReceivedCommand] = {}
        self._heard: set[int] = set()

    @property
    def why_stopped(self) -> str | None:
        """Return why a person wants the script to leave the trial."""
        if self.leaving is None:
            return self.stop
        if self.leaving.kind == "pause":
            return "paused by a person"
        return f"rewound to epoch {self.leaving.arguments['epoch']} by a person"

    def hear(self, orders: list[CommandOrder], epoch: int, *, kept: bool) -> None:
        """Take in commands after so many epochs; `kept`: there is something to go on from."""
        for order in orders:
            if order.id not in self._heard:
                self._heard.add(order.id)
                self._take(ReceivedCommand.of(order, epoch), epoch)
        for command in self._due(("stop", "pause", "rewind", "fork"), epoch):
            if self.why_stopped is not None:  # of those given after it, the server knows that they wait
                break
            if command.kind == "stop":
                self.stop = "stopped by a person"
            elif command.kind == "pause" and not kept:
                self.answer(command, epoch, refused=NO_CHECKPOINT)
                continue
            elif command.kind in ("pause", "rewind"):
                self.leaving = command  # answered when the script has left
                continue
            self.answer(command, epoch)

    def take_changes(self, settings: dict[str, Any], epoch: int) -> None:
        """Put the changes that are due in force over the settings before."""
        for command in self._due(CHANGING, epoch):
            reasons = [why for name in command.arguments if (why := self.fixed(name)) is not None]
            if reasons:
                self.answer(command, epoch, refused=reasons[0])
                continue
            now = settings | self.changed
            before = {name: now.get(name) for name in command.arguments}
            self.changed |= command.arguments
            self.untold |= command.arguments
            self.position += 1
            self.answer(command, epoch, before=plain(before), after=plain(command.arguments))

    @property
    def wants_state(self) -> bool:
        """Return whether a checkpoint made now is what a person has asked for, or is to go on from."""
        asked = any(one.kind == "checkpoint" for one in self._waiting.values())
        return asked or (self.leaving is not None and self.leaving.kind == "pause")

    def take_checkpoint(self, epoch: int) -> bool:
        """Tell whether a person has asked for the checkpoint that is made now."""
        asked = self._due(("checkpoint",), epoch)
        for command in asked:
            self.answer(command, epoch)
        return bool(asked)

    def left(self, epoch: int) -> tuple[Literal["paused", "released"], int]:
        """Answer the pause or the rewind; return the state of the trial now, and its branch."""
        assert self.leaving is not None
        command, arguments = self.leaving, self.leaving.arguments
        if command.kind == "pause":
            self.answer(command, epoch)
            return "paused", self.branch
        before = {"branch": self.branch, "epoch": epoch}
        self.branch = int(arguments["branch"])
        after = {"branch": self.branch, "epoch": int(arguments["epoch"])}
        self.answer(command, int(arguments["epoch"]), before=before, after=after)
        return "released", self.branch

    def answer(self, command: ReceivedCommand, epoch: int, **outcome: Any) -> None:
        """Tell what became of a command."""
        answer = Acknowledgement(
            command=command.id, step=epoch, epoch=epoch, late=command.lateness, **outcome
        )
        self._answer(answer, self.branch)

    def _take(self, command: ReceivedCommand, epoch: int) -> None:
        if command.kind == "withdraw":
            withdrawn = self._waiting.pop(command.arguments["command"], None)
            if withdrawn is not None:
                self.answer(withdrawn, epoch, refused="withdrawn by a person")
            self.answer(command, epoch, refused=None if withdrawn else "it had taken effect already")
        elif command.kind not in KINDS:
            self.answer(command, epoch, refused=f"a script cannot {command.kind}; it can {', '.join(KINDS)}")
        elif _due_epoch(command) is None:
            known = "now, epoch_end, epoch:30"
            self.answer(command, epoch, refused=f"a script cannot wait for that moment; use one of {known}")
        else:
            self._waiting[command.id] = command

    def _due(self, kinds: tuple[str, ...], epoch: int) -> list[ReceivedCommand]:
        """Take the commands of some kinds whose moment has come, in the order in which they were given.

        A script asks when it likes: a command whose epoch is over by then is refused, or taken late, which is
        said.
        """
        due = []
        for command in [one for one in self._waiting.values() if one.kind in kinds]:
            moment = _due_epoch(command)
            if moment is None or moment > epoch:
                continue
            del self._waiting[command.id]
            if command.at == NOW or moment == epoch:
                due.append(command)
            elif command.late == APPLY or command.at == EPOCH_END:
                due.append(replace(command, lateness=command.passed(epoch)))
            else:
                self.answer(command, epoch, refused=command.passed(epoch))
        return due


def _due_epoch(command: ReceivedCommand) -> int | None:
    """Return how many epochs must have ended, None for a moment that a script cannot tell."""
    return 0 if command.at == NOW else command.due_epoch()
