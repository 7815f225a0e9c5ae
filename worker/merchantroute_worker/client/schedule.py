"""Schedule of orders to publish, and the back-off after a failure: exponential, with jitter. No I/O, no clock."""

import heapq
import itertools
import random

from merchantroute_worker.client.pending import Pending

FASTEST, SLOWEST = 0.05, 1.0


class Schedule:
    """A priority queue of orders by due time (monotonic seconds); first in, first out where that is equal."""

    def __init__(self) -> None:
        self._count = itertools.count()
        self._due: list[tuple[float, int, Pending]] = []

    def add(self, pending: Pending, due: float) -> None:
        """Add an order that is due then; not one that is settled already."""
        if pending.outcome is None:
            heapq.heappush(self._due, (due, next(self._count), pending))

    def next_due(self) -> float | None:
        """When the next order is due, None when there is none."""
        return self._due[0][0] if self._due else None

    def pop(self, now: float) -> Pending | None:
        """Remove and give the next order that is due, None when there is none."""
        return heapq.heappop(self._due)[2] if self._due and self._due[0][0] <= now else None

    def forget_settled(self) -> None:
        """Remove settled orders: while no connection opens, nobody pops those whose callers have given up."""
        self._due = [entry for entry in self._due if entry[2].outcome is None]
        heapq.heapify(self._due)

    def all(self) -> list[Pending]:
        """All orders, in no particular order."""
        return [entry[2] for entry in self._due]


def pause(failures: int) -> float:
    """Seconds before the next attempt: exponential back-off, with jitter so that processes do not retry together."""
    return min(FASTEST * 2.0 ** min(failures - 1, 10), SLOWEST) * random.uniform(0.5, 1.0)
