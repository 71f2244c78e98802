"""An agent as a process: who it is, how it warms up, what signals do to it, whose death ends it."""

from __future__ import annotations

import ctypes
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from types import FrameType
from typing import Any

from caviar import __version__, trainers
from caviar.agents.limit_watch import RENEWED
from caviar.agents.worker import Worker
from caviar.errors import CaviarError
from caviar.exchange.device import own_device
from caviar.exchange.exchange import Exchange
from caviar.exchange.training_note import TrainingNote
from caviar.exchange.wire import Agent, Slot
from caviar.transport import Transport

logger = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1
SECRET_VARIABLE = "CAVIAR_AGENT_SECRET"  # noqa: S105 - the name of a variable


def new_id() -> str:
    """Return a random id: a reused host name or process number never makes a dead agent look alive."""
    return f"a-{secrets.token_hex(8)}"


def run_agent(
    url: str,
    agent_id: str | None,
    engine: str,
    parent: int | None,
    note: int | None = None,
    *,
    slot: str | None = None,
) -> int:
    """Work until told to stop; gives the exit code. `note` is an open file of the supervisor's."""
    if parent is not None:
        die_with(parent)
    agent = Agent(
        id=agent_id or new_id(),
        host=socket.gethostname(),
        pid=os.getpid(),
        engine=engine,
        version=__version__,
        trainers=trainers.names(),
        slot=None if slot is None else Slot.model_validate_json(slot),
        device=own_device(),
    )
    _warm()
    transport = Transport(url)
    secret = os.environ.pop(SECRET_VARIABLE, None)  # not for what a trainer starts
    worker = Worker(Exchange(transport, agent, secret=secret, note=TrainingNote(note)))

    def stop(_number: int, _frame: FrameType | None) -> None:
        worker.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        worker.run()
    except CaviarError as error:
        logger.error("the agent ends: %s", error, extra={"agent": agent.id})
        return 1
    finally:
        transport.close()
    return RENEWED if worker.renewed else 0


def die_with(parent: int) -> None:
    """End as soon as the parent process is gone, however it went.

    On Linux the kernel sends SIGKILL; everywhere the pipe at standard input closes, which the parent holds.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    threading.Thread(target=_watch_pipe, name="parent", daemon=True).start()


def _watch_pipe() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(1)


def _warm() -> None:
    """Compile or load the kernels before the first trial waits for them; a trainer says when it compiles."""
    for name in trainers.names():
        trainer: Any = trainers.get(name)
        trainer.warm()
