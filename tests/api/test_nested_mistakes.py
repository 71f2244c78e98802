"""Every field of every request made wrong, at any depth: no server error, one answer on both databases."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL

from tests.support.inprocess import App, running
from tests.support.nested_mistakes import Case, Sent, mistakes

API = "/api/v1"
AGENT = {
    "id": "a-00000000000000f1",
    "host": "h",
    "pid": 3,
    "engine": "test",
    "version": "1",
    "trainers": ["external"],
}
SPACE = {
    "learning_rate": {"scale": "log", "low": 1e-4, "high": 1},
    "layers": {"scale": "linear", "low": 1, "high": 3, "type": "int"},
    "kind": {"choices": ["a", "b"]},
    "l2": {"scale": "linear", "low": 0, "high": 1, "when": {"kind": "a"}},
}
EXTERNAL = {
    "name": "mistakes",
    "note": "a note",
    "trainer": "external",
    "settings": {"epochs": 3},
    "space": SPACE,
    "strategy": {"name": "random"},
    "stopping": {"name": "median"},
    "objective": {"metric": "dev_error", "direction": "minimize"},
    "budget": {"trials": 4},
    "parallel": 2,
    "seed": 7,
}
MLP = {
    "name": "mlp",
    "dataset": {"name": "digits"},
    "trainer": "mlp",
    "settings": {"epochs": 2, "hidden_units": [8], "optimizer": "adam"},
    "space": {"learning_rate": {"scale": "log", "low": 1e-4, "high": 1}},
    "strategy": {"name": "coarse_to_fine"},
    "mode": "panda",
    "schedule": [{"epoch": 1, "set": {"learning_rate": 0.1}}],
    "budget": {"trials": 2},
}
UPLOADED = {**MLP, "dataset": {"name": "table", "target": "y"}}
REPORT = {
    "trial": "1.0",
    "attempt": 1,
    "branch": 0,
    "first": 1,
    "columns": ["train_cost", "dev_error"],
    "rows": [[0.5, 0.1], [0.4, 0.09]],
    "costs": [[1, 0.7]],
    "acknowledged": [
        {"command": 1, "step": 1, "epoch": 1, "before": {"l2": 0}, "after": {"l2": 1}, "refused": "no"}
    ],
    "result": {
        "state": "completed",
        "metrics": {"dev_error": 0.1},
        "epoch": 3,
        "reason": "end",
        "log": "text",
    },
}
EXCHANGE = {
    "agent": AGENT,
    "sequence": 1,
    "want": 1,
    "known": [1],
    "holding": [["1.0", 1]],
    "reports": [REPORT],
}
COMMANDS = {"commands": [{"kind": "note", "arguments": {"text": "seen"}, "when": {"at": "now"}}]}
SET = {"commands": [{"kind": "set", "arguments": {"learning_rate": 0.1}, "when": {"at": "epoch:30"}}]}
POINT = {"learning_rate": 0.01, "layers": 2, "kind": "a", "l2": 0.5}
LIST = {"state": "running", "name": "a", "sort": "-created", "limit": "3"}
TRIALS = {
    "sort": "-value",
    "state": "completed",
    "filter": "params.learning_rate<0.1",
    "limit": "3",
    "cursor": "x",
}
CASES = [
    *[Case("POST", f"{API}/searches", body=one) for one in (EXTERNAL, EXTERNAL, MLP, UPLOADED)],
    *[Case("POST", f"{API}/searches/check", body=one) for one in (EXTERNAL, MLP, UPLOADED)],
    Case("POST", f"{API}/exchange", body=EXCHANGE),
    Case("POST", f"{API}/exchange", body={**EXCHANGE, "reports": []}),
    Case(
        "PATCH", f"{API}/searches/1", body={"name": "n", "note": "m", "budget": {"trials": 9}, "space": SPACE}
    ),
    Case("POST", f"{API}/searches/1/points", body={"points": [POINT, POINT]}),
    Case("POST", f"{API}/trials/1.0/commands", body=COMMANDS),
    Case("POST", f"{API}/trials/1.0/commands", body=SET, headers={"idempotency-key": "k"}),
    Case("POST", f"{API}/tokens", body={"name": "t", "scope": "read"}),
    Case("POST", f"{API}/session", body={"token": "x"}),
    Case("POST", f"{API}/searches/1/rerun", {"state": "failed"}),
    Case("GET", f"{API}/searches", LIST),
    Case("GET", f"{API}/searches/1/trials", TRIALS),
    Case(
        "GET", f"{API}/searches/1/columns", {"fields": "number,value,params.l2", "limit": "3", "points": "90"}
    ),
    Case("GET", f"{API}/searches/1/curves", {"metric": "dev_error", "leading": "2", "others": "2"}),
    Case("GET", f"{API}/searches/1/history", {"points": "50"}),
    Case("GET", f"{API}/searches/1/best", {"k": "3"}),
    Case("GET", f"{API}/searches/1/importance"),
    Case("GET", f"{API}/searches/1/export", {"format": "csv"}),
    Case("GET", f"{API}/trials/1.0/curve", {"points": "50"}),
    Case("GET", f"{API}/trials/1.0/log", {"branch": "0"}),
    Case("GET", f"{API}/trials/1.0"),
    Case("GET", f"{API}/checkpoints/1"),
    Case("GET", f"{API}/datasets/table/preview"),
    Case("DELETE", f"{API}/trials/1.0/commands/1"),
    Case("DELETE", f"{API}/tokens/none"),
]


@pytest.fixture
def both(tmp_path: Path, built_postgres_url: URL) -> Iterator[tuple[App, App]]:
    """The application on SQLite and on Postgres, with the same in both."""
    folders = [tmp_path / "sqlite", tmp_path / "postgres"]
    for folder in folders:
        folder.mkdir()
    url = built_postgres_url.render_as_string(hide_password=False)
    with running(folders[0]) as one, running(folders[1], database=url) as other:
        for app in (one, other):
            prepare(app)
        yield one, other


def prepare(app: App) -> None:
    table = "a,b,y\n" + "".join(f"{n},{n % 7},{'pq'[n % 2]}\n" for n in range(60))
    made = app.request("POST", f"{API}/datasets", params={"name": "table", "target": "y"}, content=table)
    assert made.status_code == 201, made.text
    made = app.request("POST", f"{API}/searches", json=EXTERNAL)
    assert made.status_code == 201, made.text
    given = app.request("POST", f"{API}/exchange", json={**EXCHANGE, "reports": [], "holding": []})
    assert [one["trial"] for one in given.json()["trials"]] == ["1.0"]


def answer(app: App, sent: Sent) -> tuple[int, Any]:
    """Return status and the fields that are named as wrong."""
    found = app.request(sent.method, sent.url, content=sent.content, headers=sent.headers)
    if found.status_code < 400:
        return found.status_code, None
    return found.status_code, [
        one["field"] for one in found.json()["errors"]
    ] if found.status_code < 500 else found.text


@pytest.mark.postgres
@pytest.mark.parametrize("count", [2000, pytest.param(50_000, marks=pytest.mark.soak)])
def test_mistakes_at_any_depth_have_one_answer(both: tuple[App, App], count: int) -> None:
    faults, statuses = [], Counter[int]()
    for sent in mistakes(CASES, 14, count):
        one, other = (answer(app, sent) for app in both)
        statuses[one[0]] += 1
        if one != other or one[0] >= 500:
            faults.append((sent, one, other))
            assert len(faults) < 20, faults
    assert faults == []
    assert statuses[422] > count / 4 and statuses[200] + statuses[201] > count / 20, statuses
