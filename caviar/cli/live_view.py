"""`caviar watch TRIAL` in a terminal: the curve, the settings in force, what was asked, keys that steer."""

from __future__ import annotations

import os
import queue
import select
import shlex
import sys
import termios
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import typer
from rich.console import Console, Group
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from caviar.cli.braille import plot
from caviar.cli.steering import give, sentence
from caviar.client import Client
from caviar.errors import CaviarError
from caviar.metric_text import metric_text
from caviar.records import Trial

LOOK_SECONDS = 0.5
POINTS = 1000  # of a curve: more than a wide terminal has dots
HELP = (
    "l lower rate  h higher rate  p pause/resume  c checkpoint  b back to the best  s stop  : command  q quit"
)
SHOWN = ("learning_rate", "optimizer", "decay", "batch_size", "l2", "l1", "keep_prob", "epochs", "patience")


class LiveView:
    """What is on the screen, and what the keys do."""

    def __init__(self, client: Client, trial: str) -> None:
        self._client = client
        self._name = trial
        self._typed: str | None = None  # a command line being typed
        self._said = ""
        self._away = ""  # why the server cannot be read
        self._given: int | None = None  # the command that was given last
        self.over = False
        self.look()
        self._task = client.search(self.trial.search).task

    def look(self) -> None:
        """Read the trial as it stands."""
        self.trial: Trial = self._client.trial(self._name)
        self._steering = self._client.steering(self._name)
        for one in self._steering["commands"]:
            if one["id"] == self._given and one["state"] != "waiting":
                self._said, self._given = sentence(one), None
        branches = self._client.curve(self._name, POINTS)["branches"]
        self._curve: dict[str, Any] = branches[-1] if branches else {}

    def refresh(self) -> None:
        """Read the trial again; what is on the screen stays there while the server is away."""
        try:
            self.look()
            self._away = ""
        except CaviarError as error:
            if not error.may_pass:
                raise
            self._away = str(error)

    def key(self, key: str) -> None:
        """Do what a key stands for."""
        if self._typed is not None:
            self._type(key)
        elif key == ":":
            self._typed = ""
        elif key == "q":
            self.over = True
        elif (line := self._line_of(key)) is not None:
            self._give(line)

    def _line_of(self, key: str) -> str | None:
        """The command line that a key is short for."""
        rate = self._value("learning_rate")
        if key in "lh" and rate is None:
            self._said = "The learning rate is the trainer's default; set it first: `:` set learning_rate=..."
            return None
        best = self._best_epoch()
        if key == "b" and best is None:
            self._said = "No epoch has a dev_error yet, so none is the best; `:` rewind epoch=..."
            return None
        lines = {
            "l": f"set learning_rate={(rate or 0) / 3:.3g}",
            "h": f"set learning_rate={(rate or 0) * 3:.3g}",
            "p": "resume" if self.trial.state == "paused" else "pause",
            "c": "checkpoint",
            "b": f"rewind epoch={best}",
            "s": "stop",
        }
        return lines.get(key)

    def _type(self, key: str) -> None:
        assert self._typed is not None
        if key in ("\r", "\n"):
            line, self._typed = self._typed, None
            self._give(line)
        elif key == "\x1b":
            self._typed = None
        elif key in ("\x7f", "\b"):
            self._typed = self._typed[:-1]
        elif key.isprintable():
            self._typed += key

    def _give(self, line: str) -> None:
        """Carry out a command line, such as `set learning_rate=0.01 --at epoch:30`."""
        try:
            words = shlex.split(line)
            at = "now"
            if "--at" in words[:-1]:
                place = words.index("--at")
                at, words = words[place + 1], words[:place] + words[place + 2 :]
            if words:
                given = give(self._client, self._name, words[0], words[1:], at)
                self._said, self._given = sentence(given), given["id"]
        except (CaviarError, typer.BadParameter, ValueError) as error:
            self._said = str(error)

    def _value(self, name: str) -> Any:
        return next((one["value"] for one in self._steering["settings"] if one["name"] == name), None)

    def _best_epoch(self) -> int | None:
        epochs = self._curve.get("epoch") or []
        errors = self._curve.get("dev_error") or [None] * len(epochs)
        known = [(error, epoch) for error, epoch in zip(errors, epochs, strict=True) if error is not None]
        return int(min(known)[1]) if known else None

    def screen(self, console: Console) -> Layout:
        """Lay out the screen."""
        layout = Layout()
        head = Text(f"Trial {self.trial.id}, {self.trial.state}, branch {self._steering['branch']}, ", "bold")
        head.append(
            f"epoch {self.trial.epoch} of {self.trial.epochs or self._value('epochs') or '?'}", "bold"
        )
        if self.trial.from_epoch:
            head.append(f" (its own curve begins after epoch {self.trial.from_epoch})")
        foot = Text(f":{self._typed}_", "bold") if self._typed is not None else Text(HELP, "dim")
        layout.split_column(
            Layout(head, size=1),
            Layout(name="middle"),
            Layout(Panel(self._commands(), title="commands and advice", title_align="left"), size=9),
            Layout(Text(self._away or self._said or " ", "yellow"), size=1),
            Layout(foot, size=1),
        )
        layout["middle"].split_row(Layout(self._curves(console), ratio=3), Layout(self._settings(), ratio=1))
        return layout

    def _curves(self, console: Console) -> Panel:
        width = max(20, console.width * 3 // 4 - 6)
        height = max(3, (console.height - 18) // 2)
        parts: list[Text] = []
        for name, style in (("train_cost", "cyan"), ("dev_error", "magenta")):
            values = self._curve.get(name) or []
            last = f" {metric_text(name, values[-1], self._task)}" if values else " -"
            parts.append(Text(name + last, style))
            parts += [Text(line, style) for line in plot(values, width, height, log=name == "train_cost")]
        return Panel(Group(*parts), title="curve (train cost on a log scale)", title_align="left")

    def _settings(self) -> Panel:
        table = Table.grid(padding=(0, 1))
        for name in SHOWN:
            table.add_row(name, Text(metric_text("", self._value(name)), "bold"))
        return Panel(table, title="settings in force", title_align="left")

    def _commands(self) -> Group:
        lines = [Text(sentence(one)) for one in self._steering["commands"][-4:]]
        ahead = self._steering.get("outlook")
        said = [*self._steering["advice"][:2], *([ahead] if ahead else [])]
        lines += [Text(f"{one['kind'].replace('_', ' ')}: {one['text']}", "green") for one in said]
        return Group(*(lines or [Text("none yet", "dim")]))


def watch_trial(client: Client, trial: str, console: Console) -> bool:
    """Show a trial until it ends or `q` is pressed; tells whether it has ended."""
    view = LiveView(client, trial)
    with (
        _keys() as keys,
        Live(view.screen(console), console=console, screen=True, auto_refresh=False) as live,
    ):
        looked = time.monotonic()
        while not (view.over or view.trial.done):
            with suppress(queue.Empty):
                view.key(keys.get(timeout=0.1))
            if time.monotonic() - looked > LOOK_SECONDS:
                view.refresh()
                looked = time.monotonic()
            live.update(view.screen(console), refresh=True)
    return view.trial.done


@contextmanager
def _keys() -> Iterator[queue.Queue[str]]:
    """Return the keys pressed, one by one, while the terminal is in the mode for it."""
    pressed: queue.Queue[str] = queue.Queue()
    ended = threading.Event()
    before = termios.tcgetattr(sys.stdin)

    def listen() -> None:
        while not ended.is_set():
            if select.select([sys.stdin], [], [], 0.1)[0]:
                for key in os.read(sys.stdin.fileno(), 256).decode(errors="ignore"):
                    pressed.put(key)

    tty.setcbreak(sys.stdin)
    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield pressed
    finally:
        ended.set()
        thread.join()
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
