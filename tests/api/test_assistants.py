"""`caviar mcp`, by the official client: what an assistant may do is what its token may do."""

from __future__ import annotations

import json
import sys
from typing import Any

import anyio
import pytest
from mcp.client.client import Client as Assistant
from mcp.client.stdio import StdioServerParameters, stdio_client

from caviar import Client
from caviar.assistants import assistant_server

SEARCH = {
    "name": "asked for",
    "trainer": "external",
    "space": {"x": {"low": 0.0, "high": 1.0}},
    "objective": {"metric": "loss", "direction": "minimize"},
    "strategy": {"name": "random"},
    "budget": {"trials": 3},
}
READ = {
    "list_searches",
    "get_search",
    "explain_search",
    "best_trials",
    "get_trial",
    "get_curve",
    "explain_trial",
    "list_datasets",
    "list_trainers",
}
SUBMIT = READ | {"check_search", "submit_search"}
STEER = SUBMIT | {"pause_search", "resume_search", "cancel_search", "steer_trial"}


def asked(client: Client, scope: str, steer: bool, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """Answers of a server in this process to an assistant's calls; an error as its text."""

    async def talk() -> list[Any]:
        async with Assistant(assistant_server(client, scope, steer)) as assistant:
            return [told(await assistant.call_tool(name, arguments)) for name, arguments in calls]

    return anyio.run(talk)


def told(result: Any) -> Any:
    text = "".join(part.text for part in result.content)
    return text if result.is_error else (result.structured_content or json.loads(text))


@pytest.mark.parametrize(
    ("scope", "steer", "names"),
    [("read", True, READ), ("submit", True, SUBMIT), ("admin", False, SUBMIT), ("steer", True, STEER)],
)
def test_a_scope_offers_its_tools(client: Client, scope: str, steer: bool, names: set[str]) -> None:
    async def talk() -> Any:
        async with Assistant(assistant_server(client, scope, steer)) as assistant:
            return (await assistant.list_tools()).tools

    tools = anyio.run(talk)
    assert {tool.name for tool in tools} == names
    assert all(tool.description and tool.input_schema["type"] == "object" for tool in tools)
    assert {tool.name for tool in tools if tool.annotations.read_only_hint} == READ


def test_an_assistant_submits_reads_explains_and_steers(client: Client) -> None:
    checked, made = asked(
        client, "admin", True, ("check_search", {"search": SEARCH}), ("submit_search", {"search": SEARCH})
    )
    assert checked
    for trial in client.ask(made["id"]):
        trial.report(1, loss=trial.params["x"])
    search = {"search": made["id"]}
    found, best, why, trial, curve = asked(
        client,
        "read",
        False,
        ("get_search", search),
        ("best_trials", {**search, "k": 1}),
        ("explain_search", search),
        ("get_trial", {"trial": f"{made['id']}.0"}),
        ("get_curve", {"trial": f"{made['id']}.0"}),
    )
    assert found["state"] == "completed"
    [winner] = best["result"]
    assert winner["value"] == min(one.value for one in client.trials(made["id"]))
    assert why["winner"]["trial"] == winner["id"]
    assert curve["columns"] and trial["params"]["x"] == trial["value"]


def test_what_is_refused_is_said_with_its_remedy(client: Client) -> None:
    wrong = {**SEARCH, "space": {"x": {"low": 1.0, "high": 0.0}}}
    by_path = {**SEARCH, "dataset": {"path": "/etc/passwd"}}
    found = asked(
        client,
        "admin",
        True,
        ("submit_search", {"search": wrong}),
        ("submit_search", {"search": by_path}),
        ("get_search", {"search": 10**6}),
        ("steer_trial", {"trial": "no", "command": "set"}),
    )
    assert "space.x" in found[0]
    assert "caviar upload" in found[1]
    assert str(10**6) in found[2]
    assert "search.number" in found[3]


def test_the_command_speaks_the_protocol(server: str) -> None:
    program = StdioServerParameters(command=sys.executable, args=["-m", "caviar", "mcp", "--url", server])

    async def talk() -> set[str]:
        async with Assistant(stdio_client(program)) as assistant:
            await assistant.call_tool("list_searches", {})
            return {tool.name for tool in (await assistant.list_tools()).tools}

    assert anyio.run(talk) == SUBMIT
