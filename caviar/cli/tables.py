"""Trials as a person reads them."""

from collections.abc import Iterator, Mapping, Sequence
from json import dumps
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from caviar.metric_text import metric_text
from caviar.records import Search, Trial

LABELS = ("project", "tags", "owner")
NOBODY = "this machine"  # the owner where the server asks for no token
LONGEST = 80  # characters of what something became
SHOWN = ("epoch", "train_cost", "train_error", "dev_cost", "dev_error", "learning_rate")


def metrics_text(metrics: Mapping[str, Any], task: str | None) -> str:
    """Write the metrics of an epoch in one line."""
    names = [name for name in SHOWN if name in metrics] or list(metrics)
    return "  ".join(f"{name} {metric_text(name, metrics[name], task)}" for name in names)


def print_best(search: Search, trials: Sequence[Trial], console: Console | None = None) -> None:
    """Print a table of trials, best first."""
    console = console or Console()
    if not trials:
        yet = "" if search.done else " yet"
        said = f"No trial of search {search.id} has a value{yet} ({_counts(search)})."
        console.print(Text(said), soft_wrap=True)
        _print_failures(search, console)
        return
    metric = search.metric
    names = list(dict.fromkeys(name for trial in trials for name in trial.params))
    table = Table(
        title=f"Best of search {search.id} ({search.name}): {_counts(search)}", title_justify="left"
    )
    table.add_column("trial")
    further = [one["metric"] for one in search.spec.get("further") or ()]
    for name in (metric, *further, "epochs", *names):
        table.add_column(name, justify="right")
    steered = any(trial.changed for trial in trials)
    if steered:
        table.add_column("changed on the way")
    for trial in trials:
        values = [metric_text("", trial.params.get(name)) for name in names]
        if steered:
            values.append(", ".join(f"{name} {metric_text('', new)}" for name, new in trial.changed.items()))
        others = [metric_text(name, (trial.metrics or {}).get(name), search.task) for name in further]
        table.add_row(
            trial.id, metric_text(metric, trial.value, search.task), *others, str(trial.epoch), *values
        )
    widen(console)
    console.print(table)
    if further:
        said = f"Ordered by {metric} alone; the trials that no other beats in all: caviar front {search.id}"
        console.print(Text(said), soft_wrap=True)
    _print_failures(search, console)


def print_searches(searches: Sequence[Search], console: Console | None = None) -> None:
    """Print a table of searches: how far each has come, its best value, and its rate while it runs."""
    console = console or Console()
    table = Table()
    shown = [name for name in LABELS if any(label_text(one, name) for one in searches)]
    for name, justify in (
        ("id", "right"),
        ("name", "left"),
        *((name, "left") for name in shown),
        ("state", "left"),
        ("trials", "right"),
        ("best", "left"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    table.add_column("trials/s", justify="right")
    table.add_column("waits for")
    for one in searches:
        rate = f"{one.rate:.3g}" if one.rate and one.state == "running" else ""
        failed = f", {one.counts['failed']} failed" if one.counts.get("failed") else ""
        done = f"{one.finished}/{one.trials}{failed}"
        labels = [label_text(one, name) for name in shown]
        row = (str(one.id), one.name, *labels, one.state, done, best_text(one), rate, one.waits_for)
        table.add_row(*map(Text, row))
    widen(console)
    console.print(table)


def label_text(search: Search, name: str) -> str:
    """Write the project, the tags or the owner of a search; nothing where that says nothing."""
    value = getattr(search, name)
    return ", ".join(value) if isinstance(value, list) else "" if value in (None, NOBODY) else str(value)


def print_datasets(datasets: Sequence[Mapping[str, Any]], console: Console | None = None) -> None:
    """Print a table of data sets."""
    console = console or Console()
    table = Table()
    for name in ("id", "name", "kind", "rows", "features", "target"):
        table.add_column(name, justify="right" if name in ("rows", "features") else "left")
    for one in datasets:
        target = ", ".join((one["target"] or {}).get("names") or ())
        row = (one["id"], one["name"], one["kind"], one["rows"], one["columns"], target)
        table.add_row(*(Text(str(value)) for value in row))
    widen(console)
    console.print(table)


def print_agents(agents: Sequence[Mapping[str, Any]], console: Console | None = None) -> None:
    """Print who trains: process, trials in hand, and since when a silent one is silent."""
    console = console or Console()
    table = Table("agent", "state", "host", "process", "engine", "trials in hand", "why")
    for one in agents:
        silent = one.get("silent")
        state = one["state"] if silent is None else f"silent for {silent:.0f} s, since {one['seen']}"
        state = "suspended" if one.get("suspended") and one["state"] == "alive" else state
        held, why = ", ".join(one["holding"]), one["reason"] or one.get("suspended") or ""
        row = (one["id"], state, one["host"], str(one["pid"]), one["engine"], held, why)
        table.add_row(*map(Text, row))
    widen(console)
    console.print(table)


def print_audit(rows: Sequence[Mapping[str, Any]], console: Console | None = None) -> None:
    """Print who changed what, the newest first."""
    console = console or Console()
    table = Table("when", "who", "what", "of", "before", "after")
    for one in rows:
        on = one["trial"] or ("" if one["search"] is None else f"search {one['search']}")
        of = " ".join(filter(None, (on, one["subject"])))
        documents = map(short_text, _differing(one["before"], one["after"]))
        table.add_row(*map(Text, (one["created"], one["who"] or "unknown", one["what"], of, *documents)))
    widen(console)
    console.print(table)


def short_text(document: Mapping[str, Any]) -> str:
    """Write what something was or became in a few words."""
    said = ", ".join(
        f"{name}: {value if isinstance(value, str) else dumps(value)}"
        for name, value in document.items()
        if value is not None
    )
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 3]}..."


def _differing(*sides: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return what two documents differ in, by dotted names; a side that is not there is empty."""
    before, after = (dict(_leaves(side or {})) for side in sides)
    kept = [name for name in before | after if before.get(name) != after.get(name)]
    return [{name: side[name] for name in kept if name in side} for side in (before, after)]


def _leaves(document: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{at}{name}.")
        else:
            yield f"{at}{name}", value


def best_text(search: Search) -> str:
    """Write the best value of a search with its metric and its trial; nothing where there is none."""
    if not search.best or search.best.get("value") is None:
        return ""
    metric = search.metric
    return f"{metric} {metric_text(metric, search.best['value'], search.task)} ({search.best['trial']})"


def widen(console: Console) -> None:
    """Let lines be long in a file or a pipe, which has no edge to fold at."""
    if not console.is_terminal:
        console.width = 200


def _print_failures(search: Search, console: Console) -> None:
    """Print why a search paused itself, and why trials failed."""
    for warning in search.warnings:
        console.print(Text(f"Note: {warning['message']} ({warning['remedy']})"), soft_wrap=True)
    told = " ".join(warning["message"] for warning in search.warnings)
    for failure in search.failures:
        if failure["reason"] in told:
            continue
        console.print(Text(f"{failure['count']} failed: {failure['reason']}"), soft_wrap=True)


def print_standings(search: Search, standings: Mapping[str, Any], console: Console | None = None) -> None:
    """Print what came of the leaders' trainings with fresh seeds; nothing where there were none."""
    console = console or Console()
    if not standings["items"]:
        return
    metric = search.metric
    table = Table(title="Retrained with fresh seeds", title_justify="left")
    for name in ("trial", f"mean {metric}", "spread", "first", "seeds"):
        table.add_column(name, justify="left" if name == "trial" else "right")
    for one in standings["items"]:
        shown = [metric_text(metric, one[name], search.task) for name in ("mean", "spread", "first")]
        table.add_row(one["trial"], *shown, str(len(one["trainings"])))
    console.print(table)
    winner = standings["winner"]
    said = (
        f"The winner is trial {winner['trial']}. {standings['text']}"
        if winner
        else f"No winner yet: {standings['reason']}."
    )
    console.print(Text(said), soft_wrap=True)


def _counts(search: Search) -> str:
    parts = [f"{count} {state}" for state, count in search.counts.items() if count]
    return ", ".join(parts) or "no trials"
