"""Host and Origin: the server answers to its own names alone, and obeys no page but its own."""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urlsplit

from caviar.service.config import Config, is_loopback

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")


class Addresses:
    """The names of one server.

    A page of another site can have its own name resolve to this machine (DNS rebinding) and so become
    "same origin"; only the Host header tells. An address in numbers cannot be rebound, so those are fine
    where the network may call.
    """

    def __init__(self, config: Config) -> None:
        self._names = {config.host.lower(), *(bare(name) for name in config.allowed_hosts)}
        self._network = not config.loopback
        if self._network:
            self._names.add(socket.gethostname().lower())
        self._origins = frozenset(origin.rstrip("/") for origin in config.allowed_origins)

    def host_allowed(self, host: str) -> bool:
        """Return whether the Host header names this server."""
        if not _HOST.fullmatch(host):
            return False
        name = bare(host)
        return name in self._names or is_loopback(name) or (self._network and _numeric(name))

    def origin_allowed(self, origin: str, host: str) -> bool:
        """Return whether a page from this origin may call: one served under the very Host that it calls."""
        if origin.rstrip("/") in self._origins:
            return True
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme in {"http", "https"} and bool(parts.netloc) and _port(parts.netloc) == _port(host)


def bare(host: str) -> str:
    """Take the port and the brackets off a Host header."""
    match = _HOST.fullmatch(host.lower())
    return (match.group(1) if match else host.lower()).strip("[]").rstrip(".")


def _port(netloc: str) -> str:
    # A browser leaves the default port out of Origin and Host alike, a proxy may add it to one of the two.
    lower = netloc.lower()
    for default in (":80", ":443"):
        lower = lower.removesuffix(default)
    return lower


def _numeric(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
