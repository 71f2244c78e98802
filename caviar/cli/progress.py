"""Following a search or a trial in a terminal, or line by line where there is none."""

import time
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from caviar.cli.tables import best_text, metrics_text
from caviar.client import Client
from caviar.metric_text import metric_text
from caviar.records import Search
from caviar.transport import retry_while_away

LOOK_SECONDS = 0.2
LINE_SECONDS = 2.0  # between two lines where nobody sees a bar


def follow_search(client: Client, search: int, console: Console | None = None) -> Search:
    """Show a search until it has ended or paused itself; gives it as it is then."""
    console = console or Console()
    found = client.search(search)
    watcher = _bar if console.is_terminal else _lines
    return watcher(client, found, console)


def _bar(client: Client, search: Search, console: Console) -> Search:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[best]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(search.name, total=search.trials, rate="", best="")
        while True:
            progress.update(
                task, completed=search.finished, total=search.trials, rate=_rate(search), best=_best(search)
            )
            if search.done or search.waits_for_a_person:
                progress.stop()
                _say_end(search, console)
                return search
            time.sleep(LOOK_SECONDS)
            search = retry_while_away(partial(client.search, search.id))


def _lines(client: Client, search: Search, console: Console) -> Search:
    printed, last = 0.0, None
    while True:
        over = search.done or search.waits_for_a_person
        known = search.finished, search.trials, search.state, _best(search)
        if over or (known != last and time.monotonic() - printed > LINE_SECONDS):
            printed, last = time.monotonic(), known  # a rate alone that has changed is no news
            parts = (f"{search.finished}/{search.trials} trials", _rate(search), _best(search))
            console.print(Text(", ".join(filter(None, parts))), soft_wrap=True)
        if over:
            _say_end(search, console)
            return search
        time.sleep(LOOK_SECONDS)
        search = retry_while_away(partial(client.search, search.id))


def _say_end(search: Search, console: Console) -> None:
    """Say which budget ended a search, where it was another one than the number of trials."""
    if search.ended_by and search.ended_by["budget"] != "trials":
        console.print(Text(f"Ended by budget.{search.ended_by['budget']}: {search.ended_by['text']}"))


def _rate(search: Search) -> str:
    if search.state == "queued":
        lacking = (one["message"] for one in search.warnings if one["field"] == "trainer")
        return next(lacking, "waiting for an agent")
    return f"{search.rate:.3g} trials/s" if search.rate else ""


def _best(search: Search) -> str:
    found = best_text(search)
    return f"best {found}" if found else ""


def follow_trial(client: Client, trial: str, console: Console | None = None) -> None:
    """Print each epoch of a trial as it comes, until it has ended."""
    console = console or Console()
    found = client.trial(trial)
    params = ", ".join(f"{name} {metric_text('', value)}" for name, value in found.params.items())
    console.print(Text(f"Trial {found.id}, {found.state}: {params}"), soft_wrap=True)
    task = client.search(found.search).task
    if found.done:
        _print_curve(client, trial, task, console)
    else:
        for event in client.trial_events(trial):
            if event.kind == "epoch":
                console.print(Text(metrics_text(event.data, task)), soft_wrap=True)
            elif event.kind == "state" and retry_while_away(partial(client.trial, trial)).done:
                break
    found = retry_while_away(partial(client.trial, trial))
    reason = f": {found.reason}" if found.reason else ""
    console.print(Text(f"{found.state}{reason}. {metrics_text(found.metrics, task)}"), soft_wrap=True)


def _print_curve(client: Client, trial: str, task: str | None, console: Console) -> None:
    curve = client.curve(trial)
    if not curve.get("branches"):
        return
    branch = curve["branches"][-1]
    names = ["epoch", *(name for name in curve.get("columns", ()) if name != "epoch")]
    columns = [branch[name] for name in names if name in branch]
    for row in zip(*columns, strict=True):
        console.print(Text(metrics_text(dict(zip(names, row, strict=False)), task)), soft_wrap=True)
