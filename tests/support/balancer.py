"""A balancer of TCP connections: each new one goes to a server chosen at random among those that listen.

With `each_request` a connection carries one request, so that a client with a pool moves as well.
"""

from __future__ import annotations

import contextlib
import random
import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence

PIECE = 1 << 16
_KEEP_ALIVE = re.compile(rb"(?im)^connection: keep-alive\r\n")


class Balancer:
    """Two threads for each connection: a few agents are all it carries."""

    def __init__(self, ports: Sequence[int], seed: int, each_request: bool = False) -> None:
        self._each_request = each_request
        self._ports = self._cut = list(ports)
        self._dice = random.Random(seed)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = {self._listening}
        self._threads: list[threading.Thread] = []
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._begin(self._accept)

    def cut(self) -> None:
        """Cut every connection, and refuse new ones until `mend`."""
        self._ports, self._cut = [], self._ports
        for one in self._open - {self._listening}:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Pass connections on again."""
        self._ports = self._cut

    def close(self) -> None:
        """Cut every connection."""
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for one in self._open:
            one.close()

    def _begin(self, work: Callable[..., None], *arguments: socket.socket) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return  # it is closed
            self._open.add(near)
            far = self._reach()
            if far is None:
                near.shutdown(socket.SHUT_RDWR)
                continue
            self._open.add(far)
            self._begin(_pass_one_request_on if self._each_request else _pass_on, near, far)
            self._begin(_pass_on, far, near)

    def _reach(self) -> socket.socket | None:
        for port in self._dice.sample(self._ports, len(self._ports)):
            with contextlib.suppress(OSError):
                return socket.create_connection(("127.0.0.1", port))
        return None


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Copy one direction to its end; a connection that breaks on one side breaks on the other."""
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE):
            target.sendall(piece)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def _pass_one_request_on(source: socket.socket, target: socket.socket) -> None:
    """Have the server close the connection after its answer: the next request comes by another one."""
    head = b""
    with contextlib.suppress(OSError):
        while b"\r\n\r\n" not in head and (piece := source.recv(PIECE)):
            head += piece
        line, _, rest = _KEEP_ALIVE.sub(b"", head, count=1).partition(b"\r\n")
        target.sendall(line + b"\r\nconnection: close\r\n" + rest)
    _pass_on(source, target)


@contextlib.contextmanager
def balanced(ports: Sequence[int], seed: int, each_request: bool = False) -> Iterator[str]:
    """Give the address of a balancer over ports of this machine, for the length of a block."""
    balancer = Balancer(ports, seed, each_request)
    try:
        yield balancer.url
    finally:
        balancer.close()
