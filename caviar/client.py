"""`Client`: everything a server can do, from Python.

from caviar import Client

client = Client()                       # CAVIAR_URL, else http://127.0.0.1:8000
search = client.submit("search.yaml")
client.wait(search)
print(client.best(search, k=5))
"""

from collections.abc import AsyncIterator, Iterator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from caviar.client_calls import SearchLike, number_of
from caviar.dataset_upload import upload
from caviar.search_calls import SearchCalls
from caviar.transport import Transport
from caviar.trial_calls import TrialCalls

if TYPE_CHECKING:
    from caviar.external_trial import ExternalTrial


class Client(SearchCalls, TrialCalls):
    """A connection to a server. Every method raises CaviarError with a sentence that says what is wrong."""

    def __init__(self, url: str | None = None, token: str | None = None, *, timeout: float = 30.0) -> None:
        super().__init__(Transport(url, token, timeout))

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

    # Data sets

    def upload(self, file: str | PathLike[str], name: str | None = None, **options: Any) -> dict[str, Any]:
        """Store a data set (CSV, Parquet, JSON Lines, Feather, Excel, npz or npy) under a name.

        Options: target, task, categorical, ignore; and how to read it: header, encoding, sheet, decimal,
        dates, missing_values, as_is.

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

    # The server

    def agents(self) -> list[dict[str, Any]]:
        """Return the workers and scripts seen lately: what each holds, how long it has been silent."""
        items: list[dict[str, Any]] = self.transport.call("GET", "/agents")["items"]
        return items

    def trust_agent(self, agent: str) -> None:
        """Give trials again to an agent that was suspended because too many failed on it."""
        self.transport.call("POST", f"/agents/{agent}/trust")

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

        return ask(self.transport, number_of(search), catch)

    def ask_async(
        self, search: SearchLike, *, catch: type[Exception] | tuple[type[Exception], ...] = ()
    ) -> AsyncIterator["ExternalTrial"]:
        """Take part as `ask` does, in `async for`: other tasks go on while it waits for a trial.

        What a trial does returns at once, but for the first look at `resume`, which fetches a checkpoint.
        """
        from caviar.trial_loop import ask_async

        return ask_async(self.transport, number_of(search), catch)
