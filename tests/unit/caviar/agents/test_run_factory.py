"""Where a trial begins in an agent whose checkpoints the server cannot all give."""

import hashlib
from types import SimpleNamespace
from typing import Any

from caviar.agents.run_factory import OpenedRun, RunFactory
from caviar.errors import RefusedError
from caviar.exchange.wire import OlderCheckpoint, Resume
from tests.support.assigned import assigned_trial


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Server:
    """Return the files that it has, and refuses the others as the real one does."""

    def __init__(self, **files: bytes) -> None:
        self.files = {f"/checkpoints/{name[1:]}": content for name, content in files.items()}

    def request(self, method: str, path: str, **_more: Any) -> Any:
        if path not in self.files:
            raise RefusedError(409, "Conflict", "its file cannot be read")
        return SimpleNamespace(content=self.files[path])


TRAINER = SimpleNamespace(
    restore=lambda content, data: ("restored", content), start=lambda settings, data, seed: ("started", seed)
)
RESUME = Resume(
    checkpoint=7,
    digest=digest(b"new"),
    position=3,
    older=[OlderCheckpoint(checkpoint=6, digest=digest(b"old"), position=2)],
)


def opened(server: Any) -> Any:
    assignment = assigned_trial("1.0", attempt=2, seed=5, epochs=3)
    return RunFactory(assignment, TRAINER, None, server).open(RESUME)


def test_an_older_checkpoint_serves_where_the_newest_cannot_be_read() -> None:
    assert opened(Server(c7=b"new", c6=b"old")) == OpenedRun(("restored", b"new"), 3)
    assert opened(Server(c6=b"old")) == OpenedRun(("restored", b"old"), 2)


def test_without_any_it_begins_from_its_seed() -> None:
    assert opened(Server()) == OpenedRun(("started", 5), 0)
