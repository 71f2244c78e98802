"""What keeps the lease of a script that holds the interpreter, so that its exchange cannot talk.

A thread cannot run while a C extension keeps the interpreter; a process can. It renews only while the script
lives and is not stopped, and the script has not been heard for a third of its lease.
"""

import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import certifi

from caviar.exchange.lease_process import LEASE
from caviar.transport import Transport

logger = logging.getLogger(__name__)

PROGRAM = Path(__file__).with_name("lease_process.py")


class LeaseKeeper:
    """The process that renews the lease of an agent of this process."""

    def __init__(self, transport: Transport, agent: str, lease: float) -> None:
        """Start it; where that cannot be, a script that holds the interpreter may lose its lease."""
        self._told, self._told_at = lease, time.monotonic()
        self._process: subprocess.Popen[bytes] | None = None
        if not sys.executable or getattr(sys, "frozen", False):  # a program of its own, no interpreter
            return
        told = {
            "script": os.getpid(),
            "url": f"{transport.url}/api/v1/agents/{agent}/lease",
            "headers": transport.headers,  # with a token: not for the command line, where all can read it
            "certificates": certifi.where(),
            "lease": lease,
        }
        try:
            self._start(told)
        except OSError as error:
            logger.info("nothing keeps the lease while this script holds the interpreter: %s", error)

    def _start(self, told: dict[str, Any]) -> None:
        self._process = subprocess.Popen(  # a session of its own: Ctrl-C and Ctrl-Z are for the script
            [sys.executable, "-I", "-S", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            bufsize=0,
        )
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        self._process.stdin.write(json.dumps(told).encode() + b"\n")

    def heard(self, lease: float) -> None:
        """Let it know that the server has just heard from the script itself."""
        now = time.monotonic()
        if self._process is None or (lease == self._told and now - self._told_at < lease / 10):
            return
        self._told, self._told_at = lease, now
        assert self._process.stdin is not None
        try:
            os.write(self._process.stdin.fileno(), LEASE.pack(lease))
        except BlockingIOError:
            pass  # it is stopped, and has more than enough to read
        except OSError:
            self.close()

    def close(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            process.kill()
            process.wait()
