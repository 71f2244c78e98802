"""Commands that a script takes: at their epoch, and in the order in which they were given."""

import pytest

from caviar.exchange.assigned_trial import AssignedTrial
from caviar.exchange.wire import Acknowledgement, Assignment, CommandOrder, SearchSettings
from caviar.script_commands import ScriptCommands

TRIAL = "1.0"
SEARCH = SearchSettings(
    name="s", trainer="external", dataset={}, settings={}, objective={"metric": "loss"}, mode="panda"
)
ARGUMENTS = {"set": {"rate": 0.1}, "rewind": {"epoch": 1, "branch": 1}}


class Script:
    """A script that was given these commands, as (kind, moment), and reports steps of its own."""

    def __init__(self, *given: tuple[str, str], late: str = "refuse") -> None:
        self.answers: list[Acknowledgement] = []
        assigned = Assignment(trial=TRIAL, attempt=1, number=0, params={}, seed=1)
        self.commands = ScriptCommands(
            AssignedTrial.of(assigned, SEARCH), lambda answer, _branch: self.answers.append(answer)
        )
        self._orders = [
            CommandOrder(
                id=number,
                trial=TRIAL,
                attempt=1,
                kind=kind,
                arguments=ARGUMENTS.get(kind, {}),
                when={"at": at, "late": late},
            )
            for number, (kind, at) in enumerate(given, 1)
        ]

    def at(self, step: int) -> None:
        """Look for commands after a step."""
        self.commands.hear(self._orders, step, kept=True)
        self.commands.take_changes({"rate": 0.5}, step)

    @property
    def answered(self) -> list[tuple[int, int | None, str | None]]:
        return [(one.command, one.epoch, one.refused) for one in self.answers]


def test_a_command_takes_effect_exactly_at_its_step() -> None:
    script = Script(("set", "epoch:30"), ("stop", "epoch:60"))
    for step in (10, 20, 29):
        script.at(step)
    assert script.answered == []
    script.at(30)
    assert script.answered == [(1, 30, None)] and script.commands.changed == {"rate": 0.1}
    script.at(59)
    assert script.commands.why_stopped is None
    script.at(60)
    assert script.commands.why_stopped == "stopped by a person"


@pytest.mark.parametrize("kind", ["set", "stop", "fork"])
def test_where_the_steps_of_a_script_pass_it_by_a_command_is_refused_or_late(kind: str) -> None:
    passed = "epoch 30 had passed (the trial was at 50)"
    refused, late = Script((kind, "epoch:30")), Script((kind, "epoch:30"), late="apply")
    for script in (refused, late):
        script.at(25)
        script.at(50)
    assert refused.answered == [(1, 50, passed)] and refused.commands.changed == {}
    assert [(one.refused, one.late) for one in late.answers] == [(None, passed)]


@pytest.mark.parametrize(
    ("kinds", "answered", "why"),
    [
        (("stop", "pause"), [(1, 3, None)], "stopped by a person"),
        (("stop", "rewind"), [(1, 3, None)], "stopped by a person"),
        (("pause", "stop"), [], "paused by a person"),
        (("pause", "rewind"), [], "paused by a person"),
        (("rewind", "pause"), [], "rewound to epoch 1 by a person"),
        (("fork", "pause", "fork"), [(1, 3, None)], "paused by a person"),
    ],
)
def test_the_first_that_ends_a_training_counts(
    kinds: tuple[str, ...], answered: list[tuple[int, int, None]], why: str
) -> None:
    """What was given after it waits for whoever goes on with the trial."""
    script = Script(*((kind, "epoch:3") for kind in kinds))
    script.at(3)
    assert script.answered == answered and script.commands.why_stopped == why
