"""The calls of `Client` about searches: to submit, change and follow them, and what they have found."""

import time
import uuid
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import quote

from caviar.client_calls import Calls, SearchLike, number_of
from caviar.dataset_upload import with_files_uploaded
from caviar.errors import CaviarError
from caviar.files import read_search
from caviar.notebook.view import live
from caviar.records import Event, Search, Trial, Trials
from caviar.transport import retry_while_away


class SearchCalls(Calls):
    """Everything about searches."""

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

    def search(self, search: SearchLike) -> Search:
        """Read a search as it stands now."""
        return Search.of(self.transport.call("GET", f"/searches/{number_of(search)}"), self._view)

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
        path = f"/searches/{number_of(search)}"
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
        path = f"/searches/{number_of(search)}/links"
        made: dict[str, Any] = self.transport.call("POST", path, json={"seconds": seconds})
        return {**made, "url": f"{self.transport.url}{made['path']}"}

    def links(self, search: SearchLike) -> list[dict[str, Any]]:
        """Return the links to a search that work, oldest first."""
        items: list[dict[str, Any]] = self.transport.call("GET", f"/searches/{number_of(search)}/links")[
            "items"
        ]
        return items

    def revoke_link(self, search: SearchLike, link: str) -> None:
        """End a link by its id."""
        self.transport.call("DELETE", f"/searches/{number_of(search)}/links/{quote(link, safe='')}")

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
            return self._pages(f"/searches/{number_of(search)}/audit", {"limit": limit})
        number = None if search is None else number_of(search)
        return self._pages("/audit", {"search": number, "limit": limit, **filters})

    def delete(self, search: SearchLike) -> None:
        """Delete a search with its trials and checkpoints permanently."""
        self.transport.call("DELETE", f"/searches/{number_of(search)}")

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
        return self.transport.events(f"/searches/{number_of(search)}/events", last=last)

    # What a search has found

    def trials(self, search: SearchLike, **filters: Any) -> Iterator[Trial]:
        """Go through the trials of a search; filters: state, sort (`-value`), filter (`params.l2<0.1`)."""
        return (
            Trial.of(one, self._view) for one in self._pages(f"/searches/{number_of(search)}/trials", filters)
        )

    def best(self, search: SearchLike, k: int = 5) -> Trials:
        """Return the best trials, best first."""
        answer = self.transport.call("GET", f"/searches/{number_of(search)}/best", params={"k": k})
        return Trials(Trial.of(one, self._view) for one in answer["items"])

    def finalists(self, search: SearchLike, leaders: int = 3, seeds: int = 5) -> Search:
        """Train the leaders again with fresh seeds, also of a search that has ended; see `standings`."""
        return self.edit(search, reevaluate={"leaders": leaders, "seeds": seeds})

    def retest(
        self,
        search: SearchLike,
        data: Any = None,
        *,
        leaders: int = 3,
        seeds: int = 5,
        fresh: int = 0,
        every: float | None = None,
    ) -> dict[str, Any]:
        """Train the winners again with fresh seeds, on the same or newer data; `retests` tells the outcome.

        `data` is a data set's name, the beginning of one and * for the newest of these, or as for `submit`:
        files, frames and arrays are uploaded. `fresh` trials of a new search tell whether it beats them.
        `every`: again after so many seconds each.
        """
        if data is not None and not isinstance(data, str):
            data = dict(with_files_uploaded(self.transport, {"dataset": data}, Path()))["dataset"]
        body = {"data": data, "leaders": leaders, "seeds": seeds, "fresh": fresh, "every": every}
        path = f"/searches/{number_of(search)}/retests"
        found: dict[str, Any] = self.transport.call("POST", path, json=body)
        return found

    def retests(self, search: SearchLike) -> dict[str, Any]:
        """Return the re-tests of a search, `items`, the newest first, and their `schedule`."""
        found: dict[str, Any] = self.transport.call("GET", f"/searches/{number_of(search)}/retests")
        return found

    def end_retests(self, search: SearchLike) -> None:
        """Have a search re-tested no more on a schedule."""
        self.transport.call("DELETE", f"/searches/{number_of(search)}/retests/schedule")

    def front(self, search: SearchLike) -> dict[str, Any]:
        """Return the Pareto front of a search with several objectives, and its hypervolume over trials."""
        found: dict[str, Any] = self.transport.call("GET", f"/searches/{number_of(search)}/front")
        return found

    def standings(self, search: SearchLike) -> dict[str, Any]:
        """Return the leaders by their trainings with fresh seeds, and the winner once all have ended."""
        found: dict[str, Any] = self.transport.call("GET", f"/searches/{number_of(search)}/standings")
        return found

    def summary(self, search: SearchLike) -> dict[str, Any]:
        """Return what a search has found: the winner, what it beats, what would mislead, what to do next."""
        found: dict[str, Any] = self.transport.call("GET", f"/searches/{number_of(search)}/summary")
        return found

    def population(self, search: SearchLike) -> dict[str, Any]:
        """Return the turns of a population as columns, and the lineage of its best one."""
        found: dict[str, Any] = self.transport.call("GET", f"/searches/{number_of(search)}/population")
        return found

    def enqueue(self, search: SearchLike, *points: Mapping[str, Any]) -> list[Trial]:
        """Have points of your own tried next."""
        answer = self.transport.call("POST", f"/searches/{number_of(search)}/points", json={"points": points})
        return [Trial.of(one, self._view) for one in answer["items"]]

    def rerun_all(self, search: SearchLike, state: str = "failed") -> list[Trial]:
        """Queue all failed (or `cancelled`) trials again, as new trials that name the old ones."""
        path = f"/searches/{number_of(search)}/rerun"
        answer = self.transport.call("POST", path, params={"state": state})
        return [Trial.of(one, self._view) for one in answer["items"]]

    def export(self, search: SearchLike, kind: str) -> bytes:
        """Return the trials of a search as a file: csv, parquet, json, or optuna (an SQLite study)."""
        path = f"/searches/{number_of(search)}/export"
        return self.transport.request("GET", path, params={"format": kind}, timeout=300).content

    def record(self, search: SearchLike) -> dict[str, Any]:
        """Return all that is stored of a search that its results follow from: what `verify` checks."""
        path, query = f"/searches/{number_of(search)}/record", {"first": 0}
        found: dict[str, Any] = self.transport.call("GET", path, params=query, timeout=300)
        while found["next"] is not None:
            page = self.transport.call("GET", path, params={"first": found["next"]}, timeout=300)
            found = {**page, "trials": [*found["trials"], *page["trials"]]}
        del found["next"]
        return found

    def report(self, search: SearchLike, kind: str = "html") -> str:
        """Return all that a reader of a paper asks of a search: "html", one file, or "md", a model card."""
        path = f"/searches/{number_of(search)}/report"
        return self.transport.request("GET", path, params={"format": kind}, timeout=300).text

    def note_verification(self, search: SearchLike, result: Mapping[str, Any]) -> None:
        """Have the server record what a verification came to, so that its report says so."""
        path = f"/searches/{number_of(search)}/verifications"
        self.transport.call("POST", path, json=dict(result))

    def _switch(self, search: SearchLike, verb: str) -> Search:
        return Search.of(self.transport.call("POST", f"/searches/{number_of(search)}/{verb}"), self._view)
