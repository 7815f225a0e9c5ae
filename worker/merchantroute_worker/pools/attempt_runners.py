"""Runs an attempt at an order's calls in this process, or in a child process of the prefork pool."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Any, Protocol

from merchantroute_worker.calls.attempt import CallObserver, attempt
from merchantroute_worker.calls.http_client import Client, HttpClient
from merchantroute_worker.orders.answers import Answer
from merchantroute_worker.orders.attempt_result import Attempt
from merchantroute_worker.orders.envelope import Order
from merchantroute_worker.orders.route import Merchant, Route
from merchantroute_worker.orders.steps.step import Step

_NO_ENTRIES: Mapping[str, Any] = {}


class ChildLost(Exception):
    """The child process ended before its calls did."""


class AttemptRunner(Protocol):
    """Makes one attempt at an order."""

    def attempt(self, order: Order, merchant: Merchant, route: Route, observer: CallObserver) -> Attempt:
        """Make the remaining calls. ChildLost when their process is gone, UnusableEndpoint as in `calls/request.py`."""

    def timeout(self, route: Route, steps: Sequence[Step]) -> float:
        """Give the time-out (seconds) of what the bulkhead sees as one call of an order with these steps."""


class InProcess:
    """Makes the calls in the current greenlet or thread."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def attempt(self, order: Order, merchant: Merchant, route: Route, observer: CallObserver) -> Attempt:
        """See `AttemptRunner`."""
        return attempt(order, merchant, route, self._client, observer)

    def timeout(self, route: Route, steps: Sequence[Step]) -> float:
        """See `AttemptRunner`: a call of its own, the longest that a step allows."""
        longest = route.call_timeout
        for step in steps:
            if step.shape is not None and step.shape.call_timeout is not None:
                longest = max(longest, min(step.shape.call_timeout, route.deadline))
        return longest


class InChildProcess:
    """Makes the calls in a child process of Celery's prefork pool; this thread waits. The parent gets the result of
    each call only after the attempt has ended, so the bulkhead sees an attempt as one call.
    """

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    def attempt(self, order: Order, merchant: Merchant, route: Route, observer: CallObserver) -> Attempt:
        """See `AttemptRunner`."""
        # A child needs the route's limits, but not every merchant's endpoint and credentials.
        limits = replace(
            route, merchants=_NO_ENTRIES, own_steps=_NO_ENTRIES, credentials=_NO_ENTRIES, own_queues=_NO_ENTRIES
        )
        results: SimpleQueue[Any] = SimpleQueue()
        self._pool.apply_async(_in_child, (order, merchant, limits), callback=results.put, error_callback=results.put)
        result = results.get()
        if not isinstance(result, _ChildResult):
            raise _error(result)
        for step, answer, seconds in result.calls:
            observer.ended(step, answer, seconds)
        return result.attempt

    def timeout(self, route: Route, steps: Sequence[Step]) -> float:
        """See `AttemptRunner`: all calls of an attempt."""
        del steps
        return route.deadline


@dataclass(frozen=True, kw_only=True)
class _ChildResult:
    attempt: Attempt
    calls: tuple[tuple[Step, Answer, float], ...]


class _CallRecorder:
    def __init__(self, trace: Mapping[str, str]) -> None:
        self.trace = trace
        self.calls: list[tuple[Step, Answer, float]] = []

    def begins(self, step: Step) -> Mapping[str, str]:
        del step
        return self.trace

    def ended(self, step: Step, answer: Answer, seconds: float) -> None:
        self.calls.append((step, answer, seconds))


_client: HttpClient | None = None


def _in_child(order: Order, merchant: Merchant, route: Route) -> _ChildResult:
    global _client  # noqa: PLW0603 - a child serves many orders, and reuses its connections
    if _client is None:
        _client = HttpClient(1)
    _client.reap()
    recorder = _CallRecorder(order.trace)
    result = attempt(order, merchant, route, _client, recorder)
    return _ChildResult(attempt=result, calls=tuple(recorder.calls))


def _error(failure: Any) -> Exception:
    """Unwrap billiard's exception info: it wraps a child's exception, and reports a lost child with an error of its
    own.
    """
    from billiard.exceptions import WorkerLostError

    error = getattr(failure, "exception", failure)
    error = getattr(error, "exc", error)
    if isinstance(error, WorkerLostError | SystemExit):
        return ChildLost(str(error))
    return error if isinstance(error, Exception) else ChildLost(repr(error))
