"""The test set over REST: every look is counted, and what it shows is reached in no other way."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from caviar.service.security.rules import needed
from caviar.service.security.scopes import Token
from caviar.service.usecases.final_tests import test_set_of as identity_of
from caviar.trainer.plugin import MLP
from tests.support.commandline import ROOT
from tests.support.inprocess import App
from tests.support.trained_trials import API, SETTINGS, Trial, finished

READERS = (
    "/searches",
    "/searches/{search}",
    "/searches/{search}/trials",
    "/searches/{search}/best",
    "/searches/{search}/summary",
    "/searches/{search}/export?format=csv",
    "/searches/{search}/export?format=json",
    "/trials/{trial}",
    "/trials/{trial}/curve",
    "/trials/{trial}/attempts",
    "/trials/{trial}/checkpoints",
    "/trials/{trial}/steering",
    "/trials/{trial}/log",
    "/trials/{trial}/predictions",
    "/trials/{trial}/diagnosis",
    "/trials/{trial}/errors?show=all",
    "/trials/{trial}/errors/tags",
    "/trials/{trial}/errors/slices",
    "/trials/{trial}/errors/export?show=all",
)


def look_at(app: App, trial: Trial, why: str | None = None) -> Any:
    return app.request("POST", f"{API}/trials/{trial.id}/test", json={"why": why})


def test_a_look_says_what_the_model_is_worth_and_is_on_record(app: App) -> None:
    trial = finished(app, 1, {"name": "digits"})
    made = look_at(app, trial, "  final choice ")
    assert made.status_code == 201, made.text
    look = made.json()
    assert (look["nth"], look["who"], look["why"], look["warning"]) == (
        1,
        "this machine",
        "final choice",
        None,
    )
    trainer = MLP()
    run = trainer.start(SETTINGS, trainer.load({"name": "digits"}, SETTINGS), 1)
    run.advance(60.0, until_epoch=2)
    [error, *_] = look["metrics"]
    assert error["value"] == pytest.approx(run.evaluate("test").error)
    assert error["low"] < error["value"] < error["high"]
    assert app.request("GET", f"{API}/trials/{trial.id}/test").json()["items"] == [look]
    search = trial.id.split(".")[0]
    assert app.request("GET", f"{API}/searches/{search}/tests").json()["items"] == [look]


def test_later_looks_at_the_same_rows_are_counted_whoever_asks(app: App) -> None:
    first, second = (finished(app, agent, {"name": "wine"}) for agent in (2, 3))
    other = finished(app, 4, {"name": "wine", "seed": 5})
    with ThreadPoolExecutor(4) as pool:
        looks = [
            one.json() for one in pool.map(lambda trial: look_at(app, trial), [first, second, first, second])
        ]
    assert sorted(look["nth"] for look in looks) == [1, 2, 3, 4]
    assert all(("look at this test set" in (look["warning"] or "")) == (look["nth"] > 1) for look in looks)
    assert look_at(app, other).json()["nth"] == 1, "another seed cuts other rows"
    search = first.id.split(".")[0]
    assert app.request("DELETE", f"{API}/searches/{search}").status_code == 204
    assert look_at(app, second).json()["nth"] == 5, "a look that was taken stays taken"


def test_nothing_that_others_read_tells_of_it(app: App) -> None:
    trial = finished(app, 5, {"name": "breast_cancer"})
    names = {"search": trial.id.split(".")[0], "trial": trial.id}
    before = [app.request("GET", API + path.format(**names)).text for path in READERS]
    value = look_at(app, trial).json()["metrics"][0]["value"]
    after = [app.request("GET", API + path.format(**names)) for path in READERS]
    assert [answer.text for answer in after] == before
    assert all(answer.status_code == 200 for answer in after), [answer.status_code for answer in after]
    assert not [path for path, answer in zip(READERS, after, strict=True) if repr(value) in answer.text]
    told = {path: app.request("GET", path) for path in routes_of_readers(trial)}
    assert sum(answer.status_code == 200 for answer in told.values()) > 40
    assert not [path for path, answer in told.items() if repr(value) in answer.text]


def routes_of_readers(trial: Trial) -> list[str]:
    """Return every path that who may only read can call: of this trial, its search, and of nothing.

    Streams do not end, and a report has tests of its own: it knows who asks.
    """
    names = {"{search}": trial.id.split(".")[0], "{study}": trial.id.split(".")[0], "{name}": trial.id}
    found = []
    for path, methods in json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))["paths"].items():
        query = [one for one in methods.get("get", {}).get("parameters", ()) if one["in"] == "query"]
        if "get" not in methods or path.endswith(("/events", "/report")) or any(map(_required, query)):
            continue
        for mark, name in names.items():
            path = path.replace(mark, name)
        scopes = needed("GET", path)
        if "{" not in path and ("open" in scopes or Token("reader", "read").allows(*scopes[:1])):
            found.append(path)
    return found


def _required(parameter: dict[str, Any]) -> bool:
    return bool(parameter.get("required"))


@pytest.mark.parametrize("prepare", ["running", "no model", "no test set", "external"])
def test_what_cannot_be_tested_is_refused_with_the_reason(app: App, prepare: str) -> None:
    whole = {"name": "iris", "split": {"train": 0.8, "dev": 0.2}}
    agent = 10 + len(prepare)
    if prepare == "no test set":
        refused = look_at(app, finished(app, agent, whole))
        assert (refused.status_code, "no test set" in refused.json()["detail"]) == (409, True)
        return
    trial = Trial(
        app,
        agent,
        {} if prepare == "external" else {"name": "iris"},
        trainer="external" if prepare == "external" else "mlp",
    )
    if prepare == "external":
        trial.keep(b"of a script")
    if prepare != "running":
        trial.end(dev_error=0.5)
    refused = look_at(app, trial)
    said = {
        "running": (409, "is running"),
        "no model": (404, "no stored model"),
        "external": (404, "trainer external"),
    }
    assert refused.status_code == said[prepare][0]
    assert said[prepare][1] in refused.json()["detail"]


@pytest.mark.parametrize("path", ["/trials/1.0/test", "/searches/1/tests"])
def test_who_may_only_read_sees_no_result(path: str) -> None:
    [scope] = needed("GET", API + path)
    assert not Token("reader", "read").allows(scope)
    assert Token("writer", "submit").allows(scope)


def test_rows_that_are_cut_otherwise_are_another_test_set() -> None:
    cuts: list[dict[str, Any]] = [
        {},
        {"ordered": True},
        {"split_groups": "ward"},
        {"split_groups": "patient"},
    ]
    data = {"upload": {"digest": "d"}, "seed": 5}
    assert len({identity_of({**data, **cut}) for cut in cuts}) == 4
    in_order = {**data, "ordered": True}
    assert identity_of(in_order) == identity_of({**in_order, "seed": 6}), "no chance is in it"
