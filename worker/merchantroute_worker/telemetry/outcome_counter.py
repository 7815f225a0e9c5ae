"""Counts each order's outcome for pulses and metrics alike, so that the two never disagree."""

from merchantroute_worker.orders.outcome import LadderOutcome
from merchantroute_worker.telemetry.counters import Counters
from merchantroute_worker.telemetry.metrics import Metrics


class OutcomeCounter:
    """Increments both the pod's cumulative counters and its Prometheus metrics."""

    def __init__(self, counters: Counters, metrics: Metrics) -> None:
        self._counters = counters
        self._metrics = metrics

    def done(self, seconds: float) -> None:
        """Count an order as done, `seconds` after it was published."""
        self._counters.count("done")
        self._metrics.done(seconds)

    def to_ladder(self, outcome: LadderOutcome, reason: str) -> None:
        """Count an order that waits: retried after a failed attempt, refused by the bulkhead, or deferred for another
        reason.
        """
        self._counters.count(outcome)
        self._metrics.ladder(outcome, reason)

    def dead(self, reason: str) -> None:
        """Count an order sent to dead letters."""
        self._counters.count("dead")
        self._metrics.dead(reason)
