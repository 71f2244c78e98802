"""Requests that the server makes to addresses that people name: to public ones, and to those an admin allows.

The address that was checked is the one that is connected to, so a name that answers otherwise a moment later
leads nowhere else; redirects are not followed, and no proxy of the environment is used.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpcore

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_TRANSLATED = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))
SECONDS = 10.0  # for a whole request, looking the name up included


def target_of(url: str) -> tuple[str, int]:
    """Return host and port of an address. Raises ValueError for one that nothing is sent to."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r:.100} is not an address of the web")
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address with a name or password in it would show them")
    if not url.isascii() or any(letter <= " " for letter in url):
        raise ValueError(f"{url!r:.100} has letters that an address cannot have")
    return parts.hostname, parts.port or {"http": 80, "https": 443}[parts.scheme]


class ForbiddenTargetError(Exception):
    """An address is not public, and no admin allows it; the text names it."""


def is_allowed(address: Address, networks: Iterable[Network] = ()) -> bool:
    """Return whether requests may go to an address: a public one, or one of these networks."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return is_allowed(address.ipv4_mapped, networks)
    if any(address in network for network in networks):
        return True
    if isinstance(address, ipaddress.IPv6Address) and any(address in network for network in _TRANSLATED):
        return False  # stands for an address of the old kind, which may be private
    return address.is_global and not (address.is_multicast or address.is_reserved)


async def allowed_address(host: str, port: int, networks: Iterable[Network]) -> str:
    """Look a host up; return an address of it to connect to.

    Raises ForbiddenTargetError when any of its addresses is forbidden, OSError when it has none.
    """
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    networks = tuple(networks)
    for address in addresses:
        if not is_allowed(address, networks):
            raise ForbiddenTargetError(f"{host} is at {address}, which is not a public address")
    return str(addresses[0])


class _Guarded(httpcore.AnyIOBackend):
    """Connects to no address that was not checked."""

    def __init__(self, networks: tuple[Network, ...]) -> None:
        self._networks = networks

    async def connect_tcp(self, host: str, port: int, *args: Any, **more: Any) -> httpcore.AsyncNetworkStream:
        """Connect. Raises ForbiddenTargetError."""
        try:
            address = await allowed_address(host, port, self._networks)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} cannot be looked up: {error}") from error
        return await super().connect_tcp(address, port, *args, **more)


async def post(url: str, body: bytes, headers: Mapping[str, str], networks: tuple[Network, ...]) -> int:
    """Send a body; return the status of the answer, whose body is not read.

    Raises ForbiddenTargetError, TimeoutError, or what httpcore raises where nothing answers.
    """
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    with anyio.fail_after(SECONDS):
        async with (
            httpcore.AsyncConnectionPool(network_backend=_Guarded(networks)) as pool,
            pool.stream("POST", url, headers=[(b"host", _host(url)), *sent], content=body) as answer,
        ):
            return int(answer.status)


def _host(url: str) -> bytes:
    parts = httpcore.URL(url)
    named = b"[" + parts.host + b"]" if b":" in parts.host else parts.host
    usual = {b"http": 80, b"https": 443}[parts.scheme]
    return named if parts.port in (None, usual) else named + b":%d" % parts.port
