"""docs/openapi.json, from which the dashboard's types are made, is what the server says of itself."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"


def test_the_committed_document_is_that_of_the_server() -> None:
    script = runpy.run_path(str(DOCS / "openapi.py"))
    assert (DOCS / "openapi.json").read_text() == script["text"](), (
        "run `make openapi` and commit what it writes"
    )
