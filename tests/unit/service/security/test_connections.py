"""Where connections are too many, those that do nothing give way."""

from __future__ import annotations

import pytest

from caviar.service.security.connections import Connections, pause_before_refusal


class Fake:
    def __init__(self, shared: Connections, address: str) -> None:
        self.shared, self.address, self.ended = shared, address, False
        shared.opened(self, address)

    def abort(self) -> None:
        self.ended = True
        self.shared.closed(self, self.address)

    def yielding(self, idle: bool) -> None:
        (self.shared.idle if idle else self.shared.busy)(self, self.address)

    is_gone = False

    @property
    def crowd(self) -> int:
        return self.shared.of(self.address)


def test_the_oldest_idle_one_of_the_address_with_the_most_gives_way() -> None:
    shared = Connections(6)
    quiet = [Fake(shared, "10.0.0.1") for _ in range(2)]
    crowd = [Fake(shared, "10.0.0.2") for _ in range(4)]
    crowd[0].yielding(False)
    late = [Fake(shared, "10.0.0.3") for _ in range(2)]
    assert [one.ended for one in crowd] == [False, True, True, False]
    assert not any(one.ended for one in quiet + late) and len(shared) == 6


def test_a_newcomer_is_let_in_even_where_all_are_busy() -> None:
    shared = Connections(2)
    busy = [Fake(shared, "10.0.0.1") for _ in range(2)]
    for one in busy:
        one.yielding(False)
    late = Fake(shared, "10.0.0.2")
    assert not any(one.ended for one in (*busy, late)) and len(shared) == 3
    busy[0].yielding(True)
    later = Fake(shared, "10.0.0.2")
    assert len(shared) == 3 and not later.ended


def test_nothing_is_kept_of_connections_that_are_closed() -> None:
    shared = Connections(100)
    for number in range(1000):
        one = Fake(shared, f"10.0.{number >> 8}.{number & 255}")
        one.yielding(number % 2 == 0)
        shared.closed(one, one.address)
    assert len(shared) == 0 and shared._idle == {} and not shared._open


@pytest.mark.parametrize(("connections", "seconds"), [(1, 0.0), (64, 0.0), (500, 0.5), (3000, 2.0)])
def test_a_crowd_waits_for_its_refusals(connections: int, seconds: float) -> None:
    shared = Connections(4000)
    one, *_ = (Fake(shared, "10.0.0.1") for _ in range(connections))
    assert pause_before_refusal({"state": {"connection": one}}) == seconds
    assert pause_before_refusal({"type": "http"}) == 0.0, "in process there is no connection"
