"""Prometheus metrics of the operator itself; never with a merchant's name.

Those of routes and lanes are in ``reconcile.route_metrics``.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from wsgiref.simple_server import WSGIServer

from prometheus_client import Counter, Gauge, Histogram, start_http_server

_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)  # the kernel was started without, or told to do without
_BUCKETS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)

PASSES = Counter("merchantroute_operator_passes", "Passes over routes", ["result"])
PASS_ERRORS = Counter("merchantroute_operator_pass_errors", "Passes that failed, by the error's reason", ["reason"])
PASS_SECONDS = Histogram("merchantroute_operator_pass_seconds", "Duration of a pass", buckets=_BUCKETS)
PASS_AT = Gauge("merchantroute_operator_last_pass_timestamp_seconds", "When the last pass ended, seconds since epoch")
QUEUE_DEPTH = Gauge("merchantroute_operator_queue_depth", "Routes that are due for a pass and wait")
LONGEST_WAIT = Gauge(
    "merchantroute_operator_longest_wait_seconds", "How long the longest pass has run, or a due route has waited"
)
KUBE_CALLS = Histogram(
    "merchantroute_operator_kube_call_seconds",
    "Calls of the API server",
    ["method", "kind", "result"],
    buckets=_BUCKETS,
)
BROKER_CALLS = Histogram(
    "merchantroute_operator_broker_call_seconds",
    "Calls of the broker's management API",
    ["method", "result"],
    buckets=_BUCKETS,
)
PULSES = Counter("merchantroute_operator_pulses", "Pulses of worker pods", ["result"])
SCALED = Counter("merchantroute_operator_scaled", "Changes of a lane's number of pods", ["reason"])
BROKERS_GIVEN_UP = Counter(
    "merchantroute_operator_brokers_given_up", "Routes that went while their broker did not answer, queues left behind"
)
UNEXPECTED = Counter(
    "merchantroute_operator_unexpected_errors", "Errors that nothing foresaw, caught so that others go on", ["part"]
)
MISSED_EVENTS = Counter(
    "merchantroute_operator_missed_events", "Objects whose change no watch told, found by a comparison", ["kind"]
)
LEADER = Gauge("merchantroute_leader", "1 while this process is the active operator, 0 in a stand-by")
RESTARTS = Counter("merchantroute_operator_restarts", "Loops that ended by an error and were started again", ["loop"])


@dataclass(slots=True)
class Outcome:
    """How a pass ended."""

    failed: bool = False


@contextmanager
def passing() -> Iterator[Outcome]:
    """Count and time the pass in the block; one that raises is ``failed``, and one that says so of its outcome."""
    started = time.monotonic()
    outcome = Outcome()
    try:
        yield outcome
    except BaseException:
        outcome.failed = True
        raise
    finally:
        PASSES.labels("failed" if outcome.failed else "done").inc()
        PASS_SECONDS.observe(time.monotonic() - started)
        PASS_AT.set_to_current_time()


def kube_call(method: str, kind: str, seconds: float, well: bool) -> None:
    """The hook of ``kube.client.connect``."""
    KUBE_CALLS.labels(method, kind, _result(well)).observe(seconds)


def broker_call(method: str, seconds: float, well: bool) -> None:
    """The hook of ``rabbit.broker.RabbitBroker``."""
    BROKER_CALLS.labels(method, _result(well)).observe(seconds)


def pulse(good: bool) -> None:
    """The hook of ``rabbit.pulses.PulseListener``."""
    PULSES.labels("received" if good else "dropped").inc()


@contextmanager
def leading() -> Iterator[None]:
    """Say that this process is the active operator, for the time of the block."""
    LEADER.set(1)
    try:
        yield
    finally:
        LEADER.set(0)


def watch_queue(depth: Callable[[], int], longest_wait: Callable[[], float]) -> None:
    """From now on the queue's depth and its longest wait, in seconds, are asked for at each scrape."""
    QUEUE_DEPTH.set_function(depth)
    LONGEST_WAIT.set_function(longest_wait)


def serve(port: int) -> WSGIServer:
    """Answer ``/metrics`` on ``port``, on IPv4 and IPv6, from a thread of its own, so that a blocked loop can be seen.

    Returns the server, for who wants to end it.
    """
    try:
        server, _ = start_http_server(port, "::")  # :: takes IPv4 too, unless net.ipv6.bindv6only says otherwise
    except OSError as error:
        if error.errno not in _NO_IPV6:
            raise
        server, _ = start_http_server(port)
    return server


def _result(well: object) -> str:
    return "done" if well else "failed"
