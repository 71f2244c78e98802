"""The talking thread: exactly once through outages, exact holdings, drops and commands to the right trial."""

import threading
import time
from collections import Counter

import pytest

from caviar.errors import RefusedError, UnreachableError
from caviar.exchange.checkpoint_uploads import CheckpointUpload, CheckpointUploads
from caviar.exchange.exchange import Exchange
from caviar.exchange.prefetch import Prefetch
from caviar.exchange.wire import Agent, CommandOrder, Result
from tests.support.waiting import wait

SEARCH = {"name": "s", "trainer": "t", "dataset": {}, "settings": {}, "objective": {}, "mode": "caviar"}


class Server:
    """The server's side of the protocol for one search, with answers that can be lost on the way."""

    def __init__(self, trials):
        self.left = list(range(trials))
        self.held = {}
        self.epochs = {}
        self.results = Counter()
        self.commands = []
        self.drops = []
        self.requests = []
        self.fail = []  # errors of the next calls: before the server heard, or after ("lost", error)
        self.lease = 30.0
        self.search = SEARCH
        self.data = {"database": "a", "revision": 5}
        self.lock = threading.Lock()

    def with_headers(self, headers):
        assert len(headers["Caviar-Agent-Secret"]) >= 32
        return self

    def call(self, _method, path, *, timeout, json=None, **_):
        if path.endswith("/wake"):
            time.sleep(0.02)
            raise UnreachableError("no hints here")
        assert path == "/exchange" and timeout > 0
        with self.lock:
            trouble = self.fail.pop(0) if self.fail else None
            if isinstance(trouble, Exception):
                raise trouble
            answer = self.answer(json)
            if trouble:
                raise trouble[1]
            return answer

    def answer(self, request):
        self.requests.append(request)
        for report in request.get("reports", ()):
            key = report["trial"], report["attempt"]
            if key not in self.held:
                continue
            known = self.epochs.setdefault(key, [])
            known += report.get("rows", [])[max(0, len(known) + 1 - report.get("first", 1)) :]
            if "result" in report:
                self.results[key] += 1
                del self.held[key]
            elif "state" in report:
                del self.held[key]
        new = [self.left.pop(0) for _ in range(min(request["want"], len(self.left)))]
        for number in new:
            self.held[f"1.{number}", 1] = number
        named = {tuple(key) for key in request["holding"]} | {
            (one["trial"], one["attempt"]) for one in request.get("reports", ())
        }
        given = [key for key, number in self.held.items() if number in new or key not in named]
        trials = [
            {"trial": trial, "attempt": attempt, "number": 0, "params": {}, "seed": 1}
            for trial, attempt in given
        ]
        commands, self.commands = self.commands, []
        drops, self.drops = self.drops, []
        return {
            **self.data,
            "lease": self.lease,
            "interval": 0.05,
            "searches": {} if 1 in request["known"] else {"1": self.search},
            "trials": trials,
            "commands": commands,
            "drop": drops,
        }

    def request(self, *_, **__):
        time.sleep(0.02)
        raise UnreachableError("no hints here")


@pytest.fixture
def talk():
    opened = []

    def start(server, **arguments):
        exchange = Exchange(server, Agent(id="a-0123456789abcdef"), **arguments)
        opened.append(exchange)
        exchange.start()
        return exchange

    yield start
    for exchange in opened:
        exchange.close(0.0)


def train(exchange, epochs=3):
    """Train the next trial as a worker would."""
    assignment = exchange.next(0.5)
    if assignment is None:
        return None
    key = assignment.key
    for epoch in range(1, epochs + 1):
        exchange.report(lambda box, epoch=epoch: box.epochs(key, 0, ["e"], epoch, [[epoch]]))
    exchange.training_ended(key, 0.001)
    exchange.report_last(key, lambda box: box.result(key, 0, Result(state="completed"), 0.001))
    return key


TROUBLE = [
    UnreachableError("gone"),
    ("lost", UnreachableError("the answer was lost")),
    RefusedError(503, "busy"),
    ("lost", RefusedError(500, "after the commit")),
]


def test_every_trial_arrives_once_through_outages(talk):
    server = Server(60)
    server.fail = list(TROUBLE)
    exchange = talk(server)
    deadline = time.monotonic() + 20
    trained = Counter()
    while sum(server.results.values()) < 60 and time.monotonic() < deadline:
        trained[train(exchange)] += 1
        if server.requests and len(server.requests) % 7 == 0:
            server.fail.append(TROUBLE[len(server.requests) % 4])
    assert exchange.close(5.0)
    assert set(server.results.values()) == {1} and len(server.results) == 60
    assert all(rows == [[1], [2], [3]] for rows in server.epochs.values())
    assert {count for key, count in trained.items() if key} == {1}, "a trial was trained twice"


def test_holding_names_what_is_in_hand(talk):
    server = Server(1)
    exchange = talk(server)
    key = exchange.next(2.0).key
    seen = len(server.requests)
    wait(lambda: len(server.requests) >= seen + 3, 5, "three more exchanges")
    assert server.requests[-1]["holding"] == [key]


def test_a_drop_reaches_the_training_thread_and_nothing_more_is_told(talk):
    server = Server(1)
    exchange = talk(server)
    key = exchange.next(2.0).key
    assert not exchange.news(key)
    server.drops = [{"trial": key[0], "attempt": key[1], "why": "the trial is cancelled"}]
    exchange.hint()
    wait(lambda: exchange.news(key), 5, "the exchange")
    assert exchange.dropped(key) == "the trial is cancelled"
    exchange.report_last(key, lambda box: box.result(key, 0, Result(state="completed"), 1.0))
    exchange.training_ended(key)
    assert exchange.close(2.0)
    assert not server.results


@pytest.mark.parametrize("data", [{"database": "b", "revision": 9}, {"database": "a", "revision": 4}])
def test_with_another_database_searches_are_learnt_again(talk, data):
    server = Server(1)
    exchange = talk(server)
    key = exchange.next(2.0).key
    with server.lock:  # it has a trial of the same name, of another search
        server.data, server.search, server.left = data, {**SEARCH, "settings": {"epochs": 9}}, [0]
        server.held.clear()
        server.drops = [{"trial": key[0], "attempt": key[1], "why": "the lease ran out"}]
    exchange.hint()
    wait(lambda: exchange.news(key), 5, "the exchange")
    exchange.report(lambda box: box.epochs(key, 0, ["e"], 1, [[1]]))  # what it was just training
    exchange.training_ended(key, 0.001)
    again = exchange.next(2.0)
    assert (again.key, again.search.settings) == (key, {"epochs": 9})
    assert not server.epochs.get(key)


def test_a_newer_revision_of_the_same_database_changes_nothing(talk):
    server = Server(2)
    exchange = talk(server)
    train(exchange)
    with server.lock:
        server.data = {"database": "a", "revision": 6}
    train(exchange)
    assert exchange.close(2.0)
    assert server.requests[-1]["known"] == [1]


def test_commands_wait_in_the_mailbox_of_their_trial(talk):
    server = Server(1)
    exchange = talk(server)
    key = exchange.next(2.0).key
    command = {
        "id": 7,
        "trial": key[0],
        "attempt": key[1],
        "kind": "set",
        "arguments": {},
        "when": {"at": "now"},
    }
    server.commands = [command, command | {"attempt": 9}]
    exchange.hint()
    wait(lambda: exchange.news(key), 5, "the exchange")
    assert exchange.commands(key) == [CommandOrder(**command)]
    assert not exchange.news(key)


def test_silence_of_a_lease_is_noticed_and_ends(talk):
    server = Server(1)
    server.lease = 0.3
    exchange = talk(server)
    exchange.next(2.0)
    server.fail = [UnreachableError("gone")] * 4
    wait(exchange.silent, 5, "the exchange")
    wait(lambda: not exchange.silent(), 5, "the exchange")


def test_a_refusal_that_will_not_pass_ends_the_agent(talk):
    server = Server(1)
    server.fail = [RefusedError(422, "this is not the protocol")]
    exchange = talk(server)
    with pytest.raises(RefusedError, match="protocol"):
        exchange.next(2.0)


def test_acknowledged_waits_for_the_server(talk):
    server = Server(1)
    exchange = talk(server)
    key = exchange.next(2.0).key
    server.fail = [UnreachableError("gone")]
    number = exchange.report(lambda box: box.epochs(key, 0, ["e"], 1, [[1]]), urgent=True)
    assert exchange.acknowledged(number, 5.0)
    assert server.epochs[key] == [[1]]


def test_short_trials_come_in_batches_and_few_calls(talk):
    server = Server(200)
    exchange = talk(server)
    while sum(server.results.values()) < 200:
        if train(exchange) is None:
            break
    assert sum(server.results.values()) == 200
    assert len(server.requests) < 60


def test_a_script_is_given_one_trial_at_a_time(talk):
    server = Server(5)
    exchange = talk(server, prefetch=Prefetch(ahead=False))
    for _ in range(5):
        train(exchange)
    wait(lambda: len(server.results) == 5, 5, "the exchange")
    assert max(request["want"] for request in server.requests) == 1


def test_the_last_message_carries_what_is_left_and_a_goodbye(talk):
    server = Server(1)
    exchange = talk(server)
    train(exchange)
    server.fail = [UnreachableError("gone")]
    assert exchange.close(5.0)
    assert server.requests[-1]["leaving"] and server.requests[-1]["want"] == 0
    assert len(server.results) == 1
    assert not any(request["leaving"] for request in server.requests[:-1])


def test_nobody_waits_to_say_goodbye_to_a_server_that_is_away(talk):
    server = Server(0)
    exchange = talk(server)
    wait(lambda: exchange.known, 5, "the exchange")
    server.fail = [UnreachableError("gone")] * 1000
    began = time.monotonic()
    assert exchange.close(30.0)
    assert time.monotonic() - began < 10


def test_an_upload_that_breaks_against_all_expectation_ends_the_agent(talk):
    class Broken(Server):
        def request(self, method, path, **arguments):
            if path.endswith("/checkpoints"):
                raise RuntimeError("nobody thought of this")
            return super().request(method, path, **arguments)

    exchange = talk(Broken(1))
    key = exchange.next(2.0).key
    CheckpointUploads(exchange).add(CheckpointUpload(key, b"x", "schedule", 0, 1, 10, 0, after=0))
    with pytest.raises(RuntimeError, match="nobody thought"):
        while True:
            exchange.next(0.1)


def test_nothing_waits_behind_a_trial_that_turns_out_long(talk):
    server = Server(40)
    prefetch = Prefetch()
    prefetch.finished(1, 0.1)  # so far they were short: some are fetched ahead
    exchange = talk(server, prefetch=prefetch)
    long = exchange.next(2.0)
    wait(lambda: len(server.held) == 1 and len(server.requests) >= 2, 10, lambda: f"{server.held}")
    assert set(server.held) == {long.key}
    assert any(one.get("state") == "released" for request in server.requests for one in request["reports"])
    assert all(request["want"] == 0 for request in server.requests[-1:])


def test_a_slice_that_held_the_interpreter_for_long_is_followed_by_an_exchange(talk):
    server = Server(1)
    exchange = talk(server)
    exchange.next(1.0)
    server.lease = 1e9  # none of a normal interval
    wait(lambda: exchange.lease == server.lease, 5, "the exchange")
    with server.lock:  # an exchange that is under way began before the slice ended: it does not count
        seen = len(server.requests)
        thread = threading.Thread(target=exchange.let_through, args=(server.lease,))
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
    thread.join(5)
    assert not thread.is_alive() and len(server.requests) > seen


def test_a_server_that_is_away_is_not_waited_for_after_a_long_slice(talk):
    server = Server(1)
    exchange = talk(server)
    exchange.next(1.0)
    server.fail = [UnreachableError("away")] * 1000
    began = time.monotonic()
    exchange.let_through(100.0)
    assert time.monotonic() - began < exchange.lease / 8
