"""Event streams that are cut again and again: every event arrives once, in order, none is missing."""

import contextlib
import json
import random
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.support.scripted_agent import Player
from tests.support.server_process import Server, serving


class Reader:
    """Reads a stream in short pieces, each beginning where the last whole event ended."""

    def __init__(self, server: Server, path: str, seed: int) -> None:
        self.events: list[tuple[str, str, dict[str, object]]] = []  # id, kind, data
        self.cuts = 0
        self._url = f"{server.url}/api/v1{path}"
        self._random = random.Random(seed)
        self._client = httpx.Client(timeout=httpx.Timeout(20, read=0.3))

    def read(self, until: Callable[[], bool]) -> None:
        """Read and cut until something is true."""
        while not until():
            headers = {"Last-Event-ID": self.events[-1][0]} if self.events else {}
            most = self._random.choice([1, 40, 150, 400, 2000, 20000])
            text = ""
            with (
                contextlib.suppress(httpx.ReadTimeout),  # nothing new, or not yet: cut it all the same
                self._client.stream("GET", self._url, headers=headers) as response,
            ):
                assert response.status_code == 200
                for piece in response.iter_raw():
                    text += piece.decode()
                    if len(text) >= most:
                        break
            self.cuts += 1
            # The connection is cut at any byte: only what ended with an empty line has arrived.
            for block in text[:most].split("\n\n")[:-1]:
                self._take(block)

    def _take(self, block: str) -> None:
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            self.events.append((fields["id"], fields.get("event", "message"), json.loads(fields["data"])))


def cut(server: Server, cuts: int) -> int:
    """Cut the stream of a trial and of its search while epochs come in; gives the number of events."""
    epochs = 4 * cuts
    search = server.submit(1, parallel=1, settings={"epochs": epochs})
    player = Player(server)
    player.exchange(want=1)
    (key,) = player.held
    stop = threading.Event()

    def feed() -> None:
        epoch = 1
        while epoch <= epochs and not stop.is_set():
            rows = [[float(epoch + i)] for i in range(min(7, epochs - epoch + 1))]
            report = {"trial": key[0], "attempt": 1, "first": epoch, "columns": ["dev_error"], "rows": rows}
            player.exchange(reports=[report])
            epoch += len(rows)
            time.sleep(0.01)

    feeder = threading.Thread(target=feed)
    feeder.start()
    reader = Reader(server, f"/trials/{search}.0/events", seed=cuts)
    deadline = time.monotonic() + 60 + cuts

    def seen() -> list[int]:
        found: list[int] = []
        for _, kind, data in reader.events:
            if kind == "epoch":
                numbers = data["epoch"]
                found += numbers if isinstance(numbers, list) else [int(str(numbers))]
        return found

    try:
        reader.read(lambda: (reader.cuts >= cuts and len(seen()) >= epochs) or time.monotonic() > deadline)
    finally:
        stop.set()
        feeder.join()
    assert seen() == list(range(1, epochs + 1)), "an epoch is missing, or came twice"
    ids = [event[0] for event in reader.events]
    assert len(set(ids)) == len(ids)
    return len(ids)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("streams"), workers=0) as made:
        yield made


def test_thirty_cuts_lose_nothing(server: Server) -> None:
    cut(server, 30)


@pytest.mark.soak
def test_a_thousand_cuts_lose_nothing(server: Server) -> None:
    events = cut(server, 1000)
    print(f"1000 cuts, {events} events: no gap, no double")


@pytest.mark.soak
def test_a_search_stream_that_is_cut_tells_the_end_of_every_trial_once(server: Server) -> None:
    count = 60
    search = server.submit(count, parallel=20)
    player = Player(server)

    def work() -> None:
        while player.exchange(want=3)["trials"]:
            time.sleep(0.02)
            player.finish()

    worker = threading.Thread(target=work)
    worker.start()
    reader = Reader(server, f"/searches/{search}/events", seed=3)

    def ended() -> list[int]:
        trials = [data for _, kind, data in reader.events if kind == "trial"]
        return [int(str(data["number"])) for data in trials if data["state"] == "completed"]

    def over() -> bool:
        return any(data["state"] == "completed" for _, kind, data in reader.events if kind == "search")

    deadline = time.monotonic() + 120
    reader.read(lambda: (len(ended()) >= count and over()) or time.monotonic() > deadline)
    worker.join()
    assert sorted(ended()) == list(range(count))
    assert over(), "the end of the search was not told"


def test_a_made_up_position_is_refused(server: Server) -> None:
    search = server.submit(1)
    Player(server).exchange(want=1)
    for text in ("x", "-1", "1e9", "9" * 40, "1.2.3.4.5.6", "'"):
        for path in (f"/searches/{search}/events", f"/trials/{search}.0/events"):
            response = server.call("GET", path, headers={"Last-Event-ID": text})
            assert response.status_code == 422, response.text
