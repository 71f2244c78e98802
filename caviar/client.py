"""`Client`: everything a server can do, from Python.

from caviar import Client

client = Client()                       # CAVIAR_URL, else http://127.0.0.1:8000
search = client.submit("search.yaml")
client.wait(search)
print(client.best(search, k=5))
"""

import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from caviar.dataset_upload import upload, with_files_uploaded
from caviar.errors import CaviarError
from caviar.files import read_search
from caviar.notebook.view import View, live
from caviar.records import Event, Search, Trial, Trials
from caviar.transport import Transport, retry_while_away

if TYPE_CHECKING:
    from caviar.external_trial import ExternalTrial

SearchLike = Search | int
TrialLike = Trial | str


class Client:
    """A connection to a server. Every method raises CaviarError with a sentence that says what is wrong."""

    def __init__(self, url: str | None = None, token: str | None = None, *, timeout: float = 30.0) -> None:
        self.transport = Transport(url, token, timeout)
        self._view = View(self.transport)

    @property
    def url(self) -> str:
        """Return the server's address, which is also the dashboard's."""
        return self.transport.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    # Searches

    def submit(
        self, search: Mapping[str, Any] | str | PathLike[str] | None = None, /, **fields: Any
    ) -> Search:
        """Submit a search: a mapping, a YAML or JSON file, or fields by name (which win over the file's).

        A data set given by its path or as arrays (`dataset={"X": X, "y": y}`) is uploaded first; in a file,
        paths begin at its folder.

        Raises InvalidError with every problem and its remedy when the server refuses it.
        """
        if isinstance(search, str | PathLike):
            folder, read = Path(search).parent, read_search(Path(search))
        elif search is None or isinstance(search, Mapping):
            folder, read = Path(), dict(search or {})
        else:
            given = f"search {search.id}" if isinstance(search, Search) else f"{search!r:.100}"
            can = "a search is a mapping, the path of a YAML or JSON file, or fields by name"
            raise CaviarError(f"{given} cannot be submitted: {can}; to submit one again, give its `spec`")
        asked = with_files_uploaded(self.transport, read | fields, folder)
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return Search.of(self.transport.call("POST", "/searches", json=asked, headers=headers), self._view)

    def check(self, search: Mapping[str, Any]) -> dict[str, Any]:
        """Check a search without storing it: warnings, and what the server would add.

        Raises InvalidError with every problem and its remedy.
        """
        found: dict[str, Any] = self.transport.call("POST", "/searches/check", json=dict(search))
        return found

    def upload(self, file: str | PathLike[str], name: str | None = None, **options: Any) -> dict[str, Any]:
        """Store a data set (CSV, Parquet, npz, npy) under a name; options: target, task, categorical, ignore.

        Raises ConflictError when the name belongs to another file.
        """
        return upload(self.transport, Path(file), name or Path(file).name, options)

    def datasets(self) -> list[dict[str, Any]]:
        """Return the data sets of the server, those that come with the trainer first."""
        items: list[dict[str, Any]] = self.transport.call("GET", "/datasets")["items"]
        return items

    def delete_dataset(self, dataset: int | str) -> None:
        """Remove an uploaded data set by its id.

        Raises ConflictError that names the searches which use it.
        """
        self.transport.call("DELETE", f"/datasets/{quote(str(dataset), safe='')}")

    def search(self, search: SearchLike) -> Search:
        """Read a search as it stands now."""
        return Search.of(self.transport.call("GET", f"/searches/{_number(search)}"), self._view)

    def searches(self, **filters: Any) -> Iterator[Search]:
        """Go through the searches, newest first.

        Filters: state, name, project, tag (one or a list: all of them), owner, text (words of any of these
        and of the data set's name), archived ("no", "only" or "all"), sort.
        """
        return (Search.of(one, self._view) for one in self._pages("/searches", filters))

    def edit(self, search: SearchLike, *, version: int | None = None, **changes: Any) -> Search:
        """Change budget, parallel, space, reevaluate, base_error, name, note and others, even while it runs.

        Raises ConflictError when `version`, of the search as it was read, is not that of the search any more.
        """
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        path = f"/searches/{_number(search)}"
        return Search.of(self.transport.call("PATCH", path, json=changes, headers=headers), self._view)

    def pause(self, search: SearchLike) -> Search:
        """Stop starting new trials of a search until it is resumed."""
        return self._switch(search, "pause")

    def resume(self, search: SearchLike) -> Search:
        """Resume a paused search."""
        return self._switch(search, "resume")

    def cancel(self, search: SearchLike) -> Search:
        """End a search; trials in training stop between two slices."""
        return self._switch(search, "cancel")

    def archive(self, search: SearchLike) -> Search:
        """Have lists leave a search out that does not run; nothing of it is lost, and `unarchive` ends it."""
        return self._switch(search, "archive")

    def unarchive(self, search: SearchLike) -> Search:
        """Have an archived search back in lists."""
        return self._switch(search, "unarchive")

    def link(self, search: SearchLike, seconds: float = 7 * 86400.0) -> dict[str, Any]:
        """Make a link that shows a search without a token for a while; its `url` is told this once."""
        path = f"/searches/{_number(search)}/links"
        made: dict[str, Any] = self.transport.call("POST", path, json={"seconds": seconds})
        return {**made, "url": f"{self.url}{made['path']}"}

    def links(self, search: SearchLike) -> list[dict[str, Any]]:
        """Return the links to a search that work, oldest first."""
        items: list[dict[str, Any]] = self.transport.call("GET", f"/searches/{_number(search)}/links")[
            "items"
        ]
        return items

    def revoke_link(self, search: SearchLike, link: str) -> None:
        """End a link by its id."""
        self.transport.call("DELETE", f"/searches/{_number(search)}/links/{quote(link, safe='')}")

    def labels(self) -> dict[str, list[dict[str, Any]]]:
        """Return the `projects`, `tags` and `owners` of searches, each with its name and how many have it."""
        found: dict[str, list[dict[str, Any]]] = self.transport.call("GET", "/labels")
        return found

    def audit(
        self, search: SearchLike | None = None, *, limit: int = 100, deleted: bool = False, **filters: Any
    ) -> Iterator[dict[str, Any]]:
        """Go through who changed what, the newest first, in pages of `limit`: of a search, or of everything.

        Only admins may ask of everything, which the filters who and what do, and `deleted` of a search.
        """
        if search is not None and not deleted and not filters:
            return self._pages(f"/searches/{_number(search)}/audit", {"limit": limit})
        number = None if search is None else _number(search)
        return self._pages("/audit", {"search": number, "limit": limit, **filters})

    def delete(self, search: SearchLike) -> None:
        """Delete a search with its trials and checkpoints permanently."""
        self.transport.call("DELETE", f"/searches/{_number(search)}")

    def wait(self, search: SearchLike, timeout: float | None = None) -> Search:
        """Wait until a search has ended, or paused itself (`warnings` say why).

        A server that is away meanwhile is waited for too, for a minute. In a notebook the search shows itself
        meanwhile, with its progress and curves.

        Raises TimeoutError when it has not within `timeout` seconds.
        """
        show = live()
        end = time.monotonic() + timeout if timeout is not None else float("inf")
        pause = 0.05
        now = self.search(search)
        while not (now.done or now.waits_for_a_person):
            if time.monotonic() > end:
                raise TimeoutError(f"search {now.id} is still {now.state} after {timeout:g} seconds")
            time.sleep(pause)
            pause = min(1.0, pause * 1.3)
            now = retry_while_away(lambda: self.search(search), end)
            show(now)
        return now

    def events(self, search: SearchLike, last: str | None = None) -> Iterator[Event]:
        """Follow a search as it goes: events `search` and `trial`."""
        return self.transport.events(f"/searches/{_number(search)}/events", last=last)

    def agents(self) -> list[dict[str, Any]]:
        """Return the workers and scripts seen lately: what each holds, how long it has been silent."""
        items: list[dict[str, Any]] = self.transport.call("GET", "/agents")["items"]
        return items

    def trust_agent(self, agent: str) -> None:
        """Give trials again to an agent that was suspended because too many failed on it."""
        self.transport.call("POST", f"/agents/{agent}/trust")

    # Trials

    def trials(self, search: SearchLike, **filters: Any) -> Iterator[Trial]:
        """Go through the trials of a search; filters: state, sort (`-value`), filter (`params.l2<0.1`)."""
        return (
            Trial.of(one, self._view) for one in self._pages(f"/searches/{_number(search)}/trials", filters)
        )

    def best(self, search: SearchLike, k: int = 5) -> Trials:
        """Return the best trials, best first."""
        answer = self.transport.call("GET", f"/searches/{_number(search)}/best", params={"k": k})
        return Trials(Trial.of(one, self._view) for one in answer["items"])

    def finalists(self, search: SearchLike, leaders: int = 3, seeds: int = 5) -> Search:
        """Train the leaders again with fresh seeds, also of a search that has ended; see `standings`."""
        return self.edit(search, reevaluate={"leaders": leaders, "seeds": seeds})

    def front(self, search: SearchLike) -> dict[str, Any]:
        """Return the Pareto front of a search with several objectives, and its hypervolume over trials."""
        found: dict[str, Any] = self.transport.call("GET", f"/searches/{_number(search)}/front")
        return found

    def standings(self, search: SearchLike) -> dict[str, Any]:
        """Return the leaders by their trainings with fresh seeds, and the winner once all have ended."""
        found: dict[str, Any] = self.transport.call("GET", f"/searches/{_number(search)}/standings")
        return found

    def summary(self, search: SearchLike) -> dict[str, Any]:
        """Return what a search has found: the winner, what it beats, what would mislead, what to do next."""
        found: dict[str, Any] = self.transport.call("GET", f"/searches/{_number(search)}/summary")
        return found

    def trial(self, trial: TrialLike) -> Trial:
        """Read one trial."""
        return Trial.of(self.transport.call("GET", f"/trials/{_name(trial)}"), self._view)

    def curve(self, trial: TrialLike, points: int | None = None) -> dict[str, Any]:
        """Return the learning curve: a list per column and branch; of more epochs about `points`."""
        query = {} if points is None else {"points": points}
        curve: dict[str, Any] = self.transport.call("GET", f"/trials/{_name(trial)}/curve", params=query)
        return curve

    def trial_events(self, trial: TrialLike, last: str | None = None) -> Iterator[Event]:
        """Follow a trial as it learns: events `epoch`, `cost`, `command`, `checkpoint`, `state`."""
        return self.transport.events(f"/trials/{_name(trial)}/events", last=last)

    def enqueue(self, search: SearchLike, *points: Mapping[str, Any]) -> list[Trial]:
        """Have points of your own tried next."""
        answer = self.transport.call("POST", f"/searches/{_number(search)}/points", json={"points": points})
        return [Trial.of(one, self._view) for one in answer["items"]]

    def rerun(self, trial: TrialLike) -> Trial:
        """Queue a failed or cancelled trial again, as a new trial that names the old one."""
        return Trial.of(self.transport.call("POST", f"/trials/{_name(trial)}/rerun"), self._view)

    def rerun_all(self, search: SearchLike, state: str = "failed") -> list[Trial]:
        """Queue all failed (or `cancelled`) trials again, as new trials that name the old ones."""
        path = f"/searches/{_number(search)}/rerun"
        answer = self.transport.call("POST", path, params={"state": state})
        return [Trial.of(one, self._view) for one in answer["items"]]

    def exclude(self, trial: TrialLike, reason: str) -> Trial:
        """Take a trial's wrong result out: it keeps its state, but nothing sees its value any more."""
        path = f"/trials/{_name(trial)}/exclude"
        return Trial.of(self.transport.call("POST", path, json={"reason": reason}), self._view)

    def include(self, trial: TrialLike) -> Trial:
        """Put a result that was taken out back."""
        return Trial.of(self.transport.call("POST", f"/trials/{_name(trial)}/include"), self._view)

    def export(self, search: SearchLike, kind: str) -> bytes:
        """Return the trials of a search as a file: csv, parquet, json, or optuna (an SQLite study)."""
        path = f"/searches/{_number(search)}/export"
        return self.transport.request("GET", path, params={"format": kind}, timeout=300).content

    def record(self, search: SearchLike) -> dict[str, Any]:
        """Return all that is stored of a search that its results follow from: what `verify` checks."""
        path, query = f"/searches/{_number(search)}/record", {"first": 0}
        found: dict[str, Any] = self.transport.call("GET", path, params=query, timeout=300)
        while found["next"] is not None:
            page = self.transport.call("GET", path, params={"first": found["next"]}, timeout=300)
            found = {**page, "trials": [*found["trials"], *page["trials"]]}
        del found["next"]
        return found

    def report(self, search: SearchLike, kind: str = "html") -> str:
        """Return all that a reader of a paper asks of a search: "html", one file, or "md", a model card."""
        path = f"/searches/{_number(search)}/report"
        return self.transport.request("GET", path, params={"format": kind}, timeout=300).text

    def note_verification(self, search: SearchLike, result: Mapping[str, Any]) -> None:
        """Have the server record what a verification came to, so that its report says so."""
        path = f"/searches/{_number(search)}/verifications"
        self.transport.call("POST", path, json=dict(result))

    def command(
        self, trial: TrialLike, kind: str, *, at: str = "now", late: str | None = None, **arguments: Any
    ) -> dict[str, Any]:
        """Ask something of a trial: set, pause, resume, checkpoint, rewind, fork, extend, stop or note.

        `late`: what to do when the epoch that `at` names has passed, "refuse" (the default) or "apply".
        """
        when = {"at": at} | ({"late": late} if late else {})
        return self.commands(trial, [{"kind": kind, "arguments": arguments, "when": when}])[0]

    def commands(self, trial: TrialLike, commands: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Ask several things of a trial, all or none."""
        path = f"/trials/{_name(trial)}/commands"
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        answer = self.transport.call("POST", path, json={"commands": list(commands)}, headers=headers)
        items: list[dict[str, Any]] = answer["items"] if isinstance(answer, dict) else answer
        return items

    def given(self, trial: TrialLike) -> list[dict[str, Any]]:
        """Return the commands of a trial, oldest first, with what became of them."""
        items: list[dict[str, Any]] = self.transport.call("GET", f"/trials/{_name(trial)}/commands")["items"]
        return items

    def steering(self, trial: TrialLike) -> dict[str, Any]:
        """Return what steering a trial needs: settings in force, commands, branches, checkpoints, advice."""
        found: dict[str, Any] = self.transport.call("GET", f"/trials/{_name(trial)}/steering")
        return found

    def rewind_estimate(self, trial: TrialLike, epoch: int, branch: int | None = None) -> dict[str, Any]:
        """Return what going back to an epoch has to train again: checkpoint, from_epoch, epochs, seconds."""
        params = {"epoch": epoch} | ({} if branch is None else {"branch": branch})
        found: dict[str, Any] = self.transport.call("GET", f"/trials/{_name(trial)}/rewind", params=params)
        return found

    def checkpoints(self, trial: TrialLike) -> list[dict[str, Any]]:
        """Return the checkpoints and models that are kept of a trial, oldest first."""
        answer = self.transport.call("GET", f"/trials/{_name(trial)}/checkpoints")
        items: list[dict[str, Any]] = answer["items"]
        return items

    def attributes(self, trial: TrialLike) -> dict[str, Any]:
        """Return what a script noted of a trial (`trial.note`)."""
        items = self.transport.call("GET", f"/trials/{_name(trial)}/attributes")["items"]
        return {one["key"]: one["value"] for one in items}

    def artifacts(self, trial: TrialLike) -> list[dict[str, Any]]:
        """Return the files that a script attached to a trial (`trial.attach`): name, size, created."""
        items: list[dict[str, Any]] = self.transport.call("GET", f"/trials/{_name(trial)}/artifacts")["items"]
        return items

    def artifact(self, trial: TrialLike, name: str) -> bytes:
        """Return the bytes of a file that a script attached to a trial."""
        path = f"/trials/{_name(trial)}/artifacts/content"
        return self.transport.request("GET", path, params={"name": name}, timeout=300).content

    def diagnosis(self, trial: TrialLike) -> dict[str, Any]:
        """Return whether bias or variance holds a trial back, and what to do next."""
        found: dict[str, Any] = self.transport.call("GET", f"/trials/{_name(trial)}/diagnosis")
        return found

    def log(self, trial: TrialLike, branch: int | None = None) -> dict[str, Any]:
        """Return what a branch of a trial follows from: settings, seed, and the log of changes."""
        return self._of_branch(trial, "log", branch)

    def schedule(self, trial: TrialLike, branch: int | None = None) -> dict[str, Any]:
        """Return the settings of a branch by epoch: settings at its beginning, schedule, epochs.

        Under `search` a search that trains so from a few seeds, for `submit`.
        """
        return self._of_branch(trial, "schedule", branch)

    def population(self, search: SearchLike) -> dict[str, Any]:
        """Return the turns of a population as columns, and the lineage of its best one."""
        found: dict[str, Any] = self.transport.call("GET", f"/searches/{_number(search)}/population")
        return found

    def checkpoint(self, checkpoint: int) -> bytes:
        """Return the bytes of a checkpoint (safetensors)."""
        return self.transport.request("GET", f"/checkpoints/{checkpoint}", timeout=300).content

    def model(self, trial: TrialLike) -> bytes:
        """Return the trained model of a trial (safetensors)."""
        return self.transport.request("GET", f"/trials/{_name(trial)}/model", timeout=300).content

    # The test set

    def test(self, trial: TrialLike, why: str | None = None) -> dict[str, Any]:
        """Measure a finished trial's model on the test set; the look is recorded, with its reason `why`.

        Do it once, when the choice is made: a test set by which models are chosen tells nothing any more.
        """
        path = f"/trials/{_name(trial)}/test"
        found: dict[str, Any] = self.transport.call("POST", path, json={"why": why}, timeout=600)
        return found

    def tests(self, of: SearchLike | TrialLike) -> list[dict[str, Any]]:
        """Return the looks at the test set of a trial, such as "3.17", or of all trials of a search."""
        if isinstance(of, Search | int):
            path = f"/searches/{_number(of)}/tests"
        else:
            path = f"/trials/{_name(of)}/test"
        items: list[dict[str, Any]] = self.transport.call("GET", path)["items"]
        return items

    # Error analysis

    def errors(self, trial: TrialLike, *, part: str = "dev", **query: Any) -> dict[str, Any]:
        """Return a page of the rows of the dev set that a trial's model gets wrong, largest loss first.

        `part` may be "train_dev"; show="all" gives right answers, too; also tag, offset, limit (up to 200).
        """
        return self._of_errors(trial, "", {"part": part, **query})

    def error_causes(self, trial: TrialLike, part: str = "dev") -> dict[str, Any]:
        """Return the table of tags: each one's share of the error, and the error without it at best."""
        return self._of_errors(trial, "/tags", {"part": part})

    def error_slices(self, trial: TrialLike, part: str = "dev") -> dict[str, Any]:
        """Return which parts of the data are worse, column by column, and which differences are real."""
        return self._of_errors(trial, "/slices", {"part": part})

    def errors_csv(self, trial: TrialLike, *, part: str = "dev", **query: Any) -> bytes:
        """Return these rows as CSV, with tags and inputs; show="all" and tag as for `errors`."""
        path = f"/trials/{_name(trial)}/errors/export"
        return self.transport.request("GET", path, params={"part": part, **query}, timeout=300).content

    def tag_row(
        self, trial: TrialLike, row: int, *tags: str, label: str | None = None, part: str = "dev"
    ) -> dict[str, Any]:
        """Make these the tags of a row, and give its right label where its own one is wrong."""
        path = f"/trials/{_name(trial)}/errors/{part}/{row}"
        body = {"tags": list(tags), "label": label}
        found: dict[str, Any] = self.transport.call("PUT", path, json=body, timeout=300)
        return found

    def correct_labels(self, trial: TrialLike, name: str, part: str = "dev") -> dict[str, Any]:
        """Make a data set with the right labels: `dataset`, and `search`, the trial's one to submit on it."""
        path, body = f"/trials/{_name(trial)}/errors/versions", {"name": name, "part": part}
        found: dict[str, Any] = self.transport.call("POST", path, json=body, timeout=600)
        return found

    def _of_errors(self, trial: TrialLike, what: str, query: Mapping[str, Any]) -> dict[str, Any]:
        path = f"/trials/{_name(trial)}/errors{what}"
        found: dict[str, Any] = self.transport.call("GET", path, params=query, timeout=300)
        return found

    # The server

    def trainers(self) -> list[dict[str, Any]]:
        """Return the trainers that there are, with their settings."""
        items: list[dict[str, Any]] = self.transport.call("GET", "/trainers")["items"]
        return items

    def webhooks(self) -> list[dict[str, Any]]:
        """Return the addresses that are told what happens to searches, with the host alone."""
        items: list[dict[str, Any]] = self.transport.call("GET", "/webhooks")["items"]
        return items

    def add_webhook(self, url: str, **fields: Any) -> dict[str, Any]:
        """Have an address told of events: style (json, slack), events, project.

        Returns it with its secret, which is shown this once. Raises InvalidError for a private address.
        """
        made: dict[str, Any] = self.transport.call("POST", "/webhooks", json={"url": url, **fields})
        return made

    def remove_webhook(self, webhook: str) -> None:
        """Tell an address nothing any more."""
        self.transport.call("DELETE", f"/webhooks/{quote(webhook, safe='')}")

    def try_webhook(self, webhook: str) -> dict[str, Any]:
        """Send a message to try it; tell whether it arrived, else why not."""
        found: dict[str, Any] = self.transport.call("POST", f"/webhooks/{quote(webhook, safe='')}/test")
        return found

    def session(self) -> dict[str, Any]:
        """Return who the caller is: name, scope, token_required."""
        found: dict[str, Any] = self.transport.call("GET", "/session")
        return found

    # A training script of your own

    def ask(
        self, search: SearchLike, *, catch: type[Exception] | tuple[type[Exception], ...] = ()
    ) -> Iterator["ExternalTrial"]:
        """Take part in a search of `trainer: external`: the trials it wants trained, one after the other.

        Start the same script several times to train in parallel. The loop ends with the search. An exception
        fails the trial; after one of those in `catch`, within `with trial:`, the loop goes on to the next.

        Raises CaviarError when the search paused itself, and when the loop's body tells nothing of a trial.
        """
        from caviar.trial_loop import ask  # what a script needs, other callers need not wait for

        return ask(self.transport, _number(search), catch)

    def ask_async(
        self, search: SearchLike, *, catch: type[Exception] | tuple[type[Exception], ...] = ()
    ) -> AsyncIterator["ExternalTrial"]:
        """Take part as `ask` does, in `async for`: other tasks go on while it waits for a trial.

        What a trial does returns at once, but for the first look at `resume`, which fetches a checkpoint.
        """
        from caviar.trial_loop import ask_async

        return ask_async(self.transport, _number(search), catch)

    def _of_branch(self, trial: TrialLike, what: str, branch: int | None) -> dict[str, Any]:
        query = {} if branch is None else {"branch": branch}
        found: dict[str, Any] = self.transport.call("GET", f"/trials/{_name(trial)}/{what}", params=query)
        return found

    def _switch(self, search: SearchLike, verb: str) -> Search:
        return Search.of(self.transport.call("POST", f"/searches/{_number(search)}/{verb}"), self._view)

    def _pages(self, path: str, filters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        query = {"limit": 500} | {name: value for name, value in filters.items() if value is not None}
        while True:
            page = self.transport.call("GET", path, params=query)
            yield from page["items"]
            if not page.get("next"):
                return
            query["cursor"] = page["next"]


def _number(search: SearchLike) -> int:
    if isinstance(search, Search):
        return search.id
    text = str(search)
    if isinstance(search, bool) or not text.isascii() or not text.isdigit():
        raise CaviarError(f"{search!r:.100} is not a search; give its number, such as 3, or a Search")
    return int(text)


def _name(trial: TrialLike) -> str:
    name = trial.id if isinstance(trial, Trial) else str(trial)
    search, dot, number = name.partition(".")
    if not (dot and search.isdigit() and number.isdigit()):
        raise CaviarError(f"{name!r} is not a trial; a trial is search.number, such as 3.17")
    return name
