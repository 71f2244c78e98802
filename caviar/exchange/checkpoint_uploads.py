"""The thread that uploads checkpoints and models while training goes on.

A checkpoint is sent only after every report made before it was acknowledged: the server never holds a state
that its log does not explain.
"""

import hashlib
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tenacity import Retrying, retry_if_exception, wait_exponential

from caviar.errors import CaviarError, RefusedError
from caviar.exchange.assigned_trial import Key
from caviar.exchange.exchange import TRY_AGAIN, Exchange, Write

logger = logging.getLogger(__name__)

PATIENCE = 600.0  # seconds an upload is tried for before it is given up
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds between two tries
PIECE = 1 << 17  # bytes


@dataclass(frozen=True)
class CheckpointUpload:
    """A state of a trial on its way to the server."""

    key: Key
    content: bytes | None  # None: nothing but what is to be done then
    kind: str  # schedule, command, end, model
    branch: int
    epoch: int
    step: int
    position: int  # changes of settings that it contains
    after: int  # the report, by number, that must have arrived first
    then: Write | None = None  # the last report of the trial, made once it is there

    @property
    def path(self) -> str:
        """Where it is put."""
        return f"/trials/{self.key[0]}/checkpoints"

    def query(self, content: bytes) -> dict[str, Any]:
        """Return what is said of it."""
        return {
            "attempt": self.key[1],
            "branch": self.branch,
            "epoch": self.epoch,
            "step": self.step,
            "position": self.position,
            "kind": self.kind,
            "digest": f"sha256:{hashlib.sha256(content).hexdigest()}",
        }


@dataclass(frozen=True)
class AttachmentUpload:
    """An attribute (JSON) or an artifact of a trial on its way to the server."""

    key: Key
    content: bytes
    kind: str  # attribute, artifact
    name: str
    then: None = None
    branch = after = 0

    @property
    def path(self) -> str:
        """Where it is put."""
        return f"/trials/{self.key[0]}/{self.kind}s"

    def query(self, _content: bytes) -> dict[str, Any]:
        """Return what is said of it."""
        return {"attempt": self.key[1], "key" if self.kind == "attribute" else "name": self.name}


Upload = CheckpointUpload | AttachmentUpload


class CheckpointUploads:
    """A queue of uploads, in order; of scheduled ones waiting for the same branch only the newest is kept."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._changed = threading.Condition()
        self._waiting: deque[Upload] = deque()
        self._busy = False
        self._deadline = float("inf")
        self._thread: threading.Thread | None = None  # begun with the first upload: most scripts have none

    def add(self, upload: Upload) -> None:
        """Queue an upload."""
        with self._changed:
            if upload.kind == "schedule":
                line = "schedule", upload.key, upload.branch
                same = [one for one in self._waiting if (one.kind, one.key, one.branch) == line]
                for one in same:
                    self._waiting.remove(one)
            self._waiting.append(upload)
            self._changed.notify_all()
            if self._thread is None:
                work = self._exchange.guard, (self._work,)
                self._thread = threading.Thread(target=work[0], args=work[1], name="uploads", daemon=True)
                self._thread.start()

    def when_done(self, key: Key, write: Write) -> None:
        """Make the last report of a trial when its uploads are through, at once where there are none."""
        with self._changed:
            if self._waiting or self._busy:
                self._waiting.append(CheckpointUpload(key, None, "end", 0, 0, 0, 0, 0, write))
                self._changed.notify_all()
                return
        self._exchange.report_last(key, write)

    def finish(self, seconds: float) -> bool:
        """Wait until all is sent, so many seconds at most; say whether it is."""
        self._deadline = time.monotonic() + seconds
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, seconds)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting)
                upload = self._waiting.popleft()
                self._busy = True
            try:
                if upload.content is not None:
                    self._send(upload, upload.content)
            except CaviarError as error:
                trial, attempt = upload.key
                extra = {"trial": trial, "attempt": attempt}
                logger.warning("%s of trial %s not stored: %s", upload.kind, trial, error, extra=extra)
            if upload.then is not None:
                self._exchange.report_last(upload.key, upload.then)

    def _send(self, upload: Upload, content: bytes) -> None:
        """Wait for the reports before it, then send it, again and again while the server is away."""
        until = min(time.monotonic() + PATIENCE, self._deadline)
        while not self._exchange.acknowledged(upload.after, 0.5):
            if self._exchange.failure or time.monotonic() > min(until, self._deadline):
                raise CaviarError("the reports before it did not arrive")
        send = Retrying(
            retry=retry_if_exception(_may_pass),
            wait=wait_exponential(FIRST_PAUSE, max=LONGEST_PAUSE),
            stop=lambda _state: time.monotonic() > min(until, self._deadline),
            reraise=True,
        )
        query = upload.query(content)
        kind = "application/json" if upload.kind == "attribute" else "application/octet-stream"
        send(
            lambda: self._exchange.transport.request(
                "PUT",
                upload.path,
                params=query,
                content=_pieces(content),
                headers={"Content-Type": kind, "Content-Length": str(len(content))},
                timeout=300.0,
                tries=1,
            )
        )


def _may_pass(error: BaseException) -> bool:
    """Return whether an upload that failed so may succeed later; a conflict is the server's last word."""
    if isinstance(error, RefusedError):
        return error.status != 409 and (error.status >= 500 or error.status in TRY_AGAIN)
    return isinstance(error, CaviarError)


def _pieces(content: bytes) -> Iterator[bytes]:
    """Return a body in pieces: httpx copies what is left of one after each bit that the socket takes."""
    return (content[begin : begin + PIECE] for begin in range(0, len(content), PIECE))
