"""Every field of every request made wrong, at any depth: no server error, one answer on both databases."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL

from tests.support.inprocess import App, running
from tests.support.nested_mistakes import Sent, mistakes
from tests.support.trained_trials import Trial, trained
from tests.support.valid_requests import AGENT, API, CASES, EXTERNAL, OTHER_AGENT, STUDY, TABLE

REPOSITORY = Path(__file__).parents[2]
LEASE = 36_000.0  # seconds: who holds what must not depend on how fast the machine is


@pytest.fixture
def both(tmp_path: Path, built_postgres_url: URL) -> Iterator[tuple[App, App]]:
    """The application on SQLite and on Postgres, with the same in both."""
    folders = [tmp_path / "sqlite", tmp_path / "postgres"]
    for folder in folders:
        folder.mkdir()
    url = built_postgres_url.render_as_string(hide_password=False)
    same = {"lease": LEASE, "webhook_networks": ("127.0.0.0/8",)}
    with running(folders[0], **same) as one, running(folders[1], database=url, **same) as other:
        (tmp_path / "table.csv").write_text(TABLE)
        model = trained({"path": str(tmp_path / "table.csv"), "target": "y"})
        for app in (one, other):
            prepare(app, *model)
        yield one, other


def prepare(app: App, model: bytes, result: dict[str, float]) -> None:
    """Store what valid_requests.py speaks of."""
    made = app.request("POST", f"{API}/datasets", params={"name": "table", "target": "y"}, content=TABLE)
    assert made.status_code == 201, made.text
    made = app.request("POST", f"{API}/searches", json=EXTERNAL)
    assert made.status_code == 201, made.text
    for agent, trial in ((AGENT, "1.0"), (OTHER_AGENT, "1.1")):
        given = app.request("POST", f"{API}/exchange", json={"agent": agent, "want": 1})
        assert [one["trial"] for one in given.json()["trials"]] == [trial]
    trial = Trial(app, 9, {"name": "table", "target": "y"})
    trial.keep(model)
    trial.end(**result)
    assert trial.id == "2.0"
    made = app.request("POST", f"{API}/studies", json=STUDY)
    assert made.status_code == 201 and made.json()["id"] == 3, made.text


def answer(app: App, sent: Sent) -> tuple[int, Any]:
    """Return status and the fields that are named as wrong."""
    found = app.request(sent.method, sent.url, content=sent.content, headers=sent.headers)
    if found.status_code < 400:
        return found.status_code, None
    return found.status_code, [
        one["field"] for one in found.json()["errors"]
    ] if found.status_code < 500 else found.text


def test_every_operation_is_among_the_requests() -> None:
    """One that is not would never be asked with mistakes in it. Streams do not end."""
    document = json.loads((REPOSITORY / "docs/openapi.json").read_text("utf-8"))
    known = {(case.method, case.path) for case in CASES}
    for path, operations in document["paths"].items():
        form = re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
        for method in operations:
            asked = any(verb == method.upper() and form.fullmatch(one) for verb, one in known)
            assert asked or path.endswith("/events"), f"tests/support/valid_requests.py lacks {method} {path}"


@pytest.mark.parametrize("number", [2**70, -(2**70)])
def test_an_integer_beyond_64_bits_is_a_float_to_every_route(app: App, number: int) -> None:
    search = {**EXTERNAL, "budget": {"trials": 2}}
    made = app.request("POST", f"{API}/searches", json=search)
    agent = {**AGENT, "searches": [made.json()["id"]]}
    given = app.request("POST", f"{API}/exchange", json={"agent": agent, "want": 1})
    path = f"{API}/trials/{given.json()['trials'][0]['trial']}"
    noted = app.request("PUT", f"{path}/attributes", params={"key": "k", "attempt": 1}, json={"a": [number]})
    assert noted.status_code == 204, noted.text
    assert app.request("GET", f"{path}/attributes").json()["items"][0]["value"] == {"a": [float(number)]}
    commands = [{"kind": "set", "arguments": {"epochs": number}}]
    told = app.request("POST", f"{path}/commands", json={"commands": commands})
    assert told.json()["items"][0]["arguments"] == {"epochs": float(number)}, told.text


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("seed", "count"), [(14, 800), *(pytest.param(seed, 5_000, marks=pytest.mark.soak) for seed in range(10))]
)
def test_mistakes_at_any_depth_have_one_answer(both: tuple[App, App], seed: int, count: int) -> None:
    faults, statuses = [], Counter[int]()
    for sent in mistakes(CASES, seed, count):
        one, other = (answer(app, sent) for app in both)
        statuses[one[0]] += 1
        if one != other or one[0] >= 500:
            faults.append((sent, one, other))
            assert len(faults) < 20, faults
    assert faults == []
    assert statuses[422] > count / 4 and statuses[200] + statuses[201] > count / 20, statuses
