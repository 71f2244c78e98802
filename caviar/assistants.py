"""An MCP server (https://modelcontextprotocol.io): assistants read, explain, submit and steer searches.

Thin over Client: what the server refuses, by the scope of the token or for another reason, the assistant
reads in the server's own words.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import asdict
from itertools import islice
from typing import Any, ParamSpec, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

import caviar
from caviar.client import Client
from caviar.errors import CaviarError

P = ParamSpec("P")
R = TypeVar("R")
Answer = dict[str, Any]
POINTS = 100  # of a curve: what a model can read
INSTRUCTIONS = """Caviar searches hyperparameters. A search has trials named SEARCH.NUMBER, such as 3.17.
Begin with list_searches. explain_search says what a search found, what would mislead, and what to do next;
explain_trial tells bias from variance. Check a search with check_search before it is submitted."""
READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
ENDS = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=False)


def assistant_server(client: Client, scope: str, steer: bool) -> MCPServer[Any]:
    """Make a server with the tools that a token of this scope allows; those that steer only if asked for."""
    server: MCPServer[Any] = MCPServer(
        "caviar", instructions=INSTRUCTIONS, version=caviar.__version__, log_level="WARNING"
    )
    groups = [(READS, _reading(client))]
    if scope in ("submit", "steer", "admin"):
        groups.append((WRITES, _submitting(client)))
    if steer and scope in ("steer", "admin"):
        groups.append((ENDS, _steering(client)))
    for hints, tools in groups:
        for tool in tools:
            server.add_tool(_told(tool), annotations=hints)
    return server


def _told(tool: Callable[P, R]) -> Callable[P, R]:
    """Have an assistant read why a call was refused."""

    @functools.wraps(tool)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return tool(*args, **kwargs)
        except CaviarError as error:
            raise ToolError(str(error)) from error

    return call


def _reading(client: Client) -> list[Callable[..., Any]]:
    def list_searches(state: str | None = None, name: str | None = None, limit: int = 20) -> list[Answer]:
        """List searches, newest first. state: queued, running, paused, completed or cancelled."""
        wanted = {"state": state, "name": name}
        filters = {key: value for key, value in wanted.items() if value is not None}
        found = islice(client.searches(**filters), max(1, min(limit, 200)))
        return [asdict(one) for one in found]

    def get_search(search: int) -> Answer:
        """Read a search: its definition, how far it is, counts by state, warnings."""
        return asdict(client.search(search))

    def explain_search(search: int) -> Answer:
        """Tell what a search found: the winner, what it beats, what would mislead, what to do next."""
        return client.summary(search)

    def best_trials(search: int, k: int = 5) -> list[Answer]:
        """Read the best trials of a search, best first."""
        return [asdict(one) for one in client.best(search, k)]

    def get_trial(trial: str) -> Answer:
        """Read one trial, such as 3.17: parameters, value, metrics, state and its reason."""
        return asdict(client.trial(trial))

    def get_curve(trial: str) -> Answer:
        """Read the learning curve of a trial, thinned out where it is long."""
        return client.curve(trial, points=POINTS)

    def explain_trial(trial: str) -> Answer:
        """Tell bias from variance and troubles of training, with the recipe for what to do next."""
        return client.diagnosis(trial)

    def list_datasets() -> list[Answer]:
        """List the data sets on the server, with their columns."""
        return client.datasets()

    def list_trainers() -> list[Answer]:
        """List the trainers with all of their settings: what a search may name in settings and space."""
        return client.trainers()

    tools = (list_searches, get_search, explain_search, best_trials, get_trial, get_curve, explain_trial)
    return [*tools, list_datasets, list_trainers]


def _submitting(client: Client) -> list[Callable[..., Any]]:
    def check_search(search: Answer) -> Answer:
        """Check a definition of a search without storing it; every problem comes with its remedy.

        Example: {"trainer": "mlp", "dataset": {"name": "digits"}, "settings": {"epochs": 20},
        "space": {"learning_rate": {"scale": "log", "low": 1e-4, "high": 1}},
        "strategy": {"name": "coarse_to_fine"}, "budget": {"trials": 40}}
        """
        return client.check(search)

    def submit_search(search: Answer) -> Answer:
        """Submit a search; its definition is that of check_search. Data sets are named, not given by path."""
        dataset = search.get("dataset")
        if isinstance(dataset, dict) and "path" in dataset:  # an assistant sends no files of this machine
            raise CaviarError("dataset.path: name a data set; a person uploads it by caviar upload")
        return asdict(client.submit(search))

    return [check_search, submit_search]


def _steering(client: Client) -> list[Callable[..., Any]]:
    def pause_search(search: int) -> Answer:
        """Pause a search: no new trials begin, those in training go on."""
        return asdict(client.pause(search))

    def resume_search(search: int) -> Answer:
        """Resume a paused search."""
        return asdict(client.resume(search))

    def cancel_search(search: int) -> Answer:
        """Cancel a search and its trials that have not ended. This cannot be undone."""
        return asdict(client.cancel(search))

    def steer_trial(trial: str, command: str, arguments: Answer | None = None) -> Answer:
        """Send a command to a trial: set, pause, resume, checkpoint, rewind, fork, extend, stop or note.

        Arguments of set: {"learning_rate": 0.01}; of rewind and fork: {"epoch": 20}; of stop: none.
        """
        return client.command(trial, command, **(arguments or {}))

    return [pause_search, resume_search, cancel_search, steer_trial]
