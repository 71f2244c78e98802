"""The metrics that a server gives are those that docs/operations.md explains."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.inprocess import running

DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"


def test_every_metric_is_explained_and_given(tmp_path: Path) -> None:
    with running(tmp_path) as app:
        text = app.request("GET", "/metrics").text
    given = set(re.findall(r"^# TYPE (caviar_\w+)", text, re.MULTILINE))
    explained = set(re.findall(r"^\| `(caviar_\w+)", DOCUMENT.read_text("utf-8"), re.MULTILINE))
    assert {name for name in given if not name.endswith("_created")} == explained
