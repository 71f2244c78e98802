"""Write docs/openapi.json, the committed description of the REST interface: make openapi."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from caviar.service import config
from caviar.service.app import create_app

DOCUMENT = Path(__file__).parent / "openapi.json"


def text() -> str:
    """Return the document of a server that was never started, its schemas in the order of their names."""
    with tempfile.TemporaryDirectory() as folder:
        document = create_app(config.read({}, data=Path(folder))).openapi()
    components = document["components"]
    components["schemas"] = dict(sorted(components["schemas"].items()))
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(text())
