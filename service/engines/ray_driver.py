"""The process that talks to a Ray cluster, started by the server; nothing else imports Ray.

It is a process of its own because Ray ends its driver where the cluster goes away, and takes signals. It
reads lines of JSON: first what agents are told, then how many are wanted; the end of its input ends it. It
writes lines of JSON: what became of the cluster and the agents.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import RayError

LOOK_SECONDS = 0.2
PING_SECONDS = 2.0  # between two questions whether an actor is there
AWAY_SECONDS = 5.0  # without an answer: not yet scheduled, or restarted elsewhere
SILENT_SECONDS = 20.0  # without an answer of the head, after which the cluster is taken for gone
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # before agents are asked for again that could not begin
STORE_BYTES = 80 * 2**20  # of a cluster of this machine: agents keep nothing in Ray
GONE = 3  # exit code: the cluster does not answer


def say(event: str, **more: Any) -> None:
    """Tell the server something."""
    print(json.dumps({"event": event, **more}), flush=True)  # noqa: T201 - what it reads


@dataclass
class Member:
    """An actor: when it last answered, and the questions that are open."""

    actor: Any
    kind: str  # its slot, as JSON
    ended: Any
    ping: Any
    asked: float
    heard: float | None = None
    now: tuple[str, ...] = ()  # its name, another one after a restart, and its agents

    def away(self, now: float) -> bool:
        """Return whether it waits for a place in the cluster."""
        return self.heard is None or now - self.heard > AWAY_SECONDS


@dataclass
class Members:
    """The actors of a server; Ray restarts those that die, this asks for more and lets idle ones go."""

    order: Mapping[str, Any]
    most: int
    known: list[Member] = field(default_factory=list)
    _pause: float = 0.0
    _again: float = 0.0  # when agents may be asked for

    def follow(self, wanted: Mapping[str, int], now: float) -> None:
        """Bring the number of actors of each kind nearer to how many are wanted."""
        self._look(now)
        have = Counter(member.kind for member in self.known)
        for kind in sorted(have | Counter(wanted)):
            for _ in range(min(wanted.get(kind, 0) - have[kind], self.most - len(self.known))):
                if now >= self._again:
                    self.known.append(self._made(kind, now))
            surplus = [m for m in self.known if m.kind == kind and m.away(now)]
            for member in surplus[: max(0, have[kind] - wanted.get(kind, 0))]:
                self._let_go(member)  # it trains nothing; and what waits has a cluster grow

    def leave(self, seconds: float) -> None:
        """Have all hand back what they hold, and end."""
        for member in self.known:
            member.actor.leave.remote()
        there = [member.ended for member in self.known if not member.away(time.monotonic())]
        if there:
            ray.wait(there, num_returns=len(there), timeout=seconds)

    def _made(self, kind: str, now: float) -> Member:
        slot = json.loads(kind)
        actor = (
            _remote()
            .options(
                num_cpus=slot["cpus"],
                num_gpus=slot["gpus"],
                resources=slot["custom"],
                max_restarts=-1,
                max_task_retries=-1,
                max_concurrency=4,
            )
            .remote({**self.order, "slot": json.dumps({**slot, "exact": True})})
        )
        return Member(actor, kind, actor.wait.remote(), actor.ping.remote(), now)

    def _look(self, now: float) -> None:
        """Take in what actors say."""
        if not self.known:
            return
        questions = [one for member in self.known for one in (member.ended, member.ping)]
        answered = set(ray.wait(questions, num_returns=len(questions), timeout=0, fetch_local=False)[0])
        for member in list(self.known):
            if member.ended in answered:
                self._take_leave(member)
            elif member.ping in answered:
                self._hear(member, now)
                if now - member.asked >= PING_SECONDS:
                    member.ping, member.asked = member.actor.ping.remote(), now

    def _hear(self, member: Member, now: float) -> None:
        try:
            found = tuple(ray.get(member.ping))
        except RayError:  # it is gone for good: `ended` says why
            return
        if member.now[:1] not in ((), found[:1]):
            _lost(member)
        member.now, member.heard, self._pause = found, now, 0.0

    def _take_leave(self, member: Member) -> None:
        try:
            ray.get(member.ended)
        except RayError as error:
            self._pause = min(LONGEST_PAUSE, max(FIRST_PAUSE, 2 * self._pause))
            self._again = time.monotonic() + self._pause
            say("problem", text=reason(error))
            _lost(member)
        self._let_go(member)

    def _let_go(self, member: Member) -> None:
        self.known.remove(member)
        ray.kill(member.actor)


def _lost(member: Member) -> None:
    """Tell of the agents of an actor that has died: their leases would, but later."""
    for agent in member.now[1:]:
        say("lost", agent=agent)


def reason(error: Exception) -> str:
    """Return what an error of Ray comes down to: its last line, without the traceback of the actor."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _remote() -> Any:
    """Return the class of the actors; it is sent by value, so that a node without Caviar can say so."""

    class CaviarAgent:
        def __init__(self, order: dict[str, Any]) -> None:
            import socket

            server, node = order["version"], socket.gethostname()
            try:
                from caviar import __version__
            except ImportError:
                found = "no Caviar"
            else:
                found = f"Caviar {__version__}"
            if found != f"Caviar {server}":
                remedy = f"install it there: pip install 'caviar[ray]=={server}'"
                raise RuntimeError(f"node {node} has {found}, the server has Caviar {server}; {remedy}")
            from caviar.service.engines.ray_agent import AgentOfNode, AgentOrder

            self.agent = AgentOfNode(AgentOrder(**order))

        def ping(self) -> list[str]:
            return self.agent.now()

        def wait(self) -> str:
            return str(self.agent.wait())

        def leave(self) -> None:
            self.agent.leave()

    return ray.remote(CaviarAgent)


def connect(address: str | None, most: int) -> None:
    """Join the cluster, or start one of this machine alone. Raises what Ray raises."""
    quiet = {"configure_logging": False, "log_to_driver": False, "logging_level": logging.ERROR}
    if address is not None:
        ray.init(address=address, namespace="caviar", **quiet)
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    ray.init(
        address="local",
        num_cpus=max(cores, most),
        include_dashboard=False,
        object_store_memory=STORE_BYTES,
        namespace="caviar",
        **quiet,
    )


class Input:
    """What the server wants by now; a thread reads it."""

    def __init__(self) -> None:
        self.first: dict[str, Any] = json.loads(sys.stdin.readline())
        self.wanted: dict[str, int] = {}
        self.over = threading.Event()
        threading.Thread(target=self._read, name="input", daemon=True).start()

    def _read(self) -> None:
        for line in sys.stdin:
            self.wanted = json.loads(line)
        self.over.set()


class Pulse:
    """Asks the head now and then whether it is there; what hangs must not keep this process."""

    def __init__(self) -> None:
        self.beat = time.monotonic()
        self.nodes = -1
        self.over = False
        threading.Thread(target=self._ask, name="pulse", daemon=True).start()
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def _ask(self) -> None:
        while not self.over:
            nodes = sum(bool(node["Alive"]) for node in ray.nodes())
            self.beat = time.monotonic()
            if nodes != self.nodes:
                say("nodes", count=nodes, resources=str(ray.cluster_resources().get("CPU", 0)))
                self.nodes = nodes
            time.sleep(PING_SECONDS)

    def _watch(self) -> None:
        while time.monotonic() - self.beat < SILENT_SECONDS:
            time.sleep(LOOK_SECONDS)
            if self.over:
                return
        say("problem", text=f"the cluster has not answered for {SILENT_SECONDS:.0f} s")
        os._exit(GONE)


def main() -> int:
    """Keep agents at work until the server has ended."""
    given = Input()
    order, settings = given.first["order"], given.first["cluster"]
    try:
        connect(settings["address"], settings["most"])
    except (RayError, RuntimeError, ValueError, OSError) as error:  # no head; other versions; no token
        say("problem", text=f"cannot join: {reason(error)}")
        return GONE
    if settings["any_address"]:
        order["url"] = f"http://{ray.util.get_node_ip_address()}:{settings['port']}"
    say("joined", url=order["url"])
    pulse = Pulse()
    members = Members(order, settings["most"])
    while not given.over.wait(LOOK_SECONDS):
        members.follow(given.wanted, time.monotonic())
    members.leave(settings["grace"])
    pulse.over = True
    time.sleep(LOOK_SECONDS)
    ray.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
