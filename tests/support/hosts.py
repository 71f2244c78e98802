"""Hosts of their own on this machine: network namespaces with addresses, joined by a switch.

Nothing of the machine's own network is touched: the switch is a bridge in a namespace too.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SLOW = "delay 150ms 50ms loss 3%"  # for netem
SLOW_ALSO = "rate 24kbit burst 1600 limit 30000"  # for tbf, where the kernel has no netem: about a modem
ANSWERS_LOST = "rate 8kbit burst 20 limit 20"  # for tbf: no packet is so small
_CLONE_NEWNET = 0x40000000
_NAMESPACES = Path("/run/netns")


class Network:
    """A switch and its hosts, each with an address in 10.77.0.0/24."""

    def __init__(self, hosts: int) -> None:
        self._name = f"caviar-{secrets.token_hex(3)}"
        self._switch = f"{self._name}-switch"
        self._hosts = [f"{self._name}-{number}" for number in range(1, hosts + 1)]

    def build(self) -> None:
        """Raises subprocess.CalledProcessError where namespaces are not permitted."""
        _run("ip", "netns", "add", self._switch)
        _run("ip", "-n", self._switch, "link", "add", "bridge", "type", "bridge")
        _run("ip", "-n", self._switch, "link", "set", "bridge", "up")
        for number, host in enumerate(self._hosts, start=1):
            port = f"port{number}"
            _run("ip", "netns", "add", host)
            pair = ("link", "add", "eth0", "netns", host, "type", "veth", "peer", "name", port)
            _run("ip", *pair, "netns", self._switch)
            _run("ip", "-n", self._switch, "link", "set", port, "master", "bridge", "up")
            _run("ip", "-n", host, "address", "add", f"{self.address(number)}/24", "dev", "eth0")
            for link in ("lo", "eth0"):
                _run("ip", "-n", host, "link", "set", link, "up")

    def remove(self) -> None:
        for name in (*self._hosts, self._switch):
            if (_NAMESPACES / name).exists():
                _run("ip", "netns", "delete", name)

    def address(self, host: int) -> str:
        return f"10.77.0.{host}"

    @contextlib.contextmanager
    def on(self, host: int) -> Iterator[None]:
        """Let this thread make its sockets and processes on a host for the length of a block."""
        back = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(_NAMESPACES / self._hosts[host - 1], os.O_RDONLY)
        try:
            _enter(there)
            yield
        finally:
            _enter(back)
            os.close(there)
            os.close(back)

    def cut(self, host: int) -> None:
        """Pull the host's cable out of the switch."""
        _run("ip", "-n", self._switch, "link", "set", f"port{host}", "down")

    def slow(self, host: int) -> None:
        """Delay what goes to and from a host, and lose some of it."""
        for place in ((self._switch, f"port{host}"), (self._hosts[host - 1], "eth0")):
            if not _shaped(*place, "netem", SLOW):
                assert _shaped(*place, "tbf", SLOW_ALSO)

    def lose_answers(self, host: int) -> None:
        """Let packets come from a host but none reach it."""
        assert _shaped(self._switch, f"port{host}", "tbf", ANSWERS_LOST)

    def mend(self, host: int) -> None:
        """Undo all that was done to a host."""
        _run("ip", "-n", self._switch, "link", "set", f"port{host}", "up")
        for namespace, link in ((self._switch, f"port{host}"), (self._hosts[host - 1], "eth0")):
            if "qdisc noqueue" not in _run("tc", "-n", namespace, "qdisc", "show", "dev", link):
                _run("tc", "-n", namespace, "qdisc", "delete", "dev", link, "root")


@contextlib.contextmanager
def network(hosts: int) -> Iterator[Network]:
    """Give so many hosts for the length of a block; skip the test where that is not permitted."""
    made = Network(hosts)
    try:
        try:
            made.build()
        except (OSError, subprocess.CalledProcessError) as error:
            why = getattr(error, "stderr", "") or error
            pytest.skip(f"network namespaces need root and iproute2: {why}")
        yield made
    finally:
        made.remove()


def _shaped(namespace: str, link: str, kind: str, words: str) -> bool:
    command = ["tc", "-n", namespace, "qdisc", "replace", "dev", link, "root", kind, *words.split()]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _run(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def _enter(namespace: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(namespace, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
