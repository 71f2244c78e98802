"""Who may write what: two agents, with two tokens and with one, over every message of the exchange."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from caviar.exchange.wire import AGENT_SECRET
from tests.support.inprocess import App, running

API = "/api/v1"
SEARCH: dict[str, Any] = {
    "trainer": "external",
    "settings": {"epochs": 3},
    "space": {"a": {"scale": "linear", "low": 0.0, "high": 1.0}},
    "strategy": "random",
    "budget": {"trials": 40},
    "parallel": 40,
}
CONTENT = b"weights"
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


class Agent:
    """One process: an id, a token, and the secret it has drawn; None for one of an earlier version."""

    def __init__(
        self, app: App, token: str | None, *, secret: bool = True, trainer: str = "external"
    ) -> None:
        self.app = app
        self.trainer = trainer
        self.id = f"a-{secrets.token_hex(8)}"
        self.headers = {"authorization": f"Bearer {token}"} if token else {}
        if secret:
            self.headers[AGENT_SECRET] = secrets.token_urlsafe(32)

    def exchange(self, identity: str | None = None, **asked: Any) -> httpx.Response:
        body = {"agent": {"id": identity or self.id, "trainers": [self.trainer]}, **asked}
        return self.app.request("POST", f"{API}/exchange", json=body, headers=self.headers)

    def take(self) -> tuple[str, int]:
        """Take on one trial more."""
        trial = self.exchange(want=1).json()["trials"][-1]
        return trial["trial"], trial["attempt"]

    def put(self, trial: str, attempt: int, **more: Any) -> httpx.Response:
        query = {"attempt": attempt, "digest": DIGEST, **more}
        path = f"{API}/trials/{trial}/checkpoints"
        return self.app.request("PUT", path, params=query, content=CONTENT, headers=self.headers)

    def note(self, trial: str, attempt: int) -> httpx.Response:
        query, path = {"key": "k", "attempt": attempt}, f"{API}/trials/{trial}/attributes"
        return self.app.request("PUT", path, params=query, json=self.id, headers=self.headers)

    def attach(self, trial: str, attempt: int) -> httpx.Response:
        query, path = {"name": "log.txt", "attempt": attempt}, f"{API}/trials/{trial}/artifacts"
        return self.app.request("PUT", path, params=query, content=CONTENT, headers=self.headers)

    def renew(self, identity: str) -> httpx.Response:
        return self.app.request("POST", f"{API}/agents/{identity}/lease", headers=self.headers)

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.app.request("GET", f"{API}{path}", params=params, headers=self.headers)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with running(tmp_path_factory.mktemp("data"), token_required=True) as made:
        _, text = made.app.state.tokens.create("owner", "admin")
        made.owner = {"authorization": f"Bearer {text}"}  # type: ignore[attr-defined]
        assert made.request("POST", f"{API}/searches", json=SEARCH, headers=made.owner).is_success  # type: ignore[attr-defined]
        yield made


def token(app: App) -> str:
    return str(app.app.state.tokens.create(secrets.token_hex(4), "agent")[1])


def trial_of(app: App, name: str) -> dict[str, Any]:
    found: dict[str, Any] = app.request("GET", f"{API}/trials/{name}", headers=app.owner).json()  # type: ignore[attr-defined]
    return found


PAIRS: dict[str, Callable[[App], tuple[Agent, Agent]]] = {
    "two tokens": lambda app: (Agent(app, token(app)), Agent(app, token(app))),
    "one token": lambda app: (lambda text: (Agent(app, text), Agent(app, text)))(token(app)),
    "two tokens, an old victim": lambda app: (Agent(app, token(app), secret=False), Agent(app, token(app))),
    "two tokens, both old": lambda app: (
        Agent(app, token(app), secret=False),
        Agent(app, token(app), secret=False),
    ),
    "one token, an old thief": lambda app: (lambda text: (Agent(app, text), Agent(app, text, secret=False)))(
        token(app)
    ),
    "an admin's token": lambda app: (
        Agent(app, token(app)),
        Agent(app, app.owner["authorization"].split()[1]),  # type: ignore[attr-defined]
    ),
}


def reports(trial: str, attempt: int) -> dict[str, dict[str, Any]]:
    """Every kind of news that an exchange brings of a trial."""
    one = {"trial": trial, "attempt": attempt}
    best = {"state": "completed", "metrics": {"dev_error": -9.0}, "epoch": 3}
    return {
        "epochs": {**one, "columns": ["dev_error"], "rows": [[0.0]]},
        "costs": {**one, "costs": [[1, 0.0]]},
        "paused": {**one, "state": "paused"},
        "released": {**one, "state": "released"},
        "a forged best": {**one, "result": best},
        "a failure": {**one, "result": {"state": "failed", "reason": "forged"}},
        "an acknowledgement": {**one, "acknowledged": [{"command": 1, "step": 1, "epoch": 1}]},
    }


def messages_of(trial: str, attempt: int) -> list[dict[str, Any]]:
    """What an agent says of trials besides its reports; a supervisor's word for one that is gone, too."""
    training = {"trial": trial, "attempt": attempt, "seconds": 9.0, "quiet": 9.0}
    ended = {"reason": "was killed by SIGSEGV", "cause": "trial", "training": training}
    return [
        {"holding": [[trial, attempt]]},
        {"training": training},
        {"leaving": True, "holding": [[trial, attempt]]},
        {"leaving": True, "training": training, "ended": ended},
        {"leaving": True, "training": training, "ended": {**ended, "limit": "took 9 s"}},
    ]


def refused(answer: httpx.Response) -> None:
    assert answer.status_code == 403, answer.text
    assert answer.json()["title"] == "Not yours" and len(answer.json()["detail"]) > 20


@pytest.mark.parametrize("pair", PAIRS)
def test_nobody_writes_or_fetches_anything_of_another_agent(app: App, pair: str) -> None:
    victim, thief = PAIRS[pair](app)
    name, attempt = victim.take()
    stored = victim.put(name, attempt).json()["id"]
    thief.exchange()
    before = trial_of(app, name)
    # under the victim's id
    for what, report in reports(name, attempt).items():
        refused(thief.exchange(victim.id, reports=[report]))
        assert trial_of(app, name) == before, what
    for message in ({}, {"want": 1}, {"leaving": True}, *messages_of(name, attempt)):
        refused(thief.exchange(victim.id, **message))
    refused(thief.get(f"/agents/{victim.id}/wake", timeout=0))
    refused(thief.renew(victim.id))
    for send in (thief.put, thief.note, thief.attach):
        refused(send(name, attempt))
    if pair != "an admin's token":  # which may read everything
        refused(thief.get(f"/checkpoints/{stored}"))
    # under its own id it is told that the trial is not its own, and nothing is written
    for what, report in reports(name, attempt).items():
        told = thief.exchange(reports=[report])
        assert told.status_code == 200 and told.json()["drop"][0]["trial"] == name, what
        assert trial_of(app, name) == before, what
    for message in messages_of(name, attempt):
        assert thief.exchange(**message).status_code == 200, message
        assert trial_of(app, name) == before, message
    thief.exchange()  # it has left: it comes back
    # the victim was not disturbed
    assert victim.get(f"/agents/{victim.id}/wake", timeout=0).status_code == 200
    assert victim.renew(victim.id).status_code == 204
    assert victim.renew("a-0000000000000000").status_code == 404
    assert victim.get(f"/checkpoints/{stored}").content == CONTENT
    own = reports(name, attempt)
    assert victim.exchange(reports=[own["epochs"]]).json()["drop"] == []
    assert victim.put(name, attempt).status_code == 201
    assert victim.note(name, attempt).status_code == victim.attach(name, attempt).status_code == 204
    done = {
        **own["a forged best"],
        "result": {"state": "completed", "metrics": {"dev_error": 0.5}, "epoch": 3},
    }
    assert victim.exchange(reports=[done]).status_code == 200
    assert trial_of(app, name)["state"] == "completed" and trial_of(app, name)["value"] == 0.5


def test_a_refused_message_harms_none_that_come_with_it(app: App) -> None:
    """The writer takes the messages of all agents together; only the forged one fails."""
    text = token(app)
    honest = [Agent(app, text) for _ in range(6)]
    thief = Agent(app, text)
    for one in honest:
        one.exchange()
    with ThreadPoolExecutor(12) as threads:
        forged = [threads.submit(thief.exchange, one.id) for one in honest for _ in range(3)]
        own = [threads.submit(one.exchange) for one in honest for _ in range(3)]
        assert [one.result().status_code for one in forged] == [403] * 18
        assert [one.result().status_code for one in own] == [200] * 18


def test_the_first_to_show_itself_under_an_id_has_it(app: App) -> None:
    text = token(app)
    first, second = Agent(app, text), Agent(app, text)
    second.id = first.id
    assert second.get(f"/agents/{first.id}/wake", timeout=0).status_code == 200, "it is nobody's yet"
    assert first.exchange().status_code == 200
    refused(second.exchange())
    assert first.exchange().status_code == 200


@pytest.mark.parametrize("secret", ["", "short", "x" * 31, "x" * 201])
def test_a_poor_secret_is_refused(app: App, secret: str) -> None:
    agent = Agent(app, token(app))
    agent.headers[AGENT_SECRET] = secret
    answer = agent.exchange()
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == AGENT_SECRET


def test_a_server_that_starts_again_knows_its_agents(tmp_path: Path) -> None:
    with running(tmp_path, token_required=True) as app:
        text = token(app)
        victim, thief = Agent(app, text), Agent(app, text)
        _, admin = app.app.state.tokens.create("owner", "admin")
        app.request("POST", f"{API}/searches", json=SEARCH, headers={"authorization": f"Bearer {admin}"})
        name, attempt = victim.take()
    with running(tmp_path, token_required=True) as app:
        victim.app = thief.app = app
        refused(thief.exchange(victim.id))
        refused(thief.put(name, attempt))
        again = victim.exchange().json()["trials"]  # it does not name what it holds: the answer was lost
        assert [(one["trial"], one["attempt"]) for one in again] == [(name, attempt)]
        assert victim.put(name, attempt).status_code == 201


def test_on_this_machine_without_tokens_the_secret_alone_tells_agents_apart(tmp_path: Path) -> None:
    with running(tmp_path) as app:
        app.request("POST", f"{API}/searches", json=SEARCH)
        victim, thief = Agent(app, None), Agent(app, None)
        name, attempt = victim.take()
        refused(thief.exchange(victim.id, reports=[reports(name, attempt)["a forged best"]]))
        refused(thief.put(name, attempt))
        assert victim.put(name, attempt).status_code == 201


NETWORK: dict[str, Any] = {
    "dataset": {"name": "iris"},
    "settings": {"hidden_units": 8, "epochs": 6, "batch_size": 16},
    "space": {"learning_rate": {"scale": "log", "low": 1e-3, "high": 1e-1}},
    "budget": {"trials": 1},
}


def test_an_agent_fetches_what_its_trial_goes_on_from(tmp_path: Path) -> None:
    """An extended trial begins from a checkpoint of its parent, which another agent has trained."""
    with running(tmp_path, token_required=True) as app:
        _, admin = app.app.state.tokens.create("owner", "admin")
        owner = {"authorization": f"Bearer {admin}"}
        app.request("POST", f"{API}/searches", json=NETWORK, headers=owner)
        first, second, third = (Agent(app, token(app), trainer="mlp") for _ in range(3))
        name, attempt = first.take()
        rows = {"first": 1, "columns": ["dev_error"], "rows": [[0.5]] * 6}
        assert first.exchange(reports=[{"trial": name, "attempt": attempt, **rows}]).is_success
        stored = first.put(name, attempt, kind="end", epoch=6, step=40).json()["id"]
        result = {"state": "completed", "metrics": {"dev_error": 0.5}, "epoch": 6}
        first.exchange(reports=[{"trial": name, "attempt": attempt, "result": result}])
        refused(first.get(f"/checkpoints/{stored}"))  # its work is done
        command = {"kind": "extend", "arguments": {"epochs": 4}}
        path = f"{API}/trials/{name}/commands"
        assert app.request("POST", path, json={"commands": [command]}, headers=owner).is_success
        refused(second.get(f"/checkpoints/{stored}"))
        [handed] = second.exchange(want=1).json()["trials"]
        assert handed["trial"] != name and handed["resume"]["checkpoint"] == stored
        assert second.get(f"/checkpoints/{stored}").content == CONTENT
        third.exchange(want=1)
        refused(third.get(f"/checkpoints/{stored}"))
