"""Webhooks: what is told of a search, once, signed, and again when the receiver was away."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest

from caviar import Client
from caviar.errors import CaviarError
from caviar.search.labels import LONGEST_PROJECT
from tests.support.commandline import caviar, serving
from tests.support.receiver import Receiver, receiving
from tests.support.waiting import wait

SEARCH = {
    "name": "told of",
    "trainer": "external",
    "project": "fraud",
    "space": {"x": {"low": 0.0, "high": 1.0}},
    "objective": {"metric": "loss", "direction": "minimize"},
    "strategy": {"name": "random"},
    "budget": {"trials": 2},
}
ALL = ["ended", "paused", "failed", "best"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    allowed = {"CAVIAR_WEBHOOK_NETWORKS": "127.0.0.1"}
    with serving(tmp_path_factory.mktemp("data"), workers=0, env=allowed) as server:
        yield server


@pytest.fixture
def receiver(client: Client) -> Iterator[Receiver]:
    """A receiver, whose webhooks are removed at the end."""
    with receiving() as receiver:
        yield receiver
        for one in client.webhooks():
            client.remove_webhook(one["id"])


def told(receiver: Receiver, count: int) -> list[dict[str, Any]]:
    wait(lambda: len(receiver.messages) >= count, 60, lambda: f"{receiver.messages}")
    return [json.loads(body) for _, body in receiver.messages]


def train(client: Client, **fields: Any) -> int:
    made = client.submit(SEARCH, **fields)
    for trial in client.ask(made, catch=ValueError):
        with trial:
            if trial.number == 1 and fields.get("note") == "fails":
                raise ValueError("no luck")
            trial.report(1, loss=0.5)
    return made.id


def test_events_of_a_search_arrive_once_and_signed(client: Client, receiver: Receiver) -> None:
    train(client)  # before the webhook: nobody is told of it
    made = client.add_webhook(receiver.url, events=ALL)
    search = train(client, note="fails")
    messages = told(receiver, 3)
    wait(
        lambda: {one["event"] for one in told(receiver, 3)} == {"best", "failed", "ended"}, 60, str(messages)
    )
    messages = told(receiver, 3)
    assert {one["search"] for one in messages} == {search}
    assert len({one["id"] for one in messages}) == len(messages)
    [ended] = [one for one in messages if one["event"] == "ended"]
    assert ended["value"] == 0.5
    assert f"Search {search} (told of)" in ended["subject"]
    assert "1 of 2 trials" in ended["text"]
    headers, body = receiver.messages[-1]
    moment, digest = headers["Caviar-Signature"].removeprefix("t=").split(",sha256=")
    signed = hmac.new(made["secret"].encode(), f"{moment}.".encode() + body, hashlib.sha256)
    assert signed.hexdigest() == digest


def test_what_does_not_arrive_is_sent_again(client: Client, receiver: Receiver) -> None:
    receiver.status = 503
    client.add_webhook(receiver.url, events=["ended"], project="fraud", style="slack")
    client.add_webhook(receiver.url, events=["ended"], project="another")
    search = train(client)
    told(receiver, 1)
    wait(lambda: "it answered 503" in str(client.webhooks()[0]["problem"]), 30, "the problem")
    receiver.status = 200
    messages = told(receiver, 2)
    assert messages[0] == messages[1] == {"text": messages[0]["text"]}
    assert f"Search {search} (told of). It has ended" in messages[0]["text"]
    wait(lambda: client.webhooks()[0]["problem"] is None, 30, "the problem to go")
    assert client.webhooks()[1]["sent"] is None  # of another project


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/x", "http://[::1]:80/", "ftp://a.example/", "http://localhost.invalid/"]
)
def test_addresses_inside_are_refused(client: Client, url: str) -> None:
    with pytest.raises(CaviarError, match="url"):
        client.add_webhook(url)


def test_a_project_is_named_as_searches_name_theirs(client: Client, receiver: Receiver) -> None:
    longest = "p" * LONGEST_PROJECT
    assert client.add_webhook(receiver.url, project=f" {longest} ")["project"] == longest
    for name in ("p" + longest, " "):
        with pytest.raises(CaviarError, match="project"):
            client.add_webhook(receiver.url, project=name)


def test_the_command_adds_tries_lists_and_removes(server: str, client: Client, receiver: Receiver) -> None:
    added = caviar("webhook", "add", receiver.url, "--on", "ended,best", "--url", server)
    name, secret = added.stdout.split()
    assert len(secret) == 48
    assert "arrived" in caviar("webhook", "test", name, "--url", server).stdout
    assert told(receiver, 1)[0]["event"] == "test"
    listed = caviar("webhook", "list", "--url", server).stdout
    assert "127.0.0.1" in listed
    assert "/hook" not in listed  # the path may be a secret
    assert caviar("webhook", "remove", name, "--url", server).returncode == 0
    assert client.webhooks() == []
