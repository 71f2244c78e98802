"""What a search has found, in a few lines below its best trials."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from caviar.cli.tables import widen
from caviar.metric_text import distance_text, metric_text
from caviar.records import Search

STYLES = {"warning": "bold yellow", "note": ""}


def print_summary(search: Search, summary: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the winner against the second and a trivial model, what would mislead, and what to do next."""
    console = console or Console()
    winner = summary["winner"]
    if winner is None:
        return
    widen(console)
    console.print(Text(winner_text(summary, search.task)), soft_wrap=True)
    for finding in summary["findings"]:
        mark = "Warning" if finding["level"] == "warning" else "Note"
        line = f"{mark}: {finding['message']} {finding['remedy']}"
        console.print(Text(line, STYLES[finding["level"]]), soft_wrap=True)
    if not summary["final"]:
        return
    lines = [_step(step, winner["trial"]) for step in summary["next"]]
    where = f"caviar model {winner['trial']} -o best.model"
    lines.insert(0, f"Save the model: {where}" if winner["model"] else _trained_again(winner["trial"]))
    console.print("Next:")
    for line in lines:
        console.print(Text(f"  - {line}"), soft_wrap=True)


def winner_text(summary: Mapping[str, Any], task: str | None) -> str:
    """Say in one sentence who leads, and by how much."""
    winner, second, trivial = summary["winner"], summary["runner_up"], summary["trivial"]
    metric, name = summary["metric"], "The winner" if summary["final"] else "So far the best"
    parts = [f"{name} is trial {winner['trial']}: {metric} {metric_text(metric, winner['value'], task)}"]
    if second is not None:
        behind = (
            "as good" if second["behind"] == 0 else f"{distance_text(metric, second['behind'], task)} behind"
        )
        parts.append(f"trial {second['trial']} is {behind}")
    if trivial is not None:
        parts.append(f"{trivial['text']} scores {metric_text(metric, trivial['value'], task)}")
    return "; ".join(parts) + "."


def _step(step: Mapping[str, Any], winner: str) -> str:
    if step["kind"] == "test":
        return f"{step['text'].removesuffix('.')}: caviar test {step['trial']}"
    if step["kind"] == "retrain":
        return f"{step['text']} caviar finalists {winner.partition('.')[0]}"
    return str(step["text"])


def _trained_again(trial: str) -> str:
    return f"Its model was not stored; train it again: caviar replay {trial} --model best.model"
