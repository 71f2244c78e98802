"""Unknown tokens are counted by address, in a bounded memory."""

from __future__ import annotations

import pytest

from caviar.service.security.failed_logins import ADDRESSES, MOST, WINDOW_SECONDS, FailedLogins, address_of
from caviar.service.security.refusals import Refusal


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_address_may_fail_so_often_and_again_when_it_was_quiet() -> None:
    clock, counted = Clock(), []
    failures = FailedLogins(lambda: counted.append(1), clock)
    for _ in range(MOST):
        failures.admit("10.0.0.1")
        failures.note("10.0.0.1")
    with pytest.raises(Refusal) as refused:
        failures.admit("10.0.0.1")
    assert refused.value.status == 429
    failures.admit("10.0.0.2")
    clock.now += WINDOW_SECONDS + 1
    failures.admit("10.0.0.1")
    assert len(counted) == MOST


def test_addresses_without_end_hold_no_memory_without_end() -> None:
    failures = FailedLogins()
    for number in range(3 * ADDRESSES):
        failures.note(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(failures._failures) == ADDRESSES


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (("10.0.0.1", 5), "10.0.0.1"),
        (("2001:db8::1:2:3:4", 5), "2001:db8::/64"),
        (("2001:db8::ffff:9", 5), "2001:db8::/64"),
        (None, ""),
        (("testclient", 5), "testclient"),
    ],
)
def test_of_version_6_the_network_counts(client: tuple[str, int] | None, address: str) -> None:
    assert address_of({"client": client}) == address
