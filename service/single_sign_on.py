"""Whom a proxy in front may name: from which addresses, by which headers, and what a user's groups allow."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

EVERYBODY = "*"  # the group of all users whom the proxy names
LADDER = ("read", "submit", "steer", "admin")  # scopes; each holds the ones before it
_HEADER = re.compile(r"[A-Za-z0-9-]{1,60}")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class SingleSignOn:
    """Without networks nobody is named by a header, whoever sends one."""

    networks: tuple[Network, ...] = ()
    user_header: str = "X-Forwarded-User"
    groups_header: str = "X-Forwarded-Groups"
    scopes: Mapping[str, str] = field(default_factory=lambda: {EVERYBODY: "read"})  # of a group

    def trusts(self, address: str) -> bool:
        """Return whether what comes from an address may name its user."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
            found = found.ipv4_mapped
        return any(found in network for network in self.networks)

    def scope_of(self, groups: list[str]) -> str | None:
        """Return the widest scope that groups have; None where none has one."""
        found = {self.scopes[one] for one in (*groups, EVERYBODY) if one in self.scopes}
        return max(found, key=LADDER.index, default=None)


def networks_of(text: str) -> tuple[Network, ...]:
    """Read addresses and networks, separated by commas. Raises ValueError, which says what is wrong."""
    found = []
    for one in filter(None, map(str.strip, text.split(","))):
        network = ipaddress.ip_network(one)  # says itself what is wrong, host bits too
        if network.prefixlen == 0:
            raise ValueError(f"{one} is every address: then anybody could be anybody")
        found.append(network)
    return tuple(found)


def header_of(text: str) -> str:
    """Read the name of a header. Raises ValueError."""
    if not _HEADER.fullmatch(text):
        raise ValueError(f"{text!r} is not the name of a header")
    return text


def scopes_of(text: str) -> dict[str, str]:
    """Read GROUP=SCOPE pairs, separated by commas. Raises ValueError."""
    found = {}
    for one in filter(None, map(str.strip, text.split(","))):
        group, equals, scope = one.rpartition("=")
        if not (equals and group.strip()) or scope.strip() not in LADDER:
            raise ValueError(f"{one!r} is not GROUP=SCOPE with one of {', '.join(LADDER)}")
        found[group.strip()] = scope.strip()
    return found
