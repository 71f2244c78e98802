"""PyTorch is not in the development environment: where it is missing, the comparison is left out."""

import json
from importlib.util import find_spec

import pytest

from caviar.service.sandbox.inspection import describe

collect_ignore = [] if find_spec("torch") else ["test_against_torch.py"]


def pytest_terminal_summary(terminalreporter):
    if collect_ignore:
        terminalreporter.write_line(
            "Not run: test_against_torch.py (`pip install torch`, or `make bench` does)"
        )


@pytest.fixture
def upload(tmp_path):
    """Describe a file as the server does when it is uploaded, and give what a search trains on."""

    def send(content, name="file.csv", **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        found = describe(str(path), options)
        return found, {**json.loads(json.dumps(found["options"])), "path": str(path)}

    return send
