"""Where the server sends requests that people ask for, and where it never does."""

from __future__ import annotations

import socket
from ipaddress import ip_address, ip_network
from typing import Any

import anyio
import pytest

from caviar.service.messages.outgoing import ForbiddenTargetError, is_allowed, post, target_of
from tests.support.receiver import receiving

INSIDE = [
    "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1", "2001:0:1::1",
]  # fmt: skip


@pytest.mark.parametrize("text", INSIDE)
def test_addresses_of_networks_inside_are_forbidden(text: str) -> None:
    assert not is_allowed(ip_address(text))


@pytest.mark.parametrize("text", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_are_allowed(text: str) -> None:
    assert is_allowed(ip_address(text))


def test_an_admin_allows_a_network_and_no_other() -> None:
    networks = [ip_network("10.1.0.0/16")]
    assert is_allowed(ip_address("10.1.2.3"), networks)
    assert is_allowed(ip_address("::ffff:10.1.2.3"), networks)
    assert not is_allowed(ip_address("10.2.0.1"), networks)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x.example/",
        "https:///path",
        "http://me:pass@x.example/",
        "file:///etc/passwd",
        "x",
        "http://a b/",
    ],
)
def test_what_is_no_address_of_the_web_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        target_of(url)


def test_a_name_that_answers_otherwise_later_leads_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        answers = iter([["93.184.216.34"], ["127.0.0.1"], ["93.184.216.34", "127.0.0.1"]])

        async def looked_up(host: str, port: int, **more: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in next(answers)]

        monkeypatch.setattr(anyio, "getaddrinfo", looked_up)
        next(answers)  # as when it was checked
        for _ in range(2):
            with pytest.raises(ForbiddenTargetError, match=r"127\.0\.0\.1"):
                anyio.run(post, f"http://hooks.example:{receiver.port}/x", b"{}", {}, ())
        assert receiver.messages == []


def test_redirects_are_not_followed() -> None:
    with receiving(status=302, location="http://169.254.169.254/latest") as receiver:
        networks = (ip_network("127.0.0.1"),)
        assert anyio.run(post, receiver.url, b"{}", {"Content-Length": "2"}, networks) == 302
        assert len(receiver.messages) == 1
