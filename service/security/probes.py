"""The way of the probes: answered from memory as soon as their head has come, whatever else goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus

from caviar.service.security.addresses import Addresses
from caviar.service.security.headers import SECURITY_HEADERS

Answer = Callable[[], tuple[int, bytes] | None]
# Who sends one of these asks more than whether the server lives: the application decides.
_MORE = frozenset(
    {b"origin", b"sec-fetch-site", b"content-length", b"transfer-encoding", b"expect", b"upgrade"}
)


class Probes:
    """Answers by path; None of one that is not known now, such as a readiness that is too old."""

    def __init__(self, addresses: Addresses, answers: Mapping[bytes, Answer]) -> None:
        self._addresses = addresses
        self._answers = answers

    def answer(self, method: bytes, url: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
        """Return the whole answer to a probe; None for what is none, which goes the way of all requests."""
        known = self._answers.get(url)
        if known is None or method not in (b"GET", b"HEAD"):
            return None
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1 or any(name in _MORE for name, _ in headers):
            return None
        if not self._addresses.host_allowed(hosts[0].decode("latin-1").lower()):
            return None
        found = known()
        return None if found is None else _written(*found, head=method == b"HEAD")


def _written(status: int, body: bytes, head: bool) -> bytes:
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode(),
        b"content-type: application/json",
        b"content-length: %d" % len(body),
        *(name + b": " + value for name, value in SECURITY_HEADERS),
        b"",
        b"" if head else body,
    ]
    return b"\r\n".join(lines)
