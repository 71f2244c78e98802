"""What Prometheus may scrape. Counting takes a microsecond; the database is asked only at a scrape."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter, Request, Response
from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from caviar.service.usecases.agents_wanted import AgentsWanted

LATENCIES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
FRESH_SECONDS = 1.0


@dataclass(frozen=True)
class Counts:
    """What only the store knows, at one moment."""

    trials: Mapping[str, int] = field(default_factory=dict)  # state: trials of all searches
    agents: int = 0  # that were heard of within their lease
    suspended: int = 0  # of these, given no trials because too many fail on them
    drifted: int = 0  # searches whose last re-test has failed
    work: AgentsWanted = AgentsWanted(wanted=0, busy=0)  # noqa: RUF009 - it is frozen


class Metrics:
    """The instruments of one server, on a registry of its own: two servers may share a process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.proposals = Counter("caviar_proposals", "Trials proposed", registry=self.registry)
        self.lease_expiries = Counter("caviar_lease_expiries", "Leases that ran out", registry=self.registry)
        self.failed_logins = Counter(
            "caviar_failed_logins", "Tokens and sessions that nobody knows", registry=self.registry
        )
        self.exchange_seconds = self._histogram(
            "caviar_exchange_seconds", "Worker exchanges, from request to answer"
        )
        self.commit_seconds = self._histogram("caviar_commit_seconds", "Commits, with the sync to disk")

    def gauges(self, source: Callable[[], Counts]) -> None:
        """Ask this for the gauges at a scrape, at most once a second."""
        self.registry.register(_Gauges(source))

    def text(self) -> bytes:
        """Return everything in the exposition format."""
        return generate_latest(self.registry)

    def _histogram(self, name: str, help_text: str) -> Histogram:
        return Histogram(name, help_text, buckets=LATENCIES, registry=self.registry)


class _Gauges(Collector):
    def __init__(self, source: Callable[[], Counts], clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._until = float("-inf")
        self._counts = Counts()

    def describe(self) -> Iterable[GaugeMetricFamily]:
        # Keeps the registry from asking the source when it is registered, before the database may be there.
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        if self._clock() >= self._until:
            self._counts = self._source()
            self._until = self._clock() + FRESH_SECONDS
        trials = GaugeMetricFamily("caviar_trials", "Trials, by state", labels=["state"])
        for state, count in self._counts.trials.items():
            trials.add_metric([state], count)
        yield trials
        yield GaugeMetricFamily("caviar_agents", "Agents heard of within their lease", self._counts.agents)
        help_text = "Agents that are given no trials, because too many fail on them"
        yield GaugeMetricFamily("caviar_agents_suspended", help_text, self._counts.suspended)
        help_text = "Searches whose last re-test has failed"
        yield GaugeMetricFamily("caviar_searches_drifted", help_text, self._counts.drifted)
        work = self._counts.work
        yield GaugeMetricFamily("caviar_agents_busy", "Agents with trials in hand", work.busy)
        yield GaugeMetricFamily("caviar_agents_wanted", "Trials that could start now", work.wanted)


router = APIRouter(tags=["operations"])


@router.get("/metrics", response_class=Response, summary="Prometheus metrics")
def read_metrics(request: Request) -> Response:
    # On a thread, because the gauges may ask the database.
    return Response(request.app.state.services.metrics.text(), media_type=CONTENT_TYPE_LATEST)
