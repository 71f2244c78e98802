"""Re-tests over REST: children are trained, judged, told everywhere; on a schedule once, by one server."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from caviar.service.store import retests as rows
from caviar.service.store.webhooks import news_of
from caviar.service.usecases import webhooks
from caviar.service.usecases.retesting import Retesting
from caviar.trainer.plugin import MLP
from tests.support.inprocess import App, running
from tests.support.stores import ManualClock, World
from tests.support.trained_trials import trained

API = "/api/v1"
TRAINER = MLP()


def table(seed: int, sign: float = 1.0) -> str:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, 240))
    labels = np.where(a + sign * b + 0.3 * rng.normal(size=240) > 0, "yes", "no")
    return "a,b,label\n" + "".join(f"{x:.5f},{y:.5f},{z}\n" for x, y, z in zip(a, b, labels, strict=True))


class Player:
    """An agent that really trains, with the files that the test uploaded."""

    def __init__(self, app: App, folder: Path) -> None:
        services = app.app.state.services
        self.app, self.folder = app, folder
        self.world = World(services.store, ManualClock(), services.proposer)

    def upload(self, name: str, content: str) -> None:
        (self.folder / name).write_text(content, encoding="utf-8")
        sent = self.app.request("POST", f"{API}/datasets", params={"name": name}, content=content.encode())
        assert sent.status_code == 201, sent.text

    def call(self, method: str, path: str, status: int = 200, **arguments: Any) -> Any:
        answer = self.app.request(method, f"{API}{path}", **arguments)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def train(self, search: int) -> None:
        """Train all trials of a search, and keep the model of the first one."""
        spec = self.call("GET", f"/searches/{search}")["spec"]
        data = TRAINER.load({**spec["dataset"], "path": str(self.folder / spec["dataset"]["name"])}, {})
        asked = {"trainers": ["mlp"], "searches": [search], "want": 20}
        for trial in orjson.loads(orjson.dumps(self.world.exchange(1, **asked)["trials"])):
            settings = {**spec["settings"], **trial["params"]}
            run = TRAINER.start(settings, data, trial["seed"])
            run.advance(60.0)
            while run.status == "running":
                run.advance(60.0)
            if trial["number"] == 0:
                digest = f"sha256:{hashlib.sha256(run.model()).hexdigest()}"
                query = {"attempt": 1, "digest": digest, "kind": "model"}
                path = f"/trials/{trial['trial']}/checkpoints"
                self.call("PUT", path, 201, params=query, content=run.model())
            result = {"state": "completed", "metrics": run.result(), "epoch": 8, "reason": None}
            report = {"trial": trial["trial"], "attempt": 1, "branch": 0, "result": result}
            self.world.exchange(1, reports=[report], trainers=["mlp"], searches=[search])

    def ended(self, search: int) -> dict[str, Any]:
        """Return the newest re-test, once the server has judged it."""
        until = time.monotonic() + 120
        while time.monotonic() < until:
            found: dict[str, Any] = self.call("GET", f"/searches/{search}/retests")["items"][0]
            if found["state"] != "running":
                return found
            time.sleep(0.1)
        raise AssertionError("the re-test was not judged")


@pytest.fixture(scope="module")
def player(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    folder = tmp_path_factory.mktemp("retests")
    with running(folder / "data") as app:
        yield Player(app, folder)


@pytest.fixture(scope="module")
def search(player: Player) -> int:
    """A search that has ended."""
    trained({"name": "iris"})  # compiles the kernels, which takes longer than a lease
    player.upload("old.csv", table(1))
    spec = {
        "name": "drifting",
        "dataset": {"name": "old.csv", "target": "label"},
        "settings": {"epochs": 8, "hidden_units": 4, "batch_size": 16},
        "space": {"learning_rate": {"scale": "log", "low": 0.01, "high": 0.1}},
        "strategy": {"name": "random"},
        "budget": {"trials": 3},
    }
    made = player.call("POST", "/searches", 201, json=spec)["id"]
    running_one = player.app.request("POST", f"{API}/searches/{made}/retests", json={})
    assert running_one.status_code == 409 and "has not ended" in running_one.text
    player.train(made)
    return int(made)


def test_a_changed_relation_is_told_everywhere(player: Player, search: int) -> None:
    player.upload("new.csv", table(2, sign=-1.0))
    events = ["drift", "ended"]
    told = ("http://127.0.0.1:9/", "json", events, None, "secret")  # an address that is never allowed
    hook = player.world.write(lambda tx: webhooks.create(tx, *told))
    body = {"data": "new.csv", "leaders": 2, "seeds": 2}
    made = player.call("POST", f"/searches/{search}/retests", 201, json=body)
    assert (made["nth"], made["state"], made["fresh"]) == (1, "running", None)
    assert made["data"] == {"name": "new.csv", "target": "label"}
    again = player.app.request("POST", f"{API}/searches/{search}/retests", json=body)
    assert again.status_code == 409 and "still running" in again.text
    for child in (made["baseline"], made["again"]):
        shown = player.call("GET", f"/searches/{child}")
        assert (shown["retest_of"], shown["total"]) == (search, 4)
        assert shown["spec"]["stopping"] == {"name": "none"}  # all of its trainings count
        player.train(child)
    found = player.ended(search)
    assert (found["state"], found["drifted"]) == ("ended", True), found
    report = found["report"]
    assert report["reasons"] == ["relation"] and not report["same_data"]
    assert "inputs look the same, error is worse" in report["text"][0]
    assert [one["rank_before"] for one in report["winners"]] in ([1, 2], [2, 1])
    for one in report["winners"]:
        assert one["low"] < one["after"] - one["before"] < one["high"]
        assert len(one["values_before"]) == len(one["values_after"]) == 2
    [listed] = [one for one in player.call("GET", "/searches")["items"] if one["name"] == "drifting"]
    assert listed["drift"].startswith("Re-test 1: The relation changed")
    assert player.call("GET", f"/searches/{made['again']}")["archived"]
    assert "caviar_searches_drifted 1.0" in player.app.request("GET", "/metrics").text
    what = [one["what"] for one in player.call("GET", f"/searches/{search}/audit")["items"]]
    assert what[0] == "retest"
    every = [search, made["baseline"], made["again"]]
    player.world.write(lambda tx: webhooks.take_in(tx, every))
    news = player.world.read(lambda snapshot: news_of(snapshot, [hook.id], every))
    said = [(key[1], one[1]) for key, row in news.items() for one in orjson.loads(row.waiting or "[]")]
    assert said == [(search, "drift")]  # and nothing of the searches that a re-test consists of
    player.world.write(lambda tx: webhooks.remove(tx, hook.id))


def test_the_same_data_again_ends_the_alarm_and_trains_no_second_baseline(
    player: Player, search: int
) -> None:
    earlier = player.call("GET", f"/searches/{search}/retests")["items"][0]
    made = player.call("POST", f"/searches/{search}/retests", 201, json={"leaders": 2, "seeds": 2})
    assert (made["baseline"], made["data"]) == (earlier["baseline"], None)
    player.train(made["again"])
    found = player.ended(search)
    assert (found["drifted"], found["report"]["same_data"]) == (False, True)
    assert player.call("GET", f"/searches/{search}")["drift"] is None
    nested = player.app.request("POST", f"{API}/searches/{made['again']}/retests", json={})
    assert nested.status_code == 409 and f"re-test search {search}" in nested.text


def test_data_that_will_not_do_is_refused_with_the_remedy(player: Player, search: int) -> None:
    player.upload("lacks.csv", "a,label\n" + "1,yes\n2,no\n" * 60)
    player.upload("more.csv", "a,b,c,label\n" + "1,2,3,yes\n2,1,4,no\n" * 60)
    for data, field, words in (
        ("nope", "data.name", "no data set is called 'nope'"),
        ("nope*", "data", "no data set has a name that begins with 'nope'"),
        ("lacks.csv", "data", "lacks the columns b of old.csv"),
        ("more.csv", "data", "leave them out: data {name: more.csv, ignore: [c]}"),
        ({"path": "/etc/passwd"}, "data", "no data set is named"),
        ({"name": "old.csv", "splits": 1}, "data.splits", "there is no 'splits'"),
    ):
        refused = player.app.request("POST", f"{API}/searches/{search}/retests", json={"data": data})
        assert refused.status_code == 422, refused.text
        assert refused.json()["errors"][0]["field"] == field, refused.text
        assert words in refused.text
    for body in ({"leaders": 0}, {"seeds": 1}, {"every": 1}, {"fresh": -1}, {"more": 1}):
        assert player.app.request("POST", f"{API}/searches/{search}/retests", json=body).status_code == 422
    assert player.app.request("POST", f"{API}/searches/999/retests", json={}).status_code == 404


def test_a_schedule_begins_one_however_many_servers_look(player: Player, search: int) -> None:
    body = {"data": "ne*", "leaders": 2, "seeds": 2, "every": 3600}
    first = player.call("POST", f"/searches/{search}/retests", 201, json=body)
    plan = player.call("GET", f"/searches/{search}/retests")["schedule"]
    assert (plan["every"], plan["data"], plan["problem"]) == (3600, "ne*", None)
    player.train(first["again"])
    assert player.ended(search)["data"]["name"] == "new.csv"
    services = player.app.app.state.services
    store = services.store
    [schedule] = [store.read_now(lambda snapshot: rows.schedule_of(snapshot, search))]
    due = schedule._replace(due=schedule.due - 3 * 3600)
    servers = [Retesting(store, services.blobs, services.evaluator, services.config) for _ in range(3)]
    store.submit(lambda tx: rows.put_schedule(tx, due)).result()

    async def at_once() -> None:
        await asyncio.gather(*(one.run() for one in servers))

    player.app._portal.call(at_once)
    found = player.call("GET", f"/searches/{search}/retests")
    assert [one["nth"] for one in found["items"]] == [4, 3, 2, 1]
    assert found["items"][0]["who"] == schedule.who
    later = store.read_now(lambda snapshot: rows.schedule_of(snapshot, search))
    assert later.due == pytest.approx(due.due + 3 * 3600, abs=3600) and later.due > due.due
    player.call("DELETE", f"/searches/{search}/retests/schedule", 204)
    assert player.app.request("DELETE", f"{API}/searches/{search}/retests/schedule").status_code == 404
    what = [one["what"] for one in player.call("GET", f"/searches/{search}/audit")["items"]]
    assert what[:3] == ["unschedule retests", "retest", "schedule retests"]


def test_a_retest_whose_search_is_deleted_comes_to_nothing_and_says_so(player: Player, search: int) -> None:
    [newest, *_] = player.call("GET", f"/searches/{search}/retests")["items"]
    player.call("DELETE", f"/searches/{newest['again']}", 204)
    found = player.ended(search)
    assert (found["state"], found["drifted"]) == ("failed", None)
    assert f"there is no search {newest['again']}" in found["problem"]
