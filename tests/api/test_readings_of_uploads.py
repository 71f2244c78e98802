"""What an upload finds is told by REST, and a search goes by it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from tests.support.inprocess import App, running

API = "/api/v1"
LINES = [f"{i},{(i * 7) % 13},{1 + i % 28:02d}.03.2021,{('yes', 'Yes')[i % 2]},{i % 2}" for i in range(60)]
CSV = "\n".join(["id,size,day,smokes,label", *LINES]).encode()
SPACE = {"learning_rate": {"scale": "log", "low": 1e-4, "high": 1.0}}


def send(app: App, content: bytes, **options: Any) -> Any:
    return app.request("POST", f"{API}/datasets", params={"name": "people", **options}, content=content)


def check(app: App, **dataset: Any) -> list[str]:
    body = {"dataset": {"name": "people", **dataset}, "space": SPACE, "budget": {"trials": 3}}
    found = app.request("POST", f"{API}/searches/check", json=body).json()["errors"]
    return [one["field"] for one in found]


def test_notes_and_options_of_an_upload(tmp_path: Path) -> None:
    with running(tmp_path) as app:
        [problem] = send(app, gzip.compress(CSV)).json()["errors"]
        assert problem["field"] == "dataset.dates" and "dates: {day: parts}" in problem["remedy"]
        assert send(app, CSV, dates="day").status_code == 422
        stored = send(app, gzip.compress(CSV, mtime=0), dates=json.dumps({"day": "elapsed"}))
        assert stored.status_code == 201, stored.text
        told = {note["column"]: note["kind"] for note in stored.json()["notes"]}
        assert told == {"": "changed", "id": "left out", "day": "changed", "smokes": "left out"}
        assert [one["name"] for one in stored.json()["features"]] == ["size", "day elapsed"]
        assert check(app) == [] and check(app, ignore=["id", "day"]) == [] and check(app, as_is=["id"]) == []
        assert check(app, dates={"day": "parts"}) == ["dataset.dates"]
        assert check(app, header=False) == ["dataset.header"]
        assert check(app, as_is=["nobody"]) == ["dataset.as_is"]
        assert check(app, dev={"name": "people"}) == []
